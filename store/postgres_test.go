package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/store/storetest"
)

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	t.Run("Contract", func(t *testing.T) {
		t.Parallel()
		if err := open(t, server.create(t, "migrated", "template0")).Close(); err != nil {
			t.Fatal(err)
		}
		storetest.Run(t, func(t *testing.T) storetest.Database { return server.database(t, "migrated") })
	})
	t.Run("ClashIsTriedAgain", func(t *testing.T) {
		t.Parallel()
		aClashIsTriedAgain(t, server.database(t, "template0"))
	})
	t.Run("NewerSchemaIsRefused", func(t *testing.T) {
		t.Parallel()
		newerSchemaIsRefused(t, server.database(t, "template0"))
	})
}

// aClashIsTriedAgain makes the database refuse transactions as it does when two of them get in each other's way.
func aClashIsTriedAgain(t *testing.T, db storetest.Database) {
	s := open(t, db.DSN)
	for _, statement := range []string{
		"CREATE SEQUENCE tries",
		`CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF nextval('tries') % 3 <> 0 THEN RAISE EXCEPTION 'clash' USING ERRCODE = '40P01'; END IF;
			RETURN NEW;
		END $$`,
		"CREATE TRIGGER clash BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION clash()",
	} {
		if _, err := db.Raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert(t.Context(), s, "a"); err != nil {
		t.Errorf("at the third attempt: %v", err)
	}
	if _, err := db.Raw.ExecContext(t.Context(), "ALTER SEQUENCE tries INCREMENT BY 3 RESTART WITH 1"); err != nil {
		t.Fatal(err)
	}
	if err := insert(t.Context(), s, "b"); err == nil || !strings.Contains(err.Error(), "clash") {
		t.Errorf("a clash that does not end: %v", err)
	}
}

func newerSchemaIsRefused(t *testing.T, db storetest.Database) {
	if err := open(t, db.DSN).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Raw.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), db.DSN, store.Options{}); !errors.As(err, new(*store.SchemaTooNewError)) {
		t.Errorf("got %v", err)
	}
}

// postgres is a server with a database for each test.
type postgres struct {
	*postgrestest.Server
	databases atomic.Int64
}

// startPostgres starts a server and stops it when the test is over.
func startPostgres(t *testing.T, settings ...string) *postgres {
	t.Helper()
	server, err := postgrestest.Start(t.Context(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close postgres: %v", err)
		}
	})
	return &postgres{Server: server}
}

// database makes a copy of the template for one test.
func (p *postgres) database(t *testing.T, template string) storetest.Database {
	t.Helper()
	dsn := p.create(t, fmt.Sprintf("k%d", p.databases.Add(1)), template)
	return storetest.Database{DSN: dsn, Raw: rawPostgres(t, dsn)}
}

// create makes a database and returns where it is.
func (p *postgres) create(t *testing.T, name, template string) string {
	t.Helper()
	dsn, err := p.Create(t.Context(), name, template)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func rawPostgres(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
