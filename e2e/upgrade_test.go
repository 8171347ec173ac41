//go:build !race

package e2e

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"konklave/client"
)

// replaceable is a copy of the program that a test may replace.
func replaceable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(reachable(t), "konklave")
	replace(t, path, program)
	return path
}

// replace puts a copy of another program at path, as an administrator does: beside it, and then renamed.
func replace(t *testing.T, path, by string) {
	t.Helper()
	in, err := os.Open(by)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(path+".next", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

// chats has both say something that both hear.
func chats(ctx context.Context, t *testing.T, one, two *client.Conference, text string) {
	t.Helper()
	for _, from := range []*client.Conference{one, two} {
		if err := from.Chat(ctx, text); err != nil {
			t.Fatal(err)
		}
		for _, to := range []*client.Conference{one, two} {
			for {
				e, err := to.Await(ctx, "chat.message")
				if err != nil {
					t.Fatal(err)
				}
				if e.Message.Text == text {
					break
				}
			}
		}
	}
}

func TestAnUpgradeDuringACallInterruptsNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	path := replaceable(t)
	s := startAs(ctx, t, startOptions{program: path}, reachable(t))
	admin := s.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	host, hostMedia := enter(ctx, t, admin, m.Link, "")
	anna, annaMedia := enter(ctx, t, s.client(), m.Link, "Anna")
	receives(ctx, t, hostMedia, anna)
	before := s.processes()
	replace(t, path, program)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.log.await(ctx, t, `msg="upgraded`, 1)
	chats(ctx, t, host, anna, "after the upgrade")
	receives(ctx, t, hostMedia, anna)
	receives(ctx, t, annaMedia, host)
	for _, session := range []*client.Conference{host, anna} {
		select {
		case <-session.Lost():
			t.Errorf("a connection was lost: %v", session.Err())
		default:
		}
	}
	after := s.processes()
	for _, p := range before {
		stays := p.verb == "conference" || p.verb == "front" // the old front carries those who are connected
		if slices.Contains(after, p) != stays {
			t.Errorf("after the upgrade %s %d: runs %v, want %v", p.verb, p.pid, !stays, stays)
		}
	}
	if len(s.pids("front")) != 2 || len(s.pids("controller")) != 1 {
		t.Errorf("processes after the upgrade: %+v", after)
	}
	newcomer, _ := enter(ctx, t, s.client(), m.Link, "Ben")
	chats(ctx, t, newcomer, host, "with a newcomer")
}

// useless is a program that tells a version and does nothing else.
const useless = `package main

import "os"

func main() {
	if len(os.Args) < 2 || os.Args[1] != "version" {
		os.Exit(1)
	}
}
`

func TestAnUpgradeThatDoesNotComeToServeChangesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	source, built, broken := filepath.Join(dir, "main.go"), filepath.Join(dir, "useless"), filepath.Join(dir, "broken")
	if err := os.WriteFile(source, []byte(useless), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", built, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(broken, []byte("not a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := replaceable(t)
	s := startAs(ctx, t, startOptions{program: path}, reachable(t))
	admin := s.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	host := join(ctx, t, admin, m.Link, "")
	anna := join(ctx, t, s.client(), m.Link, "Anna")
	fronts := s.pids("front")
	for i, by := range []string{broken, built} {
		replace(t, path, by)
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.log.await(ctx, t, `msg="upgrade failed"`, i+1)
		chats(ctx, t, host, anna, "after "+filepath.Base(by))
	}
	if !slices.Equal(s.pids("front"), fronts) || len(s.pids("controller")) != 1 {
		t.Errorf("processes after the failures: %+v", s.processes())
	}
	m2, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	join(ctx, t, s.client(), m2.Link, "Cleo") // a worker of the program that still runs
}
