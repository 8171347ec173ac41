package sandbox

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sys/unix"
)

// handshakeLimit is how long launcher and worker wait for each other.
const handshakeLimit = 10 * time.Second

// messageMax is the largest message of the handshake in bytes.
const messageMax = 16 << 10

// plan is what the launcher tells the worker before anything else.
type plan struct {
	None   bool   `json:"none"`   // there are no walls, and no answer is awaited
	Root   bool   `json:"root"`   // it is in a mount namespace of its own, with the right to make its root empty
	UTS    bool   `json:"uts"`    // it may set its host name
	Limits Limits `json:"limits"` // for the resource limits
	Own    bool   `json:"own"`    // its threads are counted for itself alone
	Probe  bool   `json:"probe"`  // it ends after its answer: only the report is wanted
}

// answer is what the worker says it could not do, by layer. What it did is verified from outside; only Landlock, which cannot
// be seen from there, is tried by the worker itself.
type answer struct {
	Failed   map[Layer]string `json:"failed"`
	Landlock bool             `json:"landlock"` // put on, tried, and refused
	ABI      int              `json:"abi"`      // version of Landlock's interface
}

// line is one end of the handshake's socket, which keeps message borders.
type line struct{ conn net.Conn }

// newLine makes both ends; theirs is to be inherited.
func newLine() (ours line, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return line{}, nil, fmt.Errorf("sandbox: socket pair: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "sandbox")
	ours, err = openLine(os.NewFile(uintptr(fds[0]), "sandbox"))
	if err != nil {
		_ = theirs.Close() // the other error is the one that matters
		return line{}, nil, err
	}
	return ours, theirs, nil
}

func openLine(f *os.File) (line, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return line{}, fmt.Errorf("sandbox: %w", err)
	}
	return line{conn}, conn.SetDeadline(time.Now().Add(handshakeLimit))
}

func (l line) send(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = l.conn.Write(raw)
	return err
}

func (l line) receive(v any) error {
	buffer := make([]byte, messageMax)
	n, err := l.conn.Read(buffer)
	if err != nil {
		return err
	}
	return json.Unmarshal(buffer[:n], v, json.RejectUnknownMembers(true))
}

func (l line) close() { _ = l.conn.Close() } // nothing is pending
