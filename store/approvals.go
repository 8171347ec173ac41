package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"konklave/access"
	"konklave/approval"
	"konklave/audit"
	"konklave/store/sqlgen"
	"konklave/user"
)

var _ approval.Store = (*Store)(nil)

// InsertApproval implements approval.Store.
func (s *Store) InsertApproval(ctx context.Context, r approval.Request, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "insert approval", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		by := sql.NullString{String: r.RequestedBy, Valid: r.RequestedBy != ""}
		if by.Valid {
			if err := mayAsk(ctx, q, r.Tenant, by); err != nil {
				return err
			}
		}
		rows, err := q.InsertApproval(ctx, sqlgen.InsertApprovalParams{
			ID: r.ID, Tenant: r.Tenant, Action: string(r.Act.Action), About: r.Act.About, Parameters: r.Act.Parameters, Digest: r.Act.Digest(),
			State: string(r.State), Reason: r.Reason, RequestedBy: by, RequestedAt: millis(r.RequestedAt), ExpiresAt: millis(r.ExpiresAt),
		})
		return rowsOrElse(rows, err, approval.ErrAsked)
	})
}

// mayAsk locks an account, and fails with approval.ErrTooMany when it has asked for so much already.
func mayAsk(ctx context.Context, q *sqlgen.Queries, tenant string, by sql.NullString) error {
	if _, err := lockPerson(ctx, q, tenant, by.String); err != nil {
		return err
	}
	open, err := q.CountOpenApprovals(ctx, sqlgen.CountOpenApprovalsParams{Tenant: tenant, RequestedBy: by})
	if err == nil && open >= approval.MaxOpen {
		err = approval.ErrTooMany
	}
	return err
}

// Approvals implements approval.Store.
func (s *Store) Approvals(ctx context.Context, tenant string, limit int) ([]approval.Request, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).Approvals, sqlgen.ApprovalsParams{Tenant: tenant, AtMost: int32(limit)})
	return mapped(rows, approvalOf), err
}

// ChangeApproval implements approval.Store.
func (s *Store) ChangeApproval(ctx context.Context, tenant, id, by string, change func(approval.Request, approval.Parties) (approval.Outcome, error)) (changed approval.Request, err error) {
	err = s.change(ctx, "change approval", func(ctx context.Context, q *sqlgen.Queries) error {
		row, err := q.LockApproval(ctx, sqlgen.LockApprovalParams{Tenant: tenant, ID: id})
		if err != nil {
			return orElse(err, approval.ErrUnknown)
		}
		r := approvalOf(row)
		parties, err := lockParties(ctx, q, r, by)
		if err != nil {
			return err
		}
		o, err := change(r, parties)
		if err != nil {
			return err
		}
		changed = o.Request
		if err := q.UpdateApproval(ctx, sqlgen.UpdateApprovalParams{
			Tenant: tenant, ID: id, State: string(changed.State), ExpiresAt: millis(changed.ExpiresAt),
			DecidedBy: changed.DecidedBy, DecidedAt: millis(changed.DecidedAt), Note: changed.Note, UsedAt: millis(changed.UsedAt),
		}); err != nil {
			return err
		}
		if o.Retention != nil {
			if err := decideRetention(ctx, q, *o.Retention, changed.State); err != nil {
				return err
			}
		}
		if err := s.record(ctx, q, o.Entries...); err != nil || o.Access == nil {
			return err
		}
		return keepingAdmins(ctx, q, parties.Subject, o.Access.User, func() error { return s.changeAccess(ctx, q, parties.Subject, *o.Access) })
	})
	return changed, err
}

// lockParties reads the people of a request, each of whom nobody else can change before the end of the transaction.
func lockParties(ctx context.Context, q *sqlgen.Queries, r approval.Request, by string) (approval.Parties, error) {
	ids := slices.DeleteFunc([]string{r.RequestedBy, r.Act.About, by}, func(id string) bool { return id == "" })
	slices.Sort(ids) // the same order for all, so that they do not wait for each other
	locked := map[string]user.User{}
	for _, id := range slices.Compact(ids) {
		row, err := q.LockUser(ctx, sqlgen.LockUserParams{Tenant: r.Tenant, ID: id})
		if err == nil {
			locked[id] = userOf(row)
		} else if !errors.Is(orElse(err, user.ErrUnknown), user.ErrUnknown) {
			return approval.Parties{}, err
		}
	}
	return approval.Parties{Requester: locked[r.RequestedBy], Subject: locked[r.Act.About], Decider: locked[by]}, nil
}

// Staff implements approval.Store.
func (s *Store) Staff(ctx context.Context, tenant string) ([]user.User, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).Staff, tenant)
	return mapped(rows, userOf), err
}

// OverdueApprovals implements approval.Store.
func (s *Store) OverdueApprovals(ctx context.Context, now, forget time.Time) ([]approval.Request, error) {
	err := s.change(ctx, "forget approvals", func(ctx context.Context, q *sqlgen.Queries) error {
		return q.ForgetApprovals(ctx, millis(forget))
	})
	if err != nil {
		return nil, err
	}
	rows, err := ask(ctx, s, (*sqlgen.Queries).ExpiredApprovals, millis(now))
	return mapped(rows, approvalOf), err
}

func approvalOf(row sqlgen.Approval) approval.Request {
	return approval.Request{
		ID: row.ID, Tenant: row.Tenant, Act: approval.Act{Action: access.Action(row.Action), About: row.About, Parameters: row.Parameters},
		State: approval.State(row.State), Reason: row.Reason, RequestedBy: row.RequestedBy.String, RequestedAt: fromMillis(row.RequestedAt),
		ExpiresAt: fromMillis(row.ExpiresAt), DecidedBy: row.DecidedBy, DecidedAt: fromMillis(row.DecidedAt), Note: row.Note, UsedAt: fromMillis(row.UsedAt),
	}
}
