package backup_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"konklave/backup"
)

// jobVariable holds the job of the test program that is started again to be killed.
const jobVariable = "KONKLAVE_TEST_RESTORE"

// job is a restore in a process of its own.
type job struct {
	Backup, Secret       string
	Data, DSN, MasterKey string
}

func (j job) target() backup.Target {
	return backup.Target{Data: j.Data, DSN: j.DSN, MasterKey: j.MasterKey}
}

// in is the job at a new place with SQLite.
func (j job) in(dir string) job {
	j.Data, j.MasterKey = filepath.Join(dir, "new"), filepath.Join(dir, "apart.key")
	j.DSN = "sqlite:" + filepath.Join(j.Data, "konklave.db")
	return j
}

// inMemory is a directory in memory, where nothing waits for the disk: who is killed loses nothing that he has written.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "konklave-kill-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// furnished is a house, and the job of restoring it.
func furnished(t *testing.T) (*house, []byte, job) {
	t.Helper()
	h := newHouse(t)
	h.furnish(t)
	b, _ := h.backup(t)
	path := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return h, b, job{Backup: path, Secret: h.secret}
}

// TestRestoreForAnother is the process that is killed: it tells each step and waits to be let go on.
func TestRestoreForAnother(t *testing.T) {
	text := os.Getenv(jobVariable)
	if text == "" {
		return // the tests below start it
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(j.Backup)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	goOn := bufio.NewScanner(os.Stdin)
	to := j.target().Reporting(func(step string) {
		fmt.Println("step:" + step)
		if !goOn.Scan() {
			t.Error("nobody lets it go on")
		}
	})
	if _, err := backup.Restore(t.Context(), f, j.Secret, to); err != nil {
		t.Fatal(err)
	}
}

// killedAfter restores in a process of its own, kills it with SIGKILL when it has done a step for which chosen is true, and
// returns that step, or "" when the restore was complete before.
func (j job) killedAfter(t *testing.T, chosen func(step string) bool) string {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRestoreForAnother$")
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		step, is := strings.CutPrefix(lines.Text(), "step:")
		if is && chosen(step) {
			err := cmd.Process.Kill()
			_ = cmd.Wait() // killed
			if err != nil {
				t.Fatal(err)
			}
			return step
		}
		said.WriteString(lines.Text() + "\n")
		if is {
			_, _ = in.Write([]byte("\n")) // one that has ended says why
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	return ""
}

// nth chooses the step with a number from 0.
func nth(n int) func(string) bool {
	return func(string) bool { n--; return n < 0 }
}

// is chooses a step by its name.
func is(name string) func(string) bool { return func(step string) bool { return step == name } }

// tree are the files below a directory with what they hold, but for the database.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() != ".restoring" {
			return err
		}
		if entry.IsDir() || strings.HasPrefix(entry.Name(), "konklave.db") {
			all[name] = ""
			return nil
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		all[name] = string(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestARestoreThatWasKilledIsRepeated(t *testing.T) {
	t.Parallel()
	h, b, j := furnished(t)
	var steps []string
	clean := j.in(inMemory(t))
	restored(t, h, b, clean.target().Reporting(func(step string) { steps = append(steps, step) }))
	want := tree(t, filepath.Dir(clean.Data))
	if names := slices.Sorted(maps.Keys(want)); !slices.Equal(names, []string{"apart.key", "new/empty", "new/instance.key", "new/konklave.db", "new/tls/ca.key"}) {
		t.Errorf("without a kill there is %q", names)
	}
	for _, step := range steps {
		j := j.in(inMemory(t))
		if j.killedAfter(t, is(step)) == "" {
			t.Fatalf("not killed after %q", step)
		}
		if step == "database placed" || step == "tidied" { // complete
			if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, j.target()); !errors.Is(err, backup.ErrNotEmpty) {
				t.Errorf("after %q: %v", step, err)
			}
			if rows := contents(t, j.DSN); len(rows["users"]) != 1 {
				t.Errorf("after %q there are the users %q", step, rows["users"])
			}
			continue
		}
		t.Run(step, func(t *testing.T) { restored(t, h, b, j.target()) })
		if got := tree(t, filepath.Dir(j.Data)); !maps.Equal(got, want) {
			t.Errorf("after %q there is %q, want %q", step, got, want)
		}
	}
}

// halfWay is a job that was killed when it had placed all files; again puts its directory back as it was then.
func (j job) halfWay(t *testing.T) (_ job, again func()) {
	t.Helper()
	j = j.in(inMemory(t))
	if j.killedAfter(t, is("placed tls")) == "" {
		t.Fatal("not killed")
	}
	dir, kept := filepath.Dir(j.Data), inMemory(t)
	if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return j, func() {
		if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(kept))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARestoreThatWasKilledWhileItClearedUpIsRepeated(t *testing.T) {
	t.Parallel()
	h, b, j := furnished(t)
	j, again := j.halfWay(t)
	for n := 0; ; n++ {
		again()
		step := j.killedAfter(t, nth(n))
		t.Run(step, func(t *testing.T) { restored(t, h, b, j.target()) })
		if step == "begun" {
			if n < 3 {
				t.Errorf("only %d files were removed", n)
			}
			return
		}
	}
}

func TestARestoreIntoPostgreSQLThatWasKilledIsRepeated(t *testing.T) {
	t.Parallel()
	h, b, j := furnished(t)
	server := postgres(t)
	for i, step := range []string{"begun", "staged tls/ca.key", "noted", "placed tls", "database placed"} {
		dsn, err := server.Create(t.Context(), fmt.Sprintf("k%d", i), "template0")
		if err != nil {
			t.Fatal(err)
		}
		j := j.in(inMemory(t))
		j.DSN = server.DSN("nowhere")
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, j.target()); err == nil {
			t.Error("restored into no database")
		}
		j.DSN = dsn
		if j.killedAfter(t, is(step)) == "" {
			t.Fatalf("not killed after %q", step)
		}
		lost := j.target()
		lost.DSN = server.DSN("nowhere")
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, lost); err == nil {
			t.Error("restored into no database")
		}
		if step != "database placed" {
			restored(t, h, b, j.target())
			continue
		}
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, j.target()); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("over what is there: %v", err)
		}
		if got := tree(t, j.Data); got["instance.key"] != "instance secret" || got["tls/ca.key"] != "ca secret" || len(contents(t, dsn)["users"]) != 1 {
			t.Errorf("after the refusal there is %q", got)
		}
	}
}

func TestWhatAKilledRestoreDidNotPlaceStays(t *testing.T) {
	t.Parallel()
	h, b, j := furnished(t)
	j, again := j.halfWay(t)
	for name, change := range map[string]func(j job) error{
		"a file that was changed": func(j job) error {
			return os.WriteFile(filepath.Join(j.Data, "instance.key"), []byte("precious"), 0o600)
		},
		"a file that came to it": func(j job) error {
			return os.WriteFile(filepath.Join(j.Data, "tls", "precious"), nil, 0o600)
		},
		"a directory that came to it": func(j job) error { return os.Mkdir(filepath.Join(j.Data, "precious"), 0o700) },
		"a link in place of a file": func(j job) error {
			path := filepath.Join(j.Data, "instance.key")
			return errors.Join(os.Rename(path, filepath.Join(filepath.Dir(j.Data), "moved")), os.Symlink(filepath.Join(filepath.Dir(j.Data), "moved"), path))
		},
		"a master key of its own": func(j job) error { return os.WriteFile(j.MasterKey, []byte("precious"), 0o600) },
		"a note that is damaged":  func(j job) error { return os.Truncate(filepath.Join(j.Data, ".restoring", "placing.json"), 10) },
		"a database":              func(j job) error { return os.WriteFile(strings.TrimPrefix(j.DSN, "sqlite:"), nil, 0o600) },
	} {
		again()
		if err := change(j); err != nil {
			t.Fatal(err)
		}
		before := tree(t, filepath.Dir(j.Data))
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, j.target()); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("%s: %v", name, err)
		}
		if after := tree(t, filepath.Dir(j.Data)); !maps.Equal(after, before) {
			t.Errorf("%s: there is %q, was %q", name, after, before)
		}
	}
}

func TestARestoreDoesNotReplaceWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	h, b, j := furnished(t)
	for _, c := range []struct{ name, after string }{
		{"tls", "noted"}, {"instance.key", "noted"}, {"konklave.db", "noted"}, {"../apart.key", "noted"}, {"../apart.key", "staged tls/ca.key"},
	} {
		j := j.in(inMemory(t))
		path := filepath.Join(j.Data, c.name)
		to := j.target().Reporting(func(step string) {
			if step == c.after {
				if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, to); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("%s: %v", c, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "precious" {
			t.Errorf("%s holds %q, %v", c, got, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if left := tree(t, filepath.Dir(j.Data)); len(left) != 0 {
			t.Errorf("%s: left %q", c, left)
		}
	}
}

// TestALinkThatLeadsNowhereIsNoPlaceForTheMasterKey: as to a disk that is not mounted.
func TestALinkThatLeadsNowhereIsNoPlaceForTheMasterKey(t *testing.T) {
	t.Parallel()
	h, b, j := furnished(t)
	j = j.in(inMemory(t))
	if err := os.Symlink(filepath.Join(filepath.Dir(j.Data), "unmounted"), j.MasterKey); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, j.target()); !errors.Is(err, backup.ErrNotEmpty) {
		t.Error(err)
	}
	if err := os.Remove(j.MasterKey); err != nil {
		t.Fatal(err)
	}
	if left := tree(t, filepath.Dir(j.Data)); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}
