package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"konklave/vault"
)

// instanceKeySize is the size of the instance's key in bytes.
const instanceKeySize = 32

// socketPathMax is how long a path of a unix socket may be on Linux.
const socketPathMax = 107

// longestSocket is the longest name below the data directory that a socket may have.
const longestSocket = "run/c/" + "0123456789012345678901234567890123456789" + ".ctl"

// modes are those of what controller and front share.
type modes struct{ directory, socket fs.FileMode }

// modes lets two users of one group pass through the directories, and talk through the sockets.
func (id identities) modes() modes {
	if id.separate {
		return modes{0o710, 0o660}
	}
	return modes{0o700, 0o600}
}

// makeWay makes the data directory unless it is there. Above it others may pass.
func makeWay(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if shortest := min(len(abs), len(dir)); shortest+1+len(longestSocket) > socketPathMax {
		return fmt.Errorf("the path of the data directory %q is too long for sockets below it; choose one with at most %d characters", dir, socketPathMax-1-len(longestSocket))
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil { //nolint:gosec // nothing else lies there
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make data directory: %w", err)
	}
	return nil
}

// lockDataDir makes what the processes expect in the data directory, and locks it: two servers on one directory would destroy
// each other's work. Closing the file unlocks.
func lockDataDir(dir string, m modes) (*os.File, error) {
	for _, d := range []string{filepath.Join(dir, "run"), filepath.Join(dir, "run", "c")} {
		if err := m.makeDirectory(d); err != nil {
			return nil, fmt.Errorf("make data directory: %w", err)
		}
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close() // the lock's error is the one that matters
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another server uses the data directory %q; stop it, or choose another one with --data", dir)
		}
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	return lock, nil
}

func (m modes) makeDirectory(dir string) error {
	if err := os.Mkdir(dir, m.directory); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(os.Chown(dir, -1, os.Getegid()), os.Chmod(dir, m.directory)) // where it was there, or the umask took rights
}

func instanceKeyFile(dir string) string { return filepath.Join(dir, "instance.key") }

// instanceKey reads the key of this instance, or makes it at the first start: of several who do it at once, all return one.
func instanceKey(dir string) ([]byte, error) {
	path := instanceKeyFile(dir)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		made := make([]byte, instanceKeySize)
		_, _ = rand.Read(made) // never fails, see crypto/rand
		if err := vault.WriteNew(path, made); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		key, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	if len(key) != instanceKeySize {
		return nil, fmt.Errorf("the key in %s has %d bytes instead of %d; restore it from your backup", path, len(key), instanceKeySize)
	}
	return key, nil
}

// listenUnix binds a unix socket, in place of a stale one, and returns the file alone: closing it removes nothing.
func listenUnix(path string, mode fs.FileMode) (*os.File, error) {
	return listenUnixAs("unix", path, mode)
}

// listenUnixAs is listenUnix for a kind of unix socket: unix or unixpacket.
func listenUnixAs(network, path string, mode fs.FileMode) (*os.File, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remove stale socket: %w", err)
	}
	l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(path, mode); err != nil {
		return nil, err
	}
	return l.File()
}

// inherited returns the listener at a file descriptor.
func inherited(fd uintptr, what string) (net.Listener, error) {
	f := os.NewFile(fd, what)
	if f == nil {
		return nil, fmt.Errorf("%s was not inherited; this command is started by `konklave serve`", what)
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("%s was not inherited; this command is started by `konklave serve`: %w", what, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	return l, nil
}
