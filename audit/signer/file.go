package signer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"konklave/audit/checkpoint"
)

// Errors of the file that keeps what was signed last.
var (
	// ErrLost says that the file is not there. It is made once, with CreateFile; a signer that began anew would sign another
	// log. Bring the file back from where it was, or write into it the newest checkpoint that anybody has.
	ErrLost = errors.New("what was signed last is not there any more")
	// ErrInUse says that another process signs with the same file.
	ErrInUse = errors.New("another process signs with this file")
)

// File is a State in a file. It is replaced as a whole, and holds a lock so that no second signer uses it.
type File struct {
	path string
	lock *os.File
}

// lockSuffix ends the name of the lock beside a file.
const lockSuffix = ".lock"

// unused is what the file holds before anything was signed; an empty file is a damaged one.
const unused = "konklave signer 1: nothing was signed yet\n"

// CreateFile makes the file of a log of which nothing was signed yet. It fails with fs.ErrExist when it is there.
func CreateFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make signer state: %w", err)
	}
	_, err = f.WriteString(unused)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

// OpenFile opens a file that CreateFile made. It fails with ErrLost, ErrInUse.
func OpenFile(path string) (*File, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrLost, path)
	} else if err != nil {
		return nil, fmt.Errorf("open signer state: %w", err)
	}
	lock, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock signer state: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrInUse, path), lock.Close())
	}
	return &File{path, lock}, nil
}

// Close lets another process sign with the file.
func (f *File) Close() error { return f.lock.Close() }

// Load implements State.
func (f *File) Load(context.Context) ([]byte, error) {
	text, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrLost, f.path)
	case err != nil:
		return nil, err
	case string(text) == unused:
		return nil, nil
	case len(text) == 0:
		return nil, checkpoint.ErrMalformed
	}
	return text, nil
}

// Save implements State.
func (f *File) Save(_ context.Context, signed []byte) error { return replace(f.path, signed) }

// replace puts a text in the place of a file as a whole, and returns when it would survive the loss of power.
func replace(path string, text []byte) error {
	next := path + ".next"
	w, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
