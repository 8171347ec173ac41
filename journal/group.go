package journal

import (
	"context"
	"sync"
	"time"
)

// What one transaction takes together, and how long it may take.
const (
	groupBatches = 128
	groupRows    = 4096 // a single batch may bring more
	groupLimit   = 15 * time.Second
)

// group commits the batches that come at the same time in one transaction: while one is being written, the next ones gather.
type group struct {
	store Store

	mu      sync.Mutex // guards what follows
	waiting []member
	busy    bool // somebody commits
}

type member struct {
	batch Batch
	done  chan error
}

// append returns when the batch is stored or refused. When ctx ends first, it is not known whether it will be stored.
func (g *group) append(ctx context.Context, b Batch) error {
	m := member{b, make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	if !g.busy {
		g.busy = true
		go g.commit() //nolint:contextcheck // it commits for others too, whose patience is their own
	}
	g.mu.Unlock()
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit writes until nobody waits.
func (g *group) commit() {
	for {
		members := g.next()
		if len(members) == 0 {
			return
		}
		batches := make([]Batch, len(members))
		for i, m := range members {
			batches[i] = m.batch
		}
		ctx, cancel := context.WithTimeout(context.Background(), groupLimit)
		errs := g.store.AppendJournal(ctx, batches)
		cancel()
		for i, m := range members {
			m.done <- errs[i]
		}
	}
}

// next takes those whose turn it is.
func (g *group) next() []member {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, rows := 0, 0
	for n < len(g.waiting) && n < groupBatches {
		if rows += len(g.waiting[n].batch.Rows); n > 0 && rows > groupRows {
			break
		}
		n++
	}
	g.busy = n > 0
	members := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return members
}
