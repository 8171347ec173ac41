package doctor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"konklave/config"
	"konklave/sandbox"
)

// TestIsolationIsTriedWithAProbe: a worker that goes behind its walls, one that cannot, and limits that no group takes.
func TestIsolationIsTriedWithAProbe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil { // for the users of conferences
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "worker")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "konklave/sandbox/internal/hostile")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the product is
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build a worker: %v\n%s", err, out)
	}
	worker := func() *exec.Cmd { return &exec.Cmd{Path: file, Args: []string{"worker"}} }
	c := config.Default()
	c.Isolation.UIDBase = 63500 // away from the default, so that a server on this machine is not disturbed
	best := isolation(c, worker)
	if worst(best) == Failed {
		t.Errorf("in best-effort: %+v", best)
	}
	whole, less := worst(best) == Good, worst(best)
	if whole {
		less = Advice
	}
	c.Isolation.MemoryMiB = -1
	expect(t, "memory", isolation(c, worker), less, "Delegate=memory cpu pids")
	c.Isolation.Mode = config.IsolationStrict
	expect(t, "memory, strict", isolation(c, worker), Failed, "isolation.mode is strict")
	c.Isolation.MemoryMiB = config.Default().Isolation.MemoryMiB
	if whole {
		expect(t, "strict", isolation(c, worker), Good, "all 15 layers")
	}
	if os.Geteuid() == 0 {
		if err := os.Chmod(file, 0o700); err != nil {
			t.Fatal(err)
		}
		expect(t, "users may not run it", isolation(c, worker), Failed, "as a user of its own: permission denied")
		expect(t, "users may not run it", isolation(c, worker), Failed, "mode 0755")
	}
	useless, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	worker = func() *exec.Cmd { return &exec.Cmd{Path: useless, Args: []string{"false"}} }
	expect(t, "no worker", isolation(c, worker), Failed, "No conference can be started")
}

// TestEveryMissingLayerHasARemedy, and is as bad as the mode makes it.
func TestEveryMissingLayerHasARemedy(t *testing.T) {
	t.Parallel()
	for _, missing := range sandbox.Layers() {
		var report sandbox.Report
		for _, l := range sandbox.Layers() {
			report = append(report, sandbox.Finding{Layer: l, InForce: l != missing, Detail: "the reason"})
		}
		for mode, want := range map[sandbox.Mode]Level{sandbox.BestEffort: Advice, sandbox.Strict: Failed} {
			found := isolationFindings(report, mode, 0)
			expect(t, string(missing), found, want, "Not in force: "+string(missing))
			if len(found) != 1 || strings.Contains(found[0].Fix, "documentation") {
				t.Errorf("%s: %+v", missing, found)
			}
		}
	}
	expect(t, "as somebody", isolationFindings(nil, sandbox.BestEffort, 1000), Unknown, "user 1000")
}
