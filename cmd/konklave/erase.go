package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"konklave/app"
	"konklave/user"
)

// UserEraseCmd erases a person.
type UserEraseCmd struct {
	backupPlace
	Email string `required:"" help:"E-mail address of the account." placeholder:"ADDRESS"`
	Yes   bool   `required:"" name:"i-know-that-this-cannot-be-undone" help:"Say that this cannot be undone."`
}

// Run erases the person and puts it on the list beside the backups.
func (cmd *UserEraseCmd) Run(ctx context.Context, std streams) (err error) {
	c, err := cmd.load()
	if err != nil {
		return err
	}
	db, keys, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	users := user.NewService(db, nil, time.Now)
	email, err := user.CleanEmail(cmd.Email)
	if err != nil {
		return readable(err)
	}
	found, err := db.Credential(ctx, operator().Tenant, email)
	if err != nil {
		return readable(err)
	}
	erased, err := users.Erase(ctx, operator(), found.User.ID)
	if err != nil {
		return readable(err)
	}
	if err := app.BackupKeeper(c, db, keys, version(), nil).KeepErasures(ctx); err != nil {
		return fmt.Errorf("the person was erased, but is not on the lists in the data directory and beside the backups; the next start of the server, or the next backup, writes them: %w", err)
	}
	_, err = fmt.Fprintf(std.out, "Erased. What is left is the account %s, which is disabled for ever. Backups made before now still have the person until they are removed; a restore of one erases the person again.\n", erased.Email)
	return err
}
