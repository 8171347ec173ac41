package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/checkpoint"
	"konklave/audit/sequencer"
	merkle "konklave/audit/tree"
	"konklave/auth"
	"konklave/backup"
	"konklave/meeting"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/user"
	"konklave/vault"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// house is an instance with something in every corner.
type house struct {
	backup.Instance
	dir, dsn  string
	secret    string // the recovery key
	masterKey string // path
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return openHouse(t, t.TempDir())
}

func openHouse(t *testing.T, dir string) *house {
	t.Helper()
	dsn := "sqlite:" + filepath.Join(dir, "konklave.db")
	h := &house{dir: dir, dsn: dsn, masterKey: filepath.Join(dir, "master.key")}
	now := func() time.Time { return noon }
	db, err := store.Open(t.Context(), dsn, store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keys, err := vault.Open(t.Context(), h.masterKey, db)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Unlock(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	h.Instance = backup.Instance{
		Store: db, Keys: keys, Data: dir, Program: "test", Now: now,
		Without: []string{h.masterKey, filepath.Join(dir, "backups"), filepath.Join(dir, "konklave.db"), filepath.Join(dir, "konklave.db-wal"), filepath.Join(dir, "konklave.db-shm")},
	}
	return h
}

// furnish puts something into the house, with a recovery key.
func (h *house) furnish(t *testing.T) {
	t.Helper()
	system := access.System("test")
	system.Tenant = access.DefaultTenant
	var err error
	if h.secret, err = auth.NewRecoveryKeys(h.Store, h.Keys.NewRecovery, h.Now).Make(t.Context(), system, false); err != nil {
		t.Fatal(err)
	}
	u, err := user.New{Email: "anna@example.org", Name: "Anna Äöü \"x\"", Roles: access.Administrator.List()}.Prepare(access.DefaultTenant, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Store.InsertUser(t.Context(), u, "hash", audit.UserCreated(audit.Origin{At: noon, Actor: system}, u.ID, u.Roles)); err != nil {
		t.Fatal(err)
	}
	m, err := meeting.NewService(h.Store, h.Now).Create(t.Context(), u.Actor(), meeting.New{Title: "Rat der Stadt"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Store.OpenConference(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := auth.NewTokens(h.Store, h.Now).Create(t.Context(), u.Actor(), auth.NewToken{Name: "ci", ExpiresAt: noon.Add(24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := auth.NewMachines(h.Store, 0, h.Now).Add(t.Context(), u.Actor(), auth.NewMachine{Name: "calendar", Scopes: []access.Scope{access.MeetingsRead}}); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.NewSetup(h.Store, nil, h.Keys.NewRecovery, h.Now).Issue(t.Context()); err != nil && !errors.Is(err, auth.ErrSetupDone) {
		t.Fatal(err)
	}
	h.sign(t)
	for name, content := range map[string]string{
		"instance.key": "instance secret", "tls/ca.key": "ca secret", "empty": "", "run/socket": "x", "lock": "", "backups/old": "x", ".tmp": "x",
		"konklave.db.restoring": "x", "konklave.db.restoring-wal": "x", "master.key.restoring": "x", ".restoring/files/x": "x",
	} {
		path := filepath.Join(h.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// sign brings the audit log into its tree and stores a signed checkpoint of it.
func (h *house) sign(t *testing.T) {
	t.Helper()
	n, err := sequencer.New(h.Store, nil).Integrate(t.Context())
	if err != nil || n == 0 {
		t.Fatalf("integrated %d, %v", n, err)
	}
	root, errRoot := merkle.Root(t.Context(), h.Store.AuditTree(), int64(n))
	secret, _, errKey := checkpoint.NewLogKey(rand.Reader, "test/audit")
	key, errSigner := checkpoint.LogSigner(secret)
	c := checkpoint.Checkpoint{Origin: "test/audit", Size: int64(n), Root: root}
	text, errSign := note.Sign(&note.Note{Text: c.Text()}, key)
	if err := errors.Join(errRoot, errKey, errSigner, errSign, h.Store.SaveCheckpoint(t.Context(), c, text)); err != nil {
		t.Fatal(err)
	}
}

func (h *house) backup(t *testing.T) ([]byte, backup.Summary) {
	t.Helper()
	var b bytes.Buffer
	s, err := backup.Write(t.Context(), &b, h.Instance)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), s
}

// contents are all rows of a database, by table.
func contents(t *testing.T, dsn string) map[string][]string {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{AsIs: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n, err := db.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	all := map[string][]string{}
	for _, table := range n.Tables {
		all[table.Name] = []string{}
		if err := n.Rows(t.Context(), table, func(row []any) error {
			all[table.Name] = append(all[table.Name], fmt.Sprintf("%q", row))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(all[table.Name])
	}
	return all
}

func postgres(t *testing.T) *postgrestest.Server {
	t.Helper()
	server, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// restored checks that everything of a house is at the target, and returns the target's rows.
func restored(t *testing.T, h *house, b []byte, to backup.Target) map[string][]string {
	t.Helper()
	before := contents(t, h.dsn)
	if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, to); err != nil {
		t.Fatal(err)
	}
	after := contents(t, to.DSN)
	for table, rows := range before {
		switch table {
		case "sessions", "devices", "setup_tokens", "sign_in_failures", "tickets", "used_challenges", "api_tokens", "machine_secrets", "access_tokens", "provider_sessions", "leases", "mails", "lock_mails", "unlock_links":
			rows = []string{}
		case "audit_log", "audit_waiting": // the restore itself is the last one
			rest := slices.DeleteFunc(slices.Clone(after[table]), func(row string) bool { return slices.Contains(rows, row) })
			if len(rest) != 1 || len(after[table]) != len(rows)+1 || table == "audit_log" && !strings.Contains(rest[0], "backup.restored") {
				t.Errorf("%s: %q, want %q and the restore", table, after[table], rows)
			}
			continue
		}
		if !slices.Equal(after[table], rows) {
			t.Errorf("%s: %q, want %q", table, after[table], rows)
		}
	}
	for name, want := range map[string]string{"instance.key": "instance secret", "tls/ca.key": "ca secret", "empty": ""} {
		if got, err := os.ReadFile(filepath.Join(to.Data, name)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	keyBefore, errBefore := os.ReadFile(h.masterKey)
	keyAfter, errAfter := os.ReadFile(to.MasterKey)
	if err := errors.Join(errBefore, errAfter); err != nil || !bytes.Equal(keyBefore, keyAfter) {
		t.Errorf("master key %q, %v", keyAfter, err)
	}
	return after
}

func sqliteTarget(t *testing.T) backup.Target {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new")
	return backup.Target{Data: dir, DSN: "sqlite:" + filepath.Join(dir, "konklave.db"), MasterKey: filepath.Join(dir, "master.key")}
}

func TestEverythingComesBackWithTheRecoveryKeyAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	b, s := h.backup(t)
	if want := []string{"empty", "instance.key", "tls/ca.key"}; !slices.Equal(s.Files, want) {
		t.Errorf("files %q, want %q", s.Files, want)
	}
	verified, err := backup.Verify(bytes.NewReader(b), h.secret)
	if err != nil || fmt.Sprint(verified.Rows, verified.Files, verified.Bytes) != fmt.Sprint(s.Rows, s.Files, s.Bytes) {
		t.Errorf("verified %+v, %v; want %+v", verified, err, s)
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		to := sqliteTarget(t)
		restored(t, h, b, to)
		entries, err := os.ReadDir(to.Data)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
			if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s may be read by others: %v", e.Name(), err)
			}
		}
		if want := []string{"empty", "instance.key", "konklave.db", "master.key", "tls"}; !slices.Equal(names, want) {
			t.Errorf("in the data directory: %q, want %q", names, want)
		}
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, to); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("over what is there: %v", err)
		}
	})
	t.Run("A85RevokedTokensComeBackOnlyWhenAsked", func(t *testing.T) {
		t.Parallel()
		to := sqliteTarget(t)
		to.KeepTokens = true
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, to); err != nil {
			t.Fatal(err)
		}
		kept := contents(t, to.DSN)
		if tokens, secrets := kept["api_tokens"], kept["machine_secrets"]; len(tokens) != 1 || len(secrets) != 1 {
			t.Errorf("tokens %q, secrets of machines %q", tokens, secrets)
		}
	})
	t.Run("PostgreSQLAndBack", func(t *testing.T) {
		t.Parallel()
		server := postgres(t)
		dsn, err := server.Create(t.Context(), "k", "template0")
		if err != nil {
			t.Fatal(err)
		}
		to := sqliteTarget(t)
		to.DSN = dsn
		restored(t, h, b, to)
		db, err := store.Open(t.Context(), dsn, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		keys, err := vault.Open(t.Context(), to.MasterKey, db)
		if err != nil {
			t.Fatalf("the master key of the restored database: %v", err)
		}
		if err := db.Unlock(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		moved := &house{
			Instance: backup.Instance{Store: db, Keys: keys, Data: to.Data, Without: []string{to.MasterKey}, Now: h.Now},
			dir:      to.Data, dsn: dsn, secret: h.secret, masterKey: to.MasterKey,
		}
		again, _ := moved.backup(t)
		restored(t, moved, again, sqliteTarget(t))
	})
}

func TestWithoutARecoveryKeyThereIsNoBackup(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var b bytes.Buffer
	if _, err := backup.Write(t.Context(), &b, h.Instance); !errors.Is(err, backup.ErrNoRecipient) || b.Len() != 0 {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
	k := &backup.Keeper{Instance: h.Instance, Dir: filepath.Join(h.dir, "backups"), Keep: 1, Log: slog.New(slog.DiscardHandler)}
	if _, _, err := k.Make(t.Context()); !errors.Is(err, backup.ErrNoRecipient) {
		t.Errorf("got %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(k.Dir, "konklave-*")); err != nil || len(left) != 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestNoSecretIsInTheClear(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	b, _ := h.backup(t)
	for _, secret := range []string{"instance secret", "ca secret", "anna@example.org", "konklave-master-key", "Rat der Stadt"} { // long enough that ciphertext does not hold them by chance
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("%q is in the backup in the clear", secret)
		}
	}
	inside := unpack(t, b, h.secret)
	for name, content := range inside {
		for _, secret := range []string{"instance secret", "ca secret", "konklave-master-key", h.secret} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%q is in the decrypted backup in the clear, in %s", secret, name)
			}
		}
	}
	for _, table := range []string{"sessions", "devices", "setup_tokens", "sign_in_failures", "tickets", "used_challenges", "leases", "access_tokens", "provider_sessions", "mails", "lock_mails", "unlock_links"} {
		if _, there := inside["tables/"+table+"/00000001"]; there {
			t.Errorf("%s is in the backup", table)
		}
		if _, there := contents(t, h.dsn)[table]; !there {
			t.Errorf("there is no table %s to leave out", table)
		}
	}
}

func TestARestoreThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	large := make([]byte, 3<<20) // so that a part of it is there before the cut
	_, _ = rand.Read(large)      // never fails, see crypto/rand
	if err := os.WriteFile(filepath.Join(h.dir, "large"), large, 0o600); err != nil {
		t.Fatal(err)
	}
	b, _ := h.backup(t)
	server := postgres(t)
	dsn, err := server.Create(t.Context(), "k", "template0")
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []backup.Target{sqliteTarget(t), {Data: filepath.Join(t.TempDir(), "d"), DSN: dsn}} {
		to.MasterKey = filepath.Join(to.Data, "master.key")
		for _, cut := range []int{len(b) / 2, len(b) - 1} {
			if _, err := backup.Restore(t.Context(), bytes.NewReader(b[:cut]), h.secret, to); !errors.Is(err, backup.ErrBroken) {
				t.Errorf("cut after %d: %v", cut, err)
			}
			if left, err := os.ReadDir(to.Data); err != nil || len(left) != 0 {
				t.Errorf("left %v, %v", left, err)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := backup.Restore(gone, bytes.NewReader(b), h.secret, to); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		restored(t, h, b, to)
	}
}

func TestRestoreTouchesNothingThatIsThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	b, _ := h.backup(t)
	for _, name := range []string{"konklave.db", "master.key", "anything"} {
		to := sqliteTarget(t)
		path := filepath.Join(to.Data, name)
		if err := errors.Join(os.Mkdir(to.Data, 0o700), os.WriteFile(path, []byte("precious"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, to); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "precious" {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	to := sqliteTarget(t)
	key, err := os.ReadFile(h.masterKey)
	if err != nil {
		t.Fatal(err)
	}
	to.MasterKey = filepath.Join(t.TempDir(), "kept.key")
	if err := os.WriteFile(to.MasterKey, key, 0o600); err != nil {
		t.Fatal(err)
	}
	restored(t, h, b, to) // the same master key may be there
	if _, err := os.Stat(filepath.Join(to.Data, "master.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second master key: %v", err)
	}
}
