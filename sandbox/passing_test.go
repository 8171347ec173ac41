package sandbox_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"konklave/fault"
	"konklave/launch"
	"konklave/sandbox"
)

// tries is how many starts fail in a row in these tests.
const tries = 4

// ownCopy is a program for one test alone.
func ownCopy(t *testing.T) string {
	t.Helper()
	from, err := os.Open(hostileFile)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	to, err := os.OpenFile(filepath.Join(dir, "worker"), os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}

// startFails wants starts that come to nothing, rather than to workers with fewer walls.
func (p *prison) startFails(t *testing.T, why string) {
	t.Helper()
	for i := range tries {
		files, _ := p.files(t, "failed-"+strconv.Itoa(i))
		running, err := p.client.Start(launch.WorkerConfig{Conference: "failed-" + strconv.Itoa(i), Epoch: 1}, files)
		if fault.As(err).Code != "launch.failed" {
			t.Errorf("%s: a start came to %+v, %v", why, running.Isolation, err)
		}
	}
	if list, err := p.client.List(); err != nil || len(list) != 0 {
		t.Errorf("%s: what failed runs: %v, %v", why, list, err)
	}
}

// probed is what a launcher finds when it starts.
func (p *prison) probed(t *testing.T) []sandbox.Layer {
	t.Helper()
	report, err := p.launcher.Probe()
	if err != nil {
		t.Fatal(err)
	}
	return report.Missing()
}

// unchanged wants the next worker to have what the probe had.
func (p *prison) unchanged(t *testing.T, name string, before []sandbox.Layer) {
	t.Helper()
	w := p.start(t, name)
	if got := w.Isolation.Missing(); !slices.Equal(got, before) {
		t.Errorf("%s misses %v, the probe missed %v", name, got, before)
	}
}

// TestAPassingRefusalCostsNoLayer: for a while the users of conferences may not run the program.
func TestAPassingRefusalCostsNoLayer(t *testing.T) {
	needsRoot(t)
	program := ownCopy(t)
	p := newPrisonOf(t, program, sandbox.BestEffort, limits())
	before := p.probed(t)
	mode(t, program, 0o700)
	p.startFails(t, "not executable")
	mode(t, program, 0o755)
	p.unchanged(t, "c1", before)
}

// TestTooManyUserNamespacesCostNoLayer: for a while the kernel has no room for another user namespace (ENOSPC).
func TestTooManyUserNamespacesCostNoLayer(t *testing.T) {
	if os.Getenv(circumstance) != rootInUser {
		t.Skip("for the copy in a user namespace")
	}
	before, err := os.ReadFile(namespacesMax)
	if err != nil {
		t.Fatal(err)
	}
	set := func(value []byte) {
		if err := os.WriteFile(namespacesMax, value, 0o644); err != nil { // a file of the kernel
			t.Fatal(err)
		}
	}
	p := newPrison(t, sandbox.BestEffort, limits())
	missing := p.probed(t)
	set([]byte("0"))
	p.startFails(t, "no user namespace")
	set([]byte(strings.TrimSpace(string(before))))
	p.unchanged(t, "c1", missing)
}

// TestALayerThatIsLostLaterFailsTheStart: for a while there are no control groups for memory.
func TestALayerThatIsLostLaterFailsTheStart(t *testing.T) {
	parent, why := groupBeside("memory")
	if why != "" {
		t.Skip(why)
	}
	p := newPrison(t, sandbox.BestEffort, limits())
	before := p.probed(t)
	dir := filepath.Join(parent, sandbox.ProcessName+"-"+strconv.Itoa(os.Getpid()))
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	p.startFails(t, "no control groups")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if all, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers")); err == nil { // version 2
		on := "+" + strings.Join(strings.Fields(string(all)), " +")
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(on), 0o644); err != nil { // a file of the kernel
			t.Fatal(err)
		}
	}
	p.unchanged(t, "c1", before)
}

// TestAGroupWithSomebodyElseInItIsNotOurs: what a launcher that was killed left behind under the same number.
func TestAGroupWithSomebodyElseInItIsNotOurs(t *testing.T) {
	parent, why := groupBeside("memory")
	if why != "" {
		t.Skip(why)
	}
	p := newPrison(t, sandbox.BestEffort, limits())
	first := p.start(t, "first")
	groups, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(first.PID), "cgroup"))
	if err != nil {
		t.Fatal(err)
	}
	_, number, _ := strings.Cut(string(groups), "/worker-")
	number, _, _ = strings.Cut(number, "\n")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(parent, sandbox.ProcessName+"-"+strconv.Itoa(os.Getpid()), "worker-"+strconv.Itoa(n+1))
	if err := os.Mkdir(next, 0o755); err != nil {
		t.Fatal(err)
	}
	orphan := exec.CommandContext(t.Context(), "cat")
	hold, err := orphan.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(next, "cgroup.procs"), []byte(strconv.Itoa(orphan.Process.Pid)), 0o644); err != nil { // a file of the kernel
		t.Fatal(err)
	}
	files, _ := p.files(t, "c1")
	running, err := p.client.Start(launch.WorkerConfig{Conference: "c1", Epoch: 1}, files)
	if fault.As(err).Code != "launch.failed" {
		t.Errorf("came to %+v, %v", running.Isolation, err)
	}
	if err := errors.Join(hold.Close(), orphan.Wait()); err != nil {
		t.Error(err)
	}
	p.unchanged(t, "c2", first.Isolation.Missing())
	_ = os.Remove(next) // the launcher may have
}

// TestStrictNeverSettlesForLess: what the probe is refused does not become the way of starting, and what passes leaves no mark.
func TestStrictNeverSettlesForLess(t *testing.T) {
	needsRoot(t)
	program := ownCopy(t)
	mode(t, program, 0o700)
	p := newPrisonOf(t, program, sandbox.Strict, limits())
	if got := p.probed(t); !slices.Contains(got, sandbox.User) {
		t.Errorf("the probe misses only %v", got)
	}
	files, _ := p.files(t, "refused")
	_, err := p.client.Start(launch.WorkerConfig{Conference: "refused", Epoch: 1}, files)
	if f := fault.As(err); f.Code != launch.CodeIncomplete || !strings.Contains(f.Message, "user") {
		t.Errorf("refused with %v", err)
	}
	mode(t, program, 0o755)
	for _, l := range sandbox.Layers() {
		if lack(l) != "" {
			return // then no conference starts here in strict mode
		}
	}
	p.unchanged(t, "c1", nil)
}

// TestWhatTheProbeIsRefusedIsTold: a lasting refusal is lived with, where the mode allows it, and the reason is given.
func TestWhatTheProbeIsRefusedIsTold(t *testing.T) {
	needsRoot(t)
	program := ownCopy(t)
	mode(t, program, 0o700)
	p := newPrisonOf(t, program, sandbox.BestEffort, limits())
	w := p.start(t, "c1")
	got := finding(w.Running, sandbox.User)
	if got.InForce || !strings.Contains(got.Detail, "as a user of its own: permission denied") {
		t.Errorf("of the user the report says %+v", got)
	}
	for _, l := range w.Isolation.Missing() {
		if l != sandbox.User && lack(l) == "" {
			t.Errorf("%s went with the user", l)
		}
	}
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
