package supervisor

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/launch"
)

// Pauses between attempts to reach a worker.
const (
	redialFirst = 5 * time.Millisecond
	redialMax   = time.Second
)

// errWorkerGone is returned to those who wait for a worker that has ended.
var errWorkerGone = errors.New("supervisor: the worker has ended")

// worker is one running worker as its controller sees it.
type worker struct {
	s         *Supervisor
	id        string // conference
	meetingID string
	tenant    string
	epoch     int64
	key       []byte
	running   launch.Running
	ended     atomic.Bool // the conference has reported its end
	people    *people

	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex // guards what follows
	conn  *control.Conn
	ready chan struct{} // closed while conn is live
}

func newWorker(s *Supervisor, rec conference.Record, key []byte, running launch.Running) *worker {
	w := &worker{
		s: s, id: rec.ID, meetingID: rec.MeetingID, tenant: rec.Tenant, epoch: rec.Epoch, key: key, running: running,
		people: newPeople(), ready: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

func (w *worker) close() { w.cancel() }

// reachable waits until the worker has proved itself on a live connection.
func (w *worker) reachable(ctx context.Context) error {
	w.mu.Lock()
	ready := w.ready
	w.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-w.ctx.Done():
		return errNoWorker.Because(errWorkerGone)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stayConnected dials, and dials again when the connection is lost, until the worker has ended.
func (w *worker) stayConnected() {
	pause := redialFirst
	for w.ctx.Err() == nil {
		conn, err := w.dial()
		if err != nil {
			w.s.Log.Debug("worker cannot be reached", "conference", w.id, "error", err)
			select {
			case <-time.After(pause):
			case <-w.ctx.Done():
			}
			pause = min(2*pause, redialMax)
			continue
		}
		pause = redialFirst
		w.up(conn)
		select {
		case <-conn.Done():
		case <-w.ctx.Done():
			_ = conn.Close() // never fails
		}
		w.down()
	}
}

func (w *worker) dial() (*control.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(w.ctx, "unix", filepath.Join(w.s.Dir, w.id+controlEnding))
	if err != nil {
		return nil, err
	}
	conn, err := control.Dial(nc, w.id, w.key, w.serve)
	if err != nil {
		return nil, err
	}
	var st control.Status
	if err := conn.Call(w.ctx, control.CallStatus, struct{}{}, &st); err != nil {
		_ = conn.Close() // never fails
		return nil, err
	}
	w.people.adopt(st.People)
	return conn, nil
}

func (w *worker) up(conn *control.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = conn
	close(w.ready)
}

func (w *worker) down() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = nil
	w.ready = make(chan struct{})
}
