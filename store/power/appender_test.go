//go:build !race

package power_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/conference"
	"konklave/journal"
	"konklave/meeting"
	"konklave/store"
	"konklave/store/storetest"
	"konklave/user"
	"konklave/vault"
)

// appenderVariable marks the test program that is started again to append to a journal; it holds the data directory.
const appenderVariable = "KONKLAVE_TEST_APPENDER"

// note is the message number n of an appender: what is stored can be told from the number alone.
func note(n int64) (conference.Stored, error) {
	at := time.Unix(1_700_000_000+n, 0).UTC()
	text := fmt.Sprint("message ", n, strings.Repeat(" and so on", int(n%50)))
	return conference.Store(conference.Event{Seq: n, At: at, By: "p", CommandID: n, Fact: &conference.ChatMessage{
		Message: conference.Message{ID: fmt.Sprint("m", n), From: "p", Name: "Anna Amtmann", Text: text, At: at},
	}})
}

// ledger is a data directory with one conference to append to.
type ledger struct {
	dir string
	id  string
}

func newLedger(t *testing.T) ledger {
	t.Helper()
	l := ledger{dir: t.TempDir()}
	l.with(t, func(db *store.Store, _ *journal.Journal) {
		anna, err := user.New{Email: "a@example.org", Name: "a", Roles: access.Ordinary.List()}.Prepare(access.DefaultTenant, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := db.InsertUser(t.Context(), anna, "", audit.UserCreated(audit.Origin{Actor: access.System("test")}, anna.ID, anna.Roles)); err != nil {
			t.Fatal(err)
		}
		m, err := meeting.NewService(db, time.Now).Create(t.Context(), anna.Actor(), meeting.New{Title: "Council"})
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := db.OpenConference(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		l.id = r.ID
	})
	return l
}

func openLedger(ctx context.Context, dir string) (*store.Store, *journal.Journal, error) {
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "k.db"), store.Options{})
	if err != nil {
		return nil, nil, err
	}
	keys, err := vault.Open(ctx, filepath.Join(dir, "master.key"), db)
	if err == nil {
		err = db.Unlock(ctx, keys)
	}
	if err != nil {
		_ = db.Close() // the first error is the one that matters
		return nil, nil, err
	}
	return db, journal.New(db, keys, slog.New(slog.DiscardHandler)), nil
}

// with opens the ledger, and closes it afterwards.
func (l ledger) with(t *testing.T, do func(*store.Store, *journal.Journal)) {
	t.Helper()
	db, j, err := openLedger(t.Context(), l.dir)
	if err != nil {
		t.Fatal(err)
	}
	do(db, j)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// command is the appender as a process: it appends until it is killed or has count messages, and writes a line for each one
// after it was told that it is stored.
func (l ledger) command(ctx context.Context, count int64, before ...string) *exec.Cmd {
	args := append(before, os.Args[0], "-test.run=^TestAppender$", "-test.timeout=5m")
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d", appenderVariable, l.id, l.dir, count))
	cmd.Stderr = os.Stderr
	return cmd
}

// TestAppender is the process that the tests of this file and of power_test.go start; by itself it does nothing.
func TestAppender(t *testing.T) {
	var l ledger
	var count int64
	if _, err := fmt.Sscan(os.Getenv(appenderVariable), &l.id, &l.dir, &count); err != nil {
		return
	}
	l.with(t, func(db *store.Store, j *journal.Journal) {
		r, err := db.Conference(t.Context(), l.id)
		if err == nil {
			r, err = db.ClaimEpoch(t.Context(), l.id, r.Epoch)
		}
		if err != nil {
			t.Fatal(err)
		}
		for n := r.Seq + 1; n <= count; n++ {
			st, err := note(n)
			if err != nil {
				t.Fatal(err)
			}
			entry := audit.ChatSent(audit.Report{At: st.At, Actor: access.Guest("g"), Conference: l.id}, fmt.Sprint("m", n))
			if err := j.Append(t.Context(), l.id, r.Epoch, n, []conference.Stored{st}, []audit.Entry{entry}, false); err != nil {
				t.Fatal(err)
			}
			if n%3 == 0 { // so that it is also killed while it does that
				if err := storetest.Sequence(t.Context(), db); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := fmt.Fprintf(os.Stdout, "stored %d\n", n); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// stored returns how many messages are there; all of them must be what was appended, with an audit entry each, which comes into the
// tree once.
func storedIn(ctx context.Context, dir, id string) (int64, error) {
	db, j, err := openLedger(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	replay, err := j.Load(ctx, id)
	if err != nil {
		return 0, err
	}
	first := replay.SnapshotSeq + 1
	for i, got := range replay.Events {
		want, err := note(first + int64(i))
		if err != nil {
			return 0, err
		}
		if string(journal.Digest([]conference.Stored{got})) != string(journal.Digest([]conference.Stored{want})) {
			return 0, fmt.Errorf("message %d is %+v", first+int64(i), got)
		}
	}
	entries, err := db.AuditEntries(ctx, 0, 1_000_000)
	if err != nil {
		return 0, err
	}
	said := int64(0)
	for _, e := range entries {
		if e.Kind == audit.KindChatSent {
			said++
		}
	}
	if said != replay.Seq {
		return 0, fmt.Errorf("%d messages and %d audit entries about them", replay.Seq, said)
	}
	if err := storetest.Sequence(ctx, db); err != nil {
		return 0, err
	}
	if leaves, err := storetest.Leaves(ctx, db); err != nil || len(leaves) != len(entries) {
		return 0, fmt.Errorf("%d entries and %d leaves, %w", len(entries), len(leaves), err)
	}
	return replay.Seq, nil
}

// TestNothingAcknowledgedIsLostWhenTheAppenderIsKilled kills the process again and again, until it has acknowledged a
// thousand messages.
func TestNothingAcknowledgedIsLostWhenTheAppenderIsKilled(t *testing.T) {
	t.Parallel()
	const enough = 1000
	l := newLedger(t)
	kills := 0
	for last := int64(0); last < enough; kills++ {
		cmd := l.command(t.Context(), 1<<40)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := killAfter(t, cmd, out, last, 1+rand.Int64N(enough/4))
		found, err := storedIn(t.Context(), l.dir, l.id)
		if err != nil {
			t.Fatalf("after kill %d: %v", kills+1, err)
		}
		if found < acknowledged || found > acknowledged+1 {
			t.Fatalf("after kill %d: acknowledged up to %d, found %d", kills+1, acknowledged, found)
		}
		last = found
	}
	t.Logf("%d kills", kills)
}

// killAfter kills the process when it has acknowledged so many messages, and returns the last one it acknowledged at all.
func killAfter(t *testing.T, cmd *exec.Cmd, out io.Reader, last, more int64) int64 {
	t.Helper()
	lines := bufio.NewScanner(out)
	for begun := last; lines.Scan(); {
		var n int64
		if _, err := fmt.Sscanf(lines.Text(), "stored %d", &n); err != nil {
			t.Fatalf("the appender said %q", lines.Text())
		}
		if n != last+1 && last != begun {
			t.Fatalf("message %d after %d", n, last)
		}
		if last = n; n == begun+more {
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	return last
}

// TestA83WhatWasSaidCannotBeReadAtRest looks for names and words in every file but the master key's, whoever reads them.
func TestA83WhatWasSaidCannotBeReadAtRest(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	if out, err := l.command(t.Context(), 60).Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if found, err := storedIn(t.Context(), l.dir, l.id); err != nil || found != 60 {
		t.Fatalf("%d messages, %v", found, err)
	}
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(l.dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"and so on", "message 4", "Anna Amtmann"} {
			if strings.Contains(string(content), word) {
				t.Errorf("%s holds %q", entry.Name(), word)
			}
		}
	}
	if err := os.Remove(filepath.Join(l.dir, "master.key")); err != nil {
		t.Fatal(err)
	}
	if found, err := storedIn(t.Context(), l.dir, l.id); err == nil {
		t.Errorf("without the master key %d messages were read", found)
	}
}
