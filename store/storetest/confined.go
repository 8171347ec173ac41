package storetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// confinedVariable marks the test program that is started again for one test in a process of its own.
const confinedVariable = "KONKLAVE_TEST_CONFINED"

// Confined runs the test alone in a process with a mount namespace and limits of its own: body runs there.
func Confined(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(confinedVariable) == t.Name() {
		body(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), confinedVariable+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in its own process: %v\n%s", err, out)
	}
}

// SmallDisk puts a disk of its own, of this size such as "2m", at a new directory until the test ends, and a file of
// ballast bytes on it that can be removed to make room. It is for Confined alone.
func SmallDisk(t *testing.T, size string, ballast int) (dir, ballastFile string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballastFile = filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballastFile, make([]byte, ballast), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, ballastFile
}
