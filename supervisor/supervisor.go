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

	"konklave/access"
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
	// ClaimEpoch begins the time of a new worker after the epoch known; of many that do it at once, one succeeds, and the
	// others fail with conference.ErrEpochTaken. Events of earlier epochs are refused from now on.
	ClaimEpoch(ctx context.Context, id string, known int64) (conference.Record, error)
	// Conference returns what is known of a conference.
	Conference(ctx context.Context, id string) (conference.Record, error)
	// LiveConference returns the live conference of a meeting; it fails with conference.unknown when there is none.
	LiveConference(ctx context.Context, meetingID string) (conference.Record, error)
	// CloseConference ends a conference without its worker.
	CloseConference(ctx context.Context, id string, by access.Actor, reason string) error
	// Meeting returns a meeting that is not deleted.
	Meeting(ctx context.Context, tenant, id string) (meeting.Meeting, error)
	// LiveConferences lists the conferences that have not ended.
	LiveConferences(ctx context.Context) ([]conference.Record, error)
	// MeetingTitle returns the title of a meeting.
	MeetingTitle(ctx context.Context, meetingID string) (string, error)
	// TicketOfSession returns what the ticket stood for that any controller redeemed for a session; it fails with
	// ticket.unknown when there is none.
	TicketOfSession(ctx context.Context, conferenceID, session string) (auth.Grant, error)
	// EndedAdmissions returns the sessions of live conferences whose sign-in is over now, by conference.
	EndedAdmissions(ctx context.Context, now time.Time) (map[string][]string, error)
	// ForgetAdmissions forgets sessions that have ended.
	ForgetAdmissions(ctx context.Context, conferenceID string, sessions []string) error
	// TicketRedeemed reports whether any controller redeemed a ticket with this grant.
	TicketRedeemed(ctx context.Context, g auth.Grant) (bool, error)
}

// Journal keeps what workers append; *journal.Journal is one.
type Journal interface {
	Append(ctx context.Context, conferenceID string, epoch, seq int64, events []conference.Stored, entries []audit.Entry, ended bool) error
	Load(ctx context.Context, conferenceID string) (journal.Replay, error)
	Head(ctx context.Context, conferenceID string) (journal.Replay, error)
	Events(ctx context.Context, conferenceID string, after int64, size int) ([]conference.Stored, error)
}

// Tickets redeems tickets.
type Tickets interface {
	Redeem(ctx context.Context, ticket, conferenceID, session, address string) (auth.Grant, error)
}

// Places holds people to the networks of their roles; *auth.Places is one. Sessions are named as in a Redeem.
type Places interface {
	// Kept is what is kept of an address when a ticket is redeemed, so that nobody looks misplaced until Arrive is told.
	Kept(address string) string
	// Arrive fails with network.denied when the person of the session may not come from the address.
	Arrive(ctx context.Context, conferenceID, session, address string) error
	// Misplaced returns the sessions of live conferences whose people may not be where they are, by conference.
	Misplaced(ctx context.Context) (map[string][]string, error)
}

// Launcher starts and finds workers; *launch.Client is one.
type Launcher interface {
	Start(config launch.WorkerConfig, files launch.Files) (launch.Running, error)
	Signal(conference string, epoch int64, signal syscall.Signal) error
	List() ([]launch.Running, error)
	Wait() (launch.Exit, error)
}

// Options are what a supervisor needs. Settings without ID and Title are the template for each conference.
type Options struct {
	Records    Records
	Journal    Journal
	Tickets    Tickets
	Places     Places
	Launcher   Launcher
	Key        []byte // of this instance; the keys of the control channels are derived from it
	Dir        string // where the workers' sockets lie
	Addresses  []netip.Addr
	Ports      PortRange
	Settings   conference.Settings
	Relay      Relay
	MediaLease time.Duration
	MaxRunning int
	Restarts   int // how often a conference's worker may die within a minute before it is left alone for a while; at least 1
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

	crashes *crashes
	asked   chan struct{}   // is taken from by Run, as a sign of life
	life    context.Context // of what goes on by itself; ends with Run
	end     context.CancelFunc

	mu       sync.Mutex         // guards what follows
	workers  map[string]*worker // by conference
	opening  map[string]chan struct{}
	gone     map[string]int64         // newest epoch whose worker is known to have ended, by conference
	ends     int64                    // reports of ended workers so far
	reviving map[string]bool          // conferences that are being brought back
	corrupt  map[string]bool          // conferences that cannot be brought back
	waits    map[string]time.Duration // how long another controller's claim is respected, where longer than at first
}

// New makes a supervisor. TakeOver comes before the first Ensure, Run beside all of them. Several may work on one database
// and one launcher.
func New(o Options) *Supervisor {
	s := &Supervisor{
		Options: o, crashes: newCrashes(), asked: make(chan struct{}), workers: map[string]*worker{}, opening: map[string]chan struct{}{},
		gone: map[string]int64{}, reviving: map[string]bool{}, corrupt: map[string]bool{}, waits: map[string]time.Duration{},
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s
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
// starts the worker and all wait for it; who waits no longer stops nothing. Faults: server.full, server.unavailable,
// journal.corrupt.
func (s *Supervisor) Ensure(ctx context.Context, m meeting.Meeting) (string, error) {
	over, err := s.turn(ctx, m.ID)
	if err != nil {
		return "", err
	}
	type result struct {
		id  string
		err error
	}
	done := make(chan result, 1)
	go func() { //nolint:contextcheck // it is done for all who wait
		defer over()
		ctx, cancel := context.WithTimeout(s.life, ensureLimit)
		defer cancel()
		id, err := s.ensure(ctx, m)
		done <- result{id, err}
	}()
	select {
	case r := <-done:
		return r.id, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// turn waits until nobody else in this process starts the conference of a meeting; over lets the next one do it.
func (s *Supervisor) turn(ctx context.Context, meetingID string) (over func(), err error) {
	for {
		s.mu.Lock()
		turn, busy := s.opening[meetingID]
		if !busy {
			turn = make(chan struct{})
			s.opening[meetingID] = turn
		}
		s.mu.Unlock()
		if !busy {
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.opening, meetingID)
				close(turn)
			}, nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Supervisor) ensure(ctx context.Context, m meeting.Meeting) (string, error) {
	rec, _, err := s.Records.OpenConference(ctx, m.ID)
	if err != nil {
		return "", err
	}
	if w := s.worker(rec.ID); w != nil && w.epoch == rec.Epoch {
		return rec.ID, w.reachable(ctx)
	}
	if s.crashes.pause(rec.ID, s.Restarts, time.Now()) > 0 {
		return "", errCrashing
	}
	err = s.obtain(ctx, rec, m.Title)
	switch {
	case err == nil:
		return rec.ID, nil
	case errors.Is(err, ErrFull), errors.Is(err, journal.ErrCorrupt), fault.As(err).Code == launch.CodeIncomplete:
		return "", err
	}
	return "", errNoWorker.Because(err)
}

func (s *Supervisor) worker(conferenceID string) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workers[conferenceID]
}

// start has a worker started in an epoch that was claimed, and waits until it has proved itself.
func (s *Supervisor) start(ctx context.Context, rec conference.Record, title string) error {
	err := s.startClaimed(ctx, rec, title)
	if err != nil {
		s.noteEnd(rec.ID, rec.Epoch) // nobody has to wait for it
	}
	return err
}

func (s *Supervisor) startClaimed(ctx context.Context, rec conference.Record, title string) error {
	replay, err := s.Journal.Load(ctx, rec.ID) // nobody appends any more
	if err != nil {
		return err
	}
	key, err := s.keyOf(rec.ID)
	if err != nil {
		return err
	}
	w := newWorker(s, rec, key, title)
	if err := w.learn(replay); err != nil {
		return err
	}
	if err := s.register(w); err != nil {
		return err
	}
	if err := s.launch(ctx, w, rec); err != nil {
		s.drop(w)
		return err
	}
	return nil
}

// register counts a worker among the running ones before it is started, so that its end is never missed.
func (s *Supervisor) register(w *worker) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.workers[w.id]
	switch {
	case old == nil && len(s.workers) >= s.MaxRunning:
		return ErrFull
	case old != nil && old.epoch >= w.epoch: // another controller was faster, and its worker was taken over
		return errOtherEpoch
	}
	if old != nil {
		old.close()
	}
	s.workers[w.id] = w
	delete(s.corrupt, w.id)
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

func (s *Supervisor) launch(ctx context.Context, w *worker, rec conference.Record) error {
	files, err := s.bind(w.id, w.epoch)
	if err != nil {
		return err
	}
	defer closeFiles(files)
	defer s.unbindEpoch(w.id, w.epoch)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	began := time.Now()
	running, err := s.Launcher.Start(launch.WorkerConfig{
		Conference: w.id, Title: w.title, Epoch: w.epoch, JournalSeq: rec.Seq, Key: w.key, StartedAt: rec.StartedAt,
		Codec: s.Settings.Codec, ResumeWindow: launch.MillisOf(s.Settings.ResumeWindow),
		Linger: launch.MillisOf(s.Settings.Linger), MediaLease: launch.MillisOf(s.MediaLease),
		MaxParticipants: s.Settings.MaxParticipants, LogLevel: s.LogLevel, LogFormat: s.LogFormat,
	}, files)
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	if err := s.publish(w.id, w.epoch); err != nil {
		w.kill(err)
		return err
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
	go func() { failed <- s.hearEnds(ctx, ends) }()
	go s.watchSignIns(s.life)
	defer s.letGo()
	look := time.NewTicker(reconcilePause)
	defer look.Stop()
	looked, looking := make(chan error, 1), false // beside what follows: a look may have to wait for the database
	for {
		select {
		case e := <-ends:
			s.forget(e)
		case err := <-failed:
			return err
		case <-look.C:
			if !looking {
				looking = true
				go func() { looked <- s.reconcile(ctx) }()
			}
		case err := <-looked:
			looking = false
			if err != nil && ctx.Err() == nil {
				s.Log.Warn("cannot look for conferences that nobody serves", "error", err)
			}
		case <-s.asked:
		case <-ctx.Done():
			return nil
		}
	}
}

// hearEnds passes the ends of workers on until ctx ends or the launcher is gone.
func (s *Supervisor) hearEnds(ctx context.Context, ends chan<- launch.Exit) error {
	for {
		e, err := s.Launcher.Wait()
		if err != nil {
			return err
		}
		select {
		case ends <- e:
		case <-ctx.Done():
			return nil
		}
	}
}

// Responds returns when Run goes on with its work and what the supervisor knows can be read, or with an error when ctx ends
// before. It asks neither the database nor the launcher.
func (s *Supervisor) Responds(ctx context.Context) error {
	select {
	case s.asked <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("the supervisor does not respond: %w", ctx.Err())
	}
	s.worker("") // needs the lock, and would wait for it for ever
	return nil
}

// TakeOver takes the workers that run already under supervision, and brings the live conferences back that have none.
func (s *Supervisor) TakeOver(ctx context.Context) error {
	if err := s.reconcile(ctx); err != nil {
		return fmt.Errorf("take workers over: %w", err)
	}
	return nil
}

// forget lets go of a worker that has ended. A conference that has not ended with it is brought back at once.
func (s *Supervisor) forget(e launch.Exit) {
	s.noteEnd(e.Conference, e.Epoch)
	s.mu.Lock()
	s.ends++
	w := s.workers[e.Conference]
	if w != nil && w.epoch > e.Epoch {
		s.mu.Unlock()
		return // a later one is there
	}
	delete(s.workers, e.Conference)
	s.mu.Unlock()
	if w != nil {
		w.close()
	}
	if w != nil && w.ended.Load() {
		s.bury(e.Conference)
		return
	}
	s.crashes.note(e.Conference, time.Now())
	go s.revive(e.Conference)
}

// letGo drops the connections; the workers go on without a controller.
func (s *Supervisor) letGo() {
	s.end()
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
