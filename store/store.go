// Package store keeps everything that lasts in SQLite or PostgreSQL.
//
// An exported method is one transaction. What a method changes and the audit entry about it are written together or
// not at all: what belongs in the audit log cannot be done before [Store.Unlock]. The statements in queries are written once for both databases; sqlgen is generated from them.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"konklave/audit"
	"konklave/audit/seal"
	"konklave/store/sqlgen"
)

// Options are the parts of a Store that differ between the program and its tests.
type Options struct {
	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // nil means silence

	// AsIs leaves an old schema as it is. Only Snapshot and the settings are then certain to work; it is how a backup is
	// made before the program is replaced.
	AsIs   bool
	schema int64 // the version to migrate to, 0 for the newest
}

// Store is an open database. It may be used by many goroutines at once.
type Store struct {
	read, write *sql.DB // one pool for PostgreSQL; for SQLite many readers and one writer
	now         func() time.Time
	log         *slog.Logger
	reads       health // apart, because a full disk stops writing alone
	writes      health
	patience    time.Duration
	options     Options
	dialect     dialect
	sqlite      bool
	vault       seal.Vault // of the audit log; nil before Unlock
	unsealed    bool       // the schema is left as it was before entries were sealed

	snapshotIsolation sql.IsolationLevel // in which a transaction sees one state
}

// ErrDSN says that the place of the database was not understood.
var ErrDSN = errors.New(`the database must be given as "sqlite:PATH" or "postgres://USER@HOST/NAME"`)

// Open opens the database at dsn, "sqlite:PATH" or "postgres://…", and brings its schema up to date. It refuses a schema
// that is newer than this program.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	s := &Store{now: o.Now, log: o.Log, patience: patience, options: o}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.reads.log, s.writes.log = s.log.With("doing", "reading"), s.log.With("doing", "writing")
	var err error
	path, isSQLite := strings.CutPrefix(dsn, "sqlite:")
	switch {
	case isSQLite && path != "":
		err = s.openSQLite(ctx, path)
	case isPostgres(dsn):
		err = s.openPostgres(ctx, dsn)
	default:
		err = ErrDSN
	}
	if err == nil && o.AsIs {
		err = s.lookAtSchema(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), s.Close())
	}
	return s, nil
}

// Close closes the database. A second call does nothing.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Now is the time of the store's clock, as times are stored.
func (s *Store) Now() time.Time { return s.time() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if _, err := s.read.ExecContext(limited, "SELECT 1"); err != nil {
		return fmt.Errorf("ping database: %w", s.reads.told(ctx, err))
	}
	return nil
}

// changeAttempts is how often a transaction is tried that PostgreSQL refuses because it clashed with another one.
const changeAttempts = 3

// change runs do in a transaction, whose context is bounded in time and given to do; it is committed when do succeeds and
// undone when it fails. After a clash do runs again: it must not build on what an earlier run left behind.
func (s *Store) change(ctx context.Context, verb string, do func(context.Context, *sqlgen.Queries) error) error {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	for attempt := 1; ; attempt++ {
		var kept told
		err := s.changeOnce(context.WithValue(limited, toldKey{}, &kept), do)
		if err == nil {
			kept.log(ctx, s.log)
			return s.writes.told(ctx, nil)
		}
		if attempt == changeAttempts || !clashed(err) {
			return fmt.Errorf("%s: %w", verb, s.writes.told(ctx, err))
		}
	}
}

func (s *Store) changeOnce(ctx context.Context, do func(context.Context, *sqlgen.Queries) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if err := do(ctx, sqlgen.New(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

// clashed reports whether PostgreSQL found a deadlock or could not serialise.
func clashed(err error) bool {
	var pg interface{ SQLState() string }
	return errors.As(err, &pg) && (pg.SQLState() == "40P01" || pg.SQLState() == "40001")
}

// changeAndRecord is change with one audit entry, known from the start.
func (s *Store) changeAndRecord(ctx context.Context, verb string, entry audit.Entry, do func(context.Context, *sqlgen.Queries) error) error {
	return s.change(ctx, verb, func(ctx context.Context, q *sqlgen.Queries) error {
		if err := do(ctx, q); err != nil {
			return err
		}
		return s.record(ctx, q, entry)
	})
}

// orElse gives the fault for a row that is not there, and other errors as they are.
func orElse(err, missing error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing
	}
	return err
}

// rowsOrElse gives the fault for a statement that touched no row.
func rowsOrElse(rows int64, err, missing error) error {
	if err == nil && rows == 0 {
		return missing
	}
	return err
}

// millis is how times are stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
