package store

import (
	"context"
	"fmt"

	"konklave/access"
	"konklave/audit"
	"konklave/store/sqlgen"
)

// record writes entries in the transaction of q.
func record(ctx context.Context, q *sqlgen.Queries, entries ...audit.Entry) error {
	for _, e := range entries {
		r := e.Record()
		err := q.InsertAuditEntry(ctx, sqlgen.InsertAuditEntryParams{
			ID: r.ID, Tenant: r.Tenant, At: millis(r.At), Kind: string(r.Kind), Outcome: string(r.Outcome),
			ActorKind: string(r.ActorKind), ActorID: r.ActorID, ActorUser: r.ActorUser,
			ObjectKind: r.ObjectKind, ObjectID: r.ObjectID, ReportedBy: r.ReportedBy, Details: r.Details,
		})
		if err != nil {
			return fmt.Errorf("record %s: %w", r.Kind, err)
		}
	}
	return nil
}

// Record writes entries about what happened outside the database.
func (s *Store) Record(ctx context.Context, entries ...audit.Entry) error {
	return s.change(ctx, "record", func(ctx context.Context, q *sqlgen.Queries) error { return record(ctx, q, entries...) })
}

// AuditEntries returns at most limit entries with a Seq greater than after, in that order.
func (s *Store) AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Record, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).AuditEntriesAfter, sqlgen.AuditEntriesAfterParams{AfterSeq: after, AtMost: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list audit entries: %w", err)
	}
	records := make([]audit.Record, 0, len(rows))
	for _, r := range rows {
		records = append(records, audit.Record{
			Seq: r.Seq, ID: r.ID, At: fromMillis(r.At), Kind: audit.Kind(r.Kind), Outcome: audit.Outcome(r.Outcome),
			Tenant: r.Tenant, ActorKind: access.Kind(r.ActorKind), ActorID: r.ActorID, ActorUser: r.ActorUser,
			ObjectKind: r.ObjectKind, ObjectID: r.ObjectID, ReportedBy: r.ReportedBy, Details: r.Details,
		})
	}
	return records, nil
}
