package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations
var migrations embed.FS

const (
	sqliteBusyTimeout   = "5000" // milliseconds that a writer waits for another process
	postgresConnections = 20
	migrationAttempts   = 3 // at one schema: another process may be doing the same at the same time
)

func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.sqlite, s.dialect = true, sqliteDialect()
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	flags := os.O_RDWR | os.O_CREATE
	if s.options.AsIs {
		flags = os.O_RDWR // a database that is not there is not made
	}
	file, err := os.OpenFile(path, flags, 0o600) // SQLite gives its other files the same mode
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	common := []string{"busy_timeout(" + sqliteBusyTimeout + ")", "foreign_keys(1)", "trusted_schema(0)"}
	// Removed keys of the audit log must not stay in free pages: secure_delete.
	writer := url.Values{"_txlock": {"immediate"}, "_pragma": append(common, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)")}
	reader := url.Values{"_pragma": append(common, "query_only(1)")}
	address := url.URL{Scheme: "file", Path: path}
	if s.write, err = sql.Open("sqlite", address.String()+"?"+writer.Encode()); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := s.migrate(ctx, goose.DialectSQLite3, "migrations/sqlite"); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", address.String()+"?"+reader.Encode()); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(2 * runtime.GOMAXPROCS(0))
	s.read.SetMaxIdleConns(2 * runtime.GOMAXPROCS(0))
	return nil
}

// errAddress stands for the driver's error, which could show the password.
var errAddress = errors.New("the address of the database is not valid")

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func (s *Store) openPostgres(ctx context.Context, dsn string) (err error) {
	if s.write, err = sql.Open("pgx", dsn); err != nil {
		return errAddress
	}
	s.write.SetMaxOpenConns(postgresConnections)
	s.write.SetMaxIdleConns(postgresConnections)
	s.read = s.write
	s.dialect, s.snapshotIsolation = postgresDialect(), sql.LevelRepeatableRead
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	if err := s.migrate(ctx, goose.DialectPostgres, "migrations/postgres", goose.WithSessionLocker(locker)); err != nil {
		return ownerNeeded(err)
	}
	return s.warn(ctx)
}

// NewestSchema is the number of the newest migration that this program has. Both databases have the same ones.
func NewestSchema() int64 {
	files, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	if err != nil {
		panic("store: " + err.Error()) // the pattern is valid
	}
	return int64(len(files))
}

// SchemaTooNewError says that the database was written by a newer program.
type SchemaTooNewError struct{ Database, Program int64 }

// Error tells the operator what to do.
func (e *SchemaTooNewError) Error() string {
	return fmt.Sprintf("the database has schema %d, this program knows schemas up to %d; please start the newer program that wrote it, or restore a backup from before", e.Database, e.Program)
}

func (s *Store) migrate(ctx context.Context, dialect goose.Dialect, dir string, options ...goose.ProviderOption) error {
	if s.options.AsIs {
		return nil
	}
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, s.write, files, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return err
	}
	if s.options.schema != 0 {
		return s.upTo(ctx, provider, s.options.schema)
	}
	reached := int64(-1)
	for attempt := 1; ; attempt++ {
		schema, err := s.migrateOnce(ctx, provider)
		if err == nil || errors.As(err, new(*SchemaTooNewError)) {
			return err
		}
		if schema > reached { // others, or this one, have come further: on SQLite two may meet at each of many
			reached, attempt = schema, 1
		}
		if attempt == migrationAttempts {
			return err
		}
	}
}

// migrateOnce returns the schema that it began with.
func (s *Store) migrateOnce(ctx context.Context, provider *goose.Provider) (schema int64, err error) {
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return current, err
	}
	if current > newest {
		return current, &SchemaTooNewError{Database: current, Program: newest}
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		s.log.InfoContext(ctx, "database migrated", "schema", r.Source.Version, "duration", r.Duration)
	}
	return current, err
}

// lookAtSchema finds out whether a schema that is left as it is is one in which audit entries stand in clear.
func (s *Store) lookAtSchema(ctx context.Context) error {
	var schema int64
	err := s.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable).Scan(&schema)
	s.unsealed = schema < sealedSince
	return err
}
