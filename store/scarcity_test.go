package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"konklave/access"
	"konklave/store"
)

// confinedVariable marks the test program that is started again for one test in a process of its own.
const confinedVariable = "KONKLAVE_TEST_CONFINED"

// confined runs the test alone in a process with a mount namespace and limits of its own: body runs there.
func confined(t *testing.T, body func(t *testing.T)) {
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

func TestAFullDiskLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	confined(t, aFullDiskLosesNothingAcknowledged)
}

func aFullDiskLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 256<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	dsn := "sqlite:" + filepath.Join(dir, "k.db")
	s, log := openLogged(t, dsn)
	stored := 0
	var err error
	for ; err == nil && stored < 100_000; stored++ {
		err = insert(t.Context(), s, fmt.Sprintf("u%06d", stored))
	}
	stored--
	if !errors.Is(err, store.ErrDiskFull) {
		t.Fatalf("after %d users: %v", stored, err)
	}
	for range 3 {
		if err := insert(t.Context(), s, "more"); !errors.Is(err, store.ErrDiskFull) {
			t.Errorf("still full: %v", err)
		}
		if users, err := s.Users(t.Context(), access.DefaultTenant, "", 2*stored); err != nil || len(users) != stored {
			t.Errorf("while it is full %d users are there, want %d; %v", len(users), stored, err)
		}
	}
	if told := log.count("does not work"); told != 1 {
		t.Errorf("the operator was told %d times", told)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := insert(t.Context(), s, "after"); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if users, err := open(t, dsn).Users(t.Context(), access.DefaultTenant, "", 2*stored); err != nil || len(users) != stored+1 {
		t.Errorf("after opening again %d users are there, want %d; %v", len(users), stored+1, err)
	}
}

func TestFileDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	confined(t, fileDescriptorsRunOut)
}

func fileDescriptorsRunOut(t *testing.T) {
	s, _ := openLogged(t, "sqlite:"+filepath.Join(t.TempDir(), "k.db"))
	if err := insert(t.Context(), s, "before"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Users(t.Context(), access.DefaultTenant, "", 1); err != nil { // one reader is there
		t.Fatal(err)
	}
	const descriptors = 64
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: descriptors, Max: descriptors}); err != nil {
		t.Fatal(err)
	}
	var hogs []*os.File
	for len(hogs) < descriptors {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		hogs = append(hogs, f)
	}
	succeeded, failures := sideBySide(16, func(int) error {
		_, err := s.Users(t.Context(), access.DefaultTenant, "", 1)
		return err
	})
	if len(failures) == 0 || succeeded == 0 {
		t.Errorf("%d succeeded and %v", succeeded, failures)
	}
	for _, err := range failures {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without descriptors: %v", err)
		}
	}
	for _, f := range hogs {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert(t.Context(), s, "after"); err != nil {
		t.Errorf("with descriptors again: %v", err)
	}
	if users, err := s.Users(t.Context(), access.DefaultTenant, "", 10); err != nil || len(users) != 2 {
		t.Errorf("%d users, %v", len(users), err)
	}
}
