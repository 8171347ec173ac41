// Package sequencer puts the entries of the audit log into their order and into the tree.
//
// Whoever writes an entry writes it beside others, without waiting for them; it has no place in the log yet. A sequencer looks
// several times a second for entries that were committed, gives them the next places and adds their hashes to the tree, all in one
// transaction. Of the sequencers of several controllers one at a time has the turn. What is in the tree after the commit may be
// signed.
package sequencer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/leaf"
	"konklave/audit/tree"
)

const (
	// Interval is between two looks for new entries.
	Interval = 200 * time.Millisecond
	// BatchMax is how many entries one transaction integrates; more follow at once.
	BatchMax = 1000
	// Pause is how long a sequencer waits after a failure.
	Pause = time.Second
)

// Storage keeps the entries and the tree.
type Storage interface {
	// AuditWaits reports whether a committed entry has no place yet.
	AuditWaits(ctx context.Context) (bool, error)
	// IntegrateAudit calls do in a transaction that has the turn, and commits what do has done when it succeeds; do may be
	// called again after a clash. While another one has the turn it reports false and does not call do. A turn whose holder died
	// ends by itself within seconds.
	IntegrateAudit(ctx context.Context, do func(context.Context, Turn) error) (mine bool, err error)
}

// Turn is a transaction in which nobody else integrates entries.
type Turn interface {
	tree.Storage
	// Place gives at most n waiting entries the places from the size of the tree on. It returns that size and the texts of their
	// leaves, in order.
	Place(ctx context.Context, n int) (size int64, leaves [][]byte, err error)
}

// Sequencer is for one goroutine.
type Sequencer struct {
	storage Storage
	log     *slog.Logger
	failing bool
}

// New returns a Sequencer.
func New(storage Storage, log *slog.Logger) *Sequencer { return &Sequencer{storage: storage, log: log} }

// Run integrates entries until ctx ends, and returns nil then. It goes on after failures, of which it logs the first.
func (s *Sequencer) Run(ctx context.Context) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil
		}
		n, err := s.Integrate(ctx)
		s.tell(ctx, err)
		switch {
		case err != nil:
			pause.Reset(Pause)
		case n == BatchMax:
			pause.Reset(0)
		default:
			pause.Reset(Interval)
		}
	}
}

// Integrate integrates at most BatchMax waiting entries and returns how many; none while another sequencer has the turn.
func (s *Sequencer) Integrate(ctx context.Context) (n int, err error) {
	waits, err := s.storage.AuditWaits(ctx)
	if err != nil || !waits {
		return 0, err
	}
	mine, err := s.storage.IntegrateAudit(ctx, func(ctx context.Context, t Turn) error {
		size, leaves, err := t.Place(ctx, BatchMax)
		if err != nil {
			return fmt.Errorf("place entries: %w", err)
		}
		hashes := make([]tlog.Hash, len(leaves))
		for i, text := range leaves {
			hashes[i] = leaf.Hash(text)
		}
		n = len(leaves)
		_, err = tree.Append(ctx, t, size, hashes)
		return err
	})
	if err != nil || !mine {
		return 0, err
	}
	return n, nil
}

// tell logs the first of failures in a row, and their end.
func (s *Sequencer) tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !s.failing:
		s.failing = true
		s.log.ErrorContext(ctx, "audit entries do not come into the tree; it is tried again", "err", err)
	case err == nil && s.failing:
		s.failing = false
		s.log.InfoContext(ctx, "audit entries come into the tree again")
	}
}
