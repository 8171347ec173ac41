package supervisor_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/meeting"
	"konklave/supervisor"
)

// lines is a log to read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func TestA89MisdeedsAreWrittenDownOnceABurst(t *testing.T) {
	t.Parallel()
	log := &lines{}
	now := time.Now()
	var mu sync.Mutex
	w := newWorld(t, func(o *supervisor.Options) {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		o.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	_, worker := w.open(t)
	forge := func() {
		for range 20 {
			if err := appending(worker, 1, 1, stored(t, 1, "p9", said("m", "p9"))); fault.As(err).Code != "journal.forged_actor" {
				t.Errorf("forged: %v", err)
			}
			if err := appending(worker, 0, 1, stored(t, 1, "p9", said("m", "p9"))); fault.As(err).Code != "journal.stale_epoch" {
				t.Errorf("stale: %v", err)
			}
			if err := worker.Call(t.Context(), "users", struct{}{}, nil); fault.As(err).Code != "control.unknown_call" {
				t.Errorf("unknown: %v", err)
			}
			if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: "guessed", Session: sessionOf("guessed")}, nil); fault.As(err).Code != "ticket.unknown" {
				t.Errorf("guessed: %v", err)
			}
		}
	}
	forge()
	mu.Lock()
	now = now.Add(supervisor.AlarmQuiet)
	mu.Unlock()
	forge()
	for _, code := range []string{"journal.forged_actor", "journal.stale_epoch", "control.unknown_call"} {
		if n := log.count("code=" + code); n != 2 {
			t.Errorf("%s stands in %d lines, want 2", code, n)
		}
		if n := log.count("code=" + code + " before=19"); n != 1 {
			t.Errorf("%s: the burst is counted in %d lines", code, n)
		}
	}
	if n := log.count("code=ticket"); n != 0 {
		t.Errorf("guesses of people stand in %d lines", n)
	}
}

func TestQuotasOfAWorkerFromBothSides(t *testing.T) {
	t.Parallel()
	now := time.Now()
	events, redeems, pages, looks := supervisor.NewQuota()
	for name, q := range map[string]struct {
		allow       func(time.Time, int) bool
		burst, rate int
	}{
		"events":  {events.AllowN, supervisor.EventsBurst, supervisor.EventsRate},
		"redeems": {redeems.AllowN, supervisor.RedeemsBurst, supervisor.RedeemsRate},
		"pages":   {pages.AllowN, supervisor.PagesBurst, supervisor.PagesRate},
		"looks":   {looks.AllowN, supervisor.LooksBurst, supervisor.LooksRate},
	} {
		if !q.allow(now, q.burst) || q.allow(now, 1) {
			t.Errorf("%s: the burst is not %d", name, q.burst)
		}
		if q.allow(now.Add(time.Second), q.rate+1) || !q.allow(now.Add(time.Second), q.rate) {
			t.Errorf("%s: the rate is not %d", name, q.rate)
		}
	}
	w := newWorld(t, func(o *supervisor.Options) { o.Now = func() time.Time { return now } })
	_, worker := w.open(t)
	for i := range supervisor.RedeemsBurst {
		if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: "x", Session: sessionOf("x")}, nil); fault.As(err).Code != "ticket.unknown" {
			t.Fatalf("redeem %d: %v", i, err)
		}
	}
	if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: "x", Session: sessionOf("x")}, nil); fault.As(err).Code != "rate.limited" {
		t.Errorf("one more: %v", err)
	}
	for i := range supervisor.EventsBurst / 2048 {
		if err := appending(worker, 1, 1, make([]conference.Stored, 2048)...); fault.As(err).Code != "journal.version" {
			t.Fatalf("append %d: %v", i, err)
		}
	}
	if err := appending(worker, 1, 1, make([]conference.Stored, 1)...); fault.As(err).Code != "journal.too_fast" {
		t.Errorf("one event more: %v", err)
	}
}

// TestA89AFloodingWorkerSlowsNobodyDown: one worker sends as much nonsense as it can; another one is served in time.
func TestA89AFloodingWorkerSlowsNobodyDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, hostile := w.open(t)
	m, err := meeting.NewService(w.db, time.Now).Create(t.Context(), w.owner, meeting.New{Title: "Honest", GuestsAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.Ensure(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	honest := <-w.workers
	anna := w.admit(t, id, honest, "Anna")
	if err := appending(honest, 1, 1, enters(t, 1, anna, "p1")...); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	large := stored(t, 1, "p9", said("m", "p9"))
	large.Fact = jsontext.Value(`{"message":{"id":"` + strings.Repeat("x", 1<<20) + `"}}`)
	for range 32 {
		flood.Go(func() {
			for ctx.Err() == nil {
				_ = hostile.Call(ctx, control.CallAppend, control.Append{Epoch: 1, Seq: 1, Events: []conference.Stored{large}}, nil) // refused
			}
		})
	}
	worst := time.Duration(0)
	for seq := int64(3); seq < 103; seq++ {
		began := time.Now()
		if err := appending(honest, 1, seq, stored(t, seq, "p1", said("m", "p1"))); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(began))
	}
	stop()
	flood.Wait()
	if worst > 2*time.Second { // a machine that is busy with other tests needs a while, too
		t.Errorf("an honest append took %v", worst)
	}
	t.Logf("the slowest honest append took %v", worst)
}
