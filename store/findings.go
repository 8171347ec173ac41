package store

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
	"konklave/store/sqlgen"
)

var _ finding.Store = (*Store)(nil)

// Findings implements finding.Store.
func (s *Store) Findings(ctx context.Context, tenant, after string, limit int) ([]finding.Finding, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).FindingsAfter, sqlgen.FindingsAfterParams{Tenant: tenant, AfterID: after, AtMost: int32(limit)})
	if err != nil {
		return nil, err
	}
	found := make([]finding.Finding, 0, len(rows))
	for _, row := range rows {
		f := finding.Finding{
			ID: row.ID, Tenant: row.Tenant, At: fromMillis(row.At), Kind: finding.Kind(row.Kind), UserID: row.UserID, Topic: row.Topic,
		}
		if err := json.Unmarshal([]byte(row.Evidence), &f.Evidence); err != nil {
			return nil, fmt.Errorf("evidence of finding %s: %w", row.ID, err)
		}
		found = append(found, f)
	}
	return found, nil
}

// KeepFinding implements auth.TicketStore.
func (s *Store) KeepFinding(ctx context.Context, f finding.Finding) error {
	return s.change(ctx, "keep finding", func(ctx context.Context, q *sqlgen.Queries) error { return keepFindings(ctx, q, f) })
}

// keepFindings stores findings in the transaction of q, but those whose like was just kept, and forgets those that are too old.
func keepFindings(ctx context.Context, q *sqlgen.Queries, found ...finding.Finding) error {
	for _, f := range found {
		if f.Quiet > 0 {
			told, err := q.FindingSince(ctx, sqlgen.FindingSinceParams{
				Tenant: f.Tenant, Kind: string(f.Kind), Topic: f.Topic, Since: millis(f.At.Add(-f.Quiet)),
			})
			if err != nil {
				return err
			}
			if told {
				continue
			}
		}
		evidence, err := json.Marshal(f.Evidence, json.Deterministic(true))
		if err != nil {
			return err
		}
		if err := q.ForgetFindings(ctx, millis(f.At.Add(-finding.Lifetime))); err != nil {
			return err
		}
		if err := q.InsertFinding(ctx, sqlgen.InsertFindingParams{
			ID: f.ID, Tenant: f.Tenant, At: millis(f.At), Kind: string(f.Kind), UserID: f.UserID, Topic: f.Topic, Evidence: string(evidence),
		}); err != nil {
			return err
		}
	}
	return nil
}

// FailureTrail implements auth.SignInStore.
func (s *Store) FailureTrail(ctx context.Context, t auth.Trail, atMost int) ([]auth.Trace, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).FailureTrail, sqlgen.FailureTrailParams{
		Tenant: t.Tenant, Account: t.Account, Source: t.Source, Since: millis(t.Since), AtMost: int32(atMost),
	})
	return mapped(rows, func(row sqlgen.FailureTrailRow) auth.Trace {
		return auth.Trace{Entry: row.Entry, Account: row.Account, Source: row.Source, Known: row.Known}
	}), err
}

// ForgiveAccount implements auth.SignInStore.
func (s *Store) ForgiveAccount(ctx context.Context, tenant, account string, entryFor func(failures int) audit.Entry) error {
	return s.change(ctx, "forgive account", func(ctx context.Context, q *sqlgen.Queries) error {
		rows, err := q.ForgiveAccount(ctx, sqlgen.ForgiveAccountParams{Tenant: tenant, Account: account})
		if err != nil {
			return err
		}
		return s.record(ctx, q, entryFor(int(rows)))
	})
}

// triedAccounts counts the accounts that were tried from a source since a time.
func (s *Store) triedAccounts(ctx context.Context, tenant, source string, since time.Time) (int, error) {
	n, err := ask(ctx, s, (*sqlgen.Queries).AccountsTried, sqlgen.AccountsTriedParams{Tenant: tenant, Source: source, Since: millis(since)})
	return int(n), err
}
