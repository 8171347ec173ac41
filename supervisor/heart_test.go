package supervisor

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/launch"
)

// hangman is a launcher with one worker, of an epoch, which remembers when that was killed.
type hangman struct {
	epoch  int64
	killed chan time.Time
}

func (hangman) Start(launch.WorkerConfig, launch.Files) (launch.Running, error) {
	return launch.Running{}, launch.ErrGone
}
func (hangman) Wait() (launch.Exit, error)      { return launch.Exit{}, launch.ErrGone }
func (hangman) List() ([]launch.Running, error) { return nil, nil }

func (h hangman) Signal(_ string, epoch int64, _ syscall.Signal) error {
	if epoch != h.epoch {
		return launch.ErrNotRunning
	}
	h.killed <- time.Now()
	return nil
}

// attended has a worker attended to whose status is answered by status, and returns both ends.
func attended(t *testing.T, h hangman, status control.Handler) (w *worker, ended chan struct{}) {
	t.Helper()
	key := make([]byte, 32)
	s := New(Options{Launcher: h, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	w = newWorker(s, conference.Record{ID: "c1", Epoch: 1}, key, "Council")
	a, b := net.Pipe()
	go func() {
		if conn, err := control.Accept(b, "c1", key, status); err == nil {
			conn.Start()
		}
	}()
	conn, err := control.Dial(a, "c1", key, w.serve, w.limits)
	if err != nil {
		t.Fatal(err)
	}
	conn.Start()
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		w.attend(conn)
	}()
	return w, ended
}

func TestAWorkerThatHangsIsKilledAndOneThatAnswersNowAndThenIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		h := hangman{1, make(chan time.Time, 1)}
		w, ended := attended(t, h, func(context.Context, string, []byte) (any, error) {
			if asked.Add(1)%beatsMissed != 0 { // it leaves as many without an answer in time as it may
				time.Sleep(2 * statusLimit) // virtual
			}
			return control.Status{}, nil
		})
		time.Sleep(time.Hour) // virtual
		if len(h.killed) != 0 {
			t.Fatal("a worker that answers was killed")
		}
		if least := int64(time.Hour / (beatPause + statusLimit)); asked.Load() < least {
			t.Errorf("it was asked %d times, want %d", asked.Load(), least)
		}
		w.close()
		<-ended
	})
	synctest.Test(t, func(t *testing.T) {
		h := hangman{1, make(chan time.Time, 1)}
		began := time.Now()
		_, ended := attended(t, h, func(ctx context.Context, _ string, _ []byte) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		<-ended
		if took := (<-h.killed).Sub(began); took != beatsMissed*(beatPause+statusLimit) {
			t.Errorf("it was killed after %v", took)
		}
	})
}

func TestAWorkerThatTookThePlaceOfAHungOneIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hangman{2, make(chan time.Time, 1)}
		_, ended := attended(t, h, func(ctx context.Context, _ string, _ []byte) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		<-ended
		if len(h.killed) != 0 {
			t.Error("the next worker was killed")
		}
	})
}
