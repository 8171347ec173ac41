package supervisor_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"konklave/auth"
	"konklave/conference"
	"konklave/control"
	"konklave/fault"
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

// dam holds up the tickets of one conference until it is opened, as a database would that takes for ever for them.
type dam struct {
	supervisor.Tickets

	conference atomic.Value // string; of whom the tickets are held up
	reached    chan struct{}
	open       chan struct{}
	passed     atomic.Int64
}

func (d *dam) Redeem(ctx context.Context, ticket, conferenceID, session, address string) (auth.Grant, error) {
	if conferenceID == d.conference.Load() {
		d.passed.Add(1)
		d.reached <- struct{}{}
		<-d.open
	}
	return d.Tickets.Redeem(ctx, ticket, conferenceID, session, address)
}

// TestA89AFloodingWorkerSlowsNobodyDown: one worker sends more than it may, and whatever it has served takes for ever. It holds
// CallsMax calls and nothing else: meanwhile another worker is served, people come, and a conference begins. What goes beyond
// its quota does not reach the database, and is written down.
func TestA89AFloodingWorkerSlowsNobodyDown(t *testing.T) {
	t.Parallel()
	log, now, d := &lines{}, time.Now().Add(conference.EventLate/2), &dam{reached: make(chan struct{}, supervisor.RedeemsBurst+1), open: make(chan struct{})}
	w := newWorld(t, func(o *supervisor.Options) {
		d.Tickets, o.Tickets = o.Tickets, d
		o.MaxRunning = 3
		o.Log, o.Now = slog.New(slog.NewTextHandler(log, nil)), func() time.Time { return now } // no quota comes back
	})
	id, hostile := w.open(t)
	d.conference.Store(id)
	const beyond = 100
	refusals := make(chan error, supervisor.RedeemsBurst+beyond)
	flood := func(calls int) {
		for range calls {
			go func() {
				refusals <- hostile.Call(context.Background(), control.CallRedeem, control.Redeem{Ticket: "x", Session: sessionOf("x")}, nil)
			}()
		}
	}
	const waiting = control.CallsMax + beyond // which the socket takes, or else their sender would give up after WriteTimeout
	flood(waiting)
	for range control.CallsMax {
		<-d.reached
	}
	open := sync.OnceFunc(func() { close(d.open) })
	never := time.AfterFunc(patience, func() {
		t.Error("the flood keeps others from being served")
		open()
	})
	defer never.Stop()

	honest, anna := w.openMeeting(t, "Honest")
	if err := appending(honest, 1, 1, enters(t, 1, anna, "p1")...); err != nil {
		t.Fatal(err)
	}
	for seq := int64(3); seq < 103; seq++ {
		if err := appending(honest, 1, seq, stored(t, seq, "p1", said("m", "p1"))); err != nil {
			t.Fatal(err)
		}
	}
	var page control.HistoryPage
	if err := honest.Call(t.Context(), control.CallHistory, control.History{Epoch: 1}, &page); err != nil || page.Seq != 102 {
		t.Errorf("the history of the honest worker: %d, %v", page.Seq, err)
	}
	w.openMeeting(t, "New")
	if n := d.passed.Load(); n != control.CallsMax {
		t.Errorf("the flood has %d calls served at once, want %d", n, control.CallsMax)
	}

	open()
	flood(cap(refusals) - waiting)
	codes := map[fault.Code]int{}
	for range cap(refusals) {
		codes[fault.As(<-refusals).Code]++
	}
	if codes["ticket.unknown"] != supervisor.RedeemsBurst || codes["rate.limited"] != beyond || d.passed.Load() != supervisor.RedeemsBurst {
		t.Errorf("%d calls reached the database: %v", d.passed.Load(), codes)
	}
	if n := log.count("code=rate.limited"); n != 1 {
		t.Errorf("the flood stands in %d lines", n)
	}
}
