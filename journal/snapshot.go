package journal

import (
	"context"
	"fmt"
	"time"

	"konklave/conference"
)

// SnapshotEvery is after how many events a new snapshot is made: a new worker has at most about so many to replay.
const SnapshotEvery = 1000

// condenseLimit is how long a snapshot may take in the background.
const condenseLimit = time.Minute

// condense makes a snapshot in the background when an append has crossed a multiple of SnapshotEvery. One is made at a time.
func (j *Journal) condense(conferenceID string, seq int64, events int) {
	before := seq - 1
	if (before+int64(events))/SnapshotEvery == before/SnapshotEvery || !j.condensing.TryLock() {
		return
	}
	go func() {
		defer j.condensing.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), condenseLimit)
		defer cancel()
		if _, err := j.Load(ctx, conferenceID); err != nil {
			j.log.ErrorContext(ctx, "snapshot was not made", "conference", conferenceID, "error", err)
		}
	}()
}

// condensed replaces many events of a replay by a new snapshot, and keeps it.
func (j *Journal) condensed(ctx context.Context, key []byte, rec conference.Record, replay Replay) (Replay, error) {
	if len(replay.Events) < SnapshotEvery || !rec.Live() {
		return replay, nil
	}
	state, err := conference.Restore(conference.Settings{ID: rec.ID}, rec.StartedAt, rec.StartedAt, replay.Snapshot)
	if err != nil {
		return replay, fmt.Errorf("restore: %w", err)
	}
	for _, st := range replay.Events {
		e, err := st.Event()
		if err != nil {
			return replay, err
		}
		state.Evolve(e)
	}
	content, err := state.Snapshot()
	if err != nil {
		return replay, err
	}
	s := Snapshot{Number: replay.Seq}
	s.Sealed = j.vault.Seal(key, content, Row{Number: s.Number, Kind: kindSnapshot}.place(rec.ID))
	if err := j.store.PutJournalSnapshot(ctx, rec.ID, s); err != nil {
		return replay, err
	}
	return Replay{Snapshot: content, SnapshotSeq: replay.Seq, Seq: replay.Seq}, nil
}
