package control_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"konklave/control"
)

// connect opens a channel of a worker with these limits, over which the controller serves with a handler.
func connect(t *testing.T, limits *control.Limits, controller, worker control.Handler) (c, w *control.Conn) {
	t.Helper()
	a, b := net.Pipe()
	accepted := make(chan *control.Conn, 1)
	go func() {
		conn, err := control.Accept(b, "c1", key, worker)
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	c, err := control.Dial(a, "c1", key, controller, limits)
	if err != nil {
		t.Fatal(err)
	}
	w = <-accepted
	c.Start()
	w.Start()
	return c, w
}

func nothing(context.Context, string, []byte) (any, error) { return nil, nil } //nolint:nilnil // a call without a result

// TestAWorkerThatConnectsAgainHasNoMoreThanBefore: the burst is the worker's, not the connection's.
func TestAWorkerThatConnectsAgainHasNoMoreThanBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := control.NewLimits()
		text := map[string]string{"text": strings.Repeat("x", control.FrameMax/2)}
		flood := func(calls int) time.Duration {
			c, w := connect(t, limits, nothing, nothing)
			defer func() { _, _ = c.Close(), w.Close() }()
			began := time.Now()
			for range calls {
				if err := w.Call(context.Background(), "take", text, nil); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		const within = control.ReadBurst/(control.FrameMax/2) - 1
		if took := flood(within); took != 0 {
			t.Errorf("the burst took %v", took)
		}
		const again = 8
		const least = (again - 1) * (control.FrameMax / 2) * time.Second / control.ReadRate
		if took := flood(again); took < least-time.Second/2 {
			t.Errorf("after a reconnection it took %v, want about %v", took, least)
		}
	})
}

// TestWhatIsServedAtOnceIsLimited: by number, and by bytes; what is more waits until something is answered.
func TestWhatIsServedAtOnceIsLimited(t *testing.T) {
	t.Parallel()
	for size, most := range map[int]int{0: control.CallsMax, control.InFlightMax/control.CallsMax - 1: control.CallsMax, control.FrameMax - 1: 2, control.FrameMax: 1} {
		synctest.Test(t, func(t *testing.T) {
			limits, entered := control.NewLimits(), make(chan func(), 2*control.CallsMax)
			ctx, cancel := context.WithCancel(context.Background())
			for range most + 1 {
				go func() {
					if over, err := limits.Enter(ctx, size); err == nil {
						entered <- over
					}
				}()
				synctest.Wait()
			}
			if len(entered) != most {
				t.Errorf("%d calls of %d bytes are served at once, want %d", len(entered), size, most)
			}
			(<-entered)()
			synctest.Wait()
			if len(entered) != most {
				t.Errorf("after an answer %d calls of %d bytes are served, want %d", len(entered), size, most)
			}
			go func() { _, _ = limits.Enter(ctx, size) }() // gives back what it has when it gives up
			synctest.Wait()
			cancel()
			for range most {
				(<-entered)()
			}
			synctest.Wait()
			if over, err := limits.Enter(context.Background(), control.InFlightMax-1); err != nil {
				t.Error(err)
			} else {
				over()
			}
		})
	}
}

// TestASideThatTakesNothingIsGivenUp: after WriteTimeout, and no earlier.
func TestASideThatTakesNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := rawPair(t) // whose other end nobody reads
		began := time.Now()
		if err := c.Call(context.Background(), "echo", struct{}{}, nil); !errors.Is(err, control.ErrClosed) {
			t.Errorf("got %v", err)
		}
		<-c.Done()
		if took := time.Since(began); took != control.WriteTimeout {
			t.Errorf("it was given up after %v", took)
		}
	})
}

func TestRespondsTellsAHungSideFromOneThatHasToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := make(chan struct{})
		var hung atomic.Bool
		c, w := connect(t, control.NewLimits(), func(context.Context, string, []byte) (any, error) {
			<-busy
			return nil, nil //nolint:nilnil // a call without a result
		}, func(ctx context.Context, _ string, _ []byte) (any, error) {
			if hung.Load() {
				<-ctx.Done()
			}
			return nil, nil //nolint:nilnil // a call without a result
		})
		responds := func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			return c.Responds(ctx, "status")
		}
		if err := responds(); err != nil {
			t.Errorf("a side that lives: %v", err)
		}
		calls := make(chan error, control.CallsMax+1)
		for range cap(calls) { // one more than the controller serves at once: it does not read on
			go func() { calls <- w.Call(context.Background(), "take", struct{}{}, nil) }()
		}
		synctest.Wait()
		if err := responds(); err != nil {
			t.Errorf("a side whose answer is not read: %v", err)
		}
		close(busy)
		for range cap(calls) {
			if err := <-calls; err != nil {
				t.Error(err)
			}
		}
		hung.Store(true)
		if err := responds(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a side that hangs: %v", err)
		}
		_, _ = c.Close(), w.Close()
	})
}
