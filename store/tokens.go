package store

import (
	"context"
	"time"

	"konklave/audit"
	"konklave/auth"
	"konklave/store/sqlgen"
	"konklave/user"
)

var _ auth.TokenStore = (*Store)(nil)

// InsertToken implements auth.TokenStore.
func (s *Store) InsertToken(ctx context.Context, t auth.Token, secret auth.Hash, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "insert token", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		// The user is locked, so that tokens made side by side are counted one by one.
		if _, err := lockPerson(ctx, q, t.Tenant, t.UserID); err != nil {
			return err
		}
		held, err := q.CountTokens(ctx, sqlgen.CountTokensParams{Tenant: t.Tenant, UserID: t.UserID, Now: millis(t.CreatedAt)})
		if err != nil {
			return err
		}
		if held >= auth.MaxTokens {
			return auth.ErrTokenTooMany
		}
		return q.InsertToken(ctx, sqlgen.InsertTokenParams{
			ID: t.ID, Tenant: t.Tenant, UserID: t.UserID, Hash: secret, Name: t.Name,
			CreatedAt: millis(t.CreatedAt), ExpiresAt: millis(t.ExpiresAt),
		})
	})
}

// Token implements auth.TokenStore.
func (s *Store) Token(ctx context.Context, secret auth.Hash) (auth.Token, user.User, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).TokenByHash, []byte(secret))
	return tokenOf(row.ApiToken), userOf(row.User), orElse(err, auth.ErrTokenInvalid)
}

// TouchToken implements auth.TokenStore.
func (s *Store) TouchToken(ctx context.Context, id string, usedAt time.Time) error {
	return s.change(ctx, "touch token", func(ctx context.Context, q *sqlgen.Queries) error {
		return q.TouchToken(ctx, sqlgen.TouchTokenParams{ID: id, UsedAt: millis(usedAt)})
	})
}

// Tokens implements auth.TokenStore.
func (s *Store) Tokens(ctx context.Context, tenant, userID string) ([]auth.Token, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).TokensOfUser, sqlgen.TokensOfUserParams{Tenant: tenant, UserID: userID})
	return mapped(rows, tokenOf), err
}

// RevokeToken implements auth.TokenStore.
func (s *Store) RevokeToken(ctx context.Context, tenant, userID, id string, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "revoke token", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		r := entry.Record()
		if err := q.RetireToken(ctx, sqlgen.RetireTokenParams{Tenant: tenant, UserID: userID, ID: id, Entry: r.ID, At: millis(r.At)}); err != nil {
			return err
		}
		rows, err := q.DeleteToken(ctx, sqlgen.DeleteTokenParams{Tenant: tenant, UserID: userID, ID: id})
		return rowsOrElse(rows, err, auth.ErrTokenUnknown)
	})
}

func tokenOf(row sqlgen.ApiToken) auth.Token {
	return auth.Token{
		ID: row.ID, Tenant: row.Tenant, UserID: row.UserID, Name: row.Name,
		CreatedAt: fromMillis(row.CreatedAt), ExpiresAt: fromMillis(row.ExpiresAt), UsedAt: fromMillis(row.UsedAt),
	}
}
