package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"konklave/app"
	"konklave/backup"
	"konklave/fault"
	"konklave/store"
)

// RestoreCmd brings a backup back, or proves that it could.
type RestoreCmd struct {
	backupPlace
	Verify     bool   `help:"Only check that the backup is complete, unchanged and readable; nothing is written."`
	KeepTokens bool   `help:"Let the API tokens and the secrets of machines in the backup be valid again, also those that were revoked since."`
	Erasures   string `help:"List of those who were erased since the backup (erasures.list beside the backup)." placeholder:"FILE"`
	Backup     string `arg:"" help:"The backup."`
}

// Run restores into an empty data directory and an empty database. The recovery key is the first line of standard input.
func (cmd *RestoreCmd) Run(ctx context.Context, std streams) (err error) {
	c, err := cmd.load()
	if err != nil {
		return err
	}
	file, err := os.Open(cmd.Backup)
	if err != nil {
		return err
	}
	defer file.Close()
	fmt.Fprintln(std.err, "Recovery key (AGE-SECRET-KEY-1…):")
	key, err := firstLine(std.in)
	if err != nil {
		return err
	}
	if cmd.Verify {
		summary, err := backup.Verify(file, key)
		if err != nil {
			return explained(err)
		}
		_, err = fmt.Fprintf(std.out, "The backup is good: %s.\n", figures(summary))
		return err
	}
	if _, err := app.ActAsOwner(c.Data); err != nil {
		return err
	}
	summary, err := backup.Restore(ctx, file, key, backup.Target{
		Data: c.Data, DSN: c.DSN(), MasterKey: c.MasterKeyFile(), KeepTokens: cmd.KeepTokens, Erasures: cmd.erasures(), Options: store.Options{},
	})
	if err != nil {
		return explained(err)
	}
	_, err = fmt.Fprintf(std.out, "Restored into %s: %s.\nAll people sign in anew, with the passwords they had when the backup was made.%s\n", c.Data, figures(summary), tokensNote(summary, cmd.KeepTokens)+cmd.erasuresNote(summary))
	return err
}

// erasures is the list that counts; empty when there is none.
func (cmd *RestoreCmd) erasures() string {
	if cmd.Erasures != "" {
		return cmd.Erasures
	}
	beside := filepath.Join(filepath.Dir(cmd.Backup), backup.ErasuresName)
	if _, err := os.Stat(beside); err != nil {
		return ""
	}
	return beside
}

func (cmd *RestoreCmd) erasuresNote(s backup.Summary) string {
	switch {
	case cmd.erasures() == "":
		return "\nNo list of erasures lies beside the backup: people who were erased since " + s.CreatedAt.Format(time.DateOnly) + " are back. If you have " + backup.ErasuresName + ", restore once more with --erasures."
	case s.Erased > 0:
		return fmt.Sprintf("\n%d people who were erased since the backup were erased again.", s.Erased)
	}
	return ""
}

func tokensNote(s backup.Summary, kept bool) string {
	if n := s.Rows["api_tokens"] + s.Rows["machine_secrets"]; n > 0 && !kept {
		return fmt.Sprintf(" %d API tokens and secrets of machines were left out (--keep-tokens brings them back, also revoked ones).", n)
	}
	return ""
}

// explained is readable with the cause: on the command line the operator may know it.
func explained(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) && f.Kind != fault.KindInternal && f.Unwrap() != nil {
		return fmt.Errorf("%s (%w)", f.Message, f.Unwrap())
	}
	return readable(err)
}
