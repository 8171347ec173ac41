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
	"time"

	"konklave/audit"
	"konklave/auth"
	"konklave/conference"
	"konklave/fault"
	"konklave/launch"
	"konklave/meeting"
)

// Records is what the supervisor needs of the store.
type Records interface {
	// OpenConference returns the live conference of a meeting, or a new one.
	OpenConference(ctx context.Context, meetingID string) (rec conference.Record, created bool, err error)
	// NextEpoch counts the conference's epoch up and returns it; events of earlier epochs are refused from now on.
	NextEpoch(ctx context.Context, id string) (int64, error)
	// AppendConference stores count events, the first with number seq, and their audit entries, in one transaction.
	AppendConference(ctx context.Context, id string, epoch, seq int64, count int, digest []byte, entries []audit.Entry, ended bool) error
	// LiveConferences lists the conferences that have not ended.
	LiveConferences(ctx context.Context) ([]conference.Record, error)
}

// Tickets redeems tickets.
type Tickets interface {
	Redeem(ctx context.Context, ticket, conferenceID string) (auth.Grant, error)
}

// Launcher starts and finds workers; *launch.Client is one.
type Launcher interface {
	Start(config launch.WorkerConfig, files launch.Files) (launch.Running, error)
	List() ([]launch.Running, error)
	Wait() (launch.Exit, error)
}

// Options are what a supervisor needs. Settings without ID and Title are the template for each conference.
type Options struct {
	Records    Records
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

// New makes a supervisor; Run makes it live.
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
	s.mu.Lock()
	w := s.workers[rec.ID]
	running := len(s.workers)
	s.mu.Unlock()
	if w != nil {
		return rec.ID, w.reachable(ctx)
	}
	if running >= s.MaxRunning {
		return "", ErrFull
	}
	if err := s.start(ctx, rec, m.Title); err != nil {
		return "", errNoWorker.Because(err)
	}
	return rec.ID, nil
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
	key, err := s.keyOf(rec.ID)
	if err != nil {
		return err
	}
	files, err := s.bind(rec.ID)
	if err != nil {
		return err
	}
	defer closeFiles(files)
	began := time.Now()
	running, err := s.Launcher.Start(launch.WorkerConfig{
		Conference: rec.ID, Title: title, Epoch: epoch, JournalSeq: rec.Seq, Key: key, StartedAt: rec.StartedAt,
		Codec: s.Settings.Codec, ResumeWindow: launch.MillisOf(s.Settings.ResumeWindow),
		Linger: launch.MillisOf(s.Settings.Linger), MediaLease: launch.MillisOf(s.MediaLease),
		MaxParticipants: s.Settings.MaxParticipants, LogLevel: s.LogLevel, LogFormat: s.LogFormat,
	}, files)
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	rec.Epoch = epoch
	w := s.adopt(rec, key, running)
	if err := w.reachable(ctx); err != nil {
		return err
	}
	s.Log.Info("worker is ready", "conference", rec.ID, "epoch", epoch, "pid", running.PID, "took", time.Since(began).Round(100*time.Microsecond))
	return nil
}

// adopt takes a running worker under supervision.
func (s *Supervisor) adopt(rec conference.Record, key []byte, running launch.Running) *worker {
	w := newWorker(s, rec, key, running)
	s.mu.Lock()
	s.workers[rec.ID] = w
	s.mu.Unlock()
	go w.stayConnected()
	return w
}

// Run takes over the workers that run already and then watches for their ends, until ctx ends or the launcher is gone.
func (s *Supervisor) Run(ctx context.Context) error {
	if err := s.takeOver(ctx); err != nil {
		return fmt.Errorf("take over workers: %w", err)
	}
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

func (s *Supervisor) takeOver(ctx context.Context) error {
	list, err := s.Launcher.List()
	if err != nil {
		return err
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
		s.adopt(rec, key, running)
		s.Log.Info("worker taken over", "conference", rec.ID, "epoch", rec.Epoch, "pid", running.PID)
	}
	return nil
}

func (s *Supervisor) forget(e launch.Exit) {
	s.mu.Lock()
	w := s.workers[e.Conference]
	if w != nil && w.running.Epoch == e.Epoch {
		delete(s.workers, e.Conference)
	} else {
		w = nil
	}
	s.mu.Unlock()
	if w != nil {
		w.close()
		s.unbind(e.Conference)
	}
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
