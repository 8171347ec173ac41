package supervisor_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"konklave/conference"
	"konklave/fault"
	"konklave/journal"
	"konklave/launch"
	"konklave/store"
	"konklave/store/sqlitetest"
	"konklave/supervisor"
	"konklave/vault"
)

// meanwhile is a database in which something happens by another controller, once, at a certain step.
type meanwhile struct {
	*store.Store
	beforeSnapshot, afterKey func()
}

func (m *meanwhile) JournalSnapshot(ctx context.Context, id string) (journal.Snapshot, error) {
	if do := m.beforeSnapshot; do != nil {
		m.beforeSnapshot = nil
		do()
	}
	return m.Store.JournalSnapshot(ctx, id)
}

func (m *meanwhile) ConferenceKey(ctx context.Context, id string) ([]byte, error) {
	key, err := m.Store.ConferenceKey(ctx, id)
	if do := m.afterKey; do != nil {
		m.afterKey = nil
		do()
	}
	return key, err
}

// journals are those of two controllers on one database; the second sees what m lets happen.
func (w *world) journals(t *testing.T) (one, two *journal.Journal, m *meanwhile) {
	t.Helper()
	keys, err := vault.Open(t.Context(), filepath.Join(t.TempDir(), "master.key"), newDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	m, log := &meanwhile{Store: w.db}, slog.New(slog.DiscardHandler)
	return journal.New(w.db, keys, log), journal.New(m, keys, log), m
}

func newDatabase(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), sqlitetest.Create(t, filepath.Join(t.TempDir(), "k.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// unseen has the supervisor never see that a live conference has no worker: on a busy machine it would start one meanwhile.
func unseen(o *supervisor.Options) {
	o.Records = stalled{o.Records, make(chan struct{}, 1)}
}

// claimed opens the conference of the world's meeting in its first epoch, without a worker.
func (w *world) claimed(t *testing.T) conference.Record {
	t.Helper()
	rec, _, err := w.db.OpenConference(t.Context(), w.meeting.ID)
	if err == nil {
		rec, err = w.db.ClaimEpoch(t.Context(), rec.ID, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func many(t *testing.T, from, to int64) []conference.Stored {
	t.Helper()
	var events []conference.Stored
	for seq := from; seq <= to; seq++ {
		events = append(events, stored(t, seq, "p1", said("m", "p1")))
	}
	return events
}

// TestASnapshotThatAnotherControllerMakesMeanwhileIsNoDamage: of events that came after the conference was looked at.
func TestASnapshotThatAnotherControllerMakesMeanwhileIsNoDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unseen)
	one, two, m := w.journals(t)
	rec := w.claimed(t)
	if err := one.Append(t.Context(), rec.ID, 1, 1, many(t, 1, 10), nil, false); err != nil {
		t.Fatal(err)
	}
	m.beforeSnapshot = func() {
		if err := one.Append(t.Context(), rec.ID, 1, 11, many(t, 11, 10+journal.SnapshotEvery), nil, false); err != nil {
			t.Error(err)
		}
		if _, err := one.Load(t.Context(), rec.ID); err != nil { // which makes a snapshot
			t.Error(err)
		}
	}
	if got, err := two.Load(t.Context(), rec.ID); err != nil || got.Seq != 10+journal.SnapshotEvery {
		t.Errorf("%d, %v", got.Seq, err)
	}
}

// TestAKeyThatAnotherControllerMakesMeanwhileIsTheKey: both store the first report of a worker that has asked both.
func TestAKeyThatAnotherControllerMakesMeanwhileIsTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unseen)
	one, two, m := w.journals(t)
	rec, first := w.claimed(t), many(t, 1, 1)
	m.afterKey = func() {
		if err := one.Append(t.Context(), rec.ID, 1, 1, first, nil, false); err != nil {
			t.Error(err)
		}
	}
	if err := two.Append(t.Context(), rec.ID, 1, 1, first, nil, false); err != nil {
		t.Errorf("the same report: %v", err)
	}
	if got, err := two.Load(t.Context(), rec.ID); err != nil || got.Seq != 1 || len(got.Events) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// held is a database that answers one who looks for live conferences, and those who want to bring one back, when it is let.
type held struct {
	supervisor.Records

	holds     atomic.Bool
	asked     chan struct{}
	live, one chan struct{} // closed when it is let
}

// looker marks the context of the look that is held up.
type looker struct{}

func (h *held) LiveConferences(ctx context.Context) ([]conference.Record, error) {
	all, err := h.Records.LiveConferences(ctx)
	if ctx.Value(looker{}) != nil {
		h.asked <- struct{}{}
		<-h.live
	}
	return all, err
}

func (h *held) Conference(ctx context.Context, id string) (conference.Record, error) {
	if h.holds.Load() {
		<-h.one
	}
	return h.Records.Conference(ctx, id)
}

// TestAWorkerThatEndsDuringALookIsFollowedByTheNext: the look saw it run, and would take it over when its end was heard of
// already, before the next one is there.
func TestAWorkerThatEndsDuringALookIsFollowedByTheNext(t *testing.T) {
	t.Parallel()
	h := &held{asked: make(chan struct{}), live: make(chan struct{}), one: make(chan struct{})}
	w := newWorld(t, func(o *supervisor.Options) { h.Records, o.Records = o.Records, h })
	id, _ := w.open(t)
	looked := make(chan error, 1)
	go func() { looked <- w.TakeOver(context.WithValue(t.Context(), looker{}, true)) }()
	<-h.asked
	h.holds.Store(true)
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Signal: "killed"})
	close(h.live)
	if err := <-looked; err != nil {
		t.Error(err)
	}
	close(h.one)
	<-w.workers
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 2 || w.started[1].Epoch != 2 {
		t.Errorf("started: %+v", w.started)
	}
}

// secondSurveyor is the launcher as another controller sees it, with the media of its workers.
type secondSurveyor struct {
	second
	surveyor surveyor
}

func (s secondSurveyor) List() ([]launch.Running, error) { return s.surveyor.List() }

// TestWhatAnotherControllerStoredIsKnownToTheRelay: who came and who left by its hand.
func TestWhatAnotherControllerStoredIsKnownToTheRelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withRelay(make(chan told, 10)))
	id, one := w.open(t)
	other, _ := w.another(t, func(o *supervisor.Options) {
		l := o.Launcher.(second) //nolint:forcetypeassert // what another makes
		o.Launcher = secondSurveyor{l, surveyor{l.puppets}}
	})
	if _, err := other.Ensure(t.Context(), w.meeting); err != nil {
		t.Fatal(err)
	}
	two := <-w.workers
	if _, err := askRelay(two, "p1"); fault.As(err).Code != "relay.stranger" {
		t.Errorf("before: %v", err)
	}
	anna := w.admit(t, id, one, "Anna")
	if err := appending(one, 1, 1, enters(t, 1, anna, "p1")...); err != nil {
		t.Fatal(err)
	}
	if _, err := askRelay(two, "p1"); err != nil {
		t.Errorf("after she came: %v", err)
	}
	if err := appending(one, 1, 3, stored(t, 3, "p1", &conference.ParticipantLeft{ID: "p1", Reason: conference.LeftByChoice})); err != nil {
		t.Fatal(err)
	}
	if _, err := askRelay(two, "p1"); fault.As(err).Code != "relay.stranger" {
		t.Errorf("after she left: %v", err)
	}
}

// TestALateControllerTakesNothingAway: neither the names of the sockets nor the supervision of a worker of a later epoch.
func TestALateControllerTakesNothingAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, _ := w.open(t)
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Signal: "killed"})
	<-w.workers                           // of epoch 2
	for _, epoch := range []int64{1, 3} { // of workers that have ended, or do not run yet
		for _, ending := range []string{"ctl", "web"} {
			if err := os.WriteFile(filepath.Join(w.dir, fmt.Sprintf("%s.%d.%s", id, epoch, ending)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Publish(id, epoch); err == nil {
			t.Errorf("the sockets of epoch %d were published", epoch)
		}
	}
	if err := w.Register(conference.Record{ID: id, MeetingID: w.meeting.ID, Epoch: 1}); err == nil {
		t.Error("the supervision of a worker that has ended took the place of that of the next one")
	}
	if got, err := w.Ensure(t.Context(), w.meeting); err != nil || got != id {
		t.Errorf("after that: %s, %v", got, err)
	}
}

// TestClaimsThatComeToNothingAreRespectedLongerAndLonger: or else controllers on a busy machine would take them from each
// other for ever.
func TestClaimsThatComeToNothingAreRespectedLongerAndLonger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rec := conference.Record{ID: "c1"}
	if got := w.Patience(rec); got != supervisor.ClaimWait {
		t.Errorf("at first %v", got)
	}
	for want := 2 * supervisor.ClaimWait; want < supervisor.StartLimit; want *= 2 {
		w.LengthenPatience(rec)
		if got := w.Patience(rec); got != want {
			t.Errorf("then %v, want %v", got, want)
		}
	}
	for range 3 {
		w.LengthenPatience(rec)
	}
	if got := w.Patience(rec); got != supervisor.StartLimit {
		t.Errorf("at last %v", got)
	}
}

// TestADamageThatOnlyTheReplayFindsIsGivenUpToo: an event that opens and that no worker can begin with.
func TestADamageThatOnlyTheReplayFindsIsGivenUpToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unseen)
	rec := w.claimed(t)
	unknown := stored(t, 1, "p1", said("m", "p1"))
	unknown.Kind = "vote.cast"
	if err := w.options.Journal.Append(t.Context(), rec.ID, 1, 1, []conference.Stored{unknown}, nil, false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Ensure(t.Context(), w.meeting); fault.As(err).Code != "journal.corrupt" {
		t.Errorf("a join: %v", err)
	}
	if err := w.Abandon(t.Context(), w.owner, w.meeting.ID); err != nil {
		t.Errorf("it is not given up: %v", err)
	}
}
