package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"konklave/access"
	"konklave/store"
	"konklave/store/storetest"
)

func TestAFullDiskLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	storetest.Confined(t, aFullDiskLosesNothingAcknowledged)
}

func aFullDiskLosesNothingAcknowledged(t *testing.T) {
	dir, ballast := storetest.SmallDisk(t, "2m", 256<<10)
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
	storetest.Confined(t, fileDescriptorsRunOut)
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
	busy, err := s.Snapshot(t.Context()) // has the reader
	if err != nil {
		t.Fatal(err)
	}
	read := func(int) error {
		_, err := s.Users(t.Context(), access.DefaultTenant, "", 1)
		return err
	}
	succeeded, failures := sideBySide(16, read)
	if succeeded != 0 {
		t.Errorf("%d succeeded", succeeded)
	}
	if err := errors.Join(busy.Close(), read(0)); err != nil {
		t.Errorf("with the reader: %v", err)
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
