package sandbox_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"konklave/launch"
	"konklave/sandbox"
)

// TestInheritedFilterIsNotOurs: a worker, and a confined process, to which our own filter was refused has the one that it
// inherited; the kernel says "Seccomp: 2" of both.
func TestInheritedFilterIsNotOurs(t *testing.T) {
	if os.Getenv(circumstance) != filteredAlone {
		t.Skip("for the copy under a filter alone")
	}
	w := newPrison(t, sandbox.BestEffort, limits()).start(t, "c1")
	if got := finding(w.Running, sandbox.Seccomp); got.InForce {
		t.Errorf("seccomp counts as in force: %s", got.Detail)
	} else {
		t.Log(got.Detail)
	}
	out, err := exec.CommandContext(t.Context(), hostileFile, t.TempDir()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "layer seccomp false") {
		t.Errorf("confined: %v\n%s", err, out)
	}
}

// TestForeignRefusalIsNotLandlock: files are out of reach because somebody else's filter refuses them, and Landlock is not
// there.
func TestForeignRefusalIsNotLandlock(t *testing.T) {
	w := newPrisonOf(t, hostileFile, sandbox.BestEffort, limits(), "KONKLAVE_TEST_FOREIGN=1").start(t, "c1")
	if got := finding(w.Running, sandbox.Landlock); got.InForce {
		t.Errorf("Landlock counts as in force: %s", got.Detail)
	} else {
		t.Log(got.Detail)
	}
}

// TestAUserThatSomebodyIsIsNotGivenAgain: a launcher that was killed leaves conferences behind, each with its user.
func TestAUserThatSomebodyIsIsNotGivenAgain(t *testing.T) {
	needsRoot(t)
	const first = uidBase + 10
	orphan := exec.CommandContext(t.Context(), "cat")
	orphan.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: first, Gid: first}}
	hold, err := orphan.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	w := newPrison(t, sandbox.BestEffort, limits()).start(t, "c1")
	if got := finding(w.Running, sandbox.User); !got.InForce || got.Detail == "uid "+strconv.Itoa(first) {
		t.Errorf("the worker is %+v", got)
	}
	if err := errors.Join(hold.Close(), orphan.Wait()); err != nil {
		t.Error(err)
	}
}

// finding is what the launcher found of one layer.
func finding(r launch.Running, l sandbox.Layer) sandbox.Finding {
	for _, f := range r.Isolation {
		if f.Layer == l {
			return f
		}
	}
	return sandbox.Finding{Layer: l, InForce: true, Detail: "the report does not know it"}
}
