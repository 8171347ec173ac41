package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"

	"konklave/audit"
	"konklave/auth"
	"konklave/store/sqlgen"
)

var (
	_ auth.FederationStore = (*Store)(nil)
	_ auth.OnceStore       = (*Store)(nil)
)

// UserOfLogin implements auth.FederationStore.
func (s *Store) UserOfLogin(ctx context.Context, tenant, provider, login string) (string, error) {
	id, err := ask(ctx, s, (*sqlgen.Queries).UserOfLogin, sqlgen.UserOfLoginParams{Tenant: tenant, Provider: provider, Login: login})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// UserOfSubject implements auth.FederationStore.
func (s *Store) UserOfSubject(ctx context.Context, tenant, provider, subject string) (string, error) {
	id, err := ask(ctx, s, (*sqlgen.Queries).UserOfSubject, sqlgen.UserOfSubjectParams{Tenant: tenant, Provider: provider, Subject: subject})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// Links implements auth.SignInStore.
func (s *Store) Links(ctx context.Context, userID string) ([]auth.Link, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).LinksOfUser, userID)
	return mapped(rows, linkOf), err
}

// Settle implements auth.FederationStore.
func (s *Store) Settle(ctx context.Context, key auth.Link, decide func(auth.Known) (auth.Outcome, error)) error {
	return s.change(ctx, "settle identity", func(ctx context.Context, q *sqlgen.Queries) error {
		id, known, err := knownIdentity(ctx, q, key)
		if err != nil {
			return err
		}
		o, err := decide(known)
		if err != nil {
			return err
		}
		if err := putIdentity(ctx, q, id, known, o.Known); err != nil {
			return err
		}
		if err := tellWhenNobodyAdministers(ctx, q, known.User, o.User); err != nil {
			return err
		}
		var ended []string
		if o.End {
			if ended, err = q.DeleteOtherSessions(ctx, sqlgen.DeleteOtherSessionsParams{Tenant: o.User.Tenant, UserID: o.User.ID}); err != nil {
				return err
			}
		}
		if o.Begin != nil {
			if err := s.beginSession(ctx, q, *o.Begin); err != nil {
				return err
			}
		}
		return s.record(ctx, q, o.Entries(len(ended))...)
	})
}

// knownIdentity is what there is of a link, and the id of its row; nobody else changes it or its user in this transaction.
func knownIdentity(ctx context.Context, q *sqlgen.Queries, key auth.Link) (string, auth.Known, error) {
	row, err := q.LockIdentity(ctx, sqlgen.LockIdentityParams{Tenant: key.Tenant, Provider: key.Provider, Subject: key.Subject})
	if errors.Is(err, sql.ErrNoRows) {
		return "", auth.Known{}, nil
	}
	if err != nil {
		return "", auth.Known{}, err
	}
	u, err := q.LockUser(ctx, sqlgen.LockUserParams{Tenant: row.Tenant, ID: row.UserID})
	if err != nil {
		return "", auth.Known{}, err
	}
	factors, err := q.CountFactors(ctx, sqlgen.CountFactorsParams{Tenant: row.Tenant, UserID: row.UserID})
	if err != nil {
		return "", auth.Known{}, err
	}
	known := auth.Known{User: userOf(u), Link: linkOf(row), Factors: int(factors)}
	kept, err := q.ScimUser(ctx, sqlgen.ScimUserParams{Tenant: row.Tenant, UserID: row.UserID})
	if errors.Is(err, sql.ErrNoRows) {
		return row.ID, known, nil
	}
	known.Provisioned, known.Barred = true, kept.BarredAt != 0
	return row.ID, known, err
}

func putIdentity(ctx context.Context, q *sqlgen.Queries, id string, before, now auth.Known) error {
	u, l := now.User, now.Link
	if l.Sealed == nil { // nothing is kept of what the provider said; SQLite reads it so
		l.Sealed = []byte{}
	}
	if before.User.Roles != u.Roles {
		if err := endSetup(ctx, q, u); err != nil {
			return err
		}
	}
	if id == "" {
		if err := insertUser(ctx, q, u, ""); err != nil {
			return err
		}
		return q.InsertIdentity(ctx, sqlgen.InsertIdentityParams{
			ID: strings.ToLower(rand.Text()), Tenant: l.Tenant, Provider: l.Provider, Subject: l.Subject, UserID: u.ID, Login: l.Login, Sealed: l.Sealed,
			LinkedAt: millis(l.LinkedAt), AskAt: millis(l.AskAt), GoneAt: millis(l.GoneAt),
		})
	}
	if err := updateUser(ctx, q, u); err != nil {
		return err
	}
	return q.UpdateIdentity(ctx, sqlgen.UpdateIdentityParams{
		ID: id, Login: l.Login, Sealed: l.Sealed, AskAt: millis(l.AskAt), GoneAt: millis(l.GoneAt),
	})
}

// ClaimReviews implements auth.FederationStore.
func (s *Store) ClaimReviews(ctx context.Context, now, until time.Time, limit int) ([]auth.Link, error) {
	var due []auth.Link
	err := s.change(ctx, "claim reviews", func(ctx context.Context, q *sqlgen.Queries) error {
		rows, err := q.ClaimReviews(ctx, sqlgen.ClaimReviewsParams{Now: millis(now), Until: millis(until), AtMost: int32(limit)})
		due = mapped(rows, linkOf)
		return err
	})
	return due, err
}

func linkOf(row sqlgen.Identity) auth.Link {
	return auth.Link{
		Tenant: row.Tenant, Provider: row.Provider, Subject: row.Subject, UserID: row.UserID, Login: row.Login, Sealed: row.Sealed,
		LinkedAt: fromMillis(row.LinkedAt), AskAt: fromMillis(row.AskAt), GoneAt: fromMillis(row.GoneAt),
	}
}

// ProviderSession implements auth.FederationStore.
func (s *Store) ProviderSession(ctx context.Context, tenant, session string) (auth.Link, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).ProviderSession, sqlgen.ProviderSessionParams{Tenant: tenant, SessionID: session})
	return auth.Link{Tenant: row.Tenant, Provider: row.Provider, Subject: row.Subject, Sealed: row.Sealed}, orElse(err, auth.ErrSessionUnknown)
}

// EndProviderSessions implements auth.FederationStore.
func (s *Store) EndProviderSessions(ctx context.Context, tenant string, meant auth.EndedSessions, entryFor func(id string) audit.Entry) error {
	return s.change(ctx, "end sessions of a provider", func(ctx context.Context, q *sqlgen.Queries) error {
		ids, err := q.DeleteProviderSessions(ctx, sqlgen.DeleteProviderSessionsParams{
			Tenant: tenant, Provider: meant.Provider, Subject: meant.Subject, ProviderSession: meant.Session,
		})
		if err != nil {
			return err
		}
		return s.record(ctx, q, mapped(ids, entryFor)...)
	})
}

// UseOnce implements auth.OnceStore.
func (s *Store) UseOnce(ctx context.Context, kind, id string, until time.Time) (first bool, err error) {
	err = s.change(ctx, "use once", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := q.ForgetShown(ctx, millis(s.time())); err != nil {
			return err
		}
		rows, err := q.ShowOnce(ctx, sqlgen.ShowOnceParams{Kind: kind, ID: id, ForgetAt: millis(until)})
		first = rows == 1
		return err
	})
	return first, err
}
