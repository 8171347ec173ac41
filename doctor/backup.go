package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"konklave/backup"
	"konklave/config"
	"konklave/store"
	"konklave/vault"
)

// How old the newest backup may be.
const (
	backupGrace  = 15 * time.Minute   // beyond two intervals: one may be under way, or was tried again
	backupByHand = 7 * 24 * time.Hour // where none are made by themselves
	clockJump    = time.Minute        // that a backup may be ahead of the clock
)

// backups looks whether there are backups, how old the newest is, and whether somebody could open them.
func backups(ctx context.Context, c config.Config, now time.Time) []Finding {
	recipient := recovery(ctx, c)
	made, err := backup.List(c.BackupDir())
	if err != nil {
		return append(recipient, failed("Look at the rights of the directory, and run this as root.", "The backups in %s cannot be listed (%v).", c.BackupDir(), cause(err)))
	}
	if len(made) == 0 && len(recipient) > 0 && recipient[0].Level == Failed {
		return recipient // there can be none
	}
	return append(recipient, age(made, c.Backup.Interval, c.BackupDir(), now))
}

// age judges the newest backup; made has it first.
func age(made []backup.Made, interval time.Duration, dir string, now time.Time) Finding {
	const look = "Look into the log of the controller: it says why the last backup failed. Try `konklave backup`."
	const regular = "Set backup.interval, so that backups are made by themselves, or make one with `konklave backup`."
	switch {
	case len(made) == 0 && interval > 0:
		return failed(look, "There is no backup in %s, although one is due every %v.", dir, interval)
	case len(made) == 0:
		return failed(regular, "There is no backup in %s, and none are made by themselves.", dir)
	}
	old := now.Sub(made[0].At)
	switch {
	case old < -clockJump:
		return advice("Look at the clock of this machine.", "The newest backup, %s, is from the future.", made[0].Name)
	case interval > 0 && old > 2*interval+backupGrace:
		return failed(look, "The newest backup, %s, is %v old, although one is due every %v.", made[0].Name, old.Round(time.Minute), interval)
	case interval == 0 && old > backupByHand:
		return advice(regular, "The newest backup, %s, is %d days old, and none are made by themselves.", made[0].Name, int(old.Hours()/24))
	}
	return good("There are %d backups in %s; the newest is %v old and has %.1f MiB. Try now and then whether one comes back: `konklave restore --verify`.",
		len(made), dir, max(old, 0).Round(time.Minute), float64(made[0].Size)/mebibyte)
}

// recovery looks whether backups are encrypted for somebody: without a recovery key none are made.
func recovery(ctx context.Context, c config.Config) []Finding {
	const fix = "Make one with `konklave recovery-key new`, and keep it where a fire in the server room does not reach it."
	if path, ok := strings.CutPrefix(c.DSN(), "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return []Finding{unknown("Start the server once.", "Whether there is a recovery key cannot be told before there is a database.")}
		}
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return []Finding{unknown("See the finding for the database.", "Whether there is a recovery key cannot be told: the database cannot be opened.")}
	}
	defer db.Close()
	kept, err := recoveryKept(ctx, c, db)
	switch {
	case errors.Is(err, vault.ErrForeignRecovery):
		return []Finding{failed("Make another with `konklave recovery-key new --replace`, and find out who could write to the database.",
			"No backups are made: the recovery key in the database was not put there with the present master key.")}
	case errors.Is(err, fs.ErrPermission):
		return []Finding{unknown("Run this as root.", "Whether there is a recovery key cannot be told: the master key cannot be read.")}
	case err != nil:
		return []Finding{failed("Put the right master key back, or get it back with `konklave recovery-key restore`.", "The recovery key cannot be looked at (%v).", err)}
	case !kept:
		return []Finding{failed(fix, "There is no recovery key, so no backups are made.")}
	}
	return []Finding{good("Backups are encrypted for the recovery key.")}
}

// recoveryKept reports whether there is a recovery key, put there with the present master key. Nothing is made that is not there.
func recoveryKept(ctx context.Context, c config.Config, db *store.Store) (bool, error) {
	recipient, err := db.Setting(ctx, vault.SettingRecipient)
	if err != nil || recipient == "" {
		return false, err
	}
	if _, err := os.Stat(c.MasterKeyFile()); err != nil {
		return false, err
	}
	keys, err := vault.Open(ctx, c.MasterKeyFile(), db)
	if err != nil {
		return false, err
	}
	kept, err := keys.Recovery(ctx, db)
	return kept.Recipient != "", err
}
