// Package supervisor is the controller's hand on the conference workers: it has one started for a conference when the first
// person joins, dials it, answers its calls, and takes over those that run already when the controller starts.
package supervisor

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"konklave/audit"
	"konklave/auth"
	"konklave/conference"
	"konklave/fault"
	"konklave/journal"
	"konklave/launch"
	"konklave/meeting"
)

// Records is what the supervisor needs of the store.
type Records interface {
	// OpenConference returns the live conference of a meeting, or a new one.
	OpenConference(ctx context.Context, meetingID string) (rec conference.Record, created bool, err error)
	// NextEpoch counts the conference's epoch up and returns it; events of earlier epochs are refused from now on.
	NextEpoch(ctx context.Context, id string) (int64, error)
	// LiveConferences lists the conferences that have not ended.
	LiveConferences(ctx context.Context) ([]conference.Record, error)
}

// Journal keeps what workers append; *journal.Journal is one.
type Journal interface {
	Append(ctx context.Context, conferenceID string, epoch, seq int64, events []conference.Stored, entries []audit.Entry, ended bool) error
	Load(ctx context.Context, conferenceID string) (journal.Replay, error)
}

// Tickets redeems tickets.
type Tickets interface {
	Redeem(ctx context.Context, ticket, conferenceID string) (auth.Grant, error)
}

// Launcher starts and finds workers; *launch.Client is one.
type Launcher interface {
	Start(config launch.WorkerConfig, files launch.Files) (launch.Running, error)
	Signal(conference string, signal syscall.Signal) error
	List() ([]launch.Running, error)
	Wait() (launch.Exit, error)
}

// Options are what a supervisor needs. Settings without ID and Title are the template for each conference.
type Options struct {
	Records    Records
	Journal    Journal
	Tickets    Tickets
	Launcher   Launcher
	Key        []byte // of this instance; the keys of the control channels are derived from it
	Dir        string // where the workers' sockets lie
	Addresses  []netip.Addr
	Ports      PortRange
	Settings   conference.Settings
	MediaLease time.Duration
	MaxRunning int
	LogLevel   string
	LogFormat  string
	Now        func() time.Time
	Log        *slog.Logger
}

// ErrFull is the refusal of a conference over the limit of running ones.
var ErrFull = fault.New(fault.KindUnavailable, "server.full", "The server has no room for another conference right now. Please try again later, or ask your administrator.")

// errNoWorker is what a joining person is told when the worker could not be started.
var errNoWorker = fault.New(fault.KindUnavailable, "server.unavailable", "The conference could not be started. Please try again in a moment; if it happens again, tell your administrator.")

// Supervisor keeps the workers of this controller.
type Supervisor struct {
	Options

	mu      sync.Mutex         // guards what follows
	workers map[string]*worker // by conference
	opening map[string]chan struct{}
}

// New makes a supervisor. TakeOver comes before the first Ensure, Run beside all of them.
func New(o Options) *Supervisor {
	return &Supervisor{Options: o, workers: map[string]*worker{}, opening: map[string]chan struct{}{}}
}

// Running reports whether a conference of the meeting is live.
func (s *Supervisor) Running(meetingID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		if w.meetingID == meetingID && !w.ended.Load() {
			return true
		}
	}
	return false
}

// Ensure returns the live conference of the meeting and has its worker running and reachable. Of many callers at once, one
// starts the worker and all wait for it.
func (s *Supervisor) Ensure(ctx context.Context, m meeting.Meeting) (string, error) {
	for {
		s.mu.Lock()
		turn, busy := s.opening[m.ID]
		if !busy {
			turn = make(chan struct{})
			s.opening[m.ID] = turn
		}
		s.mu.Unlock()
		if !busy {
			defer func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.opening, m.ID)
				close(turn)
			}()
			return s.ensure(ctx, m)
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (s *Supervisor) ensure(ctx context.Context, m meeting.Meeting) (string, error) {
	rec, _, err := s.Records.OpenConference(ctx, m.ID)
	if err != nil {
		return "", err
	}
	if w := s.worker(rec.ID); w != nil {
		return rec.ID, w.reachable(ctx)
	}
	if err := s.start(ctx, rec, m.Title); err != nil {
		if errors.Is(err, ErrFull) {
			return "", err
		}
		return "", errNoWorker.Because(err)
	}
	return rec.ID, nil
}

func (s *Supervisor) worker(conferenceID string) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workers[conferenceID]
}

// start has a worker started and waits until it has proved itself.
func (s *Supervisor) start(ctx context.Context, rec conference.Record, title string) error {
	epoch, err := s.Records.NextEpoch(ctx, rec.ID)
	if err != nil {
		return err
	}
	if rec, _, err = s.Records.OpenConference(ctx, rec.MeetingID); err != nil { // nobody appends any more: Seq stays
		return err
	}
	rec.Epoch = epoch
	key, err := s.keyOf(rec.ID)
	if err != nil {
		return err
	}
	w := newWorker(s, rec, key)
	if err := s.register(w); err != nil {
		return err
	}
	if err := s.launch(ctx, w, rec, title); err != nil {
		s.drop(w)
		return err
	}
	return nil
}

// register counts a worker among the running ones before it is started, so that its end is never missed.
func (s *Supervisor) register(w *worker) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.workers) >= s.MaxRunning {
		return ErrFull
	}
	s.workers[w.id] = w
	return nil
}

// drop forgets a worker that did not come to life.
func (s *Supervisor) drop(w *worker) {
	w.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.workers[w.id] == w {
		delete(s.workers, w.id)
	}
}

func (s *Supervisor) launch(ctx context.Context, w *worker, rec conference.Record, title string) error {
	files, err := s.bind(w.id)
	if err != nil {
		return err
	}
	defer closeFiles(files)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	began := time.Now()
	running, err := s.Launcher.Start(launch.WorkerConfig{
		Conference: w.id, Title: title, Epoch: w.epoch, JournalSeq: rec.Seq, Key: w.key, StartedAt: rec.StartedAt,
		Codec: s.Settings.Codec, ResumeWindow: launch.MillisOf(s.Settings.ResumeWindow),
		Linger: launch.MillisOf(s.Settings.Linger), MediaLease: launch.MillisOf(s.MediaLease),
		MaxParticipants: s.Settings.MaxParticipants, LogLevel: s.LogLevel, LogFormat: s.LogFormat,
	}, files)
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	go w.stayConnected()
	if err := w.reachable(ctx); err != nil {
		w.kill(err)
		return err
	}
	s.Log.Info("worker is ready", "conference", w.id, "epoch", w.epoch, "pid", running.PID, "took", time.Since(began).Round(100*time.Microsecond))
	return nil
}

// Run watches for the ends of workers until ctx ends or the launcher is gone.
func (s *Supervisor) Run(ctx context.Context) error {
	ends := make(chan launch.Exit)
	failed := make(chan error, 1)
	go func() {
		for {
			e, err := s.Launcher.Wait()
			if err != nil {
				failed <- err
				return
			}
			select {
			case ends <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer s.letGo()
	for {
		select {
		case e := <-ends:
			s.forget(e)
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// TakeOver takes the workers that run already under supervision.
func (s *Supervisor) TakeOver(ctx context.Context) error {
	list, err := s.Launcher.List()
	if err != nil {
		return fmt.Errorf("list workers: %w", err)
	}
	records, err := s.Records.LiveConferences(ctx)
	if err != nil {
		return err
	}
	live := map[string]conference.Record{}
	for _, r := range records {
		live[r.ID] = r
	}
	for _, running := range list {
		rec, ok := live[running.Conference]
		if !ok || rec.Epoch != running.Epoch {
			s.Log.Warn("worker is not of a live conference and is left to end", "conference", running.Conference, "epoch", running.Epoch)
			continue
		}
		key, err := s.keyOf(rec.ID)
		if err != nil {
			return err
		}
		w := newWorker(s, rec, key)
		s.mu.Lock()
		s.workers[rec.ID] = w
		s.mu.Unlock()
		go w.stayConnected()
		s.Log.Info("worker taken over", "conference", rec.ID, "epoch", rec.Epoch, "pid", running.PID)
	}
	return nil
}

func (s *Supervisor) forget(e launch.Exit) {
	s.mu.Lock()
	w := s.workers[e.Conference]
	if w != nil && w.epoch != e.Epoch {
		s.mu.Unlock()
		return // one of a later epoch has the sockets
	}
	delete(s.workers, e.Conference)
	s.mu.Unlock()
	if w != nil {
		w.close()
	}
	s.unbind(e.Conference)
}

// letGo drops the connections; the workers go on without a controller.
func (s *Supervisor) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		w.close()
	}
}

// keyOf derives the key of a conference's control channel.
func (s *Supervisor) keyOf(conferenceID string) ([]byte, error) {
	if len(s.Key) == 0 {
		return nil, errors.New("supervisor: no instance key")
	}
	return hkdf.Key(sha256.New, s.Key, nil, "konklave control channel "+conferenceID, sha256.Size)
}
