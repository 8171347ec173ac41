package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"konklave/access"
	"konklave/audit"
	"konklave/store"
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
	KeepTokens bool   // whether API tokens are valid again, also those revoked since the backup
	Options    store.Options
}

// stage is where files wait until the backup has proved good.
const stage = ".restoring"

// Restore brings everything back, at once when all of it is known to be good. Nothing is there when it fails: neither files
// nor rows. It fails like Open and Reader.Each, with ErrNotEmpty or with store.SchemaTooNewError.
func Restore(ctx context.Context, r io.Reader, recoveryKey string, to Target) (s Summary, err error) {
	b, err := Open(r, recoveryKey)
	if err != nil {
		return s, err
	}
	p := &placing{Target: to}
	if err := p.prepare(b.masterKey); err != nil {
		return s, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.undo())
		}
	}()
	db, err := store.Stage(ctx, to.DSN, b.Header.Schema, to.Options)
	if err != nil {
		return s, notEmpty(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err = db.Fill(ctx, func(f *store.Filling) error {
		s, err = b.Each(func(t store.Table, rows Rows) error { return p.table(ctx, f, t, rows) }, p.file)
		return err
	}); err != nil {
		return s, err
	}
	if err = finish(ctx, db, s); err != nil {
		return s, err
	}
	if err = p.place(b.masterKey); err != nil {
		return s, err
	}
	return s, notEmpty(db.Place(ctx))
}

func notEmpty(err error) error {
	if errors.Is(err, store.ErrNotEmpty) {
		return ErrNotEmpty.Because(err)
	}
	return err
}

// finish brings the restored database up to date and notes where it comes from.
func finish(ctx context.Context, staged *store.Staged, s Summary) error {
	db, err := staged.Open(ctx)
	if err != nil {
		return err
	}
	actor := access.System("command-line")
	actor.Tenant = access.DefaultTenant
	entry := audit.BackupRestored(audit.Origin{At: db.Now(), Actor: actor}, s.CreatedAt)
	return errors.Join(db.Record(ctx, entry), db.Close())
}

// placing puts files where they belong, in two steps.
type placing struct {
	Target
	placed []string
}

func (p *placing) prepare(masterKey []byte) error {
	if err := os.MkdirAll(p.Data, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.Data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(p.Data, e.Name())
		if e.Name() == "lost+found" || same(name, p.MasterKey) || strings.Contains(e.Name(), stage) {
			continue
		}
		return ErrNotEmpty.Because(fmt.Errorf("there is %s", name))
	}
	present, err := os.ReadFile(p.MasterKey)
	if err == nil && !bytes.Equal(present, masterKey) {
		return ErrNotEmpty.Because(fmt.Errorf("there is another master key in %s", p.MasterKey))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	staged := filepath.Join(p.Data, stage)
	return errors.Join(os.RemoveAll(staged), os.Mkdir(staged, 0o700))
}

func same(a, b string) bool {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}

func (p *placing) table(ctx context.Context, f *store.Filling, t store.Table, rows Rows) error {
	if t.Name == "api_tokens" && !p.KeepTokens {
		return nil
	}
	return f.Table(ctx, t, rows)
}

func (p *placing) file(name string, content io.Reader) (err error) {
	root, err := os.OpenRoot(filepath.Join(p.Data, stage))
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Sync(), f.Close())
}

// place moves the files to their places, and writes the master key.
func (p *placing) place(masterKey []byte) error {
	if _, err := os.Stat(p.MasterKey); errors.Is(err, fs.ErrNotExist) {
		if err := p.writeMasterKey(masterKey); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(filepath.Join(p.Data, stage))
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join(p.Data, e.Name())
		if err := os.Rename(filepath.Join(p.Data, stage, e.Name()), to); err != nil {
			return err
		}
		p.placed = append(p.placed, to)
	}
	return errors.Join(os.Remove(filepath.Join(p.Data, stage)), syncDir(p.Data))
}

func (p *placing) writeMasterKey(text []byte) error {
	f, err := os.OpenFile(p.MasterKey, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	p.placed = append(p.placed, p.MasterKey)
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(p.MasterKey)))
}

// undo removes what was placed.
func (p *placing) undo() error {
	var errs []error
	for _, name := range p.placed {
		errs = append(errs, os.RemoveAll(name))
	}
	return errors.Join(append(errs, os.RemoveAll(filepath.Join(p.Data, stage)))...)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
