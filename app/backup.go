package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"konklave/backup"
	"konklave/config"
	"konklave/store"
	"konklave/vault"
)

// BackupKeeper keeps the backups of an instance as configured. The directory of the signer is in none: a signer that has forgotten
// what it signed could be made to sign something else.
func BackupKeeper(c config.Config, db *store.Store, keys *vault.Vault, version string, log *slog.Logger) *backup.Keeper {
	without := []string{c.MasterKeyFile(), c.BackupDir(), c.SignerDir(), filepath.Join(c.Data, backup.ErasuresName)} // the database has the list
	if path, ok := strings.CutPrefix(c.DSN(), "sqlite:"); ok {
		without = append(without, path, path+"-wal", path+"-shm", path+"-journal")
	}
	return &backup.Keeper{
		Instance: backup.Instance{Store: db, Keys: keys, Data: c.Data, Without: without, Program: version, Now: time.Now},
		By:       "controller", Dir: c.BackupDir(), Interval: c.Backup.Interval, Keep: c.Backup.Keep, KeepDays: c.Backup.KeepDays, Log: log,
	}
}

// eraseAgain erases those again who are on the list of erasures, after an older database was put in place.
func eraseAgain(ctx context.Context, k *backup.Keeper, log *slog.Logger) error {
	again, err := k.EraseAgain(ctx)
	if again > 0 {
		log.WarnContext(ctx, "the database is older than erasures of people; they were erased again", "people", again)
	}
	if err != nil {
		return fmt.Errorf("nobody is served before everybody on the list of erasures is erased: %w", err)
	}
	noteErased(ctx, k, log)
	return nil
}

// noteErased puts somebody who was erased on the lists.
func noteErased(ctx context.Context, k *backup.Keeper, log *slog.Logger) {
	if err := k.KeepErasures(ctx); err != nil {
		log.ErrorContext(ctx, "the list of erasures could not be written; the next backup, or start, does it", "err", err)
	}
}

// together runs all until ctx ends or one of them ends, and returns the first error.
func together(all ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error, len(all))
		for _, run := range all {
			go func() { ended <- run(ctx) }()
		}
		var first error
		for range all {
			if err := <-ended; first == nil {
				first = err
			}
			cancel()
		}
		return first
	}
}
