package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"konklave/audit"
	"konklave/store"
	"konklave/store/storetest"
)

// canary stands in entries that were written in clear.
const canary = "canary-7f3a9c"

// clearEntries is how many entries in clear the tests begin with: more than are sealed at once.
const clearEntries = 450

// clearDatabase makes a database of the last schema in which audit entries stood in clear, with some of them.
func clearDatabase(t *testing.T, dsn string, raw *sql.DB) {
	t.Helper()
	old, err := store.OpenAt(t.Context(), dsn, 3)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range clearEntries {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO audit_entries (id, tenant, at, kind, outcome, actor_kind, actor_id, actor_user, object_kind, object_id, reported_by, details)
			VALUES ($1, 'default', $2, 'session.started', 'success', 'account', $3, $3, 'session', $4, '', '{"source":"192.0.2.0/24"}')`,
			fmt.Sprintf("e%d", i), 1_700_000_000_000+i, fmt.Sprintf("%s-u%d", canary, i%7), fmt.Sprintf("%s-s%d", canary, i))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tx.Commit(), old.Close()); err != nil {
		t.Fatal(err)
	}
}

// wantSealed checks that the entries in clear are in the log, each once and in order, and nowhere else.
func wantSealed(t *testing.T, s *store.Store) {
	t.Helper()
	all, err := s.AuditEntries(t.Context(), 0, 2*clearEntries)
	if err != nil || len(all) != clearEntries {
		t.Fatalf("%d entries, %v; want %d", len(all), err, clearEntries)
	}
	for i, e := range all {
		user := fmt.Sprintf("%s-u%d", canary, i%7)
		if e.ID != fmt.Sprintf("e%d", i) || e.ActorUser != user || e.ActorID != user || e.ObjectID != fmt.Sprintf("%s-s%d", canary, i) ||
			e.Details != `{"source":"192.0.2.0/24"}` || e.At.UnixMilli() != 1_700_000_000_000+int64(i) || e.Kind != audit.KindSessionStarted || e.Lost != audit.LossNone {
			t.Fatalf("entry %d is %+v", i, e)
		}
	}
	if _, there := contents(t, s)["audit_entries"]; there {
		t.Error("the table of entries in clear is still there")
	}
	sequence(t, s)
	leaves, err := s.AuditLog(t.Context(), 0, 2*clearEntries)
	if err != nil || len(leaves) != clearEntries || !bytes.Contains(leaves[clearEntries-1].Body, []byte(fmt.Sprintf(`"e%d"`, clearEntries-1))) {
		t.Errorf("%d leaves, %v", len(leaves), err)
	}
}

func TestEntriesInClearAreSealedOnce(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		clearDatabase(t, dsn, raw)
		if st, err := store.Inspect(t.Context(), dsn); err != nil || !st.Clear {
			t.Errorf("before: %+v, %v", st, err)
		}
		s := open(t, dsn)
		wantSealed(t, s)
		if st, err := store.Inspect(t.Context(), dsn); err != nil || st.Clear {
			t.Errorf("afterwards: %+v, %v", st, err)
		}
		if err := errors.Join(s.Unlock(t.Context(), keys()), open(t, dsn).Close()); err != nil {
			t.Errorf("again: %v", err)
		}
		wantSealed(t, s)
	})
}

// TestSealingGoesOnWhereItWasKilled has the database refuse an entry in the middle, and go on later.
func TestSealingGoesOnWhereItWasKilled(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		clearDatabase(t, dsn, raw)
		s := openLocked(t, dsn)
		refusing, allowing := []string{
			"CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
			"CREATE TRIGGER refused BEFORE INSERT ON audit_log FOR EACH ROW WHEN (NEW.id = 'e333') EXECUTE FUNCTION refused()",
		}, "DROP TRIGGER refused ON audit_log"
		if strings.HasPrefix(dsn, "sqlite") {
			refusing = []string{"CREATE TRIGGER refused BEFORE INSERT ON audit_log WHEN NEW.id = 'e333' BEGIN SELECT RAISE(ABORT, 'refused'); END"}
			allowing = "DROP TRIGGER refused"
		}
		for _, statement := range refusing {
			if _, err := raw.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := s.Unlock(t.Context(), keys()); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("unlock: %v", err)
			}
			var sealed, clear int
			if err := errors.Join(raw.QueryRowContext(t.Context(), "SELECT count(*) FROM audit_log").Scan(&sealed),
				raw.QueryRowContext(t.Context(), "SELECT count(*) FROM audit_entries").Scan(&clear)); err != nil || sealed == 0 || sealed+clear != clearEntries {
				t.Errorf("%d are sealed, %d in clear, %v", sealed, clear, err)
			}
		}
		if _, err := raw.ExecContext(t.Context(), allowing); err != nil {
			t.Fatal(err)
		}
		if err := s.Unlock(t.Context(), keys()); err != nil {
			t.Fatal(err)
		}
		wantSealed(t, s)
	})
}

func TestProgramsThatSealAtOnceSealEachEntryOnce(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		clearDatabase(t, dsn, raw)
		stores := make([]*store.Store, 4)
		for i := range stores {
			stores[i] = openLocked(t, dsn)
		}
		var all sync.WaitGroup
		for _, s := range stores {
			all.Go(func() {
				if err := s.Unlock(t.Context(), keys()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantSealed(t, stores[0])
	})
}

// TestNothingInClearIsLeftInTheFiles looks into SQLite's files, in which removed rows can stay.
func TestNothingInClearIsLeftInTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "k.db")
	clearDatabase(t, "sqlite:"+path, rawSQLite(t, path))
	s := open(t, "sqlite:"+path)
	wantSealed(t, s)
	if err := s.EraseSubject(t.Context(), "default", canary+"-u3"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(canary+"-s")) || bytes.Contains(content, []byte(canary+"-u3")) {
			t.Errorf("%s holds something in clear", e.Name())
		}
	}
}

// TestABackupBeforeAnUpdateIsRecordedAsItWas: the schema stays as it is, and so does how entries are written.
func TestABackupBeforeAnUpdateIsRecordedAsItWas(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		clearDatabase(t, dsn, raw)
		asIs, err := store.Open(t.Context(), dsn, store.Options{AsIs: true})
		if err != nil {
			t.Fatal(err)
		}
		entry := audit.BackupMade(audit.Origin{}, "b", 1)
		if err := errors.Join(asIs.Unlock(t.Context(), keys()), asIs.Record(t.Context(), entry), asIs.Close()); err != nil {
			t.Fatal(err)
		}
		all, err := open(t, dsn).AuditEntries(t.Context(), clearEntries, 10)
		if err != nil || len(all) != 1 || all[0].Kind != audit.KindBackupMade || all[0].ObjectID != "b" {
			t.Errorf("%+v, %v", all, err)
		}
		s, err := store.Open(t.Context(), dsn, store.Options{AsIs: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Record(t.Context(), audit.BackupMade(audit.Origin{}, "c", 1)); !errors.Is(err, store.ErrLocked) {
			t.Errorf("without the vault: %v", err)
		}
		if err := errors.Join(s.Unlock(t.Context(), keys()), s.Record(t.Context(), audit.BackupMade(audit.Origin{}, "c", 1))); err != nil {
			t.Error(err)
		}
	})
}

// sequence brings everything into the tree.
func sequence(t *testing.T, s *store.Store) {
	t.Helper()
	if err := storetest.Sequence(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func TestAnEntryThatSomebodyDamagedIsSealedToo(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		clearDatabase(t, dsn, raw)
		if _, err := raw.ExecContext(t.Context(), `UPDATE audit_entries SET details = 'no "JSON"' WHERE id = 'e3'`); err == nil {
			t.Error("the log can be changed")
		}
		disable := "DROP TRIGGER audit_entries_no_update"
		if strings.HasPrefix(dsn, "postgres") {
			disable = "ALTER TABLE audit_entries DISABLE TRIGGER USER"
		}
		for _, statement := range []string{disable, `UPDATE audit_entries SET details = 'no "JSON"' WHERE id = 'e3'`} {
			if _, err := raw.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if disable == "DROP TRIGGER audit_entries_no_update" { // which the migration expects
			if _, err := raw.ExecContext(t.Context(), "CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries BEGIN SELECT RAISE(ABORT, 'only grows'); END"); err != nil {
				t.Fatal(err)
			}
		}
		all, err := open(t, dsn).AuditEntries(t.Context(), 3, 1)
		if err != nil || len(all) != 1 || all[0].Details != `{"unreadable":"no \"JSON\""}` || all[0].ObjectID == "" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
