package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"konklave/turn"
)

// How a process that hangs is found. It tells that it lives, each time after it has proved it to itself; Serve looks at whether
// it did, and so does systemd (WatchdogSec in the units).
const (
	provePause = 2 * time.Second // between two proofs
	proveLimit = 5 * time.Second // for one to succeed
	lookPause  = 2 * time.Second // between looks at whether there was one
	silentMax  = 15              // looks in a row without one, after which the process is taken for hung: within half a minute
	traceGrace = time.Second     // for a process that hangs to write down where
)

// errHung ends a process that gives no sign of life.
var errHung = errors.New("the process does not respond")

// pulse counts looks. They are counted, and not time, so that one who could not look himself for a while, as on a machine that
// was suspended, blames nobody.
type pulse struct {
	begun  bool // it has given a sign of life; programs from before there were any never do
	silent int
}

// beat takes note of a sign of life.
func (p *pulse) beat() { p.begun, p.silent = true, 0 }

// look reports whether the process is to be taken for hung.
func (p *pulse) look() bool {
	if p.begun {
		p.silent++
	}
	return p.silent >= silentMax
}

// stayAlive tells that this process lives, after each proof that succeeds, until ctx ends.
func stayAlive(ctx context.Context, prove func(context.Context) error, tell func() error, log *slog.Logger) {
	for {
		if err := proveOnce(ctx, prove); err != nil {
			if ctx.Err() == nil {
				log.Error("this process does not respond to itself", "error", err)
			}
		} else if err := tell(); err != nil {
			log.Warn("that this process lives could not be told", "error", err)
		}
		select {
		case <-time.After(provePause):
		case <-ctx.Done():
			return
		}
	}
}

func proveOnce(ctx context.Context, prove func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, proveLimit)
	defer cancel()
	return prove(ctx)
}

// responsive is a part of a process that shows that it goes on with its work.
type responsive interface {
	Responds(ctx context.Context) error
}

// database is what is asked whether it answers.
type database interface {
	Ping(ctx context.Context) error
}

// relayGoesOn has a front prove that it goes on with its work: with what all that it relays needs.
func relayGoesOn(relay *turn.Server) func(context.Context) error {
	return func(context.Context) error {
		relay.Allocations() // needs the lock, and would wait for it for ever
		return nil
	}
}

// proof has a controller prove that it goes on with its work, and that its store returns when it is asked. That the database
// is away is no fault of the controller, so any answer will do.
func proof(work responsive, db database) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := work.Responds(ctx); err != nil {
			return err
		}
		_ = db.Ping(ctx) // see above
		return nil
	}
}
