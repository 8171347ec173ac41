package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/seal"
	"konklave/auth"
	"konklave/finding"
	"konklave/store/sqlgen"
	"konklave/user"
)

var (
	_ finding.Log     = (*Store)(nil)
	_ finding.Habits  = (*Store)(nil)
	_ auth.ReuseStore = (*Store)(nil)
)

// AuditPlaced implements finding.Log. It fails with ErrLocked.
func (s *Store) AuditPlaced(ctx context.Context, from int64, limit int) ([]audit.Record, error) {
	if s.vault == nil {
		return nil, ErrLocked
	}
	records, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]audit.Record, error) {
		rows, err := q.AuditPlacedFrom(ctx, sqlgen.AuditPlacedFromParams{First: from, Past: from + int64(limit)})
		if err != nil {
			return nil, err
		}
		sealer := seal.New(s.vault, &keysRead{auditKeys{q}, map[string]seal.Key{}})
		records := make([]audit.Record, len(rows))
		for i, row := range rows {
			if records[i], err = openEntry(ctx, sealer, row.AuditLog); err != nil {
				return nil, err
			}
			records[i].Seq = row.LeafIndex
		}
		return records, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read audit log in order: %w", err)
	}
	return records, nil
}

// RolesOf implements finding.Habits.
func (s *Store) RolesOf(ctx context.Context, tenant, userID string) (access.Roles, error) {
	u, err := s.User(ctx, tenant, userID)
	if errors.Is(err, user.ErrUnknown) {
		return "", nil
	}
	return u.Roles, err
}

// Habits implements finding.Habits.
func (s *Store) Habits(ctx context.Context, tenant, userID string, since time.Time) ([]finding.Habit, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).HabitsOf, sqlgen.HabitsOfParams{Tenant: tenant, UserID: userID, Since: millis(since)})
	return mapped(rows, func(row sqlgen.Habit) finding.Habit {
		return finding.Habit{
			Tenant: row.Tenant, UserID: row.UserID, Aspect: finding.Aspect(row.Aspect), Value: row.Value, Mark: row.Mark,
			Times: int(row.Times), FirstAt: fromMillis(row.FirstAt), LastAt: fromMillis(row.LastAt),
		}
	}), err
}

// Learn implements finding.Habits.
func (s *Store) Learn(ctx context.Context, done []finding.Habit, found []finding.Finding, forget time.Time) error {
	return s.change(ctx, "learn habits", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := q.ForgetHabits(ctx, millis(forget)); err != nil {
			return err
		}
		for _, h := range done {
			if err := q.KeepHabit(ctx, sqlgen.KeepHabitParams{
				Tenant: h.Tenant, UserID: h.UserID, Aspect: string(h.Aspect), Value: h.Value, Mark: h.Mark, At: millis(h.LastAt),
			}); err != nil {
				return err
			}
		}
		return keepFindings(ctx, q, found...)
	})
}

// Retired implements auth.ReuseStore.
func (s *Store) Retired(ctx context.Context, secret auth.Hash) (auth.Retired, bool, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).RetiredSecret, []byte(secret))
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Retired{}, false, nil
	}
	return retiredOf(row), err == nil, err
}

func retiredOf(row sqlgen.RetiredSecret) auth.Retired {
	return auth.Retired{
		Kind: auth.RetiredKind(row.Kind), Tenant: row.Tenant, UserID: row.UserID, SignIn: row.SignIn, Entry: row.Entry,
		RetiredAt: fromMillis(row.RetiredAt),
	}
}

// retireSession remembers the secret of a session that its owner signs out of; one that is ended from elsewhere is shown again by
// its own browser, which does not know of it.
func retireSession(ctx context.Context, q *sqlgen.Queries, tenant, userID, id string, entry audit.Entry) error {
	if !entry.SignedOut() {
		return nil
	}
	r := entry.Record()
	return q.RetireSession(ctx, sqlgen.RetireSessionParams{Tenant: tenant, UserID: userID, ID: id, Entry: r.ID, At: millis(r.At)})
}

// noticeRetired retires what an unknown browser showed, and keeps the finding of a known one that shows what was retired.
func noticeRetired(ctx context.Context, q *sqlgen.Queries, b auth.Begin) error {
	n, entry := b.Session, b.Entry.Record().ID
	if b.Shown != nil {
		return q.RetireDevice(ctx, sqlgen.RetireDeviceParams{Hash: b.Shown, Entry: entry, At: millis(n.CreatedAt)})
	}
	row, err := q.RetiredSecret(ctx, b.Device)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	was := retiredOf(row)
	if n.CreatedAt.Sub(was.RetiredAt) < auth.ReuseGrace {
		return nil
	}
	found := auth.Reused(was, n.CreatedAt, n.Source, n.UserAgent)
	found.Evidence.Sessions, found.Evidence.Entries = []string{n.ID}, []string{entry}
	return keepFindings(ctx, q, found)
}
