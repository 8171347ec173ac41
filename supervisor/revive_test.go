package supervisor_test

import (
	"strings"
	"testing"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/launch"
	"konklave/supervisor"
)

func TestADeadWorkerIsFollowedAtOnceByOneThatFindsItsHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	anna := w.admit(t, id, worker, "Anna")
	events := enters(t, 1, anna, "p1")
	for seq := int64(3); seq <= 40; seq++ {
		events = append(events, stored(t, seq, "p1", said("m", "p1")))
	}
	if err := appending(worker, 1, 1, events...); err != nil {
		t.Fatal(err)
	}
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Signal: "killed"})
	next := <-w.workers // nobody has joined
	var page control.HistoryPage
	if err := next.Call(t.Context(), control.CallHistory, control.History{Epoch: 2}, &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Events) != 40 || page.Seq != 40 || page.More || page.Events[39].Seq != 40 {
		t.Errorf("history: %d events of %d, more: %v", len(page.Events), page.Seq, page.More)
	}
	if err := next.Call(t.Context(), control.CallHistory, control.History{Epoch: 1}, &page); fault.As(err).Code != "journal.stale_epoch" {
		t.Errorf("the history for the old epoch: %v", err)
	}
	for _, q := range []control.History{{Epoch: 2, After: -1}, {Epoch: 2, After: 41}, {Epoch: 2, Offset: 1}, {Epoch: 2, Offset: -1}} {
		if err := next.Call(t.Context(), control.CallHistory, q, &page); fault.As(err).Code != "journal.no_such_place" {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if err := appending(next, 2, 41, stored(t, conference.SeqBefore(2)+1, "p1", said("m", "p1"))); err != nil {
		t.Errorf("the next worker goes on: %v", err)
	}
}

// TestCrashLoopFromBothSides: the last of the restarts comes at once, one more does not.
func TestCrashLoopFromBothSides(t *testing.T) {
	t.Parallel()
	const restarts = 3
	w := newWorld(t, func(o *supervisor.Options) { o.Restarts = restarts })
	id, _ := w.open(t)
	for epoch := int64(1); epoch < restarts; epoch++ {
		w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: epoch}, Code: 2})
		<-w.workers
	}
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: restarts}, Code: 2})
	if _, err := w.Ensure(t.Context(), w.meeting); !strings.Contains(fault.As(err).Message, "left alone") {
		t.Errorf("a join while it is left alone: %v", err)
	}
	select {
	case <-w.workers:
		t.Error("one more was started")
	default:
	}
}

func TestCrashesAreForgottenAfterTheirWindow(t *testing.T) {
	t.Parallel()
	c, now := supervisor.NewCrashes(), time.Unix(1700000000, 0)
	for i := range 4 {
		c.Note("c", now.Add(time.Duration(i)*time.Second))
	}
	at := now.Add(4 * time.Second)
	for limit, want := range map[int]time.Duration{5: 0, 4: 56 * time.Second, 3: 57 * time.Second} {
		if got := c.Pause("c", limit, at); got != want {
			t.Errorf("limit %d: pause %v, want %v", limit, got, want)
		}
	}
	if got := c.Pause("c", 4, now.Add(time.Minute)); got != 0 {
		t.Errorf("after the window: %v", got)
	}
	if got := c.Pause("other", 1, at); got != 0 {
		t.Errorf("another conference: %v", got)
	}
}

func TestAControllerBringsBackWhatHasNoWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, _ := w.open(t)
	w.died(id) // while no controller was there to hear of it
	next, _ := w.another(t, nil)
	if err := next.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-w.workers
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 2 || w.started[1].Conference != id || w.started[1].Epoch != 2 || w.started[1].Title != "Council" {
		t.Errorf("started: %+v", w.started)
	}
}
