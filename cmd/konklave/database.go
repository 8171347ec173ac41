package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"konklave/app"
	"konklave/audit/retention"
	"konklave/config"
	"konklave/store"
	"konklave/telemetry"
)

// DatabaseCmd is what the owner of a PostgreSQL database does for the server, whose role may do less.
type DatabaseCmd struct {
	Prepare DatabasePrepareCmd `cmd:"" help:"Make the tables of PostgreSQL or bring them up to date, as the role that owns them, and give the server's role what it needs and no more. Before the first start, after each upgrade and after a restore."`
}

// DatabasePrepareCmd prepares a database for the role of the server.
type DatabasePrepareCmd struct {
	Owner string `required:"" help:"Address of the database for the role that owns the tables: postgres://OWNER@…/…" placeholder:"DSN" env:"KONKLAVE_DATABASE_OWNER"`
	Role  string `default:"konklave" help:"Role with which the server connects (konklave)." placeholder:"NAME"`
}

// Run migrates and grants.
func (cmd *DatabasePrepareCmd) Run(ctx context.Context, std streams) error {
	log := telemetry.New(std.err, config.Default().Log)
	if err := store.Prepare(ctx, cmd.Owner, cmd.Role, store.Options{Log: log}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "The tables are up to date. The role %q can add to the audit log, and neither change nor remove what is in it. "+
		"What is to be removed when its retention is over, `konklave audit prune` removes, with the owner's address.\n", cmd.Role)
	return err
}

// AuditPruneCmd removes what was kept long enough, where the server may not.
type AuditPruneCmd struct {
	config.Flags
	ClockIsRight bool `help:"Say that the clock is right, although nobody has looked for what is to be removed for more than a week."`
}

// keepSettings say for how long the audit log is kept.
func keepSettings() []string {
	return []string{"audit.keep-security-days", "audit.keep-administration-days", "audit.keep-conference-days"}
}

// said fails unless it was said for each category for how long the audit log is kept: what the server is told must count, and not
// the defaults because nobody has said anything.
func (cmd *AuditPruneCmd) said(loaded config.Loaded) error {
	for _, key := range keepSettings() {
		if loaded.Sources[key] == config.SourceDefault {
			return fmt.Errorf("it was not said for how long the audit log is kept (%s): give all of %s, as the server has them, in the file of --config or by themselves", key, strings.Join(keepSettings(), ", "))
		}
	}
	return nil
}

// Run removes what is due, and says how much that was.
func (cmd *AuditPruneCmd) Run(ctx context.Context, std streams) (err error) {
	loaded, err := config.Load(cmd.Flags, os.Environ())
	if err != nil {
		return err
	}
	if err := cmd.said(loaded); err != nil {
		return err
	}
	c := loaded.Config
	if strings.HasPrefix(c.DSN(), "sqlite:") { // what root writes there must be the server's
		if _, err := app.ActAsOwner(c.Data); err != nil {
			return err
		}
	}
	state, err := store.Inspect(ctx, c.DSN())
	if err == nil && state.Schema != state.Program {
		err = fmt.Errorf("the database has schema %d and this program %d: start the server, or run `konklave database prepare`", state.Schema, state.Program)
	}
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rights, err := db.Rights(ctx)
	if err == nil && rights.Role != "" && !rights.Prunes {
		err = fmt.Errorf("the role %q may remove nothing from the audit log: run this as the role that owns the tables", rights.Role)
	}
	if err != nil {
		return err
	}
	keeper := app.RetentionKeeper(c, db, telemetry.New(std.err, c.Log))
	keeper.ClockIsRight = cmd.ClockIsRight
	gone, err := keeper.Look(ctx)
	if err != nil {
		return readable(err)
	}
	return tellGone(std, gone)
}

func tellGone(std streams, gone retention.Gone) error {
	if gone.Elsewhere {
		_, err := fmt.Fprintln(std.out, "Another program is doing it right now.")
		return err
	}
	if gone.Foreign {
		_, err := fmt.Fprintln(std.out, "No content was removed: the audit log is not signed yet, or another machine signs it. Run this on the machine that signs it.")
		return err
	}
	_, err := fmt.Fprintf(std.out, "Kept for so many days: %s. Removed: the content of %d entries, and %d checkpoints.\n", gone.Kept, gone.Entries, gone.Checkpoints)
	return err
}
