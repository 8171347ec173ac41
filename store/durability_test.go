package store_test

import (
	"strings"
	"testing"

	"konklave/store"
)

// ofTheRole is the warning that these tests do not mean: their role owns the tables.
const ofTheRole = "may change the audit log"

func TestADatabaseThatForgetsIsNamedAtTheStart(t *testing.T) {
	t.Parallel()
	safe := startPostgres(t, "fsync=on", "full_page_writes=on", "max_connections=20")
	dsn := safe.create(t, "k", "template0")
	if s, log := openLogged(t, dsn); log.count("level=WARN") != log.count(ofTheRole) {
		t.Errorf("warned without need: %s", &log.text)
	} else if risks, err := s.Risks(t.Context()); err != nil || len(risks) != 0 {
		t.Errorf("risks %q, %v", risks, err)
	}
	if _, err := rawPostgres(t, dsn).ExecContext(t.Context(), "ALTER DATABASE k SET synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	s, log := openLogged(t, dsn)
	risks, err := s.Risks(t.Context())
	if err != nil || len(risks) != 1 || !strings.Contains(risks[0], "synchronous_commit=off") || log.count("synchronous_commit=on") != 1 {
		t.Errorf("risks %q, %v; log %s", risks, err, &log.text)
	}
	unsafe := startPostgres(t)
	if s, log := openLogged(t, unsafe.create(t, "k", "template0")); log.count("level=WARN") != log.count(ofTheRole)+2 {
		t.Errorf("fsync and full_page_writes are off: %s", &log.text)
	} else if risks, err := s.Risks(t.Context()); err != nil || len(risks) != 2 {
		t.Errorf("risks %q, %v", risks, err)
	}
	sqlite, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/k.db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sqlite.Close()
	if risks, err := sqlite.Risks(t.Context()); err != nil || len(risks) != 0 {
		t.Errorf("SQLite: %q, %v", risks, err)
	}
}
