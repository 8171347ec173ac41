package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"konklave/activation"
)

// Times of the processes that Serve keeps.
const (
	childGrace   = 5 * time.Second  // for an orderly end
	readyLimit   = 30 * time.Second // for a replacement to serve, unless it asks for more
	drainLimit   = time.Hour        // for what a replaced front still carries
	restartFirst = 100 * time.Millisecond
	restartMax   = 5 * time.Second
	steady       = 5 * time.Second // one that ran this long starts anew at once
)

// drainSignal asks a front to accept nothing new and to end when what it carries has ended.
const drainSignal = syscall.SIGUSR1

// errNotReady fails the replacement by a process that does not come to serve.
var errNotReady = errors.New("the new process did not become ready")

// child is a started process.
type child struct {
	cmd   *exec.Cmd
	heard activation.Heard
	ended chan struct{} // closed when it has ended; err then tells how
	err   error
}

func watched(cmd *exec.Cmd, heard activation.Heard) *child {
	c := &child{cmd: cmd, heard: heard, ended: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.ended)
	}()
	return c
}

// stop asks the child to end, and kills it after grace.
func (c *child) stop(signal syscall.Signal, grace time.Duration) {
	_ = c.cmd.Process.Signal(signal) // one that has just ended needs none
	kill := time.AfterFunc(grace, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	<-c.ended
}

// keeper keeps one process running, and replaces it on request.
type keeper struct {
	name      string
	start     func() (*child, error)
	overlaps  bool // a replacement starts beside the old one, which then drains
	log       *slog.Logger
	patience  time.Duration       // with a replacement that does not serve yet
	lookPause time.Duration       // between looks at whether it lives
	extended  func(time.Duration) // hears that the first one asks for more time
	requests  chan replacement
	draining  sync.WaitGroup
	served    chan struct{} // closed when the first one has become ready
	first     sync.Once
}

type replacement struct {
	// start starts the new one; later starts use it too if it becomes ready
	start func() (*child, error)
	done  chan error // buffered, 1
}

func newKeeper(name string, overlaps bool, start func() (*child, error), log *slog.Logger) *keeper {
	return &keeper{
		name: name, start: start, overlaps: overlaps, log: log, patience: readyLimit, lookPause: lookPause, extended: func(time.Duration) {},
		requests: make(chan replacement), served: make(chan struct{}),
	}
}

// replace has the process replaced by one that start starts, and returns when the new one serves; when it does not, the
// old way of starting stays in force and an error is returned.
func (k *keeper) replace(ctx context.Context, start func() (*child, error)) error {
	q := replacement{start, make(chan error, 1)}
	select {
	case k.requests <- q:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-q.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run keeps the process until ctx ends, and then ends it and those that still drain.
func (k *keeper) run(ctx context.Context) {
	drains, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer k.draining.Wait()
	defer cut()
	pause := restartFirst
	var c *child // nil when one has to be started
	for ctx.Err() == nil {
		began := time.Now()
		var err error
		if c == nil {
			c, err = k.start()
		}
		if err == nil {
			err = k.attend(ctx, drains, c)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steady {
			pause = restartFirst
		}
		k.log.Error("process has ended and is started again", "process", k.name, "error", err, "pause", pause)
		c = k.rest(ctx, pause)
		pause = min(2*pause, restartMax)
	}
	if c != nil {
		c.stop(syscall.SIGTERM, childGrace)
	}
}

// rest waits before the next start. A replacement that is asked for meanwhile is started at once, and returned when it serves.
func (k *keeper) rest(ctx context.Context, pause time.Duration) *child {
	over := time.NewTimer(pause)
	defer over.Stop()
	for {
		select {
		case <-over.C:
			return nil
		case <-ctx.Done():
			return nil
		case q := <-k.requests:
			c, err := k.begin(ctx, q.start)
			q.done <- err
			if err == nil {
				return c
			}
		}
	}
}

// attend follows a process and its replacements; it returns when the newest has ended. One that hangs is ended.
func (k *keeper) attend(ctx, drains context.Context, c *child) error {
	ready, alive := c.heard.Ready, pulse{}
	look := time.NewTicker(k.lookPause)
	defer look.Stop()
	for {
		select {
		case <-ready:
			k.first.Do(func() { close(k.served) })
			ready = nil
		case d := <-c.heard.Extended:
			if ready != nil {
				k.extended(d)
			}
		case <-c.heard.Alive:
			alive.beat()
		case <-look.C:
			if alive.look() {
				c.stop(syscall.SIGABRT, traceGrace)
				return errors.Join(errHung, c.err)
			}
		case <-c.ended:
			return c.err
		case <-ctx.Done():
			c.stop(syscall.SIGTERM, childGrace)
			return nil
		case q := <-k.requests:
			next, err := k.swap(ctx, drains, c, q.start)
			q.done <- err
			if next == nil {
				return err
			}
			if next != c {
				c, ready, alive = next, next.heard.Ready, pulse{}
			}
		}
	}
}

// begin starts a process, which is then how it is started from now on, if it comes to serve.
func (k *keeper) begin(ctx context.Context, start func() (*child, error)) (*child, error) {
	c, err := start()
	if err != nil {
		return nil, err
	}
	if err := k.awaitReady(ctx, c); err != nil {
		return nil, err
	}
	k.start = start
	return c, nil
}

// swap returns the process that runs afterwards; nil when none does.
func (k *keeper) swap(ctx, drains context.Context, old *child, start func() (*child, error)) (*child, error) {
	if !k.overlaps {
		old.stop(syscall.SIGTERM, childGrace)
	}
	next, err := k.begin(ctx, start)
	switch {
	case err == nil && k.overlaps:
		k.drain(drains, old)
		return next, nil
	case err == nil:
		return next, nil
	case k.overlaps:
		return old, fmt.Errorf("%s stays the old one: %w", k.name, err)
	}
	back, startErr := k.start()
	if startErr != nil {
		return nil, errors.Join(err, startErr)
	}
	return back, fmt.Errorf("%s is the old one again: %w", k.name, err)
}

// awaitReady ends a process that does not become ready.
func (k *keeper) awaitReady(ctx context.Context, c *child) error {
	limit := time.NewTimer(k.patience)
	defer limit.Stop()
	for {
		select {
		case <-c.heard.Ready:
			return nil
		case d := <-c.heard.Extended:
			limit.Reset(d)
			continue
		case <-c.ended:
			return errors.Join(errNotReady, c.err)
		case <-limit.C:
		case <-ctx.Done():
		}
		c.stop(syscall.SIGKILL, 0)
		return errNotReady
	}
}

// drain lets a replaced process end what it carries.
func (k *keeper) drain(ctx context.Context, c *child) {
	_ = c.cmd.Process.Signal(drainSignal) // one that has just ended needs none
	k.draining.Go(func() {
		limit := time.NewTimer(drainLimit)
		defer limit.Stop()
		select {
		case <-c.ended:
			return
		case <-limit.C:
		case <-ctx.Done():
		}
		c.stop(syscall.SIGTERM, childGrace)
	})
}
