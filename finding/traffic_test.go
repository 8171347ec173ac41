package finding

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// kept is a Keeper.
type kept chan Finding

func (k kept) KeepFinding(_ context.Context, f Finding) error { k <- f; return nil }

// waits returns the findings that wait to be kept.
func (t *Traffic) waits() []Finding {
	var all []Finding
	for len(t.spikes) > 0 {
		all = append(all, <-t.spikes)
	}
	return all
}

// hand is a clock for one goroutine.
type hand struct{ at time.Time }

func (h *hand) now() time.Time { return h.at }

func newHand() *hand { return &hand{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func TestASpikeBeginsAboveTheLimitOfOneMinute(t *testing.T) {
	t.Parallel()
	h := newHand()
	for name, c := range map[string]struct {
		limit int
		count func(*Traffic)
	}{
		"person": {PersonSpike, func(f *Traffic) { f.Person("default", "u1", "192.0.2.1") }},
		"source": {SourceSpike, func(f *Traffic) { f.Source("default", "192.0.2.1") }},
	} {
		f := NewTraffic(h.now)
		for range c.limit {
			c.count(f)
		}
		if found := f.waits(); len(found) != 0 {
			t.Errorf("%s: found at the limit: %+v", name, found)
		}
		c.count(f)
		c.count(f)
		found := f.waits()
		if len(found) != 1 || found[0].Kind != TrafficSpike || found[0].Evidence.Requests != c.limit+1 || found[0].Evidence.Usual != 0 ||
			found[0].Quiet != SpikeQuiet || (found[0].UserID == "u1") != (name == "person") || len(found[0].Evidence.Sources) != 1 {
			t.Errorf("%s: %+v", name, found)
		}
		h.at = h.at.Add(time.Minute)
		for range c.limit {
			c.count(f)
		}
		if found := f.waits(); len(found) != 0 {
			t.Errorf("%s: the minute before counts: %+v", name, found)
		}
	}
}

func TestWhatIsUsualIsNoSpike(t *testing.T) {
	t.Parallel()
	h := newHand()
	f := NewTraffic(h.now)
	ask := func(n int) []Finding {
		for range n {
			f.Person("default", "u1", "192.0.2.1")
		}
		h.at = h.at.Add(time.Minute)
		return f.waits()
	}
	for range 8 * UsualMinutes {
		ask(100)
	}
	if found := ask(990); len(found) != 0 {
		t.Errorf("below ten times the usual: %+v", found)
	}
	for range UsualMinutes {
		ask(100)
	}
	if found := ask(1200); len(found) != 1 || found[0].Evidence.Usual < 90 || found[0].Evidence.Usual > 110 {
		t.Errorf("above ten times the usual: %+v", found)
	}
	h.at = h.at.Add(24 * time.Hour)
	ask(1)
	if found := ask(PersonSpike + 1); len(found) != 1 || found[0].Evidence.Usual != 0 {
		t.Errorf("after a day nothing is usual: %+v", found)
	}
}

func TestAFloodDoesNotMakeItselfUsualAtOnce(t *testing.T) {
	t.Parallel()
	h := newHand()
	f := NewTraffic(h.now)
	for minute := range 10 {
		for range 5000 {
			f.Person("default", "u1", "192.0.2.1")
		}
		if found := f.waits(); len(found) != 1 {
			t.Fatalf("minute %d: %d findings", minute, len(found))
		}
		h.at = h.at.Add(time.Minute)
	}
}

func TestTrafficIsBoundedInMemory(t *testing.T) {
	t.Parallel()
	h := newHand()
	f := NewTraffic(h.now)
	for i := range MaxFlows + 10 {
		f.Source("default", fmt.Sprint(i))
	}
	if len(f.flows) != MaxFlows {
		t.Errorf("%d flows", len(f.flows))
	}
	h.at = h.at.Add((UsualMinutes + 1) * time.Minute)
	f.Source("default", "later")
	if len(f.flows) != 1 {
		t.Errorf("%d flows after an hour of quiet", len(f.flows))
	}
	for i := range 2 * maxSpikes {
		for range PersonSpike + 1 {
			f.Person("default", fmt.Sprint(i), "")
		}
	}
	if found := f.waits(); len(found) != maxSpikes {
		t.Errorf("%d findings wait", len(found))
	}
}

func TestSpikesAreKeptUntilTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, k := NewTraffic(time.Now), make(kept, 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx, k, slog.New(slog.DiscardHandler)) }()
		for range PersonSpike + 1 {
			f.Person("default", "u1", "192.0.2.1")
		}
		if found := <-k; found.UserID != "u1" {
			t.Errorf("%+v", found)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkCount(b *testing.B) {
	f := NewTraffic(time.Now)
	for b.Loop() {
		f.Person("default", "u1", "192.0.2.1")
	}
}
