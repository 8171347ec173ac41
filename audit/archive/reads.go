package archive

import (
	"context"
	"fmt"
	"sync"
	"time"

	"konklave/access"
	"konklave/audit"
)

// maxReaders bounds whose reading is remembered; of more than that, each reading is an entry.
const maxReaders = 1000

// What is read of a log, in entries about it.
const (
	readCheckpoints = "checkpoints"
	readProofs      = "proofs"
)

// reader is who reads, and what.
type reader struct{ kind, id, what string }

// counted is how often something was read since there was an entry about it.
type counted struct {
	day   time.Time
	times int64
}

// reads makes one entry of a day's reading: a witness reads every few seconds, and each entry grows the log that it reads. What
// was counted is forgotten with the process.
type reads struct {
	mu   sync.Mutex
	seen map[reader]counted
}

// count counts one reading, and reports whether it is the first of the day, and how many there were since the last first one.
func (r *reads) count(who reader, today time.Time) (before int64, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.seen[who]
	if known && last.day.Equal(today) {
		last.times++
		r.seen[who] = last
		return 0, false
	}
	if r.seen == nil {
		r.seen = map[reader]counted{}
	}
	if !known && len(r.seen) >= maxReaders {
		for other, c := range r.seen {
			if !c.day.Equal(today) {
				delete(r.seen, other)
			}
		}
	}
	if known || len(r.seen) < maxReaders {
		r.seen[who] = counted{today, 1}
	}
	return last.times, true
}

// forget takes back that there is an entry about the day's reading.
func (r *reads) forget(who reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, who)
}

// read lets an actor read something of the log, and records that when it is the first time of the day. It returns the newest
// checkpoint.
func (a *Archive) read(ctx context.Context, actor access.Actor, what string) (Seen, error) {
	if err := a.mayRead(actor); err != nil {
		return Seen{}, err
	}
	last, err := a.newest(ctx)
	if err != nil {
		return Seen{}, err
	}
	now := a.now()
	who := reader{string(actor.Kind), actor.ID, what}
	before, first := a.reads.count(who, day(now))
	if !first {
		return last, nil
	}
	if err := a.storage.Record(ctx, audit.LogRead(audit.Origin{At: now, Actor: actor}, last.Signed.Origin, what, before)); err != nil {
		a.reads.forget(who)
		return Seen{}, fmt.Errorf("record that the log is read: %w", err)
	}
	return last, nil
}
