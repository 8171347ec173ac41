package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"konklave/auth"
	"konklave/config"
	"konklave/store"
	"konklave/vault"
)

// RecoveryKeyCmd manages the key that opens backups and brings the master key back.
type RecoveryKeyCmd struct {
	New     RecoveryKeyNewCmd     `cmd:"" help:"Make a recovery key and print it, this once."`
	Restore RecoveryKeyRestoreCmd `cmd:"" help:"Write the file of the master key anew, with the recovery key read from the first line of standard input."`
}

// keyPlace says where the database and the master key are.
type keyPlace struct {
	place
	VaultMasterKeyFile *string `help:"File of the master key." placeholder:"FILE"`
}

// openWithKey opens the database and tells where the master key lies.
func (p keyPlace) openWithKey(ctx context.Context) (db *store.Store, file string, err error) {
	loaded, err := config.Load(config.Flags{
		File: p.File, Data: p.Data, Database: p.Database, VaultMasterKeyFile: p.VaultMasterKeyFile,
	}, os.Environ())
	if err != nil {
		return nil, "", err
	}
	db, err = p.open(ctx)
	return db, loaded.MasterKeyFile(), err
}

// unlock opens the database with the master key, for what belongs in the audit log.
func (p keyPlace) unlock(ctx context.Context) (*store.Store, *vault.Vault, error) {
	db, file, err := p.openWithKey(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, err := vault.Open(ctx, file, db)
	if err == nil {
		err = db.Unlock(ctx, keys)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, keys, nil
}

// RecoveryKeyNewCmd makes a recovery key.
type RecoveryKeyNewCmd struct {
	keyPlace
	Replace bool `help:"Take the place of the present recovery key. Backups made before still need the old one."`
}

// Run prints the secret and keeps only its public half.
func (cmd *RecoveryKeyNewCmd) Run(ctx context.Context, std streams) (err error) {
	db, keys, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	secret, err := auth.NewRecoveryKeys(db, keys.NewRecovery, time.Now).Make(ctx, operator(), cmd.Replace)
	if errors.Is(err, auth.ErrRecoveryKeyExists) {
		return fmt.Errorf("%w; say --replace if that is what you want", readable(err))
	}
	if err != nil {
		return readable(err)
	}
	_, err = fmt.Fprintf(std.out, "Recovery key, shown only now: %s\nWrite it down and keep it apart from this machine: with it and a backup everything can be restored, and without it no backup can be read.\n", secret)
	return err
}

// RecoveryKeyRestoreCmd brings the master key back.
type RecoveryKeyRestoreCmd struct{ keyPlace }

// Run writes the file of the master key, where there must be none.
func (cmd *RecoveryKeyRestoreCmd) Run(ctx context.Context, std streams) (err error) {
	secret, err := firstLine(std.in)
	if err != nil {
		return err
	}
	db, file, err := cmd.openWithKey(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	escrow, err := db.Setting(ctx, vault.SettingEscrow)
	if err != nil {
		return err
	}
	if escrow == "" {
		return errors.New("no recovery key was ever made for this database")
	}
	if err := vault.RestoreFile(file, secret, escrow); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("the file %s exists already; move it away first", file)
		}
		return err
	}
	if _, err := vault.Open(ctx, file, db); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "The master key is back in %s.\n", file)
	return err
}
