package app

import (
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"konklave/activation"
)

// stand is a keeper with processes that do nothing; what they say, the test says.
type stand struct {
	*keeper
	started chan *said // each process when it is started
}

// said is a process and what it says.
type said struct {
	*child
	ready  chan struct{}
	extend chan time.Duration // buffered, 1
	alive  chan struct{}
}

// idle starts a process that runs until it is ended.
func (s *stand) idle() (*child, error) { return s.process(0, "sleep", "1000") }

// slow starts an idle process that has asked for more time before anybody waits for it.
func (s *stand) slow() (*child, error) { return s.process(patience, "sleep", "1000") }

// failing starts a process that ends at once.
func (s *stand) failing() (*child, error) { return s.process(0, "false") }

func (s *stand) process(asks time.Duration, words ...string) (*child, error) {
	cmd := exec.Command(words[0], words[1:]...) //nolint:noctx // the keeper ends it
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &said{ready: make(chan struct{}), extend: make(chan time.Duration, 1), alive: make(chan struct{})}
	if asks > 0 {
		p.extend <- asks
	}
	p.child = watched(cmd, activation.Heard{Ready: p.ready, Extended: p.extend, Alive: p.alive})
	s.started <- p
	return p.child, nil
}

// newStand runs a keeper whose first process is started by the given method.
func newStand(t *testing.T, overlaps bool, first func(*stand) (*child, error)) *stand {
	t.Helper()
	s := &stand{started: make(chan *said, 100)}
	s.keeper = newKeeper("test", overlaps, func() (*child, error) { return first(s) }, slog.New(slog.DiscardHandler))
	return s
}

func (s *stand) runs(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// replaced asks for a replacement.
func (s *stand) replaced(t *testing.T, start func() (*child, error)) <-chan error {
	t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- s.replace(t.Context(), start) }()
	return answer
}

// unanswered is how long nothing may happen that would be wrong.
const unanswered = 50 * time.Millisecond

func wantOpen[T any](t *testing.T, c <-chan T, what string) {
	t.Helper()
	select {
	case <-c:
		t.Fatal(what)
	case <-time.After(unanswered):
	}
}

func TestAReplacementInTheRestPauseHasToServe(t *testing.T) {
	t.Parallel()
	for _, overlaps := range []bool{true, false} {
		broken := make(chan struct{})
		s := newStand(t, overlaps, func(*stand) (*child, error) {
			select {
			case broken <- struct{}{}:
			case <-t.Context().Done():
			}
			return nil, errors.New("cannot be started")
		})
		s.runs(t)
		await(t, broken)
		if err := await(t, s.replaced(t, s.failing)); !errors.Is(err, errNotReady) {
			t.Errorf("one that ends at once replaced it: %v", err)
		}
		await(t, s.started)
		await(t, broken) // the old way is still in force
		answer := s.replaced(t, s.idle)
		next := await(t, s.started)
		wantOpen(t, answer, "answered before it serves")
		close(next.ready)
		if err := await(t, answer); err != nil {
			t.Error(err)
		}
		await(t, s.served)
		if err := next.cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		await(t, s.started) // the new way is in force now
	}
}

func TestReadinessIsHeardOfAReplacementToo(t *testing.T) {
	t.Parallel()
	for _, overlaps := range []bool{true, false} {
		s := newStand(t, overlaps, (*stand).idle)
		s.runs(t)
		await(t, s.started) // it never says that it serves
		answer := s.replaced(t, s.idle)
		next := await(t, s.started)
		close(next.ready)
		if err := await(t, answer); err != nil {
			t.Error(err)
		}
		await(t, s.served)
	}
}

func TestReadinessIsHeardOfTheOldOneAgain(t *testing.T) {
	t.Parallel()
	s := newStand(t, false, (*stand).idle)
	s.runs(t)
	await(t, s.started)
	if err := await(t, s.replaced(t, s.failing)); !errors.Is(err, errNotReady) {
		t.Errorf("replaced by one that ends: %v", err)
	}
	await(t, s.started)
	again := await(t, s.started)
	wantOpen(t, s.served, "it serves before it says so")
	close(again.ready)
	await(t, s.served)
}

func TestAReplacementGetsTheTimeThatItAsksFor(t *testing.T) {
	t.Parallel()
	s := newStand(t, true, (*stand).idle)
	s.patience = unanswered
	s.runs(t)
	first := await(t, s.started)
	close(first.ready)
	if err := await(t, s.replaced(t, s.idle)); !errors.Is(err, errNotReady) {
		t.Errorf("one that takes too long: %v", err)
	}
	late := await(t, s.started)
	await(t, late.ended)
	answer := s.replaced(t, s.slow)
	next := await(t, s.started)
	wantOpen(t, answer, "answered within the time that was asked for")
	wantOpen(t, next.ended, "ended within the time that was asked for")
	close(next.ready)
	if err := await(t, answer); err != nil {
		t.Error(err)
	}
	await(t, first.ended) // drained: sleep ends by the signal
}

func TestTheFirstOnesWishForTimeIsPassedOn(t *testing.T) {
	t.Parallel()
	s := newStand(t, false, (*stand).idle)
	asked := make(chan time.Duration, 1)
	s.extended = func(d time.Duration) { asked <- d }
	s.runs(t)
	first := await(t, s.started)
	first.extend <- time.Minute
	if d := await(t, asked); d != time.Minute {
		t.Errorf("passed on %v", d)
	}
	if err := first.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	await(t, s.started)
}
