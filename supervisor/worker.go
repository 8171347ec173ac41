package supervisor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
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

// How long a worker may take.
const (
	startLimit  = 10 * time.Second // from its start until it has proved itself
	ensureLimit = 20 * time.Second // until it is found or started, whoever waits for it
	statusLimit = 5 * time.Second  // to answer that it lives
	hungLimit   = 20 * time.Second // without a connection, before it is taken for hung and killed
	beatPause   = 5 * time.Second  // between questions whether it lives
	beatsMissed = 3                // of them without an answer in a row, after which it is taken for hung and killed
)

// errOtherEpoch says that the worker that answers is not the one that is meant.
var errOtherEpoch = errors.New("supervisor: a worker of another epoch answers")

// errHung says that a worker is connected and does not answer.
var errHung = errors.New("supervisor: the worker does not respond")

// errOtherVersion says that a worker speaks another version than before, as if to be asked for less.
var errOtherVersion = errors.New("supervisor: the worker has changed its version")

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
	title     string
	ended     atomic.Bool // the conference has reported its end
	people    *people
	version   atomic.Int64 // of the control channel that the worker speaks; 0 before it has said so
	appending turns
	reads     turns
	reading   *reading // what history tells; only who has the turn of reads touches it
	quota     quota
	limits    *control.Limits
	alarms    *alarms
	media     atomic.Pointer[[]netip.AddrPort] // where its media sockets are; nil until asked for
	revoking  atomic.Bool                      // it is being told of sign-ins that are over

	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex // guards what follows
	conn  *control.Conn
	ready chan struct{} // closed while conn is live
}

func newWorker(s *Supervisor, rec conference.Record, key []byte, title string) *worker {
	w := &worker{
		s: s, id: rec.ID, meetingID: rec.MeetingID, tenant: rec.Tenant, epoch: rec.Epoch, key: key, title: title,
		people: newPeople(), quota: newQuota(), limits: control.NewLimits(), alarms: newAlarms(), ready: make(chan struct{}),
		appending: make(turns, 1), reads: make(turns, 1),
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

// stayConnected dials, and dials again when the connection is lost, until the worker has ended. One that cannot be reached
// for hungLimit is killed. Attempts that come to little are followed by longer and longer pauses.
func (w *worker) stayConnected() {
	pause, since := redialFirst, time.Now()
	for w.ctx.Err() == nil {
		conn, err := w.dial()
		began := time.Now()
		if err == nil {
			w.up(conn)
			w.attend(conn)
			w.down()
			since = time.Now()
		} else if time.Since(since) > hungLimit && !errors.Is(err, errOtherEpoch) {
			w.kill(err)
			since = time.Now()
		}
		if time.Since(began) > redialMax {
			pause = redialFirst
			continue
		}
		select {
		case <-time.After(pause):
		case <-w.ctx.Done():
		}
		pause = min(2*pause, redialMax)
	}
}

// attend returns when the connection has ended. A worker that gives no sign of life several times in a row is killed.
func (w *worker) attend(conn *control.Conn) {
	for missed := 0; missed < beatsMissed; {
		select {
		case <-conn.Done():
			w.brokenOff(conn.Err())
			return
		case <-w.ctx.Done():
			_ = conn.Close() // never fails
			return
		case <-time.After(beatPause):
		}
		ctx, cancel := context.WithTimeout(w.ctx, statusLimit)
		if err := conn.Responds(ctx, control.CallStatus); err != nil {
			missed++
		} else {
			missed = 0
		}
		cancel()
	}
	w.kill(errHung)
	_ = conn.Close() // never fails
}

// kill ends a worker that does not answer; the launcher then reports its end. A worker that took its place is left alone.
func (w *worker) kill(why error) {
	err := w.s.Launcher.Signal(w.id, w.epoch, syscall.SIGKILL)
	switch {
	case errors.Is(err, launch.ErrNotRunning):
	case err != nil:
		w.s.Log.Error("worker does not answer and cannot be killed", "conference", w.id, "epoch", w.epoch, "why", why, "error", err)
	default:
		w.s.Log.Error("worker does not answer and is killed", "conference", w.id, "epoch", w.epoch, "error", why)
	}
}

func (w *worker) dial() (*control.Conn, error) {
	ctx, cancel := context.WithTimeout(w.ctx, statusLimit)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "unix", filepath.Join(w.s.Dir, w.id+controlEnding))
	if err != nil {
		return nil, err
	}
	conn, err := control.Dial(nc, w.id, w.key, w.serve, w.limits)
	if err != nil {
		return nil, err
	}
	if !w.version.CompareAndSwap(0, int64(conn.Version())) && w.version.Load() != int64(conn.Version()) {
		_ = conn.Close() // never fails
		return nil, errOtherVersion
	}
	conn.Start()
	var st control.Status
	if err := conn.Call(ctx, control.CallStatus, struct{}{}, &st); err != nil {
		_ = conn.Close() // never fails
		return nil, err
	}
	if st.Epoch != w.epoch {
		_ = conn.Close() // never fails
		return nil, errOtherEpoch
	}
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
