// Package activation hands open sockets to a process by name, as systemd does: LISTEN_FDS says how many descriptors follow
// from number 3 on, LISTEN_FDNAMES what each is called (sd_listen_fds(3)), NOTIFY_SOCKET where readiness is told
// (sd_notify(3)). So a process neither knows nor cares whether `konklave serve` or systemd started it.
package activation

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// firstFile is the number of the first descriptor handed over.
const firstFile = 3

// FilesMax is how many descriptors a process takes at most.
const FilesMax = 64

// ErrMissing is returned for a name under which nothing was handed over.
var ErrMissing = errors.New("was not handed over; this command is started by `konklave serve` or by systemd's socket units")

// Set is what was handed over. A name may stand for several descriptors.
type Set struct{ files []Named }

// Named is an open file with its name.
type Named struct {
	Name string
	File *os.File
}

// Pass makes a command inherit files by name; nil files are left out. It goes on with cmd.Env, or the own environment
// when that is nil.
func Pass(cmd *exec.Cmd, files ...Named) {
	env := cmd.Env
	if env == nil {
		env = os.Environ()
	}
	cmd.ExtraFiles = nil
	var names []string
	for _, f := range files {
		if f.File != nil {
			cmd.ExtraFiles = append(cmd.ExtraFiles, f.File)
			names = append(names, f.Name)
		}
	}
	cmd.Env = append(without(env), "LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
}

func without(env []string) []string {
	var kept []string
	for _, e := range env {
		if !strings.HasPrefix(e, "LISTEN_") && !strings.HasPrefix(e, notifySocket+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}

// Take returns what this process was handed, and keeps its own children from taking it for theirs. LISTEN_PID, where
// systemd sets it, must name this process. It is to be called once, before other files are opened.
func Take() (Set, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return Set{}, err
		}
	}
	if count == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return Set{}, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > FilesMax {
		return Set{}, fmt.Errorf("LISTEN_FDS is %q; it must be a number up to %d", count, FilesMax)
	}
	var list []string
	if names != "" {
		list = strings.Split(names, ":")
	}
	if len(list) != n {
		return Set{}, fmt.Errorf("LISTEN_FDNAMES has %d names for %d descriptors; give each socket unit a FileDescriptorName", len(list), n)
	}
	var s Set
	for i, name := range list {
		syscall.CloseOnExec(firstFile + i)
		s.files = append(s.files, Named{name, os.NewFile(uintptr(firstFile+i), name)})
	}
	return s, nil
}

// File returns the first file of a name and gives it up; nil when there is none.
func (s *Set) File(name string) *os.File {
	for i, f := range s.files {
		if f.Name == name {
			s.files = append(s.files[:i:i], s.files[i+1:]...)
			return f.File
		}
	}
	return nil
}

// Listener returns a listener by name. A unix listener leaves its path in place when it is closed.
func (s *Set) Listener(name string) (net.Listener, error) {
	f := s.File(name)
	if f == nil {
		return nil, fmt.Errorf("the socket %q %w", name, ErrMissing)
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the descriptor %q is not a listening socket: %w", name, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	return l, nil
}

// Packets returns a datagram socket by name.
func (s *Set) Packets(name string) (net.PacketConn, error) {
	f := s.File(name)
	if f == nil {
		return nil, fmt.Errorf("the socket %q %w", name, ErrMissing)
	}
	defer f.Close()
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, fmt.Errorf("the descriptor %q is not a datagram socket: %w", name, err)
	}
	return c, nil
}

// Unix returns a connected unix socket by name.
func (s *Set) Unix(name string) (*net.UnixConn, error) {
	f := s.File(name)
	if f == nil {
		return nil, fmt.Errorf("the socket %q %w", name, ErrMissing)
	}
	return UnixConn(f)
}

// UnixConn makes a connected unix socket of a file, which it closes.
func UnixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("the descriptor %q is not a connected socket: %w", f.Name(), err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close() // of no use
		return nil, fmt.Errorf("the descriptor %q is not a unix socket", f.Name())
	}
	return u, nil
}
