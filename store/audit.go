package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"konklave/audit"
	"konklave/audit/leaf"
	"konklave/audit/seal"
	"konklave/store/sqlgen"
)

// ErrLocked says that something was to be written to the audit log, or read from it, before [Store.Unlock]. What does not come
// to the log is not done.
var ErrLocked = errors.New("the database was opened without the keys of the audit log, so that nothing can be done that belongs in the log")

// Unlock gives the store the vault with which audit entries are sealed and opened, and seals the entries that an earlier program
// wrote in clear. It comes before everything that is recorded, and before the store is shared. Reading everything else needs no
// vault. With Options.AsIs nothing is sealed that stands in clear.
func (s *Store) Unlock(ctx context.Context, v seal.Vault) error {
	if !s.options.AsIs {
		if err := s.sealClear(ctx, v); err != nil {
			return fmt.Errorf("seal the audit log: %w", err)
		}
	}
	s.vault = v
	return nil
}

// record writes entries in the transaction of q.
func (s *Store) record(ctx context.Context, q *sqlgen.Queries, entries ...audit.Entry) error {
	for _, e := range entries {
		if err := s.put(ctx, q, e.Record()); err != nil {
			return fmt.Errorf("record %s: %w", e.Record().Kind, err)
		}
	}
	return nil
}

func (s *Store) put(ctx context.Context, q *sqlgen.Queries, r audit.Record) error {
	switch {
	case s.unsealed:
		return q.InsertClearEntry(ctx, sqlgen.InsertClearEntryParams{
			ID: r.ID, Tenant: r.Tenant, At: millis(r.At), Kind: string(r.Kind), Outcome: string(r.Outcome),
			ActorKind: string(r.ActorKind), ActorID: r.ActorID, ActorUser: r.ActorUser,
			ObjectKind: r.ObjectKind, ObjectID: r.ObjectID, ReportedBy: r.ReportedBy, Details: r.Details,
		})
	case s.vault == nil:
		return ErrLocked
	}
	return insertSealed(ctx, q, s.vault, r)
}

// insertSealed seals an entry and lets it wait for its place in the log.
func insertSealed(ctx context.Context, q *sqlgen.Queries, v seal.Vault, r audit.Record) error {
	sealed, err := seal.New(v, auditKeys{q}).Record(ctx, r)
	if err != nil {
		return err
	}
	return insertLeaf(ctx, q, sqlgen.InsertAuditEntryParams{
		ID: r.ID, Tenant: r.Tenant, At: r.At.UnixMilli(), Kind: string(r.Kind), Category: string(r.Kind.Category()),
		Leaf: sealed.Leaf, Body: sealed.Body, Personal: joinParts(sealed.Personal),
	})
}

func insertLeaf(ctx context.Context, q *sqlgen.Queries, p sqlgen.InsertAuditEntryParams) error {
	seq, err := q.InsertAuditEntry(ctx, p)
	if err != nil {
		return err
	}
	return q.QueueAuditEntry(ctx, seq)
}

// Record writes entries about what happened outside the database.
func (s *Store) Record(ctx context.Context, entries ...audit.Entry) error {
	return s.change(ctx, "record", func(ctx context.Context, q *sqlgen.Queries) error { return s.record(ctx, q, entries...) })
}

// AuditEntries returns at most limit entries with a Seq greater than after, in that order, with what is personal in them, for
// those who may read it. An entry of which something is missing says so in Lost. An entry that is written in a transaction that
// ends late may come to stand before one that was listed already; the order of the log is that of AuditLog. It fails with
// ErrLocked.
func (s *Store) AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Record, error) {
	if s.vault == nil {
		return nil, ErrLocked
	}
	records, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]audit.Record, error) {
		rows, err := q.AuditEntriesAfter(ctx, sqlgen.AuditEntriesAfterParams{AfterSeq: after, AtMost: int32(limit)})
		if err != nil {
			return nil, err
		}
		sealer := seal.New(s.vault, &keysRead{auditKeys{q}, map[string]seal.Key{}})
		records := make([]audit.Record, len(rows))
		for i, row := range rows {
			if records[i], err = openEntry(ctx, sealer, row); err != nil {
				return nil, err
			}
		}
		return records, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list audit entries: %w", err)
	}
	return records, nil
}

// openEntry opens what is there of an entry. What does not fit its leaf is not shown.
func openEntry(ctx context.Context, sealer *seal.Sealer, row sqlgen.AuditLog) (audit.Record, error) {
	r := audit.Record{ID: row.ID, At: fromMillis(row.At), Kind: audit.Kind(row.Kind), Tenant: row.Tenant, Seq: row.Seq, Lost: audit.LossErased}
	if row.Body == nil {
		return r, nil
	}
	damaged := r
	damaged.Lost = audit.LossDamaged
	personal := splitParts(row.Personal)
	body, err := leaf.DecodeBody(row.Body)
	if err != nil || !fits(row, personal) {
		return damaged, nil
	}
	if body.Certificate != nil {
		return certificateRecord(row, *body.Certificate), nil
	}
	lost := audit.LossNone
	var opened []seal.Opened
	if len(body.Keys) > 0 && row.Personal == nil {
		lost = audit.LossErased
	} else if opened, err = sealer.Open(ctx, body, personal); errors.Is(err, seal.ErrDamaged) {
		return damaged, nil
	} else if err != nil {
		return r, err
	}
	for _, o := range opened {
		if o.Key == nil {
			lost = audit.LossErased
		}
	}
	if r, err = seal.Record(body, opened); err != nil {
		return damaged, nil
	}
	r.Seq, r.Lost = row.Seq, lost
	return r, nil
}

// fits reports whether body and parts are what the leaf was made of; parts that were let go are not looked for.
func fits(row sqlgen.AuditLog, personal [][]byte) bool {
	l, err := leaf.Decode(row.Leaf)
	if err != nil {
		return false
	}
	made := leaf.New(l.At, l.Category, row.Body, personal...)
	if personal == nil {
		made.Personal = l.Personal
	}
	return bytes.Equal(made.Encode(), row.Leaf)
}

// certificateRecord shows a certificate among the entries.
func certificateRecord(row sqlgen.AuditLog, c leaf.Certificate) audit.Record {
	return audit.Record{
		Seq: row.Seq, ID: row.ID, At: fromMillis(row.At), Kind: audit.KindLogPruned, Outcome: audit.OutcomeSuccess, Tenant: row.Tenant,
		ObjectKind: "log", Details: c.Details(),
	}
}
