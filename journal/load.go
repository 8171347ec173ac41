package journal

import (
	"context"
	"fmt"
	"math"

	"konklave/conference"
)

const (
	rowsAtOnce  = 100 // rows that are read with one query
	readsAtOnce = 4   // readers, of all journals; each may hold a snapshot and what follows it
)

// Replay is what a conference starts from: a snapshot, and what happened after it.
type Replay struct {
	Snapshot    []byte // of the state, see conference.Restore; nil for none
	SnapshotSeq int64  // number of the last event that is in the snapshot; 0 for none
	Events      []conference.Stored
	Seq         int64 // number of the last event; 0 when nothing was appended
}

// Load reads the journal of a conference. It fails with journal.corrupt when any row is missing or does not open: it was
// damaged, moved or exchanged. A snapshot that does not open is only a detour: the events are read from the first. After many
// events Load makes a new snapshot of a conference that lives.
func (j *Journal) Load(ctx context.Context, conferenceID string) (Replay, error) {
	over, err := j.read(ctx)
	if err != nil {
		return Replay{}, err
	}
	defer over()
	h, err := j.head(ctx, conferenceID)
	if err != nil || h.record.Seq == 0 {
		return Replay{}, err
	}
	replay := h.replay
	if replay.Events, err = j.events(ctx, h.key, conferenceID, replay.SnapshotSeq, replay.Seq, math.MaxInt); err != nil {
		return Replay{}, err
	}
	short, err := j.condensed(ctx, h.key, h.record, replay)
	if err != nil {
		j.log.ErrorContext(ctx, "snapshot was not made", "conference", conferenceID, "error", err)
	}
	return short, nil
}

// Head is Load without the events.
func (j *Journal) Head(ctx context.Context, conferenceID string) (Replay, error) {
	over, err := j.read(ctx)
	if err != nil {
		return Replay{}, err
	}
	defer over()
	h, err := j.head(ctx, conferenceID)
	return h.replay, err
}

// Events opens the events that follow a number, as many as have about size bytes, and one at least; none when nothing follows.
// Faults are those of Load.
func (j *Journal) Events(ctx context.Context, conferenceID string, after int64, size int) ([]conference.Stored, error) {
	over, err := j.read(ctx)
	if err != nil {
		return nil, err
	}
	defer over()
	rec, err := j.store.Conference(ctx, conferenceID)
	if err != nil || rec.Seq <= after {
		return nil, err
	}
	key, err := j.keyOfStored(ctx, conferenceID)
	if err != nil {
		return nil, err
	}
	return j.events(ctx, key, conferenceID, after, rec.Seq, size)
}

// read waits for the turn to read; over lets the next one.
func (j *Journal) read(ctx context.Context) (over func(), err error) {
	select {
	case j.reads <- struct{}{}:
		return func() { <-j.reads }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// head is where a journal stands, with the key to it.
type head struct {
	record conference.Record
	key    []byte
	replay Replay // without events
}

// head looks at the snapshot before the record: one that is made meanwhile, of events that come meanwhile, is none of it.
func (j *Journal) head(ctx context.Context, conferenceID string) (h head, err error) {
	sealed, err := j.store.JournalSnapshot(ctx, conferenceID)
	if err != nil {
		return head{}, err
	}
	if h.record, err = j.store.Conference(ctx, conferenceID); err != nil || h.record.Seq == 0 {
		return head{}, err
	}
	if h.key, err = j.keyOfStored(ctx, conferenceID); err != nil {
		return head{}, err
	}
	h.replay, err = j.snapshot(ctx, h.key, conferenceID, sealed, h.record.Seq)
	h.replay.Seq = h.record.Seq
	return h, err
}

func (j *Journal) snapshot(ctx context.Context, key []byte, conferenceID string, s Snapshot, last int64) (Replay, error) {
	if s.Number == 0 {
		return Replay{}, nil
	}
	state, err := j.vault.Open(key, s.Sealed, Row{Number: s.Number, Kind: kindSnapshot}.place(conferenceID))
	if err != nil {
		j.log.ErrorContext(ctx, "snapshot is damaged, all events are read instead", "conference", conferenceID, "number", s.Number, "error", err)
		return Replay{}, nil
	}
	if s.Number > last {
		return Replay{}, ErrCorrupt.Because(fmt.Errorf("there is a snapshot of event %d, but the last event is %d", s.Number, last))
	}
	return Replay{Snapshot: state, SnapshotSeq: s.Number}, nil
}

// events opens the events after one number up to another one, or until they have about size bytes.
func (j *Journal) events(ctx context.Context, key []byte, conferenceID string, after, last int64, size int) ([]conference.Stored, error) {
	var events []conference.Stored
	for next := after + 1; next <= last && size > 0; {
		rows, err := j.store.JournalRows(ctx, conferenceID, next-1, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, ErrCorrupt.Because(fmt.Errorf("event %d is missing", next))
		}
		for _, r := range rows {
			if r.Number > last || size <= 0 && len(events) > 0 {
				break // appended meanwhile, or enough
			}
			if r.Number != next {
				return nil, ErrCorrupt.Because(fmt.Errorf("event %d is missing", next))
			}
			st, err := j.open(key, conferenceID, r)
			if err != nil {
				return nil, ErrCorrupt.Because(fmt.Errorf("event %d: %w", r.Number, err))
			}
			events = append(events, st)
			size -= len(r.Sealed)
			next++
		}
	}
	return events, nil
}
