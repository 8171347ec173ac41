// Package launch starts conference workers and finds them again.
//
// Here is the narrow protocol with four verbs (start, signal, list, wait) and the controller's side of it; the launcher
// itself, parent of all workers, is in package process. The two talk over an inherited socket pair that keeps message
// borders and carries file descriptors, so the launcher needs no network and no address.
//
// # Versions
//
// Launcher and controller may be of different programs: an upgrade replaces the controller and leaves the launcher with its
// conferences, and going back leaves a newer launcher with an older controller. So a controller first says hello, which will
// always be {"id":1,"verb":"hello"}, and the launcher tells its version. A launcher from before there were versions, which
// counts as 1.0, refuses that verb ([CodeUnknownVerb]). Every later request names the controller's version, except to a launcher
// of 1.0; a request without a version counts as 1.0.
//
//   - The minor version grows when members or verbs are added that the other side may ignore or refuse without harm. Members
//     that are not known are ignored when they come from a newer version, and refused ([CodeMalformed]) when they do not. A verb
//     that is not known is refused. To a controller of 1.0 the launcher sends members of 1.0 only.
//   - The major version grows with every other change. Between different ones nothing but hello is understood; all else is
//     refused ([CodeVersion]) on both sides. Only stopping the whole server helps then.
//   - The configuration in start is for the worker. The launcher passes on what it does not know of it, because the worker may
//     be of the controller's program. A worker that is older than the controller ignores it; what it must not ignore is a
//     matter of the version of the channel between the two.
package launch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/fault"
	"konklave/sandbox"
)

// MessageMax is the largest message in bytes.
const MessageMax = 192 << 10

// FilesMax is how many file descriptors one start may hand over.
const FilesMax = 16

// ListPage is how many workers one answer to list names.
const ListPage = 50

// Millis is a span of time in milliseconds.
type Millis int64

// MillisOf rounds a duration to milliseconds.
func MillisOf(d time.Duration) Millis { return Millis(d.Milliseconds()) }

// Duration is the span as Go has it.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// WorkerConfig is what a worker is told at its start, over a pipe: it never stands in arguments or environment.
type WorkerConfig struct {
	Conference      string    `json:"conference"`
	Title           string    `json:"title"`
	Epoch           int64     `json:"epoch"`
	JournalSeq      int64     `json:"journalSeq"` // number of the last event that the journal holds
	Key             []byte    `json:"key"`        // of the control channel
	StartedAt       time.Time `json:"startedAt"`
	Codec           string    `json:"codec"`
	ResumeWindow    Millis    `json:"resumeWindow"`
	Linger          Millis    `json:"linger"`
	MediaLease      Millis    `json:"mediaLease"` // how long media runs while no controller is there
	MaxParticipants int       `json:"maxParticipants"`
	MediaSockets    int       `json:"mediaSockets"` // how many follow from FileMedia on; set by the launcher
	LogLevel        string    `json:"logLevel"`
	LogFormat       string    `json:"logFormat"`
	// Newer is what a newer controller has added, passed on as it is.
	Newer jsontext.Value `json:",embed"`
}

// The file descriptors a worker inherits, in this order; UDP sockets for media follow from FileMedia on.
const (
	FileControl    = 3 // listening unix socket, for the controller
	FileSignalling = 4 // listening unix socket, for the front
	FileConfig     = 5 // pipe to read the WorkerConfig from
	FileSandbox    = 6 // for sandbox.Enter; comes before all others
	FileMedia      = 7
)

// Files are the sockets that a worker inherits. They are bound by the controller; after Start it may close its copies.
type Files struct {
	Control    *os.File
	Signalling *os.File
	Media      []*os.File
}

// Running describes a worker.
type Running struct {
	Conference string    `json:"conference"`
	Epoch      int64     `json:"epoch"`
	PID        int       `json:"pid"`
	StartedAt  time.Time `json:"startedAt"`
	// Media is where its media sockets are, asked of the sockets by the launcher.
	Media []netip.AddrPort `json:"media,omitempty"`
	// Isolation is what the launcher verified around this worker at its start; empty when it has no sandbox.
	Isolation sandbox.Report `json:"isolation,omitempty"`
}

// Exit is the end of a worker.
type Exit struct {
	Running
	Code   int    `json:"code"`             // exit status; -1 when ended by a signal
	Signal string `json:"signal,omitempty"` // its name, when ended by one
}

// Request is a message to the launcher.
type Request struct {
	ID         int64          `json:"id"`
	Version    *Version       `json:"version,omitempty"` // of the controller; nil is 1.0
	Verb       string         `json:"verb"`              // hello, start, signal, list, wait
	Start      *WorkerConfig  `json:"start,omitempty"`
	Conference string         `json:"conference,omitempty"` // of signal
	Epoch      int64          `json:"epoch,omitzero"`       // of signal, from 1.2 on: of the worker that is meant; 0 for any
	Signal     syscall.Signal `json:"signal,omitzero"`
	After      string         `json:"after,omitempty"` // of list: only conferences whose ids sort after this one
}

// Response is the launcher's answer. A wait is answered when a worker has ended.
type Response struct {
	ID      int64       `json:"id"`
	Version *Version    `json:"version,omitempty"` // of the launcher, in the answer to hello
	Started *Running    `json:"started,omitempty"`
	List    []Running   `json:"list,omitempty"` // at most ListPage, by conference
	More    bool        `json:"more,omitzero"`  // there are more to list
	Exit    *Exit       `json:"exit,omitempty"`
	Refused *fault.Code `json:"refused,omitempty"`
	Message string      `json:"message,omitempty"`
}

// The verbs.
const (
	VerbHello  = "hello"
	VerbStart  = "start"
	VerbSignal = "signal"
	VerbList   = "list"
	VerbWait   = "wait"
)

// CodeIncomplete is the code of the refusal to start a conference with less than all layers of isolation.
const CodeIncomplete fault.Code = "isolation.incomplete"

// Codes of refusals that tell about the protocol.
const (
	CodeVersion     fault.Code = "launch.version"      // another major version
	CodeUnknownVerb fault.Code = "launch.unknown_verb" // of a newer controller
	CodeMalformed   fault.Code = "launch.malformed"
)

// ErrNotRunning is the refusal to signal a worker that does not run.
var ErrNotRunning = fault.New(fault.KindUnavailable, "launch.not_running", "This worker does not run.")

// ErrGone is returned when the launcher has gone away.
var ErrGone = errors.New("launch: the launcher is gone")

// Client is the controller's side.
type Client struct {
	conn  *net.UnixConn
	done  chan struct{}
	greet func() (Version, error) // says hello, once, and returns the launcher's version

	mu      sync.Mutex // guards what follows
	lastID  int64
	waiting map[int64]chan Response
}

// NewClient talks to the launcher over its socket.
func NewClient(conn *net.UnixConn) *Client {
	c := &Client{conn: conn, done: make(chan struct{}), waiting: map[int64]chan Response{}}
	c.greet = sync.OnceValues(c.hello)
	go c.read()
	return c
}

// Start starts a worker and hands it the sockets.
func (c *Client) Start(config WorkerConfig, files Files) (Running, error) {
	fds := []int{int(files.Control.Fd()), int(files.Signalling.Fd())}
	for _, f := range files.Media {
		fds = append(fds, int(f.Fd()))
	}
	r, err := c.ask(Request{Verb: VerbStart, Start: &config}, fds)
	runtime.KeepAlive(files) // until they are sent
	if err != nil {
		return Running{}, err
	}
	if r.Started == nil {
		return Running{}, errors.New("launch: empty answer to start")
	}
	return *r.Started, nil
}

// Signal sends a signal to the worker of a conference's epoch, and to none before or after it. It fails with
// launch.not_running when that worker does not run.
func (c *Client) Signal(conference string, epoch int64, signal syscall.Signal) error {
	launcher, err := c.greet()
	if err != nil {
		return err
	}
	q := Request{Verb: VerbSignal, Conference: conference, Epoch: epoch, Signal: signal}
	if !launcher.knowsEpochs() { // it would signal any worker: what can be done is to look just before
		if err := c.runs(conference, epoch); err != nil {
			return err
		}
		q.Epoch = 0
	}
	_, err = c.ask(q, nil)
	return err
}

// runs fails with launch.not_running unless the worker of a conference's epoch runs.
func (c *Client) runs(conference string, epoch int64) error {
	list, err := c.List()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(r Running) bool { return r.Conference == conference && r.Epoch == epoch }) {
		return ErrNotRunning
	}
	return nil
}

// List tells which workers run.
func (c *Client) List() ([]Running, error) {
	var all []Running
	q := Request{Verb: VerbList}
	for {
		r, err := c.ask(q, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, r.List...)
		if !r.More || len(r.List) == 0 {
			return all, nil
		}
		q.After = r.List[len(r.List)-1].Conference
	}
}

// Wait returns the next end of a worker.
func (c *Client) Wait() (Exit, error) {
	r, err := c.ask(Request{Verb: VerbWait}, nil)
	if err != nil {
		return Exit{}, err
	}
	if r.Exit == nil {
		return Exit{}, errors.New("launch: empty answer to wait")
	}
	return *r.Exit, nil
}

// Done is closed when the launcher is gone.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the connection; the launcher and its workers stay.
func (c *Client) Close() error { return c.conn.Close() }

// ask sends a request that the launcher understands, whatever its version, and waits for the answer.
func (c *Client) ask(q Request, fds []int) (Response, error) {
	launcher, err := c.greet()
	if err != nil {
		return Response{}, err
	}
	if launcher != unversioned() {
		own := Current()
		q.Version = &own
	}
	return c.exchange(q, fds)
}

func (c *Client) exchange(q Request, fds []int) (Response, error) {
	c.mu.Lock()
	c.lastID++
	q.ID = c.lastID
	answer := make(chan Response, 1)
	c.waiting[q.ID] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, q.ID)
	}()
	raw, err := json.Marshal(q)
	if err != nil {
		return Response{}, fmt.Errorf("encode %s: %w", q.Verb, err)
	}
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	if _, _, err := c.conn.WriteMsgUnix(raw, rights, nil); err != nil {
		return Response{}, fmt.Errorf("launch %s: %w", q.Verb, err)
	}
	select {
	case r := <-answer:
		if r.Refused != nil {
			return Response{}, fault.New(fault.KindUnavailable, *r.Refused, r.Message)
		}
		return r, nil
	case <-c.done:
		return Response{}, ErrGone
	}
}

func (c *Client) read() {
	defer close(c.done)
	buffer := make([]byte, MessageMax)
	launcher := unversioned() // until it has said hello
	for {
		n, err := c.conn.Read(buffer)
		if err != nil || n == 0 {
			return
		}
		var r Response
		if r, launcher, err = decodeResponse(buffer[:n], launcher); err != nil {
			return
		}
		c.mu.Lock()
		if answer, ok := c.waiting[r.ID]; ok {
			delete(c.waiting, r.ID)
			answer <- r
		}
		c.mu.Unlock()
	}
}
