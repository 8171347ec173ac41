package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"konklave/audit"
	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/store/sqlgen"
)

// PruneMax is how many entries lose something in one transaction, under one certificate.
const PruneMax = 1000

// EraseSubject destroys the keys of all that the audit log tells about a person: an account, or a guest by the id of its admission.
// The entries and all proofs stay as they are. What was copied before, such as a backup, still has the keys.
func (s *Store) EraseSubject(ctx context.Context, tenant, subject string) error {
	err := s.change(ctx, "erase from the audit log", func(ctx context.Context, q *sqlgen.Queries) error {
		_, err := q.EraseAuditKeys(ctx, sqlgen.EraseAuditKeysParams{Tenant: tenant, Subject: subject})
		return err
	})
	if err == nil {
		s.forget(ctx)
	}
	return err
}

// PruneAudit implements retention.Log. It removes bodies and personal parts of at most PruneMax entries whose retention is over, and
// adds the certificate that says so to the log, in one transaction; nobody waits for the signer in it. Entries that are not in the
// tree yet stay. It returns how many lost something: none when there is nothing to remove, and then there is no certificate. It fails
// as certify does, and with leaf.ErrMalformed when no certificate may say that.
func (s *Store) PruneAudit(ctx context.Context, r retention.Removal, certify retention.Certify) (pruned int64, err error) {
	bodies, before := r.Scope == leaf.ScopeEntry, r.Before.UTC().Truncate(time.Millisecond)
	indexes, err := ask(ctx, s, (*sqlgen.Queries).PrunableAuditEntries, sqlgen.PrunableAuditEntriesParams{
		Category: string(r.Category), Before: before.UnixMilli(), Bodies: bodies, AtMost: PruneMax,
	})
	if err != nil || len(indexes) == 0 {
		return 0, err
	}
	c, err := certify(ctx, leaf.Certificate{
		Start: indexes[0], End: indexes[len(indexes)-1] + 1, Category: r.Category, Before: before, Scope: r.Scope, Policy: r.Policy, Reason: r.Reason,
	})
	if err != nil {
		return 0, fmt.Errorf("retention of %s: %w", r.Category, err)
	}
	text, body, err := leaf.NewCertificate(c)
	if err != nil {
		return 0, fmt.Errorf("retention of %s: %w", r.Category, err)
	}
	err = s.change(ctx, "prune the audit log", func(ctx context.Context, q *sqlgen.Queries) error {
		n, err := q.PruneAuditEntries(ctx, sqlgen.PruneAuditEntriesParams{
			Category: string(r.Category), Before: before.UnixMilli(), Bodies: bodies, First: c.Start, Past: c.End,
		})
		if pruned = n; err != nil || n == 0 {
			return err
		}
		return insertLeaf(ctx, q, sqlgen.InsertAuditEntryParams{
			ID: strings.ToLower(rand.Text()), At: c.At.UnixMilli(), Kind: string(audit.KindLogPruned), Category: string(audit.CategoryLog),
			Leaf: text.Encode(), Body: body,
		})
	})
	if err != nil {
		return 0, fmt.Errorf("retention of %s: %w", r.Category, err)
	}
	return pruned, nil
}

// recordImpersonal writes an entry that tells about no person, for which no vault is needed.
func (s *Store) recordImpersonal(ctx context.Context, q *sqlgen.Queries, e audit.Entry) error {
	r := e.Record()
	parts, err := audit.Split(r)
	if err != nil {
		return err
	}
	if len(parts.Personal)+len(parts.Search) > 0 {
		return s.record(ctx, q, e)
	}
	return insertSealed(ctx, q, s.vault, r)
}

// Checkpoints implements retention.Log.
func (s *Store) Checkpoints(ctx context.Context, before int64, atMost int) ([]retention.Checkpoint, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).AuditCheckpointsBefore, sqlgen.AuditCheckpointsBeforeParams{BeforeSize: before, AtMost: int32(atMost)})
	return mapped(rows, func(r sqlgen.AuditCheckpointsBeforeRow) retention.Checkpoint {
		return retention.Checkpoint{Size: r.Size, At: fromMillis(r.At), Note: r.Note}
	}), err
}

// DropCheckpoints implements retention.Log. The newest of all stays in any case.
func (s *Store) DropCheckpoints(ctx context.Context, sizes []int64) error {
	if len(sizes) == 0 {
		return nil
	}
	return s.change(ctx, "drop checkpoints", func(ctx context.Context, q *sqlgen.Queries) error {
		for _, size := range sizes {
			if err := q.DropAuditCheckpoint(ctx, size); err != nil {
				return err
			}
		}
		return nil
	})
}
