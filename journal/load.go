package journal

import (
	"context"
	"errors"
	"fmt"

	"konklave/conference"
)

// rowsAtOnce is how many rows are read with one query.
const rowsAtOnce = 1000

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
	rec, err := j.store.Conference(ctx, conferenceID)
	if err != nil || rec.Seq == 0 {
		return Replay{}, err
	}
	key, err := j.key(ctx, conferenceID)
	if errors.Is(err, errNoKey) {
		err = ErrCorrupt.Because(err)
	}
	if err != nil {
		return Replay{}, err
	}
	replay, err := j.snapshot(ctx, key, conferenceID, rec.Seq)
	if err != nil {
		return Replay{}, err
	}
	replay.Seq = rec.Seq
	if replay.Events, err = j.events(ctx, key, conferenceID, replay.SnapshotSeq, rec.Seq); err != nil {
		return Replay{}, err
	}
	short, err := j.condensed(ctx, key, rec, replay)
	if err != nil {
		j.log.ErrorContext(ctx, "snapshot was not made", "conference", conferenceID, "error", err)
	}
	return short, nil
}

func (j *Journal) snapshot(ctx context.Context, key []byte, conferenceID string, last int64) (Replay, error) {
	s, err := j.store.JournalSnapshot(ctx, conferenceID)
	if err != nil || s.Number == 0 {
		return Replay{}, err
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

// events opens the events after one number up to another one.
func (j *Journal) events(ctx context.Context, key []byte, conferenceID string, after, last int64) ([]conference.Stored, error) {
	events := make([]conference.Stored, 0, last-after)
	for next := after + 1; next <= last; {
		rows, err := j.store.JournalRows(ctx, conferenceID, next-1, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, ErrCorrupt.Because(fmt.Errorf("event %d is missing", next))
		}
		for _, r := range rows {
			if r.Number > last {
				break // appended meanwhile
			}
			if r.Number != next {
				return nil, ErrCorrupt.Because(fmt.Errorf("event %d is missing", next))
			}
			st, err := j.open(key, conferenceID, r)
			if err != nil {
				return nil, ErrCorrupt.Because(fmt.Errorf("event %d: %w", r.Number, err))
			}
			events = append(events, st)
			next++
		}
	}
	return events, nil
}
