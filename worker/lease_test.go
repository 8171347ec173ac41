package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"konklave/control"
	"konklave/launch"
)

// controllerComes connects a controller to a worker's line, and returns what takes it away.
func controllerComes(t *testing.T, l *line) (goes func()) {
	t.Helper()
	key := bytes.Repeat([]byte{7}, 32)
	a, b := net.Pipe()
	dialled := make(chan *control.Conn, 1)
	go func() {
		conn, err := control.Dial(a, "c1", key, nil, control.NewLimits())
		if err != nil {
			t.Error(err)
			return
		}
		conn.Start()
		dialled <- conn
	}()
	conn, err := control.Accept(b, "c1", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.take(conn)
	conn.Start()
	controller := <-dialled
	return func() {
		_ = controller.Close()
		synctest.Wait()
	}
}

// TestWithoutAControllerMediaRunOnALease in virtual time: the worker ends when the lease is over and no earlier, and each
// controller that comes, however briefly, gives a whole new one.
func TestWithoutAControllerMediaRunOnALease(t *testing.T) {
	t.Parallel()
	const lease = 15 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		w := &worker{config: launch.WorkerConfig{MediaLease: launch.MillisOf(lease)}, line: newLine(), log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		go w.watchLease(ctx, cancel)
		lives := func(during time.Duration, why string) {
			t.Helper()
			time.Sleep(during) // virtual
			synctest.Wait()
			if ctx.Err() != nil {
				t.Fatalf("%s: ended by %v", why, context.Cause(ctx))
			}
		}
		lives(lease-time.Nanosecond, "before the first controller came")
		goes := controllerComes(t, w.line)
		lives(10*lease, "while a controller is there")
		goes()
		lives(lease-time.Nanosecond, "until the lease is over")
		controllerComes(t, w.line)()
		lives(lease-time.Nanosecond, "with the lease that a short visit gave")
		time.Sleep(time.Nanosecond) // virtual
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), errLease) {
			t.Errorf("after the lease: %v", context.Cause(ctx))
		}
	})
}
