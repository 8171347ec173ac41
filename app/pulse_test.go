package app

import (
	"context"
	"errors"
	"log/slog"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAProcessIsHungAfterSilentMaxLooksAndNoEarlier(t *testing.T) {
	t.Parallel()
	var p pulse
	for range 3 * silentMax {
		if p.look() {
			t.Fatal("a program that never gives signs of life is taken for hung")
		}
	}
	for range 3 {
		p.beat()
		for range silentMax - 1 {
			if p.look() {
				t.Fatal("taken for hung too early")
			}
		}
	}
	if !p.look() {
		t.Error("not taken for hung")
	}
}

// TestAProcessThatHangsIsReplaced: a stopped process takes no other signal than SIGKILL.
func TestAProcessThatHangsIsReplaced(t *testing.T) {
	t.Parallel()
	s := newStand(t, false, (*stand).idle)
	s.lookPause = time.Millisecond
	s.runs(t)
	silent := await(t, s.started) // of a program that gives no signs of life
	wantOpen(t, silent.ended, "one that never gives signs of life was ended")
	if err := silent.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first := await(t, s.started)
	if err := first.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	first.alive <- struct{}{}
	await(t, first.ended)
	await(t, s.started)
}

// behaviour is what a part of a process does when it is asked; released ends what would go on for ever.
type behaviour func(ctx context.Context, released <-chan struct{}) error

func well(context.Context, <-chan struct{}) error { return nil }

func failing(context.Context, <-chan struct{}) error { return errors.New("connection refused") }

func mute(ctx context.Context, _ <-chan struct{}) error {
	<-ctx.Done()
	return ctx.Err()
}

func stuck(_ context.Context, released <-chan struct{}) error {
	<-released
	return nil
}

// part is a part of a process.
type part struct {
	do       behaviour
	released chan struct{}
}

func (p part) Responds(ctx context.Context) error { return p.do(ctx, p.released) }
func (p part) Ping(ctx context.Context) error     { return p.do(ctx, p.released) }

func TestAControllerLivesWhileItsPartsRespond(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		work, db behaviour
		pause    time.Duration // between two signs of life; 0 for none
	}{
		"all is well":                       {well, well, provePause},
		"the database is away":              {well, failing, provePause},
		"the database does not answer":      {well, mute, proveLimit + provePause},
		"the store hangs":                   {well, stuck, 0},
		"the supervisor does not go on":     {mute, well, 0},
		"the supervisor cannot be asked":    {stuck, well, 0},
		"nothing of the controller goes on": {mute, failing, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				released, ended, told := make(chan struct{}), make(chan struct{}), 0
				go func() {
					defer close(ended)
					stayAlive(ctx, proof(part{tt.work, released}, part{tt.db, released}), func() error { told++; return nil }, slog.New(slog.DiscardHandler))
				}()
				time.Sleep(time.Minute + provePause/2) // virtual
				synctest.Wait()
				want := 0
				if tt.pause > 0 {
					want = int((time.Minute+provePause/2-(tt.pause-provePause))/tt.pause) + 1
				}
				if told != want {
					t.Errorf("%d signs of life in a minute, want %d", told, want)
				}
				cancel()
				close(released)
				<-ended
			})
		})
	}
	const slowest = proveLimit + provePause
	if bound := silentMax * lookPause; bound < 2*slowest {
		t.Errorf("while its database does not answer, a controller gives a sign of life every %v, and is taken for hung after %v", slowest, bound)
	}
}
