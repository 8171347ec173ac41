package store

import (
	"context"
	"time"

	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
	"konklave/store/sqlgen"
)

var _ auth.FactorStore = (*Store)(nil)

// Factors implements auth.FactorStore.
func (s *Store) Factors(ctx context.Context, tenant, userID string) ([]auth.Factor, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).FactorsOfUser, sqlgen.FactorsOfUserParams{Tenant: tenant, UserID: userID})
	return mapped(rows, factorOf), err
}

// FactorOfCredential implements auth.FactorStore.
func (s *Store) FactorOfCredential(ctx context.Context, tenant string, credential []byte) (auth.Factor, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).FactorOfCredential, sqlgen.FactorOfCredentialParams{Tenant: tenant, Credential: credential})
	return factorOf(row), orElse(err, auth.ErrFactorUnknown)
}

// RecoveryCodesLeft implements auth.FactorStore.
func (s *Store) RecoveryCodesLeft(ctx context.Context, tenant, userID string) (int, error) {
	n, err := ask(ctx, s, (*sqlgen.Queries).CountRecoveryCodes, sqlgen.CountRecoveryCodesParams{Tenant: tenant, UserID: userID})
	return int(n), err
}

// HasRecoveryCode implements auth.FactorStore.
func (s *Store) HasRecoveryCode(ctx context.Context, tenant, userID string, code auth.Hash) (bool, error) {
	return ask(ctx, s, (*sqlgen.Queries).HasRecoveryCode, sqlgen.HasRecoveryCodeParams{Tenant: tenant, UserID: userID, Hash: code})
}

// AddFactor implements auth.FactorStore.
func (s *Store) AddFactor(ctx context.Context, f auth.Factor, use auth.FactorUse, codes []auth.Hash, entries func(bool) []audit.Entry) (withCodes bool, err error) {
	err = s.change(ctx, "add factor", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := useFactor(ctx, q, f.Tenant, f.UserID, use); err != nil {
			return err
		}
		have, err := countFactors(ctx, q, f.Tenant, f.UserID)
		switch {
		case err != nil:
			return err
		case have >= auth.MaxFactors:
			return auth.ErrFactorTooMany
		}
		credential := f.Credential
		if credential == nil {
			credential = []byte{}
		}
		rows, err := q.InsertFactor(ctx, sqlgen.InsertFactorParams{
			ID: f.ID, Tenant: f.Tenant, UserID: f.UserID, Kind: string(f.Kind), Name: f.Name, Credential: credential, Secret: f.Secret,
			Step: f.Step, CreatedAt: millis(f.CreatedAt),
		})
		if err := rowsOrElse(rows, err, auth.ErrPasskeyTaken); err != nil {
			return err
		}
		withCodes = have == 0
		if withCodes {
			if err := putRecoveryCodes(ctx, q, f.Tenant, f.UserID, codes); err != nil {
				return err
			}
		}
		return s.record(ctx, q, entries(withCodes)...)
	})
	return withCodes, err
}

// countFactors counts the factors of a user whom nobody else can give or take one before the end of the transaction.
func countFactors(ctx context.Context, q *sqlgen.Queries, tenant, userID string) (int64, error) {
	if _, err := lockPerson(ctx, q, tenant, userID); err != nil {
		return 0, err
	}
	return q.CountFactors(ctx, sqlgen.CountFactorsParams{Tenant: tenant, UserID: userID})
}

// RemoveFactor implements auth.FactorStore.
func (s *Store) RemoveFactor(ctx context.Context, tenant, userID, id string, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "remove factor", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		have, err := countFactors(ctx, q, tenant, userID)
		if err != nil {
			return err
		}
		rows, err := q.DeleteFactor(ctx, sqlgen.DeleteFactorParams{Tenant: tenant, UserID: userID, ID: id})
		if err := rowsOrElse(rows, err, auth.ErrFactorUnknown); err != nil || have > 1 {
			return err
		}
		return q.DeleteRecoveryCodes(ctx, sqlgen.DeleteRecoveryCodesParams{Tenant: tenant, UserID: userID})
	})
}

// RemoveFactors implements auth.SignInStore.
func (s *Store) RemoveFactors(ctx context.Context, tenant, userID string, entryFor func(factors int) audit.Entry) error {
	return s.change(ctx, "remove factors", func(ctx context.Context, q *sqlgen.Queries) error {
		if _, err := countFactors(ctx, q, tenant, userID); err != nil {
			return err
		}
		rows, err := q.DeleteFactors(ctx, sqlgen.DeleteFactorsParams{Tenant: tenant, UserID: userID})
		if err != nil {
			return err
		}
		if err := q.DeleteRecoveryCodes(ctx, sqlgen.DeleteRecoveryCodesParams{Tenant: tenant, UserID: userID}); err != nil {
			return err
		}
		return s.record(ctx, q, entryFor(int(rows)))
	})
}

// ReplaceRecoveryCodes implements auth.FactorStore.
func (s *Store) ReplaceRecoveryCodes(ctx context.Context, tenant, userID string, codes []auth.Hash, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "replace recovery codes", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		have, err := countFactors(ctx, q, tenant, userID)
		if err := rowsOrElse(have, err, auth.ErrNoFactor); err != nil {
			return err
		}
		return putRecoveryCodes(ctx, q, tenant, userID, codes)
	})
}

func putRecoveryCodes(ctx context.Context, q *sqlgen.Queries, tenant, userID string, codes []auth.Hash) error {
	if err := q.DeleteRecoveryCodes(ctx, sqlgen.DeleteRecoveryCodesParams{Tenant: tenant, UserID: userID}); err != nil {
		return err
	}
	for _, code := range codes {
		if err := q.InsertRecoveryCode(ctx, sqlgen.InsertRecoveryCodeParams{UserID: userID, Hash: code, Tenant: tenant}); err != nil {
			return err
		}
	}
	return nil
}

// ProveSession implements auth.FactorStore.
func (s *Store) ProveSession(ctx context.Context, tenant, userID, session string, use auth.FactorUse, at time.Time, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "prove session", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if err := useFactor(ctx, q, tenant, userID, use); err != nil {
			return err
		}
		rows, err := q.ProveSession(ctx, sqlgen.ProveSessionParams{Tenant: tenant, UserID: userID, ID: session, ProvedAt: millis(at)})
		return rowsOrElse(rows, err, auth.ErrSessionUnknown)
	})
}

// useFactor stores the use of a factor, which it refuses when something of it was used before.
func useFactor(ctx context.Context, q *sqlgen.Queries, tenant, userID string, use auth.FactorUse) error {
	if use.Challenge == nil {
		return nil
	}
	if err := useChallenge(ctx, q, use); err != nil {
		return err
	}
	rows, err := int64(1), error(nil)
	switch {
	case use.Recovery != nil:
		rows, err = q.UseRecoveryCode(ctx, sqlgen.UseRecoveryCodeParams{Tenant: tenant, UserID: userID, Hash: use.Recovery})
	case use.Passkey != nil:
		rows, err = q.UsePasskey(ctx, sqlgen.UsePasskeyParams{
			Tenant: tenant, UserID: userID, ID: use.Factor, Secret: use.Passkey, UsedAt: millis(use.At),
		})
	case use.Factor != "":
		rows, err = q.UseApp(ctx, sqlgen.UseAppParams{Tenant: tenant, UserID: userID, ID: use.Factor, Step: use.Step, UsedAt: millis(use.At)})
	}
	return rowsOrElse(rows, err, auth.ErrFactorFailed)
}

func useChallenge(ctx context.Context, q *sqlgen.Queries, use auth.FactorUse) error {
	if err := q.ForgetChallenges(ctx, millis(use.At)); err != nil {
		return err
	}
	rows, err := q.UseChallenge(ctx, sqlgen.UseChallengeParams{Hash: use.Challenge, ExpiresAt: millis(use.ChallengeExpires)})
	return rowsOrElse(rows, err, auth.ErrChallenge)
}

// RefuseFactor implements auth.FactorStore.
func (s *Store) RefuseFactor(ctx context.Context, use auth.FactorUse, found finding.Finding) error {
	return s.change(ctx, "refuse factor", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := useChallenge(ctx, q, use); err != nil {
			return err
		}
		return keepFindings(ctx, q, found)
	})
}

func factorOf(row sqlgen.Factor) auth.Factor {
	f := auth.Factor{
		ID: row.ID, Tenant: row.Tenant, UserID: row.UserID, Kind: auth.FactorKind(row.Kind), Name: row.Name, Secret: row.Secret,
		Step: row.Step, CreatedAt: fromMillis(row.CreatedAt), UsedAt: fromMillis(row.UsedAt),
	}
	if len(row.Credential) > 0 {
		f.Credential = row.Credential
	}
	return f
}
