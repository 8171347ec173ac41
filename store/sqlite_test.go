package store_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/store"
	"konklave/store/sqlitetest"
	"konklave/store/storetest"
	"konklave/user"
	"konklave/vault"
)

func TestContractOnSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "odd name?%41#.db")
		return storetest.Database{DSN: sqlitetest.Create(t, path), Raw: rawSQLite(t, path)}
	})
}

func rawSQLite(t *testing.T, path string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

// open opens a database with the keys of the tests.
func open(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s := openLocked(t, dsn)
	if err := s.Unlock(t.Context(), keys()); err != nil {
		t.Fatal(err)
	}
	return s
}

func openLocked(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// keys is the vault of all databases in the tests.
var keys = sync.OnceValue(func() *vault.Vault {
	dir, err := os.MkdirTemp("", "konklave-keys-")
	if err != nil {
		panic(err)
	}
	v, err := vault.Open(context.Background(), filepath.Join(dir, "master.key"), noSettings{})
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		panic(err)
	}
	return v
})

// noSettings is a vault.Settings that keeps nothing.
type noSettings struct{}

func (noSettings) Setting(context.Context, string) (string, error) { return "", nil }

func (noSettings) AddSetting(_ context.Context, _, value string) (string, error) { return value, nil }

// insert stores a user without a password.
func insert(ctx context.Context, s *store.Store, id string) error {
	u := user.User{ID: id, Tenant: access.DefaultTenant, Email: id + "@example.org", Name: id, Roles: access.Ordinary, Language: user.German}
	return s.InsertUser(ctx, u, "", audit.UserCreated(audit.Origin{Actor: access.System("test")}, id, u.Roles))
}

func TestReopenedDatabaseKeepsItsData(t *testing.T) {
	t.Parallel()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "k.db")
	first := open(t, dsn)
	if err := insert(t.Context(), first, "a"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Errorf("close twice: %v", err)
	}
	if u, err := open(t, dsn).User(t.Context(), access.DefaultTenant, "a"); err != nil || u.Name != "a" {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestTwoProgramsOpenAndWriteOneNewDatabase(t *testing.T) {
	t.Parallel()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "k.db")
	const programs = 4
	errs := make([]error, programs)
	var all sync.WaitGroup
	for i := range programs {
		all.Go(func() {
			s, err := store.Open(t.Context(), dsn, store.Options{})
			if err == nil {
				err = s.Unlock(t.Context(), keys())
			}
			if err != nil {
				errs[i] = err
				return
			}
			errs[i] = errors.Join(insert(t.Context(), s, string(rune('a'+i))), s.Close())
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if users, err := open(t, dsn).Users(t.Context(), access.DefaultTenant, "", 10); err != nil || len(users) != programs {
		t.Errorf("%d users, %v", len(users), err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "k.db")
	if err := open(t, "sqlite:"+path).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := rawSQLite(t, path).ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	var tooNew *store.SchemaTooNewError
	if !errors.As(err, &tooNew) || tooNew.Database != 99999 || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("got %v", err)
	}
}

func TestSQLiteIsDurableAndPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, "sqlite:"+filepath.Join(dir, "k.db"))
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0", "busy_timeout": "5000", "secure_delete": "1",
	} {
		if got, err := s.Pragma(t.Context(), name); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a closed database answers")
	}
}

func TestOpenNamesTheMistake(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"", "sqlite:", "mysql://x", "k.db", "file:k.db"} {
		if _, err := store.Open(t.Context(), dsn, store.Options{}); !errors.Is(err, store.ErrDSN) {
			t.Errorf("%q: %v", dsn, err)
		}
	}
	if _, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "missing", "k.db"), store.Options{}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("missing directory: %v", err)
	}
	_, err := store.Open(t.Context(), "postgres://konklave:geheim@[::1/x", store.Options{})
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a mistake in the address shows the password: %v", err)
	}
}
