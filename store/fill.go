package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// ErrNotEmpty refuses to fill a database in which there is something.
var ErrNotEmpty = errors.New("the database is not empty; restore into an empty one")

// ErrUnfit says that what is to be filled in does not have the tables of the schema that it names.
var ErrUnfit = errors.New("the tables do not fit the schema")

// Filling is a Staged database that is being filled, in one transaction.
type Filling struct {
	Tables []Table
	db     *Store
	conn   *sql.Conn
}

// fillAt gives the empty database at dsn the schema that o names, and the rows that fill puts.
func fillAt(ctx context.Context, dsn string, o Options, fill func(*Filling) error) (err error) {
	s, err := Open(ctx, dsn, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	f := &Filling{db: s, conn: conn}
	if f.Tables, err = s.dialect.tables(ctx, conn); err != nil {
		return err
	}
	if s.sqlite {
		if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = 0"); err != nil { // checked as a whole at the end
			return err
		}
	}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	if err = f.run(ctx, fill); err != nil {
		_, undo := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, undo)
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

func (f *Filling) run(ctx context.Context, fill func(*Filling) error) error {
	if err := fill(f); err != nil {
		return err
	}
	if f.db.sqlite {
		return f.checkReferences(ctx)
	}
	return f.advanceSequences(ctx)
}

// Has reports whether the database has exactly this table.
func (f *Filling) Has(t Table) bool {
	return slices.ContainsFunc(f.Tables, func(o Table) bool { return o.Name == t.Name && slices.Equal(o.Columns, t.Columns) })
}

// Table puts the rows into a table that next returns, up to io.EOF; each value is as Snapshot.Rows gives it.
func (f *Filling) Table(ctx context.Context, t Table, next func() ([]any, error)) error {
	if !f.Has(t) {
		return fmt.Errorf("%w: %s", ErrUnfit, t.Name)
	}
	put := f.copyPostgres
	if f.db.sqlite {
		put = f.insertSQLite
	}
	if err := put(ctx, t, next); err != nil {
		return fmt.Errorf("fill %s: %w", t.Name, err)
	}
	return nil
}

func (f *Filling) insertSQLite(ctx context.Context, t Table, next func() ([]any, error)) error {
	places := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
	insert, err := f.conn.PrepareContext(ctx, "INSERT INTO "+quote(t.Name)+" ("+t.names()+") VALUES ("+places+")") // names from the catalogue, quoted
	if err != nil {
		return err
	}
	defer insert.Close()
	for {
		row, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
}

func (f *Filling) checkReferences(ctx context.Context) error {
	rows, err := f.conn.QueryContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		var table string
		return errors.Join(rows.Scan(&table), fmt.Errorf("%w: %s refers to rows that are not there", ErrUnfit, table))
	}
	return rows.Err()
}

// copyPostgres uses COPY, which also writes the columns that the database would number itself.
func (f *Filling) copyPostgres(ctx context.Context, t Table, next func() ([]any, error)) error {
	truths := map[string]bool{}
	err := each(ctx, f.conn, postgresDialect().columns, func(c [3]string) error {
		truths[c[1]] = truths[c[1]] || c[0] == t.Name && c[2] == "boolean"
		return nil
	})
	if err != nil {
		return err
	}
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	var broken error // what the server repeats without its kind
	rows := func() ([]any, error) {
		row, err := next()
		if errors.Is(err, io.EOF) {
			return nil, nil // how pgx spells the end
		}
		broken = err
		for i := range row {
			if n, ok := row[i].(int64); ok && truths[names[i]] {
				row[i] = n != 0
			}
		}
		return row, err
	}
	return f.conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver is a %T", driver)
		}
		_, err := c.Conn().CopyFrom(ctx, pgx.Identifier{t.Name}, names, pgx.CopyFromFunc(rows))
		if broken != nil {
			return broken
		}
		return err
	})
}

// advanceSequences lets the database number on after the highest number that was put in.
func (f *Filling) advanceSequences(ctx context.Context) error {
	const identities = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'`
	var all [][2]string
	if err := each(ctx, f.conn, identities, func(c [2]string) error { all = append(all, c); return nil }); err != nil {
		return err
	}
	for _, c := range all {
		query := fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s', '%s'), COALESCE(MAX(%s), 0) + 1, false) FROM %s", c[0], c[1], quote(c[1]), quote(c[0])) // names from the catalogue
		if _, err := f.conn.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// upTo migrates to a version and not further.
func (s *Store) upTo(ctx context.Context, provider *goose.Provider, schema int64) error {
	current, newest, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case schema > newest:
		return &SchemaTooNewError{Database: schema, Program: newest}
	case current > schema:
		return fmt.Errorf("%w (its tables are those of a newer schema)", ErrNotEmpty)
	}
	_, err = provider.UpTo(ctx, schema)
	return err
}
