package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"konklave/store"
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

// postgres is a running server of its own, reached over a unix socket in dir.
type postgres struct {
	dir       string
	databases atomic.Int64
}

func (p *postgres) dsn(database string) string {
	return "postgres://postgres@/" + database + "?" + url.Values{"host": {p.dir}}.Encode()
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
	if _, err := rawPostgres(t, p.dsn("postgres")).ExecContext(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatal(err)
	}
	return p.dsn(name)
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

// startPostgres starts a server in a new directory and stops it when the test is over. As root it runs as the user
// "postgres", because a PostgreSQL server refuses to run as root.
func startPostgres(t *testing.T) *postgres {
	t.Helper()
	bin := postgresBinaries(t)
	dir := t.TempDir()
	credential := postgresCredential(t, dir)
	data := filepath.Join(dir, "data")

	initdb := exec.CommandContext(t.Context(), filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: credential}
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	// A server that is killed may lose its data: there is nothing to keep.
	server := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "lc_messages=C")
	server.Dir = dir
	server.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Pdeathsig: syscall.SIGQUIT}
	run(t, server)
	return &postgres{dir: dir}
}

// run starts a server, waits until it says that it is ready, and stops it when the test is over.
func run(t *testing.T, server *exec.Cmd) {
	t.Helper()
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	started, done := make(chan error, 1), make(chan struct{})
	ready := make(chan string, 1)
	go func() {
		defer close(done)
		runtime.LockOSThread() // the kernel ends the server when this thread ends, that is with the test program
		defer runtime.UnlockOSThread()
		err := server.Start()
		started <- err
		if err != nil {
			return
		}
		ready <- readUntil(stderr, "ready to accept connections")
		_, _ = io.Copy(io.Discard, stderr)
		_ = server.Wait()
	}()
	if err := <-started; err != nil {
		t.Fatalf("start postgres: %v", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // the immediate shutdown
		<-done
	})
	if complaint := <-ready; complaint != "" {
		t.Fatalf("postgres did not start:\n%s", complaint)
	}
}

// readUntil reads lines up to one that has the text; without one it returns what it read.
func readUntil(r io.Reader, text string) string {
	var read strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return ""
		}
		read.WriteString(lines.Text() + "\n")
	}
	return "(end of its messages)\n" + read.String()
}

// postgresBinaries finds the newest installed server.
func postgresBinaries(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "/usr/local/pgsql/bin/initdb", "/opt/homebrew/bin/initdb"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		t.Fatal("PostgreSQL is not on this machine: install it first (Debian and Ubuntu: apt-get install postgresql), the store is tested against the real one")
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) }))
}

// majorVersion is the number in /usr/lib/postgresql/15/bin/initdb, or 0.
func majorVersion(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// postgresCredential gives dir to the user who is to run the server when this is root, and else returns nil.
func postgresCredential(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("as root the server is run as the user postgres, which the package postgresql creates: %v", err)
	}
	uid, errU := strconv.ParseUint(account.Uid, 10, 32)
	gid, errG := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(errU, errG, os.Chmod(filepath.Dir(dir), 0o711), os.Chown(dir, int(uid), int(gid))); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
