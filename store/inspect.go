package store

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
)

// State is what Inspect found out about a database.
type State struct {
	Schema  int64  // version of its schema; 0 for an empty one
	Program int64  // version that this program brings
	Durable bool   // what it confirms outlives a loss of power
	Why     string // why it is not durable
	Clear   bool   // audit entries stand in clear, which Unlock seals
}

// Inspect looks at a database and changes nothing, so it may run beside a server. It returns *SchemaTooNewError, with the
// state, for a database of a newer program.
func Inspect(ctx context.Context, dsn string) (State, error) {
	db, dir, err := openToInspect(dsn)
	if err != nil {
		return State{}, err
	}
	defer db.Close()
	st := State{Durable: true}
	if st.Program, err = newestMigration(dir); err != nil {
		return st, err
	}
	const version = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`
	if err := db.QueryRowContext(ctx, version).Scan(&st.Schema); err != nil {
		return st, err
	}
	dialect := sqliteDialect()
	if strings.HasSuffix(dir, "postgres") {
		dialect = postgresDialect()
		if err := st.askPostgres(ctx, db); err != nil {
			return st, err
		}
	}
	first, _, err := dialect.firstClear(ctx, db)
	if err != nil {
		return st, err
	}
	st.Clear = first > 0
	if st.Schema > st.Program {
		return st, &SchemaTooNewError{Database: st.Schema, Program: st.Program}
	}
	return st, nil
}

func openToInspect(dsn string) (*sql.DB, string, error) {
	path, isSQLite := strings.CutPrefix(dsn, "sqlite:")
	if !isSQLite {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			return nil, "", errAddress
		}
		return db, "migrations/postgres", nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	file := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(" + sqliteBusyTimeout + ")", "query_only(1)"}}.Encode()}
	db, err := sql.Open("sqlite", file.String())
	return db, "migrations/sqlite", err
}

func newestMigration(dir string) (int64, error) {
	files, err := migrations.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	newest := int64(0)
	for _, f := range files {
		v, err := goose.NumericComponent(f.Name())
		if err != nil {
			return 0, err
		}
		newest = max(newest, v)
	}
	return newest, nil
}

// askPostgres reads the settings that the promise of a commit depends on.
func (st *State) askPostgres(ctx context.Context, db *sql.DB) error {
	var off []string
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := db.QueryRowContext(ctx, `SELECT current_setting($1)`, name).Scan(&value); err != nil {
			return err
		}
		if value == "off" {
			off = append(off, name)
		}
	}
	if len(off) > 0 {
		st.Durable, st.Why = false, strings.Join(off, ", ")+" off"
	}
	return nil
}
