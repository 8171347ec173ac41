package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/archive"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/seal"
	"konklave/audit/tree"
	"konklave/store/sqlgen"
)

// AuditLogMax is how many entries AuditLog returns at most.
const AuditLogMax = 1000

// ErrCheckpointForeign refuses a checkpoint of another tree than the one that is here.
var ErrCheckpointForeign = errors.New("this is not a checkpoint of the tree in this database")

// AuditSize returns how many leaves the tree of the audit log has. Entries that were written a moment ago come later.
func (s *Store) AuditSize(ctx context.Context) (int64, error) { return look(ctx, s, auditSize) }

// AuditTree returns what reads the hashes of the tree, outside of transactions: what was committed once stays as it is.
func (s *Store) AuditTree() tree.Reader { return auditTree{s} }

type auditTree struct{ s *Store }

// ReadHashes implements tree.Reader.
func (t auditTree) ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	return look(ctx, t.s, func(ctx context.Context, q *sqlgen.Queries) ([]tlog.Hash, error) { return readHashes(ctx, q, indexes) })
}

// AuditLog returns the entries that are leaves of the tree, from an index on, in order and as they are sealed: at most limit and
// at most AuditLogMax, and none after the last. What was removed or destroyed of an entry is missing in it, and nothing of it is
// compared: that is for whoever verifies. It needs no vault.
func (s *Store) AuditLog(ctx context.Context, from int64, limit int) ([]export.Entry, error) {
	entries, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]export.Entry, error) {
		size, err := auditSize(ctx, q)
		if err != nil || from < 0 || from >= size || limit <= 0 {
			return nil, err
		}
		entries := make([]export.Entry, min(size-from, int64(min(limit, AuditLogMax))))
		for i := range entries {
			entries[i].Index = from + int64(i)
		}
		if err := fillHashes(ctx, q, entries); err != nil {
			return nil, err
		}
		rows, err := q.AuditLogFrom(ctx, sqlgen.AuditLogFromParams{First: from, Past: from + int64(len(entries))})
		for _, row := range rows {
			e := &entries[row.LeafIndex-from]
			e.Leaf, e.Body = row.Leaf, row.Body
			if row.Body != nil {
				e.Personal = splitParts(row.Personal)
			}
		}
		return entries, err
	})
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return entries, nil
}

// fillHashes reads the hashes of consecutive leaves. One that is not there stays zero, which fits no leaf.
func fillHashes(ctx context.Context, q *sqlgen.Queries, entries []export.Entry) error {
	first, last := tlog.StoredHashIndex(0, entries[0].Index), tlog.StoredHashIndex(0, entries[len(entries)-1].Index)
	run, err := q.AuditHashesAt(ctx, first)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	runs, err := q.AuditHashesBetween(ctx, sqlgen.AuditHashesBetweenParams{AfterIndex: first, LastIndex: last})
	if err != nil {
		return err
	}
	for i := range entries {
		index := tlog.StoredHashIndex(0, entries[i].Index)
		for len(runs) > 0 && runs[0].FirstIndex <= index {
			run, runs = runs[0], runs[1:]
		}
		hashIn(run, index, &entries[i].Hash)
	}
	return nil
}

// SaveCheckpoint stores the signed note of a checkpoint. One that is there already stays, with the cosignatures that were added to it.
// It fails with ErrCheckpointForeign when the note, or the one that is there, says something else than c, or when the tree here does
// not have that size and root.
func (s *Store) SaveCheckpoint(ctx context.Context, c checkpoint.Checkpoint, note []byte) error {
	if err := says(note, c); err != nil {
		return err
	}
	return s.change(ctx, "save checkpoint", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := ofTree(ctx, q, c); err != nil {
			return err
		}
		added, err := q.InsertAuditCheckpoint(ctx, sqlgen.InsertAuditCheckpointParams{Size: c.Size, Note: note})
		if err != nil || added > 0 {
			return err
		}
		there, err := q.AuditCheckpointAt(ctx, c.Size)
		if err != nil {
			return err
		}
		return says(there, c)
	})
}

// ReplaceCheckpoint stores a checkpoint, to which cosignatures were added, in the place of the note that it was before. It reports
// false, and changes nothing, when another one stands there by now: somebody else has added to it meanwhile. It fails as SaveCheckpoint
// does.
func (s *Store) ReplaceCheckpoint(ctx context.Context, c checkpoint.Checkpoint, before, after []byte) (replaced bool, err error) {
	if err := says(after, c); err != nil {
		return false, err
	}
	err = s.change(ctx, "replace checkpoint", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := ofTree(ctx, q, c); err != nil {
			return err
		}
		n, err := q.ReplaceAuditCheckpoint(ctx, sqlgen.ReplaceAuditCheckpointParams{Size: c.Size, Before: before, Note: after})
		replaced = n > 0
		return err
	})
	return replaced && err == nil, err
}

// says checks that a note is of a checkpoint.
func says(note []byte, c checkpoint.Checkpoint) error {
	if said, err := checkpoint.Unverified(note); err != nil || said != c {
		return errors.Join(ErrCheckpointForeign, err)
	}
	return nil
}

// ofTree checks that a checkpoint is of the tree here.
func ofTree(ctx context.Context, q *sqlgen.Queries, c checkpoint.Checkpoint) error {
	size, err := auditSize(ctx, q)
	if err != nil {
		return err
	}
	if c.Size > size {
		return fmt.Errorf("%w: it has %d entries, and the log %d", ErrCheckpointForeign, c.Size, size)
	}
	root, err := tree.Root(ctx, integration{q}, c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return fmt.Errorf("%w: its root is %s, and that of the log %s", ErrCheckpointForeign, c.Root, root)
	}
	return nil
}

// Checkpoint returns the note of the newest checkpoint of at most so many entries; empty when there is none.
func (s *Store) Checkpoint(ctx context.Context, atMost int64) ([]byte, error) {
	note, err := ask(ctx, s, (*sqlgen.Queries).AuditCheckpointAt, atMost)
	return note, orElse(err, nil)
}

// OpenAudit runs do with what opens the personal parts of entries, in one reading. It fails with ErrLocked.
func (s *Store) OpenAudit(ctx context.Context, do func(context.Context, archive.Opener) error) error {
	if s.vault == nil {
		return ErrLocked
	}
	_, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) (struct{}, error) {
		return struct{}{}, do(ctx, seal.New(s.vault, &keysRead{auditKeys{q}, map[string]seal.Key{}}))
	})
	return err
}
