package supervisor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"konklave/launch"
)

// PortRange are the UDP ports for media, both ends included.
type PortRange struct{ First, Last uint16 }

// The endings of a worker's sockets in the run-time directory.
const (
	controlEnding    = ".ctl"
	signallingEnding = ".web"
)

// socketMode lets the front in, which is of the same group; who may reach the directory decides about all others.
const socketMode = 0o660

// errNoPort means that every media port is taken.
var errNoPort = errors.New("no media port is free; widen media.ports")

// bind opens the sockets that a worker inherits: two listeners, and one UDP socket for each media address. The listeners have
// names of their epoch until they are published, so that a controller that is too late takes nothing away from the worker
// that runs.
func (s *Supervisor) bind(conferenceID string, epoch int64) (launch.Files, error) {
	var files launch.Files
	var err error
	if files.Control, err = listen(s.ofEpoch(conferenceID, epoch, controlEnding)); err != nil {
		return files, err
	}
	if files.Signalling, err = listen(s.ofEpoch(conferenceID, epoch, signallingEnding)); err != nil {
		closeFiles(files)
		return files, err
	}
	for _, a := range s.Addresses {
		f, err := s.bindMedia(a)
		if err != nil {
			closeFiles(files)
			return files, err
		}
		files.Media = append(files.Media, f)
	}
	return files, nil
}

func (s *Supervisor) ofEpoch(conferenceID string, epoch int64, ending string) string {
	return filepath.Join(s.Dir, conferenceID+"."+strconv.FormatInt(epoch, 10)+ending)
}

// publish gives the listeners of a worker that was started the names under which it is found, in place of those of the worker
// before it. A controller that is so late that the worker has ended meanwhile takes nothing away from the one after it.
func (s *Supervisor) publish(conferenceID string, epoch int64) error {
	dir, err := os.Open(s.Dir)
	if err != nil {
		return fmt.Errorf("publish socket: %w", err)
	}
	defer dir.Close()                                                     // ends the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil { // against the other controllers
		return fmt.Errorf("publish socket: %w", err)
	}
	if running, found, err := s.running(conferenceID); err != nil || !found || running.Epoch != epoch {
		return errors.Join(errOtherEpoch, err)
	}
	for _, ending := range []string{controlEnding, signallingEnding} {
		if err := os.Rename(s.ofEpoch(conferenceID, epoch, ending), filepath.Join(s.Dir, conferenceID+ending)); err != nil {
			return fmt.Errorf("publish socket: %w", err)
		}
	}
	return nil
}

// unbindEpoch removes the listeners that were not published.
func (s *Supervisor) unbindEpoch(conferenceID string, epoch int64) {
	for _, ending := range []string{controlEnding, signallingEnding} {
		if err := os.Remove(s.ofEpoch(conferenceID, epoch, ending)); err != nil && !os.IsNotExist(err) {
			s.Log.Warn("socket cannot be removed", "error", err)
		}
	}
}

// unbind removes what bind left in the file system.
func (s *Supervisor) unbind(conferenceID string) {
	if conferenceID == "" {
		return
	}
	for _, ending := range []string{controlEnding, signallingEnding} {
		if err := os.Remove(filepath.Join(s.Dir, conferenceID+ending)); err != nil && !os.IsNotExist(err) {
			s.Log.Warn("socket cannot be removed", "error", err)
		}
	}
}

// listen binds a unix socket and gives up the Go side of it: the file alone keeps it, and closing removes nothing.
func listen(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remove stale socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, err
	}
	return l.File()
}

// bindMedia takes a free port of the range, beginning anywhere so that a port is not reused at once.
func (s *Supervisor) bindMedia(a netip.Addr) (*os.File, error) {
	count := int(s.Ports.Last) - int(s.Ports.First) + 1
	start := rand.IntN(count)
	for i := range count {
		port := s.Ports.First + uint16((start+i)%count)
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, port)))
		if err != nil {
			continue
		}
		f, err := conn.File()
		_ = conn.Close() // f is a copy of its own
		return f, err
	}
	return nil, errNoPort
}

func closeFiles(files launch.Files) {
	for _, f := range append([]*os.File{files.Control, files.Signalling}, files.Media...) {
		if f != nil {
			_ = f.Close() // the worker has its own copies
		}
	}
}
