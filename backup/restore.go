package backup

import (
	"context"
	"errors"
	"io"

	"konklave/access"
	"konklave/audit"
	"konklave/store"
	"konklave/vault"
)

// Verify reads a whole backup and checks every row, file and hash, and that this program knows the schema. It writes
// nothing anywhere.
func Verify(r io.Reader, recoveryKey string) (Summary, error) {
	b, err := Open(r, recoveryKey)
	if err != nil {
		return Summary{}, err
	}
	if newest := store.NewestSchema(); b.Header.Schema > newest {
		return b.summary, &store.SchemaTooNewError{Database: b.Header.Schema, Program: newest}
	}
	return b.Each(func(store.Table, Rows) error { return nil }, func(string, io.Reader) error { return nil })
}

// Target says where to restore to.
type Target struct {
	Data       string // directory, empty or not there
	DSN        string // of an empty database
	MasterKey  string // file of the master key; may be there when it is the same
	KeepTokens bool   // whether API tokens and secrets of machines are valid again, also those revoked since the backup
	Erasures   string // list of those who were erased since; empty for none
	Options    store.Options

	reached func(step string) // is called after each step; nil outside of tests
}

// Restore brings everything back, at once when all of it is known to be good. Nothing is there when it fails: neither files
// nor rows, but for store.ErrOutcomeUnknown, with which the files stay. When it is killed, the next Restore to the same place
// removes what it has left, and nothing else. It fails like Open and Reader.Each, with ErrNotEmpty, store.SchemaTooNewError or
// store.ErrOutcomeUnknown.
func Restore(ctx context.Context, r io.Reader, recoveryKey string, to Target) (s Summary, err error) {
	b, err := Open(r, recoveryKey)
	if err != nil {
		return s, err
	}
	p := &placing{Target: to}
	if err := p.look(b.masterKey); err != nil {
		return s, err
	}
	db, err := store.Stage(ctx, to.DSN, b.Header.Schema, to.Options)
	if err != nil {
		return s, notEmpty(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	defer func() {
		if err != nil && !errors.Is(err, store.ErrOutcomeUnknown) {
			err = errors.Join(err, p.undo())
		}
	}()
	if err = p.begin(); err != nil {
		return s, err
	}
	if err = db.Fill(ctx, func(f *store.Filling) error {
		s, err = b.Each(func(t store.Table, rows Rows) error { return p.table(ctx, f, t, rows) }, p.file)
		return err
	}); err != nil {
		return s, err
	}
	if err = finish(ctx, db, b.keys, &s, to.Erasures); err != nil {
		return s, err
	}
	if err = p.place(b.masterKey); err != nil {
		return s, err
	}
	if err = db.Place(ctx); err != nil {
		return s, notEmpty(err)
	}
	p.at("database placed")
	p.tidy()
	return s, nil
}

func notEmpty(err error) error {
	if errors.Is(err, store.ErrNotEmpty) {
		return ErrNotEmpty.Because(err)
	}
	return err
}

// finish brings the restored database up to date, erases those again who were erased since, and notes where it comes from.
func finish(ctx context.Context, staged *store.Staged, keys *vault.Vault, s *Summary, erasures string) error {
	db, err := staged.Open(ctx)
	if err != nil {
		return err
	}
	if err := db.Unlock(ctx, keys); err != nil {
		return errors.Join(err, db.Close())
	}
	if erasures != "" {
		list, err := readErasures(erasures, keys)
		if err == nil {
			s.Erased, err = eraseAgain(ctx, db, list, "command-line")
		}
		if err != nil {
			return errors.Join(err, db.Close())
		}
	}
	actor := access.System("command-line")
	actor.Tenant = access.DefaultTenant
	entry := audit.BackupRestored(audit.Origin{At: db.Now(), Actor: actor}, s.CreatedAt)
	return errors.Join(db.Record(ctx, entry), db.Close())
}
