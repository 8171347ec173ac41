package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// staging ends the name of an SQLite file, and begins that of a PostgreSQL schema, in which a database is made.
const (
	staging       = ".restoring"
	stagingSchema = "konklave_restoring"
)

// ErrOutcomeUnknown says that the database was lost at the very moment at which it came to its place, and that it could not be
// found out whether it did. Who makes it again knows: ErrNotEmpty means that it did.
var ErrOutcomeUnknown = errors.New("it is not known whether the database was restored; restore once more: that is refused when it was")

// Staged is a database that is made beside the place where it belongs: in a file for SQLite, in a schema for PostgreSQL. It
// comes to its place at once, complete, or not at all. It is for one goroutine.
type Staged struct {
	dsn     string // of what is being made
	schema  int64
	options Options
	place   place
	placed  bool
}

// place is where a staged database belongs.
type place interface {
	put(ctx context.Context) error // all at once; the last thing that is done
	clear() error                  // removes what was not put
}

// Stage begins to make a database for dsn, where nothing may be yet, at a version of the schema. The Staged must be closed.
// It fails with ErrNotEmpty, and removes what a Stage that was interrupted has left.
func Stage(ctx context.Context, dsn string, schema int64, o Options) (*Staged, error) {
	s := &Staged{schema: schema, options: o}
	var err error
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		s.dsn = "sqlite:" + path + staging
		s.place, err = stageSQLite(path)
	} else {
		s.dsn, s.place, err = stagePostgres(ctx, dsn)
	}
	if err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	return s, nil
}

// Fill makes the tables, has fill put rows into them, and stores all rows when fill succeeds and none otherwise. It fails
// with SchemaTooNewError, or what fill fails with.
func (s *Staged) Fill(ctx context.Context, fill func(*Filling) error) error {
	o := s.options
	o.schema = s.schema
	return fillAt(ctx, s.dsn, o, fill)
}

// Open opens the database where it is made, and brings its schema up to date. It must be closed before Place.
func (s *Staged) Open(ctx context.Context) (*Store, error) { return Open(ctx, s.dsn, s.options) }

// Place puts the database where it belongs. It fails with ErrNotEmpty when something came there meanwhile. When it fails,
// nothing is there, but for ErrOutcomeUnknown.
func (s *Staged) Place(ctx context.Context) error {
	err := s.place.put(ctx)
	s.placed = err == nil
	return err
}

// Close removes what was not placed. After Place it changes nothing.
func (s *Staged) Close() error {
	if s.placed {
		return nil
	}
	return s.place.clear()
}

// fileSQLite is the path of an SQLite database.
type fileSQLite string

func stageSQLite(path string) (fileSQLite, error) {
	f := fileSQLite(path)
	return f, errors.Join(f.vacant(), f.clear())
}

func (f fileSQLite) vacant() error {
	_, err := os.Lstat(string(f))
	if err == nil {
		return fmt.Errorf("%w (there is %s)", ErrNotEmpty, string(f))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (f fileSQLite) put(context.Context) error {
	if err := f.vacant(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(string(f)))
	if err != nil {
		return err
	}
	defer dir.Close()
	made, err := os.Open(string(f) + staging)
	if err != nil {
		return err
	}
	if err := errors.Join(made.Sync(), made.Close()); err != nil {
		return err
	}
	if err := os.Rename(string(f)+staging, string(f)); err != nil {
		return err
	}
	if err := dir.Sync(); err != nil {
		return errors.Join(ErrOutcomeUnknown, err)
	}
	return nil
}

func (f fileSQLite) clear() error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(string(f) + staging + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
