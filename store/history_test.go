package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"konklave/access"
	"konklave/store"
)

// written is one row that a program of some version wrote; columns that the database numbers itself are left out.
type written struct {
	table  string
	values map[string]any
}

// history has, for each version of the schema, a row for each table that came with it. Rows may use those before them.
func history() map[int64][]written {
	blob := []byte{0, 1, 0xff}
	return map[int64][]written{
		1: {
			{"users", map[string]any{"id": "u1", "tenant": "default", "email": "ä@example.org", "name": "Äöü \"'\\ \u2028 𝄞", "role": "admin", "language": "de", "password_hash": "$argon2id$", "created_at": 1}},
			{"setup_tokens", map[string]any{"tenant": "default", "hash": blob, "created_at": 1}},
			{"sessions", map[string]any{"id": "s1", "tenant": "default", "user_id": "u1", "hash": blob, "created_at": 1, "seen_at": 1, "expires_at": 2, "user_agent": "", "source": ""}},
			{"devices", map[string]any{"hash": blob, "tenant": "default", "user_id": "u1", "expires_at": 2}},
			{"sign_in_failures", map[string]any{"tenant": "default", "account": "a", "source": "s", "known": true, "at": 1}},
			{"api_tokens", map[string]any{"id": "t1", "tenant": "default", "user_id": "u1", "hash": blob, "name": "ci", "created_at": 1, "expires_at": 2}},
			{"meetings", map[string]any{"id": "m1", "tenant": "default", "owner_id": "u1", "title": "", "link": "l1", "guests_allowed": true, "created_at": 1, "updated_at": 1}},
			{"meetings", map[string]any{"id": "m2", "tenant": "default", "owner_id": "u1", "title": "Rat", "link": "l2", "guests_allowed": false, "created_at": int64(1) << 62, "updated_at": -1}},
			{"conferences", map[string]any{"id": "c1", "tenant": "default", "meeting_id": "m1", "epoch": 1, "seq": 1, "started_at": 1}},
			{"journal_batches", map[string]any{"conference_id": "c1", "first_seq": 1, "tenant": "default", "events": 1, "epoch": 1, "digest": blob, "at": 7}},
			{"tickets", map[string]any{"hash": blob, "tenant": "default", "conference_id": "c1", "meeting_id": "m1", "actor_kind": "guest", "actor_id": "g", "participant_id": "", "name": "Anna", "role": "participant", "expires_at": 2}},
			{"audit_entries", map[string]any{"id": "a1", "tenant": "default", "at": 1, "kind": "user.created", "outcome": "success", "actor_kind": "system", "actor_id": "", "actor_user": "", "object_kind": "user", "object_id": "u1", "reported_by": "", "details": `{"role":"admin"}`}},
			{"audit_entries", map[string]any{"id": "a2", "tenant": "default", "at": 1, "kind": "meeting.created", "outcome": "success", "actor_kind": "account", "actor_id": "u1", "actor_user": "u1", "object_kind": "meeting", "object_id": "m1", "reported_by": "", "details": `{}`}},
		},
		4: {
			{"audit_log", map[string]any{"id": "a3", "tenant": "default", "at": 1, "kind": "user.created", "category": "administration", "leaf": blob, "body": blob, "personal": blob}},
			{"audit_log", map[string]any{"id": "a4", "tenant": "default", "at": 1, "kind": "user.created", "category": "administration", "leaf": blob}},
			{"audit_waiting", map[string]any{"seq": 2}},
			{"audit_places", map[string]any{"leaf_index": 0, "seq": 1}},
			{"audit_hashes", map[string]any{"first_index": 0, "hashes": bytes.Repeat(blob, 32)}},
			{"audit_checkpoints", map[string]any{"size": 0, "note": blob}},
			{"audit_keys", map[string]any{"id": "k1", "tenant": "default", "subject": "u1", "period": "2026-11", "wrapped": blob}},
		},
		2: {
			{"instance_settings", map[string]any{"name": "n", "value": "v"}},
			{"conference_keys", map[string]any{"conference_id": "c1", "tenant": "default", "wrapped": blob, "created_at": 1}},
			{"journal_events", map[string]any{"conference_id": "c1", "number": 1, "tenant": "default", "epoch": 1, "kind": "k", "sealed": []byte{}}},
			{"journal_snapshots", map[string]any{"conference_id": "c1", "number": 1, "tenant": "default", "sealed": bytes.Repeat(blob, 1<<16), "at": 1}},
		},
		5: {
			{"admissions", map[string]any{"conference_id": "c1", "session": "h", "tenant": "default", "sign_in": "s1"}},
		},
		6: {
			{"findings", map[string]any{"id": "n1", "tenant": "default", "at": 1, "kind": "sign_in.locked", "user_id": "u1", "topic": "t", "evidence": `{"failures":6}`}},
		},
		7: {
			{"factors", map[string]any{"id": "f1", "tenant": "default", "user_id": "u1", "kind": "totp", "name": "Phone", "credential": []byte{}, "secret": blob, "step": 1, "created_at": 1}},
			{"recovery_codes", map[string]any{"user_id": "u1", "hash": blob, "tenant": "default"}},
			{"used_challenges", map[string]any{"hash": blob, "expires_at": 2}},
		},
		8: {
			{"identities", map[string]any{"id": "i1", "tenant": "default", "provider": "amt", "subject": "ä", "user_id": "u1", "login": "l", "sealed": blob, "linked_at": 1, "ask_at": 2, "gone_at": 0}},
			{"shown_once", map[string]any{"kind": "oidc.state", "id": "x", "forget_at": int64(1) << 62}},
		},
		9: {
			{"approvals", map[string]any{"id": "p1", "tenant": "default", "action": "role.assign", "about": "u1", "parameters": "{}", "digest": "d", "state": "pending", "reason": "because", "requested_by": "u1", "requested_at": 1, "expires_at": 2}},
		},
		10: {
			{"leases", map[string]any{"name": "l", "holder": "h", "expires_at": 1}},
		},
		11: {
			{"habits", map[string]any{"user_id": "u1", "aspect": "country", "value": "DE", "tenant": "default", "mark": "52.5,13.4,20", "times": 1, "first_at": 1, "last_at": 1}},
			{"retired_secrets", map[string]any{"hash": blob, "tenant": "default", "kind": "session", "user_id": "u1", "sign_in": "s0", "entry": "a1", "retired_at": 1}},
		},
		12: {
			{"scim_changes", map[string]any{"tenant": "default", "number": 3}},
			{"scim_users", map[string]any{"user_id": "u1", "tenant": "default", "external_id": "e1", "user_name": "Änne", "name_key": "änne", "active": true, "said": `{"displayName":"Änne"}`, "created_at": 1, "changed_at": 2, "version": 3}},
			{"scim_groups", map[string]any{"id": "g1", "tenant": "default", "external_id": "", "name": "IT", "name_key": "it", "created_at": 1, "changed_at": 1, "version": 2}},
			{"scim_members", map[string]any{"group_id": "g1", "user_id": "u1", "tenant": "default"}},
		},
		13: {
			{"machines", map[string]any{"id": "n1", "tenant": "default", "name": "Kalender", "scopes": "meetings.read", "networks": "", "created_at": 1, "expires_at": 0}},
			{"machine_secrets", map[string]any{"id": "ns1", "tenant": "default", "machine_id": "n1", "hash": blob, "created_at": 1}},
			{"access_tokens", map[string]any{"id": "at1", "tenant": "default", "machine_id": "n1", "secret_id": "ns1", "hash": blob, "scopes": "meetings.read", "issued_at": 1, "expires_at": 2}},
		},
		14: {
			{"provider_sessions", map[string]any{"session_id": "s1", "tenant": "default", "provider": "amt", "subject": "ä", "provider_session": "", "sealed": blob}},
		},
		15: {
			{"admissions", map[string]any{"conference_id": "c1", "session": "h2", "tenant": "default", "sign_in": "s1", "address": "2001:db8::1"}},
		},
		17: {
			{"erasures", map[string]any{"tenant": "default", "pseudonym": "u9", "at": 1}},
		},
		18: {
			{"mails", map[string]any{"id": "e1", "tenant": "default", "kind": "account.locked", "user_id": "u1", "created_at": 1, "expires_at": 2, "due_at": 1, "attempts": 3}},
			{"lock_mails", map[string]any{"tenant": "default", "account": "a", "at": 1}},
			{"unlock_links", map[string]any{"hash": blob, "tenant": "default", "user_id": "u1", "expires_at": 2}},
		},
		19: {
			{"approvals", map[string]any{"id": "p2", "tenant": "default", "action": "audit.retention", "about": "", "parameters": "{}", "digest": "e", "state": "pending", "reason": "because", "requested_at": 1, "expires_at": 2}},
		},
	}
}

// severalRoles is the schema from which on an account has several roles.
const severalRoles = 5

// knowsSetUp is the schema from which on it is kept that there was an administrator.
const knowsSetUp = 16

// newestSchema is the highest version that there is a migration for.
func newestSchema(t *testing.T) int64 {
	t.Helper()
	versions := map[string][]string{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		entries, err := fs.ReadDir(store.Migrations(), "migrations/"+dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			versions[dialect] = append(versions[dialect], e.Name())
		}
	}
	if !slices.Equal(versions["sqlite"], versions["postgres"]) {
		t.Errorf("the databases have different migrations: %v", versions)
	}
	for i, name := range versions["sqlite"] {
		if !strings.HasPrefix(name, fmt.Sprintf("%05d_", i+1)) {
			t.Errorf("migration %s is not number %d", name, i+1)
		}
	}
	return int64(len(versions["sqlite"]))
}

// writeHistory writes what a program of this schema would have written.
func writeHistory(t *testing.T, raw *sql.DB, schema int64) {
	t.Helper()
	for version := int64(1); version <= schema; version++ {
		for _, w := range history()[version] {
			var names, places []string
			var values []any
			if _, one := w.values["role"]; one && w.table == "users" && schema >= severalRoles {
				delete(w.values, "role")
				w.values["roles"] = string(access.Administrator)
			}
			for name, value := range w.values {
				names, values = append(names, name), append(values, value)
				places = append(places, fmt.Sprintf("$%d", len(values)))
			}
			statement := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", w.table, strings.Join(names, ", "), strings.Join(places, ", "))
			if _, err := raw.ExecContext(t.Context(), statement, values...); err != nil {
				t.Fatalf("schema %d: %s: %v", schema, statement, err)
			}
		}
	}
}

// contents are all rows, in an order of their own.
func contents(t *testing.T, s *store.Store) map[string][]string {
	t.Helper()
	n, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(n.Close(), n.Close()); err != nil {
			t.Error(err)
		}
	}()
	all := map[string][]string{}
	for _, table := range n.Tables {
		all[table.Name] = []string{fmt.Sprint(table.Columns)}
		if err := n.Rows(t.Context(), table, func(row []any) error {
			all[table.Name] = append(all[table.Name], fmt.Sprintf("%q", row))
			return nil
		}); err != nil {
			t.Error(err)
		}
		slices.Sort(all[table.Name][1:])
	}
	return all
}

// eachDatabase runs a test with a new database of either kind.
func eachDatabase(t *testing.T, test func(t *testing.T, fresh func(t *testing.T) (dsn string, raw *sql.DB))) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) (string, *sql.DB) {
			path := filepath.Join(t.TempDir(), "k.db")
			return "sqlite:" + path, rawSQLite(t, path)
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := startPostgres(t)
		test(t, func(t *testing.T) (string, *sql.DB) {
			db := server.database(t, "template0")
			return db.DSN, db.Raw
		})
	})
}

func TestEachEarlierVersionIsBroughtUpToDateWithItsData(t *testing.T) {
	t.Parallel()
	newest := newestSchema(t)
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		for schema := int64(1); schema <= newest; schema++ {
			dsn, raw := fresh(t)
			old, err := store.OpenAt(t.Context(), dsn, schema)
			if err != nil {
				t.Fatal(err)
			}
			writeHistory(t, raw, schema)
			before := contents(t, old)
			for table, rows := range before {
				if len(rows) < 2 {
					t.Errorf("schema %d: table %s is tested without rows: write one in history", schema, table)
				}
			}
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			after := contents(t, openLocked(t, dsn))
			var roles access.Roles
			if err := raw.QueryRowContext(t.Context(), "SELECT roles FROM users WHERE id = 'u1'").Scan(&roles); err != nil || roles != access.Administrator {
				t.Errorf("schema %d: the administrator is %q, %v", schema, roles, err)
			}
			var setUp int
			if err := raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM instance_settings WHERE name = 'setup.done'").Scan(&setUp); err != nil || setUp == 0 && schema < knowsSetUp {
				t.Errorf("schema %d: with an administrator it is to be set up again, %v", schema, err)
			}
			for table, rows := range before {
				if table == "instance_settings" {
					rows = slices.Concat(rows, make([]string, setUp))
				}
				if kept, still := after[table]; still && len(kept) != len(rows) {
					t.Errorf("schema %d to %d: table %s had %d rows and has %d", schema, newest, table, len(rows)-1, len(kept)-1)
				}
			}
		}
	})
}

func TestWhatWasSetUpBeforeIsNotToBeSetUpAgain(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		for _, roles := range []string{"", "user", "user user_admin"} {
			dsn, raw := fresh(t)
			old, err := store.OpenAt(t.Context(), dsn, knowsSetUp-1)
			if err != nil {
				t.Fatal(err)
			}
			if roles != "" {
				writeHistory(t, raw, knowsSetUp-1)
				_, err = raw.ExecContext(t.Context(), "UPDATE users SET roles = $1", roles)
			}
			if err := errors.Join(err, old.Close()); err != nil {
				t.Fatal(err)
			}
			if needed, err := openLocked(t, dsn).SetupNeeded(t.Context(), access.DefaultTenant); err != nil || needed != (roles == "") {
				t.Errorf("with an account of the roles %q: to be set up %v, %v", roles, needed, err)
			}
		}
	})
}

func TestADatabaseIsReadAsItIs(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		old, err := store.OpenAt(t.Context(), dsn, 1)
		if err != nil {
			t.Fatal(err)
		}
		writeHistory(t, raw, 1)
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), dsn, store.Options{AsIs: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if n, err := s.Snapshot(t.Context()); err != nil || n.Schema != 1 || n.Close() != nil {
			t.Errorf("snapshot %+v, %v", n, err)
		}
		if all := contents(t, s); len(all["users"]) != 2 {
			t.Errorf("users %v", all["users"])
		}
	})
	if _, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "k.db"), store.Options{AsIs: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a database that is not there: %v", err)
	}
}

func TestASnapshotFillsEitherDatabase(t *testing.T) {
	t.Parallel()
	newest := newestSchema(t)
	source := filepath.Join(t.TempDir(), "source.db")
	first := openLocked(t, "sqlite:"+source)
	writeHistory(t, rawSQLite(t, source), newest)
	want := contents(t, first)
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, raw := fresh(t)
		if err := pour(t.Context(), first, dsn); err != nil {
			t.Fatal(err)
		}
		s := openLocked(t, dsn)
		got := contents(t, s)
		for table, rows := range want {
			if !slices.Equal(got[table], rows) {
				t.Errorf("%s: %.300q, want %.300q", table, got[table], rows)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d tables, want %d", len(got), len(want))
		}
		if err := insert(t.Context(), s, "next"); !errors.Is(err, store.ErrLocked) {
			t.Errorf("insert without keys: %v", err)
		}
		if err := errors.Join(s.Unlock(t.Context(), keys()), insert(t.Context(), s, "next")); err != nil { // the log is numbered on
			t.Errorf("insert: %v", err)
		}
		again, err := store.Open(t.Context(), dsn, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if err := pour(t.Context(), first, dsn); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("fill what is not empty: %v", err)
		}
		back := "sqlite:" + filepath.Join(t.TempDir(), "back.db")
		if _, err := raw.ExecContext(t.Context(), "DELETE FROM users WHERE id = 'next'"); err != nil {
			t.Fatal(err)
		}
		if err := pour(t.Context(), again, back); err != nil {
			t.Fatal(err)
		}
		if users := contents(t, open(t, back))["users"]; !slices.Equal(users, want["users"]) {
			t.Errorf("there and back: %q", users)
		}
	})
}

// fill makes a database at dsn.
func fill(ctx context.Context, dsn string, schema int64, rows func(*store.Filling) error) (err error) {
	staged, err := store.Stage(ctx, dsn, schema, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staged.Close()) }()
	if err := staged.Fill(ctx, rows); err != nil {
		return err
	}
	return staged.Place(ctx)
}

// pour fills the database at dsn with all that is in s.
func pour(ctx context.Context, s *store.Store, dsn string) error {
	n, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer n.Close()
	return fill(ctx, dsn, n.Schema, func(f *store.Filling) error {
		for _, table := range n.Tables {
			var rows [][]any
			if err := n.Rows(ctx, table, func(row []any) error { rows = append(rows, cloned(row)); return nil }); err != nil {
				return err
			}
			err := f.Table(ctx, table, func() ([]any, error) {
				if len(rows) == 0 {
					return nil, io.EOF
				}
				row := rows[0]
				rows = rows[1:]
				return row, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAnOldSnapshotIsFilledInAndBroughtUpToDate(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		from, raw := fresh(t)
		old, err := store.OpenAt(t.Context(), from, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		writeHistory(t, raw, 1)
		to, _ := fresh(t)
		if err := pour(t.Context(), old, to); err != nil {
			t.Fatal(err)
		}
		s := open(t, to)
		if all := contents(t, s); len(all["meetings"]) != 3 || len(all["journal_events"]) != 1 {
			t.Errorf("meetings %q, events %q", all["meetings"], all["journal_events"])
		}
		if err := fill(t.Context(), to, 1, nil); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("into a newer schema: %v", err)
		}
	})
}

func cloned(row []any) []any {
	row = slices.Clone(row)
	for i, v := range row {
		if b, ok := v.([]byte); ok {
			row[i] = append([]byte{}, b...)
		}
	}
	return row
}

func TestAFillThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	newest := newestSchema(t)
	eachDatabase(t, func(t *testing.T, fresh func(*testing.T) (string, *sql.DB)) {
		dsn, _ := fresh(t)
		broken := errors.New("broken")
		row := []any{"n", "v"}
		settings := store.Table{Name: "instance_settings", Columns: []store.Column{{"name", store.TypeText}, {"value", store.TypeText}}}
		err := fill(t.Context(), dsn, newest, func(f *store.Filling) error {
			return f.Table(t.Context(), settings, func() ([]any, error) {
				if row == nil {
					return nil, broken
				}
				defer func() { row = nil }()
				return row, nil
			})
		})
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		err = fill(t.Context(), dsn, newest, func(f *store.Filling) error {
			settings.Columns = settings.Columns[:1]
			return f.Table(t.Context(), settings, func() ([]any, error) { return nil, io.EOF })
		})
		if !errors.Is(err, store.ErrUnfit) {
			t.Errorf("a table without a column: %v", err)
		}
		orphan := store.Table{Name: "conference_keys", Columns: []store.Column{{"conference_id", store.TypeText}, {"tenant", store.TypeText}, {"wrapped", store.TypeBytes}, {"created_at", store.TypeInteger}}}
		rows := [][]any{{"nobody's", "default", []byte{1}, int64(1)}}
		err = fill(t.Context(), dsn, newest, func(f *store.Filling) error {
			return f.Table(t.Context(), orphan, func() ([]any, error) {
				if len(rows) == 0 {
					return nil, io.EOF
				}
				defer func() { rows = nil }()
				return rows[0], nil
			})
		})
		if err == nil {
			t.Error("a row that refers to nothing was stored")
		}
		if err := fill(t.Context(), dsn, newest+1, nil); !errors.As(err, new(*store.SchemaTooNewError)) {
			t.Errorf("a newer schema: %v", err)
		}
		for table, rows := range contents(t, open(t, dsn)) {
			if len(rows) != 1 {
				t.Errorf("%s has %q", table, rows[1:])
			}
		}
	})
}
