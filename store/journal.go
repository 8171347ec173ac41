package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"konklave/fault"
	"konklave/journal"
	"konklave/store/sqlgen"
)

// ConferenceKey implements journal.Store.
func (s *Store) ConferenceKey(ctx context.Context, id string) ([]byte, error) {
	wrapped, err := ask(ctx, s, (*sqlgen.Queries).ConferenceKey, id)
	return wrapped, orElse(err, nil)
}

// AddConferenceKey implements journal.Store.
func (s *Store) AddConferenceKey(ctx context.Context, id string, wrapped []byte) (kept []byte, err error) {
	err = s.change(ctx, "add conference key", func(ctx context.Context, q *sqlgen.Queries) error {
		row, err := q.ConferenceByID(ctx, id)
		if err != nil {
			return orElse(err, ErrConferenceUnknown)
		}
		if err := q.AddConferenceKey(ctx, sqlgen.AddConferenceKeyParams{
			ConferenceID: id, Tenant: row.Tenant, Wrapped: wrapped, CreatedAt: millis(s.time()),
		}); err != nil {
			return err
		}
		kept, err = q.ConferenceKey(ctx, id)
		return err
	})
	return kept, err
}

// AppendJournal implements journal.Store. A refused batch does not touch the others; when the transaction itself fails,
// each is tried alone, unless it is the database that does not work.
func (s *Store) AppendJournal(ctx context.Context, batches []journal.Batch) []error {
	errs := make([]error, len(batches))
	order := make([]int, len(batches)) // the same in each process: two of them must not wait for each other
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(batches[a].Conference, batches[b].Conference) })
	err := s.change(ctx, "append", func(ctx context.Context, q *sqlgen.Queries) error {
		for _, i := range order {
			errs[i] = s.appendBatch(ctx, q, batches[i])
			if errs[i] != nil && !errors.As(errs[i], new(*fault.Fault)) {
				return errs[i]
			}
		}
		return nil
	})
	switch {
	case err == nil:
	case len(batches) == 1, fault.As(err).Kind == fault.KindUnavailable:
		for i := range errs {
			errs[i] = err
		}
	default:
		for i := range batches {
			errs[i] = s.AppendJournal(ctx, batches[i:i+1])[0]
		}
	}
	return errs
}

// appendBatch stores a batch; when it returns a fault, it has changed nothing.
func (s *Store) appendBatch(ctx context.Context, q *sqlgen.Queries, b journal.Batch) error {
	row, err := q.LockConference(ctx, b.Conference)
	if err != nil {
		return orElse(err, ErrConferenceUnknown)
	}
	size := row.JournalBytes
	for _, r := range b.Rows {
		size += int64(len(r.Sealed))
	}
	last := row.Seq + int64(len(b.Rows))
	switch {
	case len(b.Rows) == 0:
		return journal.ErrEmptyBatch
	case b.Epoch != row.Epoch:
		return journal.ErrStaleEpoch
	case b.Seq <= row.Seq:
		return repeated(ctx, q, b)
	case row.EndedAt != 0:
		return ErrConferenceEnded
	case b.Seq != row.Seq+1:
		return journal.ErrOutOfOrder
	case !b.Ended && (last > journal.EventsMax || size > journal.BytesMax):
		return journal.ErrFull
	}
	if err := s.openSessions(ctx, q, b.Conference, b.Sessions); err != nil {
		return err
	}
	at, endedAt := millis(s.time()), int64(0)
	if b.Ended {
		endedAt = at
		if err := q.DeleteAdmissions(ctx, b.Conference); err != nil {
			return err
		}
	}
	if err := q.InsertBatch(ctx, sqlgen.InsertBatchParams{
		ConferenceID: b.Conference, FirstSeq: b.Seq, Tenant: row.Tenant, Events: int64(len(b.Rows)), Epoch: b.Epoch, Digest: b.Digest, At: at,
	}); err != nil {
		return err
	}
	for _, r := range b.Rows {
		if err := q.InsertEvent(ctx, sqlgen.InsertEventParams{
			ConferenceID: b.Conference, Number: r.Number, Tenant: row.Tenant, Epoch: r.Epoch, Kind: r.Kind, Sealed: r.Sealed,
		}); err != nil {
			return err
		}
	}
	if err := q.AdvanceConference(ctx, sqlgen.AdvanceConferenceParams{
		ID: b.Conference, Seq: last, JournalBytes: size, EndedAt: endedAt,
	}); err != nil {
		return err
	}
	return s.record(ctx, q, b.Entries...)
}

// repeated returns nil when the batch is the one that is stored, and else journal.ErrOutOfOrder.
func repeated(ctx context.Context, q *sqlgen.Queries, b journal.Batch) error {
	stored, err := q.BatchAt(ctx, sqlgen.BatchAtParams{ConferenceID: b.Conference, FirstSeq: b.Seq})
	if err != nil {
		return orElse(err, journal.ErrOutOfOrder)
	}
	if stored.Epoch != b.Epoch || stored.Events != int64(len(b.Rows)) || !bytes.Equal(stored.Digest, b.Digest) {
		return journal.ErrOutOfOrder
	}
	return nil
}

// JournalRows implements journal.Store.
func (s *Store) JournalRows(ctx context.Context, id string, after int64, limit int) ([]journal.Row, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).EventsAfter, sqlgen.EventsAfterParams{ConferenceID: id, AfterNumber: after, AtMost: int32(limit)})
	return mapped(rows, func(r sqlgen.JournalEvent) journal.Row {
		return journal.Row{Number: r.Number, Epoch: r.Epoch, Kind: r.Kind, Sealed: r.Sealed}
	}), err
}

// JournalSnapshot implements journal.Store.
func (s *Store) JournalSnapshot(ctx context.Context, id string) (journal.Snapshot, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).Snapshot, id)
	if errors.Is(err, sql.ErrNoRows) {
		return journal.Snapshot{}, nil
	}
	return journal.Snapshot{Number: row.Number, Sealed: row.Sealed}, err
}

// PutJournalSnapshot implements journal.Store.
func (s *Store) PutJournalSnapshot(ctx context.Context, id string, snapshot journal.Snapshot) error {
	return s.change(ctx, "put snapshot", func(ctx context.Context, q *sqlgen.Queries) error {
		row, err := q.ConferenceByID(ctx, id)
		if err != nil {
			return orElse(err, ErrConferenceUnknown)
		}
		return q.PutSnapshot(ctx, sqlgen.PutSnapshotParams{
			ConferenceID: id, Number: snapshot.Number, Tenant: row.Tenant, Sealed: snapshot.Sealed, At: millis(s.time()),
		})
	})
}
