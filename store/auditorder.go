package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/sequencer"
	"konklave/store/sqlgen"
)

const (
	// turnLock is the number of the lock that a transaction holds while it integrates entries, together with the table's own.
	turnLock = 0x6b6f6e6b
	// turnRest is how long such a transaction may rest before PostgreSQL ends it: its program is dead or hangs.
	turnRest = 5 * time.Second
	// runMax is how many hashes of the tree are stored in one row.
	runMax = 256
)

// ErrTreeDamaged says that the stored hashes of the audit log are not those of a tree of its size: somebody changed them. Nothing
// is added to such a tree.
var ErrTreeDamaged = errors.New("the tree of the audit log was damaged in the database")

// AuditWaits implements sequencer.Storage.
func (s *Store) AuditWaits(ctx context.Context) (bool, error) {
	return look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) (bool, error) { return q.AuditWaits(ctx) })
}

// IntegrateAudit implements sequencer.Storage.
func (s *Store) IntegrateAudit(ctx context.Context, do func(context.Context, sequencer.Turn) error) (mine bool, err error) {
	err = s.change(ctx, "integrate audit entries", func(ctx context.Context, q *sqlgen.Queries) error {
		if mine = s.sqlite; !s.sqlite {
			turn, err := q.TakeAuditTurn(ctx, sqlgen.TakeAuditTurnParams{
				RestMillis: strconv.FormatInt(turnRest.Milliseconds(), 10), Lock: turnLock,
			})
			if err != nil {
				return err
			}
			if mine = turn.Mine; !mine {
				return nil
			}
		}
		return do(ctx, integration{q})
	})
	return mine && err == nil, err
}

// integration is a sequencer.Turn.
type integration struct{ q *sqlgen.Queries }

// Place implements sequencer.Turn.
func (t integration) Place(ctx context.Context, n int) (int64, [][]byte, error) {
	size, err := auditSize(ctx, t.q)
	if err != nil {
		return 0, nil, err
	}
	placed, err := t.q.PlaceAuditEntries(ctx, sqlgen.PlaceAuditEntriesParams{Size: size, AtMost: int32(n)})
	if err != nil {
		return 0, nil, err
	}
	leaves, err := t.q.PlacedAuditLeaves(ctx, size)
	if err != nil {
		return 0, nil, err
	}
	removed, err := t.q.UnqueueAuditEntries(ctx, size)
	if err == nil && (removed != placed || int64(len(leaves)) != placed) {
		err = fmt.Errorf("%w: of %d waiting entries %d are there and %d waited", ErrTreeDamaged, placed, len(leaves), removed)
	}
	return size, leaves, err
}

// ReadHashes implements tree.Reader.
func (t integration) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	return readHashes(ctx, t.q, indexes)
}

// WriteHashes implements tree.Storage. It fails with ErrTreeDamaged when the hashes do not follow those that are there.
func (t integration) WriteHashes(ctx context.Context, index int64, hashes []tlog.Hash) error {
	last, err := t.q.AuditHashesAt(ctx, 1<<62)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if end := last.FirstIndex + int64(len(last.Hashes)/tlog.HashSize); end != index {
		return fmt.Errorf("%w: %d hashes are stored, and %d belong to it", ErrTreeDamaged, end, index)
	}
	for len(hashes) > 0 {
		n := min(runMax, len(hashes))
		run := make([]byte, 0, n*tlog.HashSize)
		for _, h := range hashes[:n] {
			run = append(run, h[:]...)
		}
		if err := t.q.InsertAuditHashes(ctx, sqlgen.InsertAuditHashesParams{FirstIndex: index, Hashes: run}); err != nil {
			return err
		}
		index, hashes = index+int64(n), hashes[n:]
	}
	return nil
}

// auditSize is how many leaves the tree has.
func auditSize(ctx context.Context, q *sqlgen.Queries) (int64, error) {
	last, err := q.LastAuditPlace(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return last + 1, err
}

// readHashes reads hashes of the tree by their stored index.
func readHashes(ctx context.Context, q *sqlgen.Queries, indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	var run sqlgen.AuditHash
	for i, index := range indexes {
		if !hashIn(run, index, &found[i]) {
			var err error
			if run, err = q.AuditHashesAt(ctx, index); err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
			if !hashIn(run, index, &found[i]) {
				return nil, fmt.Errorf("%w: there is no hash %d", ErrTreeDamaged, index)
			}
		}
	}
	return found, nil
}

// hashIn reads a hash out of a row, if it is there.
func hashIn(run sqlgen.AuditHash, index int64, to *tlog.Hash) bool {
	at := (index - run.FirstIndex) * tlog.HashSize
	if at < 0 || at+tlog.HashSize > int64(len(run.Hashes)) {
		return false
	}
	copy(to[:], run.Hashes[at:])
	return true
}
