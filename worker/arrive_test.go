package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"konklave/control"
	"konklave/fault"
)

var errElsewhere = fault.New(fault.KindDenied, "network.denied", "This account may be used from certain networks only.")

// gatekeeper is a controller that is away until a moment, and lets sessions in from one address alone.
type gatekeeper struct {
	until  time.Time
	inside string

	mu    sync.Mutex
	asked []string
}

func (g *gatekeeper) call(_ context.Context, _ string, body, _ any) error {
	if time.Now().Before(g.until) {
		return errNoController
	}
	q := body.(control.Arrive) //nolint:forcetypeassert // arrivals make no other call
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, q.Address)
	if q.Address != g.inside {
		return errElsewhere
	}
	return nil
}

func newArrivals(g *gatekeeper, lease time.Duration) (*arrivals, *[]string) {
	var mu sync.Mutex
	var ended []string
	end := func(_ context.Context, session string) error {
		mu.Lock()
		defer mu.Unlock()
		ended = append(ended, session)
		return nil
	}
	return &arrivals{line: g, lease: lease, end: end, log: slog.New(slog.DiscardHandler)}, &ended
}

func TestAnAddressIsJudgedByTheControllerThatIsThere(t *testing.T) {
	t.Parallel()
	a, ended := newArrivals(&gatekeeper{inside: "192.0.2.1"}, time.Minute)
	if err := a.arrive(t.Context(), "s", "192.0.2.1"); err != nil {
		t.Error(err)
	}
	if err := a.arrive(t.Context(), "s", "198.51.100.1"); !errors.Is(err, errElsewhere) {
		t.Errorf("from elsewhere: %v", err)
	}
	if len(*ended) != 0 || len(a.waiting) != 0 {
		t.Errorf("ended %q, waiting %q", *ended, a.waiting)
	}
}

func TestAnAddressIsJudgedWhenTheControllerIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gatekeeper{until: time.Now().Add(10 * time.Second), inside: "192.0.2.1"}
		a, ended := newArrivals(g, time.Minute)
		for session, addresses := range map[string][]string{"stays": {"198.51.100.1", "192.0.2.1"}, "goes": {"192.0.2.1", "198.51.100.1"}} {
			for _, address := range addresses {
				if err := a.arrive(t.Context(), session, address); err != nil {
					t.Errorf("while nobody is there: %v", err)
				}
			}
		}
		time.Sleep(10*time.Second - time.Nanosecond) // virtual
		synctest.Wait()
		if len(*ended)+len(g.asked) != 0 {
			t.Errorf("ended %q, asked about %q", *ended, g.asked)
		}
		time.Sleep(callPauseMax) // virtual
		synctest.Wait()
		if !slices.Equal(*ended, []string{"goes"}) || len(g.asked) != 2 || len(a.waiting) != 0 {
			t.Errorf("ended %q, asked about %q", *ended, g.asked)
		}
	})
}
