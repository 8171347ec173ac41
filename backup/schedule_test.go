package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"konklave/access"
	"konklave/audit"
	"konklave/backup"
)

// clock is what a keeper waits for; each wait is told to the test, which lets it pass.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits chan time.Duration
	pass  chan time.Time
}

func newClock() *clock {
	return &clock{now: noon, waits: make(chan time.Duration), pass: make(chan time.Time)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) after(d time.Duration) <-chan time.Time {
	c.waits <- d
	return c.pass
}

func keeper(h *house, c *clock) *backup.Keeper {
	h.Now = c.Now
	return &backup.Keeper{
		Instance: h.Instance, By: "controller", Dir: filepath.Join(h.dir, "backups"), Interval: 15 * time.Minute, Keep: 2, Log: slog.New(slog.DiscardHandler),
	}
}

// run runs a keeper until the test is over and returns the first wait.
func run(t *testing.T, k *backup.Keeper, c *clock) (first time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx, c.after) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return <-c.waits
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	all, err := backup.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
	}
	return names
}

// verify checks that every backup in a directory is good.
func (h *house) verify(t *testing.T, dir string) {
	t.Helper()
	for _, name := range names(t, dir) {
		f, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Verify(bytes.NewReader(f), h.secret); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (h *house) entries(t *testing.T, kind audit.Kind) []audit.Record {
	t.Helper()
	all, err := h.Store.AuditEntries(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var some []audit.Record
	for _, r := range all {
		if r.Kind == kind {
			some = append(some, r)
		}
	}
	return some
}

func TestBackupsAreMadeAtIntervals(t *testing.T) {
	t.Parallel()
	h, c := newHouse(t), newClock()
	h.furnish(t)
	k := keeper(h, c)
	if first := run(t, k, c); first != 0 {
		t.Errorf("the first backup waits %v", first)
	}
	for i, want := range []string{
		"[konklave-20261122T120000Z.backup]",
		"[konklave-20261122T121500Z.backup konklave-20261122T120000Z.backup]",
		"[konklave-20261122T123000Z.backup konklave-20261122T121500Z.backup]",
	} {
		c.set(noon.Add(time.Duration(i) * 15 * time.Minute))
		c.pass <- time.Time{}
		if wait := <-c.waits; wait != k.Interval {
			t.Errorf("after backup %d it waits %v", i, wait)
		}
		if got := fmt.Sprint(names(t, k.Dir)); got != want {
			t.Errorf("there are %s, want %s", got, want)
		}
	}
	made := h.entries(t, audit.KindBackupMade)
	if len(made) != 3 || made[2].ObjectID != "konklave-20261122T123000Z.backup" || made[2].Outcome != audit.OutcomeSuccess || made[2].ActorKind != access.KindSystem || made[2].ActorID != "controller" {
		t.Errorf("audit entries %+v", made)
	}
	h.verify(t, k.Dir)
	for _, restart := range []struct {
		at   time.Duration // after noon
		want time.Duration
	}{
		{35 * time.Minute, 10 * time.Minute},
		{45 * time.Minute, 0},
		{72 * time.Hour, 0},
		{20 * time.Minute, 10 * time.Minute}, // the clock went back: the newest of the past counts
		{-time.Hour, 0},
	} {
		later := newClock()
		later.set(noon.Add(restart.at))
		if first := run(t, keeper(h, later), later); first != restart.want {
			t.Errorf("started %v after noon it waits %v, want %v", restart.at, first, restart.want)
		}
	}
}

func TestABackupThatFailsIsToldOnceAndTriedAgain(t *testing.T) {
	t.Parallel()
	h, c := newHouse(t), newClock()
	h.furnish(t)
	k := keeper(h, c)
	var log bytes.Buffer
	k.Log = slog.New(slog.NewTextHandler(&log, nil))
	if err := os.WriteFile(k.Dir+"x", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k.Dir += "x" // not a directory
	run(t, k, c)
	for range 2 {
		c.pass <- time.Time{}
		if wait := <-c.waits; wait != time.Minute {
			t.Errorf("after a failure it waits %v", wait)
		}
	}
	failed := h.entries(t, audit.KindBackupMade)
	if len(failed) != 1 || failed[0].Outcome != audit.OutcomeFailure || strings.Count(log.String(), "no backup could be made") != 1 {
		t.Errorf("entries %+v, log %s", failed, &log)
	}
	if err := os.Remove(k.Dir); err != nil {
		t.Fatal(err)
	}
	c.pass <- time.Time{}
	if wait := <-c.waits; wait != k.Interval || len(names(t, k.Dir)) != 1 {
		t.Errorf("afterwards it waits %v; there are %v", wait, names(t, k.Dir))
	}
}

func TestTheFirstBackupComesSoonAfterTheSetUp(t *testing.T) {
	t.Parallel()
	h, c := newHouse(t), newClock()
	k := keeper(h, c)
	run(t, k, c)
	for range 2 {
		c.pass <- time.Time{}
		if wait := <-c.waits; wait != time.Minute {
			t.Errorf("without a recovery key it waits %v", wait)
		}
	}
	h.furnish(t)
	c.pass <- time.Time{}
	if wait := <-c.waits; wait != k.Interval || len(names(t, k.Dir)) != 1 {
		t.Errorf("afterwards it waits %v; there are %v", wait, names(t, k.Dir))
	}
	if entries := h.entries(t, audit.KindBackupMade); len(entries) != 1 || entries[0].Outcome != audit.OutcomeSuccess {
		t.Errorf("audit entries %+v", entries)
	}
}

func TestABackupIsWrittenToNothingThatWasPlacedThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	k := keeper(h, newClock())
	precious := filepath.Join(t.TempDir(), "precious")
	output := filepath.Join(h.dir, "output")
	if err := errors.Join(os.WriteFile(precious, []byte("precious"), 0o600), os.Symlink(precious, output+".part")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.MakeFile(t.Context(), output); !errors.Is(err, os.ErrExist) {
		t.Errorf("written through a link: %v", err)
	}
	if content, err := os.ReadFile(precious); err != nil || string(content) != "precious" {
		t.Errorf("there is %q, %v", content, err)
	}
	if err := os.Remove(output + ".part"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.MakeFile(t.Context(), output); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(output + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the part: %v", err)
	}
}

func TestWithMoreRightsOnlyFilesOfOneNameAreRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	shadow := filepath.Join(t.TempDir(), "shadow")
	if err := errors.Join(os.WriteFile(shadow, []byte("secret"), 0o600), os.Link(shadow, filepath.Join(h.dir, "linked")),
		os.Symlink(shadow, filepath.Join(h.dir, "pointing")), syscall.Mkfifo(filepath.Join(h.dir, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, plain := h.backup(t)
	asked := 0
	h.Reading = func(do func() error) error { asked++; return do() }
	_, privileged := h.backup(t)
	if asked != 1 || len(plain.Unread) != 0 || !slices.Equal(privileged.Unread, []string{"linked"}) {
		t.Errorf("asked %d times; left out %v, with more rights %v", asked, plain.Unread, privileged.Unread)
	}
	if !slices.Contains(plain.Files, "linked") || slices.Contains(privileged.Files, "linked") || len(privileged.Files) != len(plain.Files)-1 {
		t.Errorf("files %v, with more rights %v", plain.Files, privileged.Files)
	}
}

func TestABackupThatCannotBeRecordedIsNotMade(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k := keeper(h, newClock())
	k.Now = func() time.Time { // the file is complete when the time for the entry is asked for
		if len(names(t, k.Dir)) == 1 {
			cancel()
		}
		return noon
	}
	if _, _, err := k.Make(ctx); !errors.Is(err, context.Canceled) || len(names(t, k.Dir)) != 0 {
		t.Errorf("got %v; there are %v", err, names(t, k.Dir))
	}
}

func TestBackupsSideBySideWaitForEachOther(t *testing.T) {
	t.Parallel()
	h, c := newHouse(t), newClock()
	h.furnish(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			k := &backup.Keeper{Instance: h.Instance, Dir: filepath.Join(h.dir, "backups"), Keep: 10, Log: slog.New(slog.DiscardHandler)}
			k.Now = c.Now
			_, _, err := k.Make(t.Context())
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if all := names(t, filepath.Join(h.dir, "backups")); len(all) != cap(errs) {
		t.Errorf("there are %v", all)
	}
}

func TestFilesOfAnotherUserAreNamedAndLeftOut(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 { // who may read everything
		dir, err := os.MkdirTemp("", "konklave-backup-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		program := filepath.Join(dir, "test")
		content, err := os.ReadFile(os.Args[0])
		if err := errors.Join(err, os.WriteFile(program, content, 0o755), os.Chmod(program, 0o755), os.Chmod(dir, 0o777)); err != nil { // another user runs it
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("as an ordinary user: %v\n%s", err, out)
		}
		return
	}
	h, c := newHouse(t), newClock()
	h.furnish(t)
	for _, name := range []string{"instance.key", "tls"} {
		if err := os.Chmod(filepath.Join(h.dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(h.dir, "tls"), 0o700) })
	k := keeper(h, c)
	var log bytes.Buffer
	k.Log = slog.New(slog.NewTextHandler(&log, nil))
	run(t, k, c)
	for range 2 {
		c.pass <- time.Time{}
		<-c.waits
	}
	if told := strings.Count(log.String(), "[instance.key tls]"); told != 1 || len(names(t, k.Dir)) != 2 {
		t.Errorf("told %d times, there are %v:\n%s", told, names(t, k.Dir), &log)
	}
}

// killedVariable marks the test program that makes a backup in order to be killed.
const killedVariable = "KONKLAVE_TEST_BACKUP_OF"

func TestABackupThatIsKilledLeavesNothingThatVerifies(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(killedVariable); dir != "" {
		endlessBackup(t, dir)
		return
	}
	h, c := newHouse(t), newClock()
	h.furnish(t)
	k := keeper(h, c)
	endless := filepath.Join(h.dir, "endless")
	if err := errors.Join(os.WriteFile(endless, nil, 0o600), os.Truncate(endless, 512<<20)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), killedVariable+"="+h.dir)
	part := filepath.Join(k.Dir, "konklave-20261122T120000Z.backup.part")
	grown := watchGrow(t, part, 1<<20)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-grown
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	left, err := os.ReadFile(part)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Verify(bytes.NewReader(left), h.secret); !errors.Is(err, backup.ErrBroken) {
		t.Errorf("what is left verifies: %v", err)
	}
	if all := names(t, k.Dir); len(all) != 0 {
		t.Errorf("under their names there are %v", all)
	}
	if err := os.Remove(endless); err != nil {
		t.Fatal(err)
	}
	made, _, err := k.Make(t.Context())
	if err != nil {
		t.Fatalf("the next one: %v", err)
	}
	if all := names(t, k.Dir); !slices.Equal(all, []string{made.Name}) {
		t.Errorf("the next one: there are %v, want %s", all, made.Name)
	}
	h.verify(t, k.Dir)
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the part of the killed one: %v", err)
	}
}

// patience bounds the wait for another process; nothing should take nearly as long, not even on a busy machine.
const patience = 5 * time.Minute

// watchGrow tells when a file has grown beyond a size, whoever writes it. Its directory is made.
func watchGrow(t *testing.T, path string, size int64) <-chan struct{} {
	t.Helper()
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	changes := os.NewFile(uintptr(watch), "inotify")
	t.Cleanup(func() { _ = changes.Close() })
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.InotifyAddWatch(watch, filepath.Dir(path), unix.IN_MODIFY); err != nil {
		t.Fatal(err)
	}
	if err := changes.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	grown := make(chan struct{})
	go func() {
		defer close(grown)
		for some := make([]byte, 4<<10); ; {
			if _, err := changes.Read(some); err != nil {
				t.Errorf("%s never grew: %v", path, err)
				return
			}
			if info, err := os.Stat(path); err == nil && info.Size() > size {
				return
			}
		}
	}()
	return grown
}

// endlessBackup makes a backup of a house until it is killed.
func endlessBackup(t *testing.T, dir string) {
	if _, _, err := keeper(openHouse(t, dir), newClock()).Make(t.Context()); err != nil {
		t.Fatal(err)
	}
}
