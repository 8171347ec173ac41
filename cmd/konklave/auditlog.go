package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"konklave/app"
	"konklave/audit/signer"
	"konklave/config"
	"konklave/store"
)

// AuditExportCmd writes the audit log as far as it is signed.
type AuditExportCmd struct {
	place
	Dir string `arg:"" help:"New directory for the export." placeholder:"DIR"`
}

// Run makes the directory and writes the segments.
func (cmd *AuditExportCmd) Run(ctx context.Context, std streams) (err error) {
	c, err := cmd.load()
	if err != nil {
		return err
	}
	rights, err := app.ActAsOwner(c.Data)
	if err != nil {
		return err
	}
	if err := rights.Back(func() error { return os.Mkdir(cmd.Dir, 0o700) }); err != nil {
		return err
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := app.Unlock(ctx, c, db); err != nil { // the export is recorded
		return err
	}
	n, err := app.AuditArchive(c, db, time.Now).ExportTo(ctx, operator(), cmd.Dir, rights.Back)
	if err != nil {
		return readable(err)
	}
	_, err = fmt.Fprintf(std.out, "%d entries written to %s. The public keys of the log are in %s; verify with `konklave audit verify`.\n", n, cmd.Dir, c.AuditKeysFile())
	return err
}

// load reads the settings that say where everything is.
func (p place) load() (config.Config, error) {
	loaded, err := config.Load(config.Flags{File: p.File, Data: p.Data, Database: p.Database}, os.Environ())
	return loaded.Config, err
}

// AuditNewLogCmd begins another log.
type AuditNewLogCmd struct {
	place
	Yes bool `required:"" name:"i-know-what-this-ends" help:"Say that the present log is to end here: nothing more can be signed with its key."`
}

// Run makes the key of the new log.
func (cmd *AuditNewLogCmd) Run(_ context.Context, std streams) error {
	c, err := cmd.load()
	if err != nil {
		return err
	}
	log, err := app.NewAuditLog(c, time.Now)
	if errors.Is(err, signer.ErrInUse) {
		return fmt.Errorf("stop the server first: %w", err)
	}
	if err != nil {
		return err
	}
	text := "The audit log goes on as another log, when the server is started:\n  %s\n"
	if n := len(log.Earlier); n > 0 {
		text += "The one before it stays verifiable up to its last checkpoint, with the key\n  " + log.Earlier[n-1] + "\n"
	}
	_, err = fmt.Fprintf(std.out, text+"Give the new public key to the auditors, and start the witnesses anew with it, each in a new directory.\n", log.Key)
	return err
}
