package store

import (
	"context"

	"konklave/audit"
	"konklave/auth"
	"konklave/store/sqlgen"
	"konklave/vault"
)

// Setting implements vault.Settings.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	value, err := ask(ctx, s, (*sqlgen.Queries).Setting, name)
	return value, orElse(err, nil)
}

// AddSetting implements vault.Settings.
func (s *Store) AddSetting(ctx context.Context, name, value string) (kept string, err error) {
	err = s.change(ctx, "add setting", func(ctx context.Context, q *sqlgen.Queries) error {
		if _, err := q.AddSetting(ctx, sqlgen.AddSettingParams{Name: name, Value: value}); err != nil {
			return err
		}
		kept, err = q.Setting(ctx, name)
		return err
	})
	return kept, err
}

// PutRecovery implements auth.RecoveryStore.
func (s *Store) PutRecovery(ctx context.Context, kept auth.Recovery, replace bool, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "put recovery key", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if !replace {
			rows, err := q.AddSetting(ctx, sqlgen.AddSettingParams{Name: vault.SettingRecipient, Value: kept.Recipient})
			if err := rowsOrElse(rows, err, auth.ErrRecoveryKeyExists); err != nil {
				return err
			}
		}
		return putRecovery(ctx, q, kept)
	})
}

func putRecovery(ctx context.Context, q *sqlgen.Queries, kept auth.Recovery) error {
	for _, p := range []sqlgen.PutSettingParams{
		{Name: vault.SettingRecipient, Value: kept.Recipient}, {Name: vault.SettingEscrow, Value: kept.Escrow}, {Name: vault.SettingRecoveryCode, Value: kept.Code},
	} {
		if err := q.PutSetting(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
