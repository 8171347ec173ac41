package sandbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"konklave/sandbox"
)

// Whatever numbers the inherited files have, the process that is started is the one that was meant.
func TestAProgramSetAsideIsNeverCovered(t *testing.T) {
	t.Parallel()
	shell, err := os.Open("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, least := range []int{20, 60, 63, 64, 65, 200, 511, 512, 1023} {
		high, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, least)
		if err != nil {
			t.Fatal(err)
		}
		inherited := os.NewFile(uintptr(high), "inherited")
		for range 3 {
			program, err := sandbox.Aside(shell)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Cmd{Path: fmt.Sprintf("/proc/self/fd/%d", program.Fd()), Args: []string{"sh", "-c", "echo meant"}, ExtraFiles: []*os.File{inherited, null, shell}}
			out, err := cmd.Output()
			if err != nil || string(out) != "meant\n" {
				t.Errorf("inheriting from %d on: %q, %v", high, out, err)
			}
			_ = program.Close()
		}
		_ = inherited.Close()
	}
}
