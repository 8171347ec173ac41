package supervisor_test

import (
	"context"
	"testing"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/launch"
	"konklave/supervisor"
)

// second is the launcher as another controller sees it: the same workers, with reports of their ends of its own.
type second struct {
	*puppets
	exits chan launch.Exit
}

func (s second) Wait() (launch.Exit, error) {
	e, ok := <-s.exits
	if !ok {
		return e, launch.ErrGone
	}
	return e, nil
}

// another starts a second controller on the same database and launcher.
func (w *world) another(t *testing.T, change func(*supervisor.Options)) (*supervisor.Supervisor, second) {
	t.Helper()
	l := second{w.puppets, make(chan launch.Exit)}
	o := w.options
	o.Launcher = l
	if change != nil {
		change(&o)
	}
	s := supervisor.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx) // the launcher's end is the test's
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		close(l.exits)
	})
	return s, l
}

func TestTwoControllersThatStartTheSameMeetingAtOnceStartOneWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	other, _ := w.another(t, nil)
	const each = 10
	ids := make(chan string, 2*each)
	for range each {
		for _, s := range []*supervisor.Supervisor{w.Supervisor, other} {
			go func() {
				id, err := s.Ensure(t.Context(), w.meeting)
				if err != nil {
					t.Error(err)
				}
				ids <- id
			}()
		}
	}
	first := <-ids
	for range 2*each - 1 {
		if id := <-ids; id != first {
			t.Errorf("two conferences: %s and %s", first, id)
		}
	}
	<-w.workers // each controller has a connection of its own
	<-w.workers
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 1 || w.started[0].Epoch != 1 {
		t.Errorf("%d workers were started", len(w.started))
	}
}

func TestWhatOneControllerAdmittedAnotherOneStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, one := w.open(t)
	other, _ := w.another(t, nil)
	if got, err := other.Ensure(t.Context(), w.meeting); err != nil || got != id {
		t.Fatalf("the other controller: %s, %v", got, err)
	}
	two := <-w.workers
	anna, bob := w.admit(t, id, one, "Anna"), w.admit(t, id, two, "Bob")
	again := stored(t, 6, "p2", said("m2", "p2"))
	for i, step := range []struct {
		by     *control.Conn
		events []conference.Stored
	}{
		{two, enters(t, 1, anna, "p1")},
		{one, append([]conference.Stored{stored(t, 3, "p1", said("m1", "p1"))}, enters(t, 4, bob, "p2")...)},
		{two, []conference.Stored{again}},
		{one, []conference.Stored{again}}, // the answer was lost with the other controller
		{one, []conference.Stored{stored(t, 7, "p1", said("m3", "p1"))}},
	} {
		if err := appending(step.by, 1, step.events[0].Seq, step.events...); err != nil {
			t.Errorf("append %d: %v", i, err)
		}
	}
	stranger := anna
	stranger.Account = "somebody"
	if err := appending(two, 1, 8, enters(t, 8, stranger, "p3")...); fault.As(err).Code != "journal.forged_actor" {
		t.Errorf("somebody whom neither admitted: %v", err)
	}
	var page control.HistoryPage
	if err := two.Call(t.Context(), control.CallHistory, control.History{Epoch: 1}, &page); err != nil || page.Seq != 7 || len(page.Events) != 7 {
		t.Errorf("the history by the other controller: %d of %d, %v", len(page.Events), page.Seq, err)
	}
}

func TestOfTwoControllersThatSeeAWorkerDieOneStartsTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, _ := w.open(t)
	other, l := w.another(t, nil)
	if _, err := other.Ensure(t.Context(), w.meeting); err != nil {
		t.Fatal(err)
	}
	<-w.workers
	e := launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Signal: "killed"}
	w.died(id)
	l.exits <- e
	w.puppets.exits <- e
	<-w.workers
	<-w.workers
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 2 || w.started[1].Epoch != 2 {
		t.Errorf("started: %d", len(w.started))
	}
}

func TestAControllerFindsWhatAnotherOneHasStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.another(t, nil)
	id, _ := w.open(t) // by the first one
	<-w.workers        // and taken over by the other, which nobody asked
	if id == "" {
		t.Error("no conference")
	}
}

func TestAClaimThatCameToNothingIsFollowedByTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rec, _, err := w.db.OpenConference(t.Context(), w.meeting.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.ClaimEpoch(t.Context(), rec.ID, 0); err != nil { // by a controller that dies now
		t.Fatal(err)
	}
	began := time.Now()
	w.open(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 1 || w.started[0].Epoch != 2 || time.Since(began) < supervisor.ClaimWait {
		t.Errorf("started %d after %v", len(w.started), time.Since(began))
	}
}
