package worker

import (
	"context"
	"errors"
	"net"
	"sync"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
)

// errNoController is the answer while no controller is connected.
var errNoController = fault.New(fault.KindUnavailable, "server.unavailable", "The server is restarting. Please try again in a moment.")

// line is the connection to whichever controller is there; the newest one that has proved itself counts.
type line struct {
	mu    sync.Mutex // guards what follows
	conn  *control.Conn
	upC   chan struct{} // closed while conn is there
	downC chan struct{} // closed while it is not
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

// take makes conn the line; an earlier one is closed.
func (l *line) take(conn *control.Conn) {
	l.mu.Lock()
	old := l.conn
	if old == nil {
		close(l.upC)
		l.downC = make(chan struct{})
	}
	l.conn = conn
	l.mu.Unlock()
	if old != nil {
		_ = old.Close() // never fails
	}
	go func() {
		<-conn.Done()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.conn == conn {
			l.conn = nil
			close(l.downC)
			l.upC = make(chan struct{})
		}
	}()
}

func (l *line) call(ctx context.Context, name string, body, result any) error {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn == nil {
		return errNoController
	}
	err := conn.Call(ctx, name, body, result)
	if errors.Is(err, control.ErrClosed) {
		return errNoController.Because(err)
	}
	return err
}

// acceptControllers proves each that dials, and serves it.
func (w *worker) acceptControllers(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
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
		return w.status(), nil
	case control.CallRevoke:
		return nil, w.revoke(ctx, body)
	case control.CallEnd:
		_, err := w.actor.Do(ctx, conference.Command{Body: conference.Shutdown{}})
		return nil, err
	}
	return nil, control.ErrUnknownCall
}

func (w *worker) status() control.Status {
	return control.Status{
		Conference: w.config.Conference, Epoch: w.config.Epoch, People: w.present.people(), Admitted: w.present.admissions(),
		MediaPackets: w.room.Stats().PacketsOut,
	}
}

func (w *worker) revoke(ctx context.Context, body []byte) error {
	var q control.Revoke
	if err := control.Decode(body, &q); err != nil {
		return err
	}
	_, err := w.actor.Do(ctx, conference.Command{Body: conference.Revoke{Account: q.Account}})
	return err
}
