package store

import (
	"context"
	"database/sql"
	"errors"
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
		f, err := findingOf(row)
		if err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

func findingOf(row sqlgen.Finding) (finding.Finding, error) {
	f := finding.Finding{
		ID: row.ID, Tenant: row.Tenant, At: fromMillis(row.At), Kind: finding.Kind(row.Kind), UserID: row.UserID, Topic: row.Topic,
		State: finding.State(row.State), Note: row.Note, HandledBy: row.HandledBy, HandledAt: fromMillis(row.HandledAt),
	}
	if err := json.Unmarshal([]byte(row.Evidence), &f.Evidence); err != nil {
		return f, fmt.Errorf("evidence of finding %s: %w", row.ID, err)
	}
	return f, nil
}

// Finding implements finding.Store.
func (s *Store) Finding(ctx context.Context, tenant, id string) (f finding.Finding, places []int64, err error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).FindingByID, sqlgen.FindingByIDParams{Tenant: tenant, ID: id})
	if err != nil {
		return f, nil, orElse(err, finding.ErrUnknown)
	}
	if f, err = findingOf(row); err != nil {
		return f, nil, err
	}
	places, err = look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]int64, error) {
		places := make([]int64, len(f.Evidence.Entries))
		for i, entry := range f.Evidence.Entries {
			place, err := q.AuditPlaceOf(ctx, entry)
			if errors.Is(err, sql.ErrNoRows) {
				place, err = -1, nil
			}
			if err != nil {
				return nil, err
			}
			places[i] = place
		}
		return places, nil
	})
	return f, places, err
}

// HandleFinding implements finding.Store.
func (s *Store) HandleFinding(ctx context.Context, f, was finding.Finding, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "handle finding", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		rows, err := q.HandleFinding(ctx, sqlgen.HandleFindingParams{
			Tenant: f.Tenant, ID: f.ID, Was: string(was.State), WasAt: millis(was.HandledAt), State: string(f.State), Note: f.Note, HandledBy: f.HandledBy, HandledAt: millis(f.HandledAt),
		})
		return rowsOrElse(rows, err, finding.ErrHandledElse)
	})
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
		rows, err := q.InsertFinding(ctx, sqlgen.InsertFindingParams{
			ID: f.ID, Tenant: f.Tenant, At: millis(f.At), Kind: string(f.Kind), UserID: f.UserID, Topic: f.Topic, Evidence: string(evidence),
		})
		if err != nil {
			return err
		}
		if rows == 1 {
			toTell(ctx, f)
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

// ForgiveAccounts implements auth.SignInStore.
func (s *Store) ForgiveAccounts(ctx context.Context, tenant string, accounts []string, entryFor func(failures int) audit.Entry) error {
	return s.change(ctx, "forgive accounts", func(ctx context.Context, q *sqlgen.Queries) error {
		failures := int64(0)
		for _, account := range accounts {
			rows, err := q.ForgiveAccount(ctx, sqlgen.ForgiveAccountParams{Tenant: tenant, Account: account})
			if err != nil {
				return err
			}
			failures += rows
			if err := forgetLockMails(ctx, q, tenant, account); err != nil {
				return err
			}
		}
		return s.record(ctx, q, entryFor(int(failures)))
	})
}

// triedAccounts counts the accounts that were tried from a source since a time.
func (s *Store) triedAccounts(ctx context.Context, tenant, source string, since time.Time) (int, error) {
	n, err := ask(ctx, s, (*sqlgen.Queries).AccountsTried, sqlgen.AccountsTriedParams{Tenant: tenant, Source: source, Since: millis(since)})
	return int(n), err
}
