package supervisor_test

import (
	"context"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"konklave/launch"
	"konklave/supervisor"
)

// condemned is a launcher that tells which worker was to be killed; the test then has it die.
type condemned struct {
	*puppets
	killed chan launch.Running
}

func (c condemned) Signal(conference string, epoch int64, signal syscall.Signal) error {
	if signal == syscall.SIGKILL {
		select {
		case c.killed <- launch.Running{Conference: conference, Epoch: epoch}:
		default: // said before
		}
	}
	return nil
}

// TestAWorkerThatTheDatabaseDoesNotKnowMakesRoom: after a restore beside a launcher that went on. The next worker is of an
// epoch that none was of.
func TestAWorkerThatTheDatabaseDoesNotKnowMakesRoom(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(context.Context, *world) error{
		"somebody joins": func(ctx context.Context, w *world) error {
			_, err := w.Ensure(ctx, w.meeting)
			return err
		},
		"a controller starts": func(ctx context.Context, w *world) error { return w.TakeOver(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, killed := &lines{}, make(chan launch.Running, 1)
			w := newWorld(t, func(o *supervisor.Options) {
				o.Log = slog.New(slog.NewTextHandler(log, nil))
				o.Launcher = condemned{o.Launcher.(*puppets), killed} //nolint:forcetypeassert // what newWorld makes
			})
			old := launch.Running{Conference: w.claimed(t).ID, Epoch: 3}
			w.runs(old)
			begun := make(chan error, 1)
			go func() { begun <- begin(t.Context(), w) }()
			select {
			case got := <-killed:
				if got.Conference != old.Conference || got.Epoch != old.Epoch {
					t.Errorf("killed: %+v", got)
				}
			case <-time.After(patience):
				t.Fatal("the old worker goes on")
			}
			w.end(launch.Exit{Running: old, Signal: "killed"})
			<-w.workers // the next one
			if err := <-begun; err != nil {
				t.Error(err)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.started) != 1 || w.started[0].Epoch != old.Epoch+1 {
				t.Errorf("started: %+v", w.started)
			}
			if n := log.count("epoch=3 known=1"); n != 1 {
				t.Errorf("it stands in %d lines", n)
			}
		})
	}
}

// TestALookThatCameTooEarlyEndsNoWorker: another controller claims and starts between the looks at the launcher and at the
// database.
func TestALookThatCameTooEarlyEndsNoWorker(t *testing.T) {
	t.Parallel()
	killed := make(chan launch.Running, 1)
	w := newWorld(t, func(o *supervisor.Options) {
		o.Launcher = condemned{o.Launcher.(*puppets), killed} //nolint:forcetypeassert // what newWorld makes
	})
	early := w.claimed(t)
	id, _ := w.open(t) // the claim has come to nothing: this is of epoch 2
	if err := w.Obtain(t.Context(), early); err != nil {
		t.Error(err)
	}
	if len(killed) != 0 {
		t.Errorf("killed: %+v", <-killed)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 1 || w.started[0].Conference != id || w.started[0].Epoch != 2 {
		t.Errorf("started: %+v", w.started)
	}
}
