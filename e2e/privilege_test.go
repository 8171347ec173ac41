//go:build !race

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"konklave/client"
)

// reachable is a data directory that other users can reach, unlike those of t.TempDir.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "konklave-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what cannot be removed lies in the temporary directory
	return dir
}

// status reads one line of /proc/PID/status.
func status(t *testing.T, pid int, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Fields(rest)
		}
	}
	t.Fatalf("no %s in the status of %d", name, pid)
	return nil
}

// call holds a short call: two people see and hear each other.
func call(ctx context.Context, t *testing.T, s *server) {
	t.Helper()
	admin := s.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	host, hostMedia := enter(ctx, t, admin, m.Link, "")
	anna, annaMedia := enter(ctx, t, s.client(), m.Link, "Anna")
	receives(ctx, t, hostMedia, anna)
	receives(ctx, t, annaMedia, host)
}

func TestAsRootEachProcessIsAUserOfItsOwn(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("this test has nothing to say when it is not started as root")
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, reachable(t), "--isolation", "strict")
	call(ctx, t, s)
	seen := map[string]string{}
	for _, p := range s.processes() {
		uids := status(t, p.pid, "Uid")
		if slices.Contains(uids, "0") || slices.Contains(status(t, p.pid, "Gid"), "0") {
			t.Errorf("%s runs as %v", p.verb, uids)
		}
		if other := seen[uids[0]]; other != "" {
			t.Errorf("%s and %s are the same user", p.verb, other)
		}
		seen[uids[0]] = p.verb
		for _, set := range []string{"CapEff", "CapPrm", "CapAmb"} {
			if caps := status(t, p.pid, set)[0]; strings.Trim(caps, "0") != "" {
				t.Errorf("%s has capabilities %s %s", p.verb, set, caps)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d users for %+v", len(seen), s.processes())
	}
	for verb, inherits := range map[string]bool{"controller": true, "front": false, "signer": false} { // what may hold secrets
		for name, mark := range map[string]string{"environ": "HOME=", "cmdline": "--isolation"} {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.pids(verb)[0], name))
			if err != nil || strings.Contains(string(raw), mark) != inherits {
				t.Errorf("%s of the %s: %q, %v", name, verb, raw, err)
			}
		}
	}
	for name, mode := range map[string]os.FileMode{"": 0o710, "run": 0o710, "konklave.db": 0o600, "master.key": 0o600, "instance.key": 0o600} {
		st, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != mode {
			t.Errorf("%q has mode %o", name, st.Mode().Perm())
		}
		if sys, ok := st.Sys().(*syscall.Stat_t); !ok || sys.Uid == 0 {
			t.Errorf("%q belongs to root", name)
		}
	}
}

func TestAnOrdinaryUserIsToldWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := reachable(t)
	var who *syscall.Credential
	if os.Geteuid() == 0 {
		const nobody = 65534
		who = &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{}}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	s := startAs(ctx, t, startOptions{program: program, who: who}, dir)
	call(ctx, t, s)
	if log := s.log.String(); !strings.Contains(log, "not separate users") || !strings.Contains(log, "not started as root") {
		t.Errorf("the log does not say that front and controller are one user:\n%s", log)
	}
}

// rootRuns runs the program with the data in dir and returns what it printed.
func rootRuns(ctx context.Context, t *testing.T, dir, in string, words ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, append(words, "--data", dir)...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// ownerOf is the user to whom something belongs, not followed when it is a link.
func ownerOf(t *testing.T, path ...string) int {
	t.Helper()
	info, err := os.Lstat(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no owner")
	}
	return int(sys.Uid)
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCommandsOfRootActAsTheOwnerOfTheData plays a controller that placed links where commands of root will write.
func TestCommandsOfRootActAsTheOwnerOfTheData(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("this test has nothing to say when it is not started as root")
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, reachable(t))
	s.stop()
	owner, front := ownerOf(t, s.dir), ownerOf(t, s.dir, "tls")
	out, err := rootRuns(ctx, t, s.dir, "", "recovery-key", "new")
	do(t, err)
	key := regexp.MustCompile("AGE-SECRET-KEY-1[A-Z0-9]+").FindString(out) + "\n"
	certificate := filepath.Join(s.dir, "tls", "ca.pem")
	do(t, os.WriteFile(certificate, []byte("front's"), 0o600), os.Chown(certificate, front, -1))

	backups, victim := filepath.Join(s.dir, "backups"), t.TempDir()
	do(t, os.RemoveAll(backups), os.Symlink(victim, backups), os.Lchown(backups, owner, -1))
	if out, err := rootRuns(ctx, t, s.dir, "", "backup"); err == nil || !strings.Contains(out, "permission denied") {
		t.Errorf("into a link: %v, %s", err, out)
	}
	do(t, os.Remove(backups), os.Mkdir(backups, 0o700), os.Symlink(filepath.Join(victim, "cron"), filepath.Join(backups, ".lock")),
		os.Lchown(filepath.Join(backups, ".lock"), owner, -1), os.Chown(backups, owner, -1))
	if out, err := rootRuns(ctx, t, s.dir, "", "backup"); err == nil || !strings.Contains(out, "permission denied") {
		t.Errorf("locked through a link: %v, %s", err, out)
	}
	if left, err := os.ReadDir(victim); err != nil || len(left) != 0 {
		t.Errorf("root wrote %v, %v", left, err)
	}
	do(t, os.Remove(filepath.Join(backups, ".lock")))

	if out, err := rootRuns(ctx, t, s.dir, "", "backup"); err != nil || strings.Contains(out, "Left out") {
		t.Fatalf("%v, %s", err, out)
	}
	entries, err := os.ReadDir(backups)
	do(t, err)
	for _, e := range entries {
		if uid := ownerOf(t, backups, e.Name()); uid != owner {
			t.Errorf("%s belongs to %d", e.Name(), uid)
		}
	}
	output := filepath.Join(t.TempDir(), "one.backup") // where root alone may write
	if out, err := rootRuns(ctx, t, s.dir, "", "backup", "--output", output); err != nil || ownerOf(t, output) != 0 {
		t.Fatalf("%v, %s", err, out)
	}
	again := reachable(t)
	do(t, os.Chown(again, owner, owner))
	if out, err := rootRuns(ctx, t, again, key, "restore", output); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	for _, name := range []string{"konklave.db", "master.key", "tls", "tls/ca.pem"} {
		if uid := ownerOf(t, again, name); uid != owner {
			t.Errorf("the restored %s belongs to %d", name, uid)
		}
	}
	restored := start(ctx, t, again)
	if uid := ownerOf(t, again, "tls", "ca.pem"); uid != front {
		t.Errorf("after a start the certificate belongs to %d, and not to the front", uid)
	}
	restored.stop()
}

func TestConferencesOfTwoServersAreDifferentUsers(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("this test has nothing to say when it is not started as root")
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	users := map[string]bool{}
	for range 2 {
		s := start(ctx, t, reachable(t))
		admin := s.admin(ctx)
		m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
		do(t, err)
		join(ctx, t, admin, m.Link, "")
		for _, pid := range s.pids("conference") {
			users[status(t, pid, "Uid")[0]] = true
		}
	}
	if len(users) != 2 {
		t.Errorf("the users of two conferences are %v", users)
	}
}
