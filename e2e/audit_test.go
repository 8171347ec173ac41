//go:build !race

package e2e

import (
	"context"
	"database/sql" //nolint:depguard // the test is somebody with all rights to the database
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"konklave/client"
)

// witnessName names the witness of the tests.
const witnessName = "witness.example.net/1"

// watcher is a running `konklave witness`.
type watcher struct {
	cmd *exec.Cmd
	log *logTap
}

// watched is what a witness of an instance needs.
type watched struct {
	public           string // key of the witness
	logKey, key, dir string // files, and its directory
	machine          string // file with client_id and client_secret
}

// newWatched makes the key of a witness.
func newWatched(ctx context.Context, t *testing.T) *watched {
	t.Helper()
	dir := t.TempDir()
	w := &watched{logKey: filepath.Join(dir, "log.key"), key: filepath.Join(dir, "witness.key"), dir: filepath.Join(dir, "witness"), machine: filepath.Join(dir, "machine")}
	w.public = strings.TrimSpace(command(ctx, t, "", "witness", "key", witnessName, "--output", w.key))
	return w
}

// follow starts the witness of a server.
func (w *watched) follow(t *testing.T, s *server) *watcher {
	t.Helper()
	c := &watcher{log: &logTap{changed: make(chan struct{})}}
	c.cmd = exec.Command(program, "witness", "--log-key", w.logKey, "--key", w.key, "--url", s.address, "--machine", w.machine, "--dir", w.dir, "--every", "300ms") //nolint:noctx // ended below
	c.cmd.Stderr = c.log
	do(t, c.cmd.Start())
	t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill() // one that has just ended needs none
			_ = c.cmd.Wait()
		}
	})
	return c
}

// stop ends a witness in order.
func (c *watcher) stop(t *testing.T) {
	t.Helper()
	do(t, c.cmd.Process.Signal(syscall.SIGTERM))
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the witness ended with %v:\n%s", err, c.log)
	}
}

// signed waits until a log of more entries than these is signed, and by these witnesses, and returns how many it has then.
func signed(ctx context.Context, t *testing.T, c *client.Client, entries int64, witnesses ...string) int64 {
	t.Helper()
	for {
		last, err := c.Checkpoint(ctx)
		var names []string
		for _, w := range last.Witnesses {
			names = append(names, w.Witness)
		}
		if err == nil && last.Size > entries && slices.Equal(names, witnesses) {
			return last.Size
		}
		select {
		case <-time.After(200 * time.Millisecond): // between two looks
		case <-ctx.Done():
			t.Fatalf("not signed beyond %d entries: %+v, %v", entries, last, err)
		}
	}
}

// copyDatabase copies the database of a server that does not run.
func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		text, err := os.ReadFile(filepath.Join(from, "konklave.db"+suffix))
		if errors.Is(err, os.ErrNotExist) {
			_ = os.Remove(filepath.Join(to, "konklave.db"+suffix)) // is not there either, or shows below
			continue
		}
		do(t, err, os.WriteFile(filepath.Join(to, "konklave.db"+suffix), text, 0o600))
	}
}

// verify has an export verified and returns the status and what is said.
func verify(ctx context.Context, t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, append([]string{"audit", "verify"}, args...)...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

const auditorEmail = "auditor@example.org"

// auditor signs in as somebody who may read the log and nothing else.
func auditor(ctx context.Context, t *testing.T, s *server) *client.Client {
	t.Helper()
	c := s.client()
	_, err := c.SignIn(ctx, auditorEmail, password)
	do(t, err)
	return c
}

// firstAuditor makes that account on the server: in the browser a second person would have to agree.
func firstAuditor(ctx context.Context, t *testing.T, s *server) *client.Client {
	t.Helper()
	command(ctx, t, password+"\n", "user", "add", "--data", s.dir, "--email", auditorEmail, "--name", "Auditor", "--role", "auditor", "--password-stdin")
	return auditor(ctx, t, s)
}

// allow has the administrator add a machine for the witness, and puts its secret into the witness's file.
func (w *watched) allow(ctx context.Context, t *testing.T, admin *client.Client) {
	t.Helper()
	var made struct {
		Machine struct {
			ID string `json:"id"`
		} `json:"machine"`
		Secret string `json:"secret"`
	}
	do(t, admin.Do(ctx, http.MethodPost, "/machines", map[string]any{"name": "Witness", "scopes": []string{"audit.cosign"}}, &made),
		os.WriteFile(w.machine, []byte(made.Machine.ID+" "+made.Secret+"\n"), 0o600))
}

// TestL4L5AWitnessAndTheSignerFindARollback has a real instance signed and cosigned; then somebody with all rights changes a row,
// and somebody puts the database back.
func TestL4L5AWitnessAndTheSignerFindARollback(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*patience)
	dir, w := reachable(t), newWatched(ctx, t)
	flags := []string{"--audit-witness-keys", w.public}
	s := start(ctx, t, dir, flags...)
	admin := s.admin(ctx)
	reader := firstAuditor(ctx, t, s)
	w.allow(ctx, t, admin)
	s.log.await(ctx, t, `signs the audit log`, 1)
	size := signed(ctx, t, reader, 0)
	keys, err := os.ReadFile(filepath.Join(dir, "audit.keys"))
	do(t, err, os.WriteFile(w.logKey, keys, 0o600))
	first := w.follow(t, s)
	size = signed(ctx, t, reader, size-1, witnessName)

	out := filepath.Join(t.TempDir(), "export")
	command(ctx, t, "", "audit", "export", "--data", dir, out)
	if code, said := verify(ctx, t, "--key", w.logKey, out); code != 0 || !strings.Contains(said, "INTACT") {
		t.Errorf("exit status %d:\n%s", code, said)
	}
	first.stop(t)
	s.stop()
	saved, spoiled := t.TempDir(), t.TempDir()
	copyDatabase(t, dir, saved)
	copyDatabase(t, dir, spoiled)
	spoil(ctx, t, spoiled, 1)
	master, err := os.ReadFile(filepath.Join(dir, "master.key"))
	do(t, err, os.WriteFile(filepath.Join(spoiled, "audit.keys"), keys, 0o600), os.WriteFile(filepath.Join(spoiled, "master.key"), master, 0o600))
	out = filepath.Join(t.TempDir(), "export")
	command(ctx, t, "", "audit", "export", "--data", spoiled, out)
	code, said := verify(ctx, t, "--key", w.logKey, out)
	if code != 1 || !regexp.MustCompile(`TAMPERED.*\b1\b`).MatchString(said) {
		t.Errorf("exit status %d:\n%s", code, said)
	}

	again := start(ctx, t, dir, flags...) // and goes on
	admin = again.client()
	_, err = admin.SignIn(ctx, "admin@example.org", password)
	do(t, err)
	second := w.follow(t, again)
	const more = 20 // than what the first run may have left unsigned
	for range more {
		newMeeting(ctx, t, admin)
	}
	signed(ctx, t, auditor(ctx, t, again), size+more-1, witnessName)
	second.stop(t)
	again.stop()

	copyDatabase(t, saved, dir) // the rollback
	back := start(ctx, t, dir, flags...)
	back.log.await(ctx, t, `level=ERROR.*The audit log was put back`, 1)
	third := w.follow(t, back)
	third.log.await(ctx, t, `ALARM`, 1)
	var exit *exec.ExitError
	if err := third.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("the witness ended with %v:\n%s", err, third.log)
	}
	if kept, err := filepath.Glob(filepath.Join(w.dir, "alarm-*.txt")); err != nil || len(kept) != 1 {
		t.Errorf("the witness has kept %v, %v", kept, err)
	}
	admin = back.client() // nobody is disturbed
	_, err = admin.SignIn(ctx, "admin@example.org", password)
	do(t, err)
	if ready := fetch(ctx, t, back.address+"/readyz"); !strings.HasPrefix(ready, "ok\n") || !strings.Contains(ready, "the audit log is not signed") {
		t.Errorf("readiness is %q", ready)
	}
	back.stop()

	command(ctx, t, "", "audit", "new-log", "--data", dir, "--i-know-what-this-ends") // the way on
	on := start(ctx, t, dir, flags...)
	on.log.await(ctx, t, `another audit log begins`, 1)
	signed(ctx, t, auditor(ctx, t, on), 0)
	now, err := os.ReadFile(filepath.Join(dir, "audit.keys"))
	do(t, err)
	if lines := strings.Fields(string(now)); len(lines) != 2 || lines[0] != strings.TrimSpace(string(keys)) {
		t.Errorf("the keys are %q, were %q", now, keys)
	} else {
		out = filepath.Join(t.TempDir(), "export")
		command(ctx, t, "", "audit", "export", "--data", dir, out)
		if code, said := verify(ctx, t, "--key", filepath.Join(dir, "audit.keys"), out); code != 0 {
			t.Errorf("exit status %d:\n%s", code, said)
		}
	}
}

// spoil changes what an entry says, with all rights to the database.
func spoil(ctx context.Context, t *testing.T, dir string, index int64) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "konklave.db"))
	do(t, err)
	defer db.Close()
	for _, statement := range []string{
		`DROP TRIGGER audit_log_no_update`,
		fmt.Sprintf(`UPDATE audit_log SET body = CAST(replace(CAST(body AS TEXT), '"outcome":"success"', '"outcome":"failure"') AS BLOB)
			WHERE seq = (SELECT seq FROM audit_places WHERE leaf_index = %d)`, index),
	} {
		_, err := db.ExecContext(ctx, statement)
		do(t, err)
	}
}

// fetch reads an address.
func fetch(ctx context.Context, t *testing.T, address string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	do(t, err)
	resp, err := http.DefaultClient.Do(q)
	do(t, err)
	defer resp.Body.Close()
	text := make([]byte, 1000)
	n, _ := resp.Body.Read(text) // the end comes with the text
	return string(text[:n])
}
