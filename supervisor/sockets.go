package supervisor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"konklave/launch"
)

// PortRange are the UDP ports for media, both ends included.
type PortRange struct{ First, Last uint16 }

// The endings of a worker's sockets in the run-time directory.
const (
	controlEnding    = ".ctl"
	signallingEnding = ".web"
)

// errNoPort means that every media port is taken.
var errNoPort = errors.New("no media port is free; widen media.ports")

// bind opens the sockets that a worker inherits: two listeners, and one UDP socket for each media address.
func (s *Supervisor) bind(conferenceID string) (launch.Files, error) {
	var files launch.Files
	var err error
	if files.Control, err = listen(filepath.Join(s.Dir, conferenceID+controlEnding)); err != nil {
		return files, err
	}
	if files.Signalling, err = listen(filepath.Join(s.Dir, conferenceID+signallingEnding)); err != nil {
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
