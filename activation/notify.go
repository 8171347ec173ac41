package activation

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// States that a process tells whoever started it (sd_notify(3)).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
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

// readyName is the name of the pipe on which `konklave serve` hears that its child is ready.
const readyName = "ready"

// Ready tells whoever started this process that it serves: `konklave serve` through a pipe, systemd through its socket.
func (s *Set) Ready() error {
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

// Hear makes a pipe for a child: the file goes to it, and the channel is closed when it has called Ready. If the child ends
// before that, the channel stays open. Close the file once the child has started.
func Hear() (Named, <-chan struct{}, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return Named{}, nil, err
	}
	ready := make(chan struct{})
	go func() {
		defer r.Close()
		if n, _ := r.Read(make([]byte, 1)); n == 1 { // an error is the child's end
			close(ready)
		}
	}()
	return Named{readyName, w}, ready, nil
}
