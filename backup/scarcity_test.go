package backup_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/audit"
	"konklave/backup"
	"konklave/store/storetest"
)

func TestAFullDiskStopsABackupAndNothingElse(t *testing.T) {
	t.Parallel()
	storetest.Confined(t, aFullDiskStopsABackupAndNothingElse)
}

func aFullDiskStopsABackupAndNothingElse(t *testing.T) {
	dir, ballast := storetest.SmallDisk(t, "8m", 0) // with the data and the backups on it, as it is unless configured otherwise
	h, c := openHouse(t, dir), newClock()
	h.furnish(t)
	h.Without = append(h.Without, ballast)
	k := keeper(h, c)
	var log bytes.Buffer
	k.Log = slog.New(slog.NewTextHandler(&log, nil))
	run(t, k, c)
	c.pass <- time.Time{}
	if wait := <-c.waits; wait != k.Interval {
		t.Fatalf("with room it waits %v: %s", wait, &log)
	}
	good := names(t, k.Dir)
	large := make([]byte, 4<<20) // for which there is room once, and not twice
	_, _ = rand.Read(large)      // never fails, see crypto/rand
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "large"), large, 0o600), os.WriteFile(ballast, make([]byte, 1<<20), 0o600)); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		c.set(noon.Add(time.Duration(i+1) * 15 * time.Minute))
		c.pass <- time.Time{}
		if wait := <-c.waits; wait != time.Minute {
			t.Errorf("on a full disk it waits %v", wait)
		}
		if now := names(t, k.Dir); !slices.Equal(now, good) {
			t.Errorf("there are %v, want %v", now, good)
		}
		if left, err := filepath.Glob(filepath.Join(k.Dir, "*.part")); err != nil || len(left) != 0 {
			t.Errorf("left %v, %v", left, err)
		}
	}
	made := h.entries(t, audit.KindBackupMade) // the database has room again when the backup has failed
	if last := made[len(made)-1]; len(made) != 2 || last.Outcome != audit.OutcomeFailure || !strings.Contains(string(last.Details), "backup.disk_full") {
		t.Errorf("entries %+v", made)
	}
	if told := strings.Count(log.String(), "code=backup.disk_full"); told != 1 {
		t.Errorf("the operator was told %d times: %s", told, &log)
	}
	if _, _, err := k.Make(t.Context()); !errors.Is(err, backup.ErrDiskFull) {
		t.Errorf("by hand: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "large")); err != nil {
		t.Fatal(err)
	}
	c.pass <- time.Time{}
	if wait := <-c.waits; wait != k.Interval || len(names(t, k.Dir)) != 2 {
		t.Errorf("with room again it waits %v; there are %v", wait, names(t, k.Dir))
	}
	h.verify(t, k.Dir)
}

func TestAFullDiskStopsARestoreAndLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Confined(t, aFullDiskStopsARestoreAndLeavesNothing)
}

func aFullDiskStopsARestoreAndLeavesNothing(t *testing.T) {
	h := newHouse(t)
	h.furnish(t)
	large := make([]byte, 3<<20)
	_, _ = rand.Read(large) // never fails, see crypto/rand
	if err := os.WriteFile(filepath.Join(h.dir, "large"), large, 0o600); err != nil {
		t.Fatal(err)
	}
	b, _ := h.backup(t)
	dir, ballast := storetest.SmallDisk(t, "5m", 2<<20)
	to := backup.Target{Data: filepath.Join(dir, "new")}
	to.DSN, to.MasterKey = "sqlite:"+filepath.Join(to.Data, "konklave.db"), filepath.Join(to.Data, "master.key")
	if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, to); err == nil {
		t.Error("restored without room")
	}
	if left, err := os.ReadDir(to.Data); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	restored(t, h, b, to)
}
