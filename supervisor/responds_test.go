package supervisor_test

import (
	"context"
	"errors"
	"testing"

	"konklave/conference"
	"konklave/supervisor"
)

// stalled is a database that does not tell which conferences live.
type stalled struct {
	supervisor.Records

	asked chan struct{}
}

func (s stalled) LiveConferences(ctx context.Context) ([]conference.Record, error) {
	select {
	case s.asked <- struct{}{}:
	default: // said before
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestASupervisorRespondsWhileItWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	w := newWorld(t, func(o *supervisor.Options) { o.Records = stalled{o.Records, asked} })
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 3 {
		if err := w.Responds(ctx); err != nil {
			t.Fatal(err)
		}
	}
	idle, over := context.WithCancel(t.Context())
	over()
	if err := supervisor.New(w.options).Responds(idle); !errors.Is(err, context.Canceled) {
		t.Errorf("one that does not run responds: %v", err)
	}
}
