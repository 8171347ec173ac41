package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"konklave/access"
	"konklave/store"
)

// staged makes a database with one setting and one user for dsn, ready to be placed.
func staged(t *testing.T, dsn string) *store.Staged {
	t.Helper()
	s, err := store.Stage(t.Context(), dsn, store.NewestSchema(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	settings := store.Table{Name: "instance_settings", Columns: []store.Column{{Name: "name", Type: store.TypeText}, {Name: "value", Type: store.TypeText}}}
	rows := [][]any{{"n", "v"}}
	if err := s.Fill(t.Context(), func(f *store.Filling) error {
		return f.Table(t.Context(), settings, func() ([]any, error) {
			if len(rows) == 0 {
				return nil, io.EOF
			}
			defer func() { rows = nil }()
			return rows[0], nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	db, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Unlock(t.Context(), keys()), insert(t.Context(), db, "restored"), db.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

// wantUsers checks who is in a database, and that the log only grows there.
func wantUsers(t *testing.T, dsn string, want ...string) {
	t.Helper()
	s := open(t, dsn)
	users, err := s.Users(t.Context(), access.DefaultTenant, "", 10)
	var got []string
	for _, u := range users {
		got = append(got, u.ID)
	}
	if err != nil || strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("users %q, %v; want %q", got, err, want)
	}
	if strings.HasPrefix(dsn, "postgres:") {
		if _, err := rawPostgres(t, dsn).ExecContext(t.Context(), "DELETE FROM audit_log"); err == nil || !strings.Contains(err.Error(), "only grows") {
			t.Errorf("the log can be made shorter: %v", err)
		}
		var schemas int
		if err := rawPostgres(t, dsn).QueryRowContext(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname = 'konklave_restoring'").Scan(&schemas); err != nil || schemas != 0 {
			t.Errorf("what was made is left: %d, %v", schemas, err)
		}
	}
}

func TestADatabaseIsNotPutOverWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	for name, dsn := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "k.db"), "PostgreSQL": server.create(t, "k", "template0"),
	} {
		s := staged(t, dsn)
		if err := insert(t.Context(), open(t, dsn), "meanwhile"); err != nil {
			t.Fatal(err)
		}
		if err := s.Place(t.Context()); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("%s: %v", name, err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantUsers(t, dsn, "meanwhile")
		if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
			if left, err := filepath.Glob(path + ".restoring*"); err != nil || len(left) != 0 {
				t.Errorf("left %v, %v", left, err)
			}
		}
	}
}

func TestWhoTriesAgainAtOnceDoesNotMeetHisOwnLock(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, _ := fresh(t)
		for range 100 {
			s, err := store.Stage(t.Context(), dsn, store.NewestSchema(), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestEmptyTablesMakeWay(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	dsn := server.create(t, "k", "template0")
	for _, schema := range []int64{1, store.NewestSchema()} {
		old, err := store.OpenAt(t.Context(), dsn, schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
	}
	raw := rawPostgres(t, dsn)
	if _, err := raw.ExecContext(t.Context(), "CREATE SCHEMA konklave_restoring; CREATE TABLE konklave_restoring.users (id text)"); err != nil {
		t.Fatal(err) // what is left when a restore is killed
	}
	s := staged(t, dsn)
	if second, err := store.Stage(t.Context(), dsn, 1, store.Options{}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("two at once: %v, %v", second, err)
	}
	if users, err := open(t, dsn).Users(t.Context(), access.DefaultTenant, "", 10); err != nil || len(users) != 0 {
		t.Errorf("before it is placed there are %v, %v", users, err)
	}
	if err := s.Place(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantUsers(t, dsn, "restored")
	if err := insert(t.Context(), open(t, dsn), "zoe"); err != nil {
		t.Error(err)
	}
	newer := server.create(t, "newer", "template0")
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := rawPostgres(t, newer).ExecContext(t.Context(), "UPDATE goose_db_version SET version_id = 99999 WHERE version_id = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Stage(t.Context(), newer, 1, store.Options{}); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("over the tables of a newer program: %v", err)
	}
}

func TestTheTablesComeToTheSchemaOfTheAddress(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	dsn := server.create(t, "k", "template0")
	if err := server.Execute(t.Context(), "k", `CREATE SCHEMA "their own"`); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Stage(t.Context(), dsn+"&search_path=nowhere", 1, store.Options{}); !errors.Is(err, store.ErrNoSchema) {
		t.Errorf("a schema that is not there: %v", err)
	}
	dsn += "&search_path=%22their%20own%22"
	if err := staged(t, dsn).Place(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantUsers(t, dsn, "restored")
	tables, err := server.Tables(t.Context(), "k")
	if err != nil || len(tables) == 0 {
		t.Fatalf("%v, %v", tables, err)
	}
	for _, name := range tables {
		if !strings.HasPrefix(name, "their own.") {
			t.Errorf("there is %s", name)
		}
	}
}

// cutter passes connections on to a PostgreSQL server, and cuts the one over which the next COMMIT is sent.
type cutter struct {
	armed  atomic.Bool
	passOn bool         // the server gets the COMMIT before
	last   net.Listener // is closed with it, when it is not nil
}

func (c *cutter) serve(l net.Listener, server string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("unix", server)
		if err != nil {
			_ = in.Close()
			return
		}
		cut := make(chan struct{})
		go c.ask(in, out, cut)
		go answer(in, out, cut)
	}
}

func (c *cutter) ask(in, out net.Conn, cut chan struct{}) {
	defer in.Close()
	defer out.Close()
	for b := make([]byte, 64<<10); ; {
		n, err := in.Read(b)
		if bytes.Contains(b[:n], []byte("COMMIT")) && c.armed.CompareAndSwap(true, false) {
			if c.last != nil {
				_ = c.last.Close()
			}
			close(cut)
			if !c.passOn {
				return
			}
		}
		if _, errOut := out.Write(b[:n]); err != nil || errOut != nil {
			return
		}
	}
}

// answer passes on what the server says, until the connection is to be cut; by then the server has done what it answers to.
func answer(in, out net.Conn, cut chan struct{}) {
	defer in.Close()
	defer out.Close()
	for b := make([]byte, 64<<10); ; {
		n, err := out.Read(b)
		select {
		case <-cut:
			return
		default:
		}
		if _, errIn := in.Write(b[:n]); err != nil || errIn != nil {
			return
		}
	}
}

// cutDatabase is an empty database and its address by way of a cutter, which is not armed.
func cutDatabase(t *testing.T, server *postgres, name string) (c *cutter, l net.Listener, direct, cut string) {
	t.Helper()
	direct = server.create(t, name, "template0")
	address, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "konklave-cut-") // short, for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err = (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c = &cutter{}
	go c.serve(l, filepath.Join(address.Query().Get("host"), ".s.PGSQL.5432"))
	address.RawQuery = url.Values{"host": {dir}}.Encode()
	return c, l, direct, address.String()
}

func TestALostAnswerDoesNotHideWhetherADatabaseWasPlaced(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	for _, passOn := range []bool{true, false} {
		name := map[bool]string{true: "done", false: "undone"}[passOn]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _, direct, address := cutDatabase(t, server, name)
			c.passOn = passOn
			s := staged(t, address)
			c.armed.Store(true)
			err := s.Place(t.Context())
			if c.armed.Load() {
				t.Fatal("no connection was cut")
			}
			if (err == nil) != passOn {
				t.Errorf("got %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if passOn {
				wantUsers(t, direct, "restored")
			} else {
				wantUsers(t, direct)
			}
		})
	}
}

func TestALostDatabaseLeavesItOpenWhetherItWasPlaced(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	c, l, direct, address := cutDatabase(t, server, "lost")
	c.passOn, c.last = true, l
	s := staged(t, address)
	c.armed.Store(true)
	if err := s.Place(t.Context()); !errors.Is(err, store.ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := store.Stage(t.Context(), direct, store.NewestSchema(), store.Options{}); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("once more: %v", err) // which waits for the end of the session that commits
	}
	wantUsers(t, direct, "restored")
}
