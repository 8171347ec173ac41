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
	during func(address string) // happens while the controller is asked about an address; or nil

	mu    sync.Mutex
	asked []string
	ended []string
}

func (g *gatekeeper) call(_ context.Context, _ string, body, _ any) error {
	if time.Now().Before(g.until) {
		return errNoController
	}
	q := body.(control.Arrive) //nolint:forcetypeassert // arrivals make no other call
	if g.during != nil {
		g.during(q.Address)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, q.Address)
	if q.Address != g.inside {
		return errElsewhere
	}
	return nil
}

func (g *gatekeeper) end(ctx context.Context, session string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = append(g.ended, session)
	return nil
}

// wants checks which sessions were ended, and how many addresses were asked about.
func (g *gatekeeper) wants(t *testing.T, asked int, ended ...string) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.asked) != asked || !slices.Equal(g.ended, ended) {
		t.Errorf("ended %q, asked about %q", g.ended, g.asked)
	}
}

func (g *gatekeeper) arrivals(lease time.Duration) *arrivals {
	return &arrivals{line: g, lease: lease, end: g.end, log: slog.New(slog.DiscardHandler)}
}

func TestAnAddressIsJudgedByTheControllerThatIsThere(t *testing.T) {
	t.Parallel()
	g := &gatekeeper{inside: "192.0.2.1"}
	a := g.arrivals(time.Minute)
	if err := a.arrive(t.Context(), "s", "192.0.2.1"); err != nil {
		t.Error(err)
	}
	if err := a.arrive(t.Context(), "s", "198.51.100.1"); !errors.Is(err, errElsewhere) {
		t.Errorf("from elsewhere: %v", err)
	}
	if g.wants(t, 2); len(a.waiting) != 0 {
		t.Errorf("waiting %v", a.waiting)
	}
}

func TestAnAddressIsJudgedWhenTheControllerIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gatekeeper{until: time.Now().Add(10 * time.Second), inside: "192.0.2.1"}
		a := g.arrivals(time.Minute)
		for session, addresses := range map[string][]string{"stays": {"198.51.100.1", "192.0.2.1"}, "goes": {"192.0.2.1", "198.51.100.1"}} {
			for _, address := range addresses {
				if err := a.arrive(t.Context(), session, address); err != nil {
					t.Errorf("while nobody is there: %v", err)
				}
			}
		}
		time.Sleep(10*time.Second - time.Nanosecond) // virtual
		synctest.Wait()
		g.wants(t, 0)
		time.Sleep(callPauseMax) // virtual
		synctest.Wait()
		g.wants(t, 2, "goes")
	})
}

func TestOfTwoThatComeFromElsewhereAtOnceNoneStays(t *testing.T) {
	t.Parallel()
	const elsewhere = "198.51.100.1"
	for _, meanwhile := range []string{elsewhere, "198.51.100.2"} {
		synctest.Test(t, func(t *testing.T) {
			g := &gatekeeper{inside: "192.0.2.1"}
			a := g.arrivals(time.Minute)
			first := true
			g.during = func(string) {
				if !first {
					return
				}
				first = false
				if err := a.arrive(t.Context(), "s", meanwhile); err != nil {
					t.Errorf("who comes while the controller is asked: %v", err)
				}
			}
			if err := a.arrive(t.Context(), "s", elsewhere); !errors.Is(err, errElsewhere) {
				t.Errorf("from elsewhere: %v", err)
			}
			synctest.Wait()
			if g.wants(t, 2, "s"); len(a.waiting) != 0 {
				t.Errorf("waiting %v", a.waiting)
			}
		})
	}
}

// Who was let in while nobody was there is out by the first word against an address, whatever address comes after it.
func TestAnotherAddressTakesNoDenialBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gatekeeper{until: time.Now().Add(time.Second), inside: "192.0.2.1"}
		a := g.arrivals(time.Minute)
		g.during = func(string) {
			if err := a.arrive(t.Context(), "s", g.inside); err != nil {
				t.Error(err)
			}
		}
		if err := a.arrive(t.Context(), "s", "198.51.100.1"); err != nil {
			t.Errorf("while nobody is there: %v", err)
		}
		time.Sleep(time.Second + callPauseMax) // virtual
		synctest.Wait()
		g.wants(t, 1, "s")
	})
}

func TestASessionThatNobodyCouldJudgeEndsWithTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gatekeeper{until: time.Now().Add(time.Hour)}
		a := g.arrivals(time.Minute)
		if err := a.arrive(t.Context(), "s", "198.51.100.1"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute + callPauseMax) // virtual
		synctest.Wait()
		g.wants(t, 0, "s")
	})
}
