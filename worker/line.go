package worker

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
)

// statusPatience is how long the conference may take to respond until there is no status.
const statusPatience = 10 * time.Second

// errNoController is the answer while no controller is connected.
var errNoController = fault.New(fault.KindUnavailable, "server.unavailable", "The server is restarting. Please try again in a moment.")

// errNoHistory is the answer of a controller that is too old to have kept anything.
var errNoHistory = errors.New("worker: the controller keeps no journal")

// line is the connections to the controllers that are there. Any of them may be asked; it is the newest that lives.
type line struct {
	mu    sync.Mutex // guards what follows
	conns []*control.Conn
	upC   chan struct{} // closed while there is one
	downC chan struct{} // closed while there is none
}

func newLine() *line {
	l := &line{upC: make(chan struct{}), downC: make(chan struct{})}
	close(l.downC)
	return l
}

func (l *line) up() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.upC
}

func (l *line) down() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.downC
}

// take adds a proven connection, until it is gone.
func (l *line) take(conn *control.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) == 0 {
		close(l.upC)
		l.downC = make(chan struct{})
	}
	l.conns = append(l.conns, conn)
	go func() {
		<-conn.Done()
		l.lose(conn)
	}()
}

func (l *line) lose(conn *control.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = slices.DeleteFunc(l.conns, func(c *control.Conn) bool { return c == conn })
	if len(l.conns) == 0 {
		close(l.downC)
		l.upC = make(chan struct{})
	}
}

// newest is the connection to ask, or nil.
func (l *line) newest() *control.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range slices.Backward(l.conns) {
		select {
		case <-conn.Done():
		default:
			return conn
		}
	}
	return nil
}

func (l *line) call(ctx context.Context, name string, body, result any) error {
	conn := l.newest()
	if conn == nil {
		return errNoController
	}
	if name == control.CallHistory && conn.Version() < control.VersionHistory {
		return errNoHistory
	}
	if name == control.CallArrive && conn.Version() < control.VersionArrive {
		return nil // it does not hold people to networks
	}
	err := conn.Call(ctx, name, understood(body, conn.Version()), result)
	if errors.Is(err, control.ErrClosed) {
		return errNoController.Because(err)
	}
	return err
}

// understood is the content of a call without what a controller of that version does not know.
func understood(body any, version int) any {
	q, ok := body.(control.Redeem)
	if !ok {
		return body
	}
	if version < control.VersionSession {
		q.Session = ""
	}
	if version < control.VersionArrive {
		q.Address = ""
	}
	return q
}

// Pauses after a connection that could not be accepted.
const (
	acceptFirst = 5 * time.Millisecond
	acceptMax   = time.Second
)

// acceptControllers proves each that dials, and serves it, until the listener is closed.
func (w *worker) acceptControllers(l net.Listener) {
	pause := acceptFirst
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // a controller that is gone again, or no descriptors left for now
			w.log.Error("a controller cannot connect", "error", err, "pause", pause)
			time.Sleep(pause)
			pause = min(2*pause, acceptMax)
			continue
		}
		pause = acceptFirst
		go func() {
			conn, err := control.Accept(nc, w.config.Conference, w.config.Key, w.serve)
			if err != nil {
				w.log.Warn("a controller could not prove itself", "error", err)
				return
			}
			w.line.take(conn)
			conn.Start()
		}()
	}
}

// serve answers the controller's calls: one line for each.
func (w *worker) serve(ctx context.Context, call string, body []byte) (any, error) {
	switch call {
	case control.CallStatus:
		return w.status(ctx)
	case control.CallRevoke:
		return nil, w.revoke(ctx, body)
	}
	return nil, control.ErrUnknownCall
}

// revoke ends sessions whose sign-in is over, and returns when that is stored.
func (w *worker) revoke(ctx context.Context, body []byte) error {
	var q control.Revoke
	if err := control.Decode(body, &q); err != nil {
		return err
	}
	_, err := w.actor.Do(ctx, conference.Command{Body: conference.Revoke{Sessions: q.Sessions}})
	return err
}

// status is given when the conference responds: one that hangs is none, and its controller ends it.
func (w *worker) status(ctx context.Context) (control.Status, error) {
	if w.live.Load() {
		ctx, cancel := context.WithTimeout(ctx, statusPatience)
		defer cancel()
		if err := w.actor.Responds(ctx); err != nil {
			return control.Status{}, err
		}
	}
	return control.Status{Conference: w.config.Conference, Epoch: w.config.Epoch, MediaPackets: w.room.Stats().PacketsOut}, nil
}
