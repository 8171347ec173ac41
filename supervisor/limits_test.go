package supervisor_test

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/journal"
	"konklave/launch"
	"konklave/supervisor"
)

// counting is a journal that counts how often it is read.
type counting struct {
	supervisor.Journal
	loads, pages *atomic.Int64
}

func (c counting) Load(ctx context.Context, id string) (journal.Replay, error) {
	c.loads.Add(1)
	return c.Journal.Load(ctx, id)
}

func (c counting) Head(ctx context.Context, id string) (journal.Replay, error) {
	c.pages.Add(1)
	return c.Journal.Head(ctx, id)
}

func (c counting) Events(ctx context.Context, id string, after int64, size int) ([]conference.Stored, error) {
	c.pages.Add(1)
	return c.Journal.Events(ctx, id, after, size)
}

// TestANumberThatIsTooHighReadsNothing: it is refused by what is known to be stored.
func TestANumberThatIsTooHighReadsNothing(t *testing.T) {
	t.Parallel()
	var loads, pages atomic.Int64
	w := newWorld(t, func(o *supervisor.Options) { o.Journal = counting{o.Journal, &loads, &pages} })
	id, worker := w.open(t)
	w.talk(t, id, worker)
	before := loads.Load()
	for seq := int64(5); seq < 105; seq++ {
		if err := appending(worker, 1, seq, stored(t, seq, "p1", said("m", "p1"))); fault.As(err).Code != "journal.out_of_order" {
			t.Fatalf("%d: %v", seq, err)
		}
	}
	if loads.Load() != before || pages.Load() != 0 {
		t.Errorf("the journal was read %d and %d times", loads.Load()-before, pages.Load())
	}
}

// TestHistoryIsReadByPagesAndNoFasterThanItMay: from both sides of the limit; each page is read alone.
func TestHistoryIsReadByPagesAndNoFasterThanItMay(t *testing.T) {
	t.Parallel()
	var loads, pages atomic.Int64
	now := time.Now()
	w := newWorld(t, func(o *supervisor.Options) {
		o.Now = func() time.Time { return now }
		o.Journal = counting{o.Journal, &loads, &pages}
	})
	id, worker := w.open(t)
	w.talk(t, id, worker)
	before := loads.Load()
	for i := range supervisor.PagesBurst {
		var page control.HistoryPage
		if err := worker.Call(t.Context(), control.CallHistory, control.History{Epoch: 1, After: 1}, &page); err != nil || len(page.Events) != 2 || page.Seq != 3 {
			t.Fatalf("page %d: %+v, %v", i, page, err)
		}
	}
	if err := worker.Call(t.Context(), control.CallHistory, control.History{Epoch: 1}, nil); fault.As(err).Code != "journal.too_fast" {
		t.Errorf("one page more: %v", err)
	}
	if loads.Load() != before || pages.Load() != 2*supervisor.PagesBurst { // where it stands, and what follows
		t.Errorf("%d pages were told with %d loads and %d reads", supervisor.PagesBurst, loads.Load()-before, pages.Load())
	}
}

// TestReconnectingTakesLongerAndLonger: a worker that hangs up at once is not dialled without a pause.
func TestReconnectingTakesLongerAndLonger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, worker := w.open(t)
	began := time.Now()
	for range 7 {
		_ = worker.Close()
		worker = <-w.workers
	}
	if least := supervisor.RedialFirst * (1<<7 - 1); time.Since(began) < least {
		t.Errorf("seven reconnections took %v, want %v at least", time.Since(began), least)
	}
}

// slow is a launcher that starts a worker when it is let.
type slow struct {
	*puppets
	begun  chan struct{}
	let    chan struct{}
	killed *atomic.Int64
}

func (s slow) Signal(string, int64, syscall.Signal) error {
	s.killed.Add(1)
	return nil
}

func (s slow) Start(c launch.WorkerConfig, files launch.Files) (launch.Running, error) {
	s.begun <- struct{}{}
	<-s.let
	return s.puppets.Start(c, files)
}

// TestWhoWaitsNoLongerStopsNothing: the first one who joins gives up; the one after him gets the worker that was being started.
func TestWhoWaitsNoLongerStopsNothing(t *testing.T) {
	t.Parallel()
	l := slow{begun: make(chan struct{}, 8), let: make(chan struct{}), killed: &atomic.Int64{}}
	w := newWorld(t, func(o *supervisor.Options) {
		l.puppets = o.Launcher.(*puppets) //nolint:forcetypeassert // what newWorld makes
		o.Launcher = l
	})
	ctx, giveUp := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := w.Ensure(ctx, w.meeting)
		first <- err
	}()
	<-l.begun
	giveUp()
	if err := <-first; err == nil {
		t.Error("who gave up was told of success")
	}
	second := make(chan error, 1)
	go func() {
		_, err := w.Ensure(t.Context(), w.meeting)
		second <- err
	}()
	close(l.let)
	if err := <-second; err != nil {
		t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 1 || w.started[0].Epoch != 1 || l.killed.Load() != 0 {
		t.Errorf("started: %+v, killed: %d", w.started, l.killed.Load())
	}
}

// TestAnOlderWorkerTellsNoSessions: it is believed as far as there were tickets, and no further.
func TestAnOlderWorkerTellsNoSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	w.SetVersion(id, control.VersionSession-1)
	var anna admitted
	if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: w.ticket(t, id, "Anna")}, &anna.Admission); err != nil {
		t.Fatal(err)
	}
	stranger := anna
	stranger.Account = "somebody"
	anna.session = sessionOf("any")
	if err := appending(worker, 1, 1, enters(t, 1, stranger, "p1")...); fault.As(err).Code != "journal.forged_actor" {
		t.Errorf("a stranger: %v", err)
	}
	if err := appending(worker, 1, 1, append(enters(t, 1, anna, "p1"), stored(t, 3, "p1", said("m", "p1")))...); err != nil {
		t.Errorf("one with a ticket: %v", err)
	}
}
