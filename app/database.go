package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"konklave/activation"
	"konklave/config"
	"konklave/store"
	"konklave/vault"
)

// openDatabase opens the database with its keys and brings it up to date, with audit entries that stand in clear. For that it
// asks whoever waits for this process for time.
func openDatabase(ctx context.Context, c config.Config, handed *activation.Set, log *slog.Logger) (*store.Store, *vault.Vault, error) {
	before, err := store.Inspect(ctx, c.DSN())
	old := err == nil && (before.Schema < before.Program || before.Clear) // an error is Open's to tell; a database that is not there takes no time
	if old {
		log.Info("the database is being brought up to date", "from", before.Schema, "to", before.Program)
		if err := handed.Extend(migrationLimit); err != nil {
			return nil, nil, err
		}
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{Now: time.Now, Log: log})
	if err != nil {
		return nil, nil, fmt.Errorf("open database: %w", err)
	}
	keys, err := Unlock(ctx, c, db)
	if err == nil && old {
		err = handed.Extend(readyLimit)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, keys, nil
}

// Unlock opens the vault of an instance and unlocks its database with it, so that things can be done that belong in the audit log.
func Unlock(ctx context.Context, c config.Config, db *store.Store) (*vault.Vault, error) {
	keys, err := vault.Open(ctx, c.MasterKeyFile(), db)
	if err != nil {
		return nil, err
	}
	return keys, db.Unlock(ctx, keys)
}
