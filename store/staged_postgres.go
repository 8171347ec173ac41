package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// stagingLock is the number of the lock that keeps two from making a database at the same place.
const stagingLock = 0x6b6f6e6b6c617665

// clearing bounds how long the removal of what was not placed may take.
const clearing = 30 * time.Second

// turn bounds how long we wait for the lock: the database notices the end of a program that was killed later than we do.
const turn = 5 * time.Second

// lockTimedOut is the SQLSTATE of a statement that waited longer for a lock than lock_timeout.
const lockTimedOut = "55P03"

// schemaPostgres is the schema to which the tables come. Its connection holds the lock.
type schemaPostgres struct {
	db     *sql.DB
	conn   *sql.Conn
	schema string // to which the tables come, quoted
}

// errStagedTwice refuses a second restore into a database.
var errStagedTwice = errors.New("another program is restoring into this database at the moment")

// ErrNoSchema says that the address leads to no schema for the tables.
var ErrNoSchema = errors.New("the database has no schema for the tables: make the one that search_path names")

func stagePostgres(ctx context.Context, dsn string) (string, place, error) {
	if !isPostgres(dsn) {
		return "", nil, ErrDSN
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return "", nil, errAddress
	}
	p := &schemaPostgres{db: db}
	made := inStagingSchema(dsn)
	if err := p.begin(ctx); err != nil {
		p.close(ctx) // and nothing else: what is there may be another one's
		return "", nil, err
	}
	if err := leadsToStaging(ctx, made); err != nil {
		err = errors.Join(err, p.remove(ctx))
		p.close(ctx)
		return "", nil, err
	}
	return made, p, nil
}

// leadsToStaging makes sure that nobody between here and the database ignores what the address says.
func leadsToStaging(ctx context.Context, dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return errAddress
	}
	var schema string
	err = db.QueryRowContext(ctx, "SELECT COALESCE(current_schema(), '')").Scan(&schema)
	if err == nil && schema != stagingSchema {
		err = errors.New("the database does not heed search_path; give the address of PostgreSQL itself")
	}
	return errors.Join(err, db.Close())
}

// inStagingSchema is the address of the same database whose tables are made in a schema of their own.
func inStagingSchema(dsn string) string {
	separator := "?"
	if strings.Contains(dsn, separator) {
		separator = "&"
	}
	return dsn + separator + "search_path=" + stagingSchema // of two, the last counts
}

func (p *schemaPostgres) begin(ctx context.Context) (err error) {
	if p.conn, err = p.db.Conn(ctx); err != nil {
		return err
	}
	if err := p.lock(ctx); err != nil {
		return err
	}
	if err := p.conn.QueryRowContext(ctx, "SELECT COALESCE(quote_ident(current_schema()), '')").Scan(&p.schema); err != nil {
		return err
	}
	if p.schema == "" {
		return ErrNoSchema
	}
	if err := p.vacant(ctx, ""); err != nil {
		return err
	}
	return p.execute(ctx, "DROP SCHEMA IF EXISTS "+stagingSchema+" CASCADE", "CREATE SCHEMA "+stagingSchema)
}

func (p *schemaPostgres) lock(ctx context.Context) error {
	if err := p.execute(ctx, fmt.Sprintf("SET lock_timeout = %d", turn.Milliseconds())); err != nil {
		return err
	}
	_, err := p.conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", stagingLock)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == lockTimedOut {
		return errStagedTwice
	}
	if err != nil {
		return err
	}
	return p.execute(ctx, "RESET lock_timeout")
}

// vacant fails when a row is in the schema to which the tables come, or when its tables are those of a newer program. Before
// it looks at a table it does with it what before says, such as "LOCK TABLE".
func (p *schemaPostgres) vacant(ctx context.Context, before string) error {
	names, err := p.list(ctx, "SELECT quote_ident(tablename) FROM pg_tables WHERE quote_ident(schemaname) = $1", p.schema)
	if err != nil {
		return err
	}
	for _, name := range names {
		table := p.schema + "." + name
		if before != "" {
			if err := p.execute(ctx, before+" "+table); err != nil {
				return err
			}
		}
		query, limit := "SELECT count(*) FROM (SELECT 1 FROM "+table+" LIMIT 1) one", int64(0) // names from the catalogue, quoted
		if name == versionTable {
			query, limit = "SELECT COALESCE(MAX(version_id), 0) FROM "+table, NewestSchema()
		}
		var found int64
		if err := p.conn.QueryRowContext(ctx, query).Scan(&found); err != nil {
			return err
		}
		if found > limit {
			return fmt.Errorf("%w (there is something in %s)", ErrNotEmpty, name)
		}
	}
	return nil
}

// put moves everything out of the staging schema in one transaction.
func (p *schemaPostgres) put(ctx context.Context) error {
	defer p.close(ctx)
	if err := p.execute(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := p.move(ctx); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearing)
		defer cancel()
		_ = p.execute(undo, "ROLLBACK") // a connection that is gone has done it
		return errors.Join(err, p.remove(undo))
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearing) // who gives up now would not know what is there
	defer cancel()
	if err := p.execute(last, "COMMIT"); err != nil {
		return p.settle(last, err)
	}
	return nil
}

func (p *schemaPostgres) move(ctx context.Context) error {
	if err := p.vacant(ctx, "LOCK TABLE"); err != nil {
		return err
	}
	tables, err := p.list(ctx, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = $1", stagingSchema)
	if err != nil {
		return err
	}
	functions, err := p.list(ctx, "SELECT quote_ident(proname) || '(' || pg_get_function_identity_arguments(oid) || ')' FROM pg_proc WHERE pronamespace = $1::regnamespace", stagingSchema)
	if err != nil {
		return err
	}
	there := make([]string, len(tables))
	for i, name := range tables {
		there[i] = p.schema + "." + name
	}
	statements := []string{"DROP TABLE IF EXISTS " + strings.Join(there, ", ")} // empty ones, as seen above
	for _, name := range functions {
		statements = append(statements, "DROP FUNCTION IF EXISTS "+p.schema+"."+name, "ALTER FUNCTION "+stagingSchema+"."+name+" SET SCHEMA "+p.schema)
	}
	for _, name := range tables { // with their indexes, sequences and triggers
		statements = append(statements, "ALTER TABLE "+stagingSchema+"."+name+" SET SCHEMA "+p.schema)
	}
	return p.execute(ctx, append(statements, "DROP SCHEMA "+stagingSchema)...) // which fails when something is left in it
}

// settle finds out what became of a commit whose answer was lost: it waits until the database has ended that session.
func (p *schemaPostgres) settle(ctx context.Context, lost error) error {
	_ = p.conn.Close() // a session that lives is used again below
	var left bool
	_, err := p.db.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", stagingLock)
	if err == nil {
		err = p.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", stagingSchema).Scan(&left)
	}
	switch {
	case err != nil:
		return errors.Join(ErrOutcomeUnknown, lost, err)
	case left:
		return errors.Join(lost, p.remove(ctx))
	}
	return nil
}

func (p *schemaPostgres) clear() error {
	if p.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), clearing)
	defer cancel()
	defer p.close(ctx)
	return p.remove(ctx)
}

// remove removes what was made, over a connection that works.
func (p *schemaPostgres) remove(ctx context.Context) error {
	_, err := p.db.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+stagingSchema+" CASCADE")
	return err
}

// close gives the lock back and ends the connections. A database notices the end of a connection later than we do, and who
// tries again at once would meet his own lock.
func (p *schemaPostgres) close(ctx context.Context) {
	if p.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearing)
		defer cancel()
		_, _ = p.conn.ExecContext(ctx, "SELECT pg_advisory_unlock_all()") // a connection that is gone has done it
		_ = p.conn.Close()
	}
	_ = p.db.Close()
	p.conn = nil
}

func (p *schemaPostgres) execute(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := p.conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (p *schemaPostgres) list(ctx context.Context, query, arg string) (all []string, err error) {
	err = each(ctx, p.conn, query, func(row [1]string) error { all = append(all, row[0]); return nil }, arg)
	return all, err
}
