package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/audit/sequencer"
	"konklave/audit/tree"
	"konklave/store"
)

// separated is a database whose tables an owner has, with the address of the owner and that of the application.
func separated(t *testing.T, server *postgres, name string) (owner, application string) {
	t.Helper()
	run := func(database string, statements ...string) {
		t.Helper()
		if err := server.Execute(t.Context(), database, statements...); err != nil {
			t.Fatal(err)
		}
	}
	run("postgres", "CREATE ROLE "+name+"_owner LOGIN", "CREATE ROLE "+name+"_app LOGIN", "CREATE DATABASE "+name+" TEMPLATE template0 OWNER "+name+"_owner")
	as := func(role string) string {
		return strings.Replace(server.DSN(name), "postgres://postgres@", "postgres://"+role+"@", 1)
	}
	return as(name + "_owner"), as(name + "_app")
}

// TestL3TheApplicationAddsToTheAuditLogAndNothingElse works as the application, in a database that was prepared for it.
func TestL3TheApplicationAddsToTheAuditLogAndNothingElse(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	owner, application := separated(t, server, "k")
	if _, err := store.Open(t.Context(), application, store.Options{}); !errors.As(err, new(*store.OwnerNeededError)) || !strings.Contains(err.Error(), "konklave database prepare") {
		t.Errorf("before the tables are there: %v", err)
	}
	for range 2 { // the second time nothing changes
		if err := store.Prepare(t.Context(), owner, "k_app", store.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, application)
	logged(t, s)
	if r, err := s.Rights(t.Context()); err != nil || r != (store.Rights{Role: "k_app"}) || r.Sentence() != "" {
		t.Errorf("rights %+v, %v", r, err)
	}
	raw := rawPostgres(t, application)
	for _, statement := range forbidden() {
		if _, err := raw.ExecContext(t.Context(), statement); !denied(err) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for _, table := range []string{"audit_log", "audit_places"} { // PostgreSQL warns, and gives nothing
		if _, err := raw.ExecContext(t.Context(), "GRANT ALL ON "+table+" TO k_app"); err != nil {
			t.Error(err)
		}
	}
	if r, err := s.Rights(t.Context()); err != nil || r.Changes {
		t.Errorf("rights that the application gave itself: %+v, %v", r, err)
	}
	if _, err := s.PruneAudit(t.Context(), overdue(s), certify); !denied(err) {
		t.Errorf("the application prunes: %v", err)
	}
	o := open(t, owner)
	if n, err := o.PruneAudit(t.Context(), overdue(o), certify); err != nil || n == 0 {
		t.Errorf("the owner prunes %d, %v", n, err)
	}
	if err := o.DropCheckpoints(t.Context(), []int64{1}); err != nil {
		t.Error(err)
	}
	if r, err := o.Rights(t.Context()); err != nil || !r.Changes || !r.Prunes || !strings.Contains(r.Sentence(), `"k_owner"`) {
		t.Errorf("rights of the owner %+v, %v", r, err)
	}
}

// forbidden is what would change or remove what was logged, or what guards it.
func forbidden() []string {
	var all []string
	for _, table := range []string{"audit_log", "audit_waiting", "audit_places", "audit_hashes", "audit_checkpoints", "audit_keys"} {
		all = append(all, "TRUNCATE "+table+" CASCADE", "DROP TABLE "+table+" CASCADE", "ALTER TABLE "+table+" DISABLE TRIGGER ALL",
			"ALTER TABLE "+table+" ADD COLUMN x TEXT", "ALTER TABLE "+table+" OWNER TO k_app",
			"CREATE TRIGGER x BEFORE INSERT ON "+table+" FOR EACH ROW EXECUTE FUNCTION audit_only_grows()", "CREATE RULE x AS ON INSERT TO "+table+" DO INSTEAD NOTHING")
	}
	for _, trigger := range []string{"audit_log_no_update ON audit_log", "audit_log_no_removal ON audit_log", "audit_checkpoints_no_change ON audit_checkpoints", "audit_places_no_change ON audit_places"} {
		all = append(all, "DROP TRIGGER "+trigger)
	}
	return append(all,
		"UPDATE audit_log SET body = NULL, personal = NULL", "UPDATE audit_log SET personal = NULL", "UPDATE audit_log SET at = 1", "DELETE FROM audit_log",
		"INSERT INTO audit_log (id, tenant, at, kind, category, leaf) SELECT id, tenant, at, kind, category, leaf FROM audit_log ON CONFLICT (id) DO UPDATE SET tenant = 'x'",
		"UPDATE audit_waiting SET seq = 1", "UPDATE audit_places SET leaf_index = 7", "DELETE FROM audit_places",
		"UPDATE audit_hashes SET hashes = ''", "DELETE FROM audit_hashes", "UPDATE audit_checkpoints SET size = 7", "DELETE FROM audit_checkpoints",
		"UPDATE audit_keys SET wrapped = ''", "DELETE FROM audit_keys",
		"DROP FUNCTION audit_only_grows() CASCADE", "CREATE OR REPLACE FUNCTION audit_log_lets_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
		"DROP SCHEMA public CASCADE", "CREATE TABLE x (y TEXT)", "SET session_replication_role = replica", "SET ROLE k_owner",
		"DELETE FROM goose_db_version", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)",
	)
}

// denied reports whether PostgreSQL said that the role may not do that.
func denied(err error) bool {
	var pg interface{ SQLState() string }
	return errors.As(err, &pg) && pg.SQLState() == "42501"
}

// logged does what the application does all the time: it writes entries, puts them in order, and keeps checkpoints.
func logged(t *testing.T, s *store.Store) {
	t.Helper()
	for _, id := range []string{"a", "b"} {
		if err := insert(t.Context(), s, id); err != nil {
			t.Fatal(err)
		}
		if n, err := sequencer.New(s, slog.New(slog.DiscardHandler)).Integrate(t.Context()); err != nil || n != 1 {
			t.Fatalf("integrated %d, %v", n, err)
		}
		for range 2 { // the second time as with a cosignature
			c, note := checkpointOf(t, s)
			if err := s.SaveCheckpoint(t.Context(), c, note); err != nil {
				t.Fatal(err)
			}
		}
	}
	if holder, err := s.TakeLease(t.Context(), "l", "h", time.Minute); err != nil || holder != "h" {
		t.Fatalf("lease of %q, %v", holder, err)
	}
}

// overdue is a removal of everything that is older than now.
func overdue(s *store.Store) retention.Removal {
	return retention.Removal{Category: audit.CategoryAdministration, Before: s.Now().Add(time.Hour), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r"}
}

// certify stands for the signer; its signature is looked at by who verifies.
func certify(_ context.Context, c leaf.Certificate) (leaf.Certificate, error) {
	c.At, c.Log, c.Signature = c.Before.Add(leaf.Floor(c.Category)), "meet.example.org/audit", base64.StdEncoding.EncodeToString(make([]byte, 68))
	return c, nil
}

func TestARoleThatNothingCanBeKeptFromIsRefused(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	owner, application := separated(t, server, "k")
	if err := server.Execute(t.Context(), "postgres", "CREATE ROLE mighty SUPERUSER LOGIN", "CREATE ROLE maker CREATEROLE LOGIN", "CREATE ROLE member LOGIN IN ROLE k_owner"); err != nil {
		t.Fatal(err)
	}
	for role, words := range map[string]string{"nobody": "make it first", "mighty": "superuser", "maker": "may make roles", "member": "is a member", "k_owner": "owns the database"} {
		if err := store.Prepare(t.Context(), owner, role, store.Options{}); !errors.Is(err, store.ErrRole) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", role, err)
		}
	}
	if err := store.Prepare(t.Context(), "sqlite:x", "k_app", store.Options{}); !errors.Is(err, store.ErrRole) {
		t.Errorf("SQLite: %v", err)
	}
	if err := store.Prepare(t.Context(), owner, "k_app", store.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := server.Execute(t.Context(), "k", "DELETE FROM goose_db_version WHERE version_id > 8", "DROP TABLE leases"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), application, store.Options{}); !errors.As(err, new(*store.OwnerNeededError)) {
		t.Errorf("an old schema: %v", err)
	}
}

// TestWhoOwnsTheTablesIsToldSo is an installation with one role, as the simple one is.
func TestWhoOwnsTheTablesIsToldSo(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	owner, _ := separated(t, server, "k")
	s, log := openLogged(t, owner)
	if r, err := s.Rights(t.Context()); err != nil || !r.Changes || !r.Prunes || r.Role != "k_owner" {
		t.Errorf("rights %+v, %v", r, err)
	}
	if log.count("only triggers stand against that") != 1 {
		t.Error("the operator was not told")
	}
	if err := server.Execute(t.Context(), "k", "CREATE ROLE k_new LOGIN", "REASSIGN OWNED BY k_owner TO k_new"); err != nil { // the way out
		t.Fatal(err)
	}
	if err := store.Prepare(t.Context(), strings.Replace(owner, "k_owner", "k_new", 1), "k_owner", store.Options{}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Rights(t.Context()); err != nil || r != (store.Rights{Role: "k_owner"}) || insert(t.Context(), s, "later") != nil {
		t.Errorf("rights afterwards %+v, %v", r, err)
	}
	if r, err := open(t, "sqlite:"+t.TempDir()+"/k.db").Rights(context.Background()); err != nil || !r.Changes || !r.Prunes || r.Sentence() != "" {
		t.Errorf("SQLite: %+v, %v", r, err)
	}
}

// checkpointOf is a checkpoint of the tree as it is, signed by nobody who matters here.
func checkpointOf(t *testing.T, s *store.Store) (checkpoint.Checkpoint, []byte) {
	t.Helper()
	size, err := s.AuditSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	root, err := tree.Root(t.Context(), s.AuditTree(), size)
	if err != nil {
		t.Fatal(err)
	}
	c := checkpoint.Checkpoint{Origin: "meet.example.org/audit", Size: size, Root: root}
	return c, []byte(c.Text() + "\n— meet.example.org/audit AAAAAAAA\n")
}
