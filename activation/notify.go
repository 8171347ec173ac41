package activation

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// States that a process tells whoever started it (sd_notify(3)).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// notifySocket is the name of the environment variable with the address.
const notifySocket = "NOTIFY_SOCKET"

// Notify tells a state to whoever started this process, if he wants to know. An address that begins with @ is abstract.
func Notify(states ...string) error {
	address := os.Getenv(notifySocket)
	if address == "" {
		return nil
	}
	if strings.HasPrefix(address, "@") {
		address = "\x00" + address[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell %s: %w", states, err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(strings.Join(states, "\n"))); err != nil {
		return fmt.Errorf("tell %s: %w", states, err)
	}
	return nil
}

// Names of the pipes on which `konklave serve` hears that its child is ready, that it needs more time to become so, and that it
// lives.
const (
	readyName  = "ready"
	extendName = "extend"
	aliveName  = "alive"
)

// ExtendMax bounds the time that a process can ask for at once.
const ExtendMax = 24 * time.Hour

// Extending is the state of a process that needs up to d, from now on, to become ready.
func Extending(d time.Duration) string {
	return "EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(d.Microseconds(), 10)
}

// Extend tells whoever started this process that it needs up to d, from now on, to become ready; at most ExtendMax.
func (s *Set) Extend(d time.Duration) error {
	for _, f := range s.files {
		if f.Name != extendName {
			continue
		}
		if err := binary.Write(f.File, binary.BigEndian, d.Milliseconds()); err != nil {
			return fmt.Errorf("ask for more time: %w", err)
		}
	}
	return Notify(Extending(d))
}

// Ready tells whoever started this process that it serves: `konklave serve` through a pipe, systemd through its socket.
func (s *Set) Ready() error {
	if f := s.File(extendName); f != nil {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if f := s.File(readyName); f != nil {
		if _, err := f.Write([]byte{1}); err != nil {
			return fmt.Errorf("tell that the process is ready: %w", err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return Notify(Ready)
}

// Alive tells whoever started this process that it lives; to be told again and again, by a process that has done so once.
func (s *Set) Alive() error {
	for _, f := range s.files {
		if f.Name != aliveName {
			continue
		}
		if _, err := f.File.Write([]byte{1}); err != nil {
			return fmt.Errorf("tell that the process lives: %w", err)
		}
	}
	return Notify(Alive)
}

// Heard is what a child tells.
type Heard struct {
	Ready    <-chan struct{}      // closed when it has called Ready; left open when it ends before that
	Extended <-chan time.Duration // what it has asked for with Extend, the newest when several were not taken
	Alive    <-chan struct{}      // that it has called Alive, once when several were not taken
}

// Hear makes the pipes for a child: the files go to it. Close them once the child has started.
func Hear() ([]Named, Heard, error) {
	var ears []*os.File
	var files []Named
	for _, name := range []string{readyName, extendName, aliveName} {
		ear, mouth, err := os.Pipe()
		if err != nil {
			for i := range ears {
				err = errors.Join(err, ears[i].Close(), files[i].File.Close())
			}
			return nil, Heard{}, err
		}
		ears, files = append(ears, ear), append(files, Named{name, mouth})
	}
	ready, more, alive := make(chan struct{}), make(chan time.Duration, 1), make(chan struct{}, 1)
	for i, hear := range []func(io.Reader){
		func(r io.Reader) { hearReady(r, ready) },
		func(r io.Reader) { hearExtensions(r, more) },
		func(r io.Reader) { hearAlive(r, alive) },
	} {
		go func() {
			defer ears[i].Close()
			hear(ears[i])
		}()
	}
	return files, Heard{ready, more, alive}, nil
}

func hearReady(r io.Reader, ready chan struct{}) {
	if n, _ := r.Read(make([]byte, 1)); n == 1 { // an error is the child's end
		close(ready)
	}
}

func hearAlive(r io.Reader, alive chan struct{}) {
	for buffer := make([]byte, 64); ; {
		if n, _ := r.Read(buffer); n == 0 { // an error is the child's end
			return
		}
		select {
		case alive <- struct{}{}:
		default: // nobody has taken the one before
		}
	}
}

func hearExtensions(r io.Reader, more chan time.Duration) {
	var asked int64 // milliseconds
	for binary.Read(r, binary.BigEndian, &asked) == nil {
		select {
		case <-more: // nobody has taken it; the newest counts
		default:
		}
		more <- time.Duration(min(max(asked, 0), ExtendMax.Milliseconds())) * time.Millisecond
	}
}
