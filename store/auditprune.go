package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"konklave/audit"
	"konklave/audit/leaf"
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

// Retention says what has been kept long enough.
type Retention struct {
	Category audit.Category // never audit.CategoryLog
	Before   time.Time      // what is older goes
	Scope    leaf.Scope     // the personal parts, or bodies too
	Policy   string         // by which rule
	Reason   string         // why
}

// PruneAudit removes bodies and personal parts of at most PruneMax entries whose retention is over, and adds the certificate that
// says so to the log, in one transaction. Entries that are not in the tree yet stay. It returns how many lost something: none when
// there is nothing to remove, and then there is no certificate. It fails with leaf.ErrMalformed when no certificate may say that.
func (s *Store) PruneAudit(ctx context.Context, r Retention) (pruned int64, err error) {
	err = s.change(ctx, "prune the audit log", func(ctx context.Context, q *sqlgen.Queries) error {
		before, bodies := r.Before.UTC().Truncate(time.Millisecond), r.Scope == leaf.ScopeEntry
		indexes, err := q.PrunableAuditEntries(ctx, sqlgen.PrunableAuditEntriesParams{
			Category: string(r.Category), Before: before.UnixMilli(), Bodies: bodies, AtMost: PruneMax,
		})
		if pruned = 0; err != nil {
			return err
		}
		c := leaf.Certificate{Start: 0, End: 1, Category: r.Category, Before: before, Scope: r.Scope, Policy: r.Policy, Reason: r.Reason}
		if len(indexes) > 0 {
			c.Start, c.End = indexes[0], indexes[len(indexes)-1]+1
		}
		at := s.time()
		text, body, err := leaf.NewCertificate(at, c)
		if err != nil || len(indexes) == 0 {
			return err
		}
		if pruned, err = q.PruneAuditEntries(ctx, sqlgen.PruneAuditEntriesParams{
			Category: string(r.Category), Before: before.UnixMilli(), Bodies: bodies, First: c.Start, Past: c.End,
		}); err != nil {
			return err
		}
		return insertLeaf(ctx, q, sqlgen.InsertAuditEntryParams{
			ID: strings.ToLower(rand.Text()), At: at.UnixMilli(), Kind: string(audit.KindLogPruned), Category: string(audit.CategoryLog),
			Leaf: text.Encode(), Body: body,
		})
	})
	if err != nil {
		return 0, fmt.Errorf("retention of %s: %w", r.Category, err)
	}
	return pruned, nil
}
