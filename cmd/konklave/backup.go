package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"konklave/app"
	"konklave/backup"
	"konklave/config"
	"konklave/store"
	"konklave/vault"
)

// backupPlace says where everything is that a backup or a restore touches.
type backupPlace struct {
	keyPlace
	BackupDirectory *string `help:"Directory of the backups." placeholder:"DIR"`
}

func (p backupPlace) load() (config.Config, error) {
	loaded, err := config.Load(config.Flags{
		File: p.File, Data: p.Data, Database: p.Database, VaultMasterKeyFile: p.VaultMasterKeyFile, BackupDirectory: p.BackupDirectory,
	}, os.Environ())
	return loaded.Config, err
}

// BackupCmd makes a backup, whether or not the server runs.
type BackupCmd struct {
	backupPlace
	Output string `help:"Write the backup to this new file instead of the directory of the backups." placeholder:"FILE"`
}

// Run writes a backup and says where it is.
func (cmd *BackupCmd) Run(ctx context.Context, std streams) (err error) {
	c, err := cmd.load()
	if err != nil {
		return err
	}
	rights, err := app.ActAsOwner(c.Data)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if escrow, err := db.Setting(ctx, vault.SettingEscrow); err != nil || escrow == "" {
		return readable(errors.Join(err, backup.ErrNoRecipient))
	}
	keys, err := app.Unlock(ctx, c, db)
	if err != nil {
		return err
	}
	keeper := app.BackupKeeper(c, db, keys, version(), nil)
	keeper.By, keeper.Output = "command-line", rights.Back
	if rights.More() {
		keeper.Reading = rights.Back // also what is the front's
	}
	path := cmd.Output
	size, summary := int64(0), backup.Summary{}
	if path != "" {
		size, summary, err = keeper.MakeFile(ctx, path)
	} else {
		var made backup.Made
		made, summary, err = keeper.Make(ctx)
		path, size = filepath.Join(keeper.Dir, made.Name), made.Size
	}
	if err != nil {
		return readable(err)
	}
	if len(summary.Unread) > 0 {
		fmt.Fprintf(std.err, "Left out, because this user may not read it: %s\n", strings.Join(summary.Unread, ", "))
	}
	_, err = fmt.Fprintf(std.out, "Backup written to %s (%d bytes): %s.\n", path, size, figures(summary))
	return err
}

// figures says what is in a backup.
func figures(s backup.Summary) string {
	rows := int64(0)
	for _, n := range s.Rows {
		rows += n
	}
	return fmt.Sprintf("%d rows in %d tables, %d files, %d bytes; schema %d, made %s by %s",
		rows, len(s.Tables), len(s.Files), s.Bytes, s.Schema, s.CreatedAt.Format(time.RFC3339), strings.TrimSpace(s.Program))
}
