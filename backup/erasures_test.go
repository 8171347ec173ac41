package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/backup"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/user"
	"konklave/vault"
)

// TestA85WhoWasErasedDoesNotComeBackWithAnOlderBackup erases somebody after a backup, and restores that backup.
func TestA85WhoWasErasedDoesNotComeBackWithAnOlderBackup(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	older, _ := h.backup(t)
	all, err := h.Store.Users(t.Context(), access.DefaultTenant, "", 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	anna := all[0]
	h.secondAdmin(t)
	if _, err := user.NewService(h.Store, nil, h.Now).Erase(t.Context(), access.System("test"), anna.ID); err != nil {
		t.Fatal(err)
	}
	k := &backup.Keeper{Instance: h.Instance, By: "test", Dir: t.TempDir()}
	k.Data = t.TempDir()
	list := filepath.Join(k.Dir, backup.ErasuresName)
	for range 2 {
		if err := k.KeepErasures(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(list)
	if err != nil || bytes.Contains(text, []byte(anna.ID)) || !bytes.Contains(text, []byte(user.Pseudonym(anna.Tenant, anna.ID))) {
		t.Errorf("the list is %s, %v", text, err)
	}
	server := postgres(t)
	dsn, err := server.Create(t.Context(), "again", "template0")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []backup.Target{sqliteTarget(t), {Data: filepath.Join(t.TempDir(), "data"), DSN: dsn, MasterKey: filepath.Join(t.TempDir(), "master.key")}} {
		target.Erasures = list
		s, err := backup.Restore(t.Context(), bytes.NewReader(older), h.secret, target)
		if err != nil || s.Erased != 1 {
			t.Fatalf("%d erased again, %v", s.Erased, err)
		}
		wantErased(t, target, anna)
	}
	h.erasedBeforeItOpens(t, older, k, server, anna)
	target := sqliteTarget(t)
	target.Erasures = filepath.Join(t.TempDir(), "changed")
	for name, changed := range map[string][]byte{
		"another name": bytes.Replace(text, []byte(user.Pseudonym(anna.Tenant, anna.ID)), []byte(strings.Repeat("0", 32)), 1),
		"no code":      text[:bytes.IndexByte(text, '\n')], "nothing": nil,
	} {
		if err := os.WriteFile(target.Erasures, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Restore(t.Context(), bytes.NewReader(older), h.secret, target); !errors.Is(err, backup.ErrErasures) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(list, []byte("[]\n00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.KeepErasures(t.Context()); !errors.Is(err, backup.ErrErasures) {
		t.Errorf("a list that somebody changed is written over: %v", err)
	}
	before, err := os.ReadDir(k.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Make(t.Context()); !errors.Is(err, backup.ErrErasures) {
		t.Errorf("a backup beside it: %v", err)
	}
	if after, err := os.ReadDir(k.Dir); err != nil || len(after) > len(before)+1 { // the lock is new
		t.Errorf("%d files were there; what fails each minute leaves one each time: %v, %v", len(before), after, err)
	}
}

// secondAdmin makes another administrator: the last one cannot be erased.
func (h *house) secondAdmin(t *testing.T) {
	t.Helper()
	u, err := user.New{Email: "second@example.org", Name: "Second", Roles: access.Administrator.List()}.Prepare(access.DefaultTenant, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Store.InsertUser(t.Context(), u, "hash", audit.UserCreated(audit.Origin{At: noon, Actor: access.System("test")}, u.ID, u.Roles)); err != nil {
		t.Fatal(err)
	}
}

// erasedBeforeItOpens puts an older database in place by other means than a restore, with the list of the keeper in either place.
func (h *house) erasedBeforeItOpens(t *testing.T, older []byte, k *backup.Keeper, server *postgrestest.Server, u user.User) {
	t.Helper()
	dsn, err := server.Create(t.Context(), "other", "template0")
	if err != nil {
		t.Fatal(err)
	}
	postgres := sqliteTarget(t)
	postgres.DSN = dsn
	for _, target := range []backup.Target{sqliteTarget(t), postgres} {
		if _, err := backup.Restore(t.Context(), bytes.NewReader(older), h.secret, target); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), target.DSN, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := vault.Open(t.Context(), target.MasterKey, db)
		if err == nil {
			err = db.Unlock(t.Context(), keys)
		}
		if err != nil {
			t.Fatal(err)
		}
		there := *k
		there.Store, there.Keys = db, keys
		if target.DSN == dsn {
			there.Data = t.TempDir() // the list lies beside the backups alone
		} else {
			there.Dir = t.TempDir()
		}
		for _, want := range []int{1, 0} {
			if again, err := there.EraseAgain(t.Context()); err != nil || again != want {
				t.Errorf("%d erased again, want %d: %v", again, want, err)
			}
		}
		if err := errors.Join(there.KeepErasures(t.Context()), db.Close()); err != nil {
			t.Error(err)
		}
		for _, dir := range []string{there.Data, there.Dir} {
			if text, err := os.ReadFile(filepath.Join(dir, backup.ErasuresName)); err != nil || !bytes.Contains(text, []byte(user.Pseudonym(u.Tenant, u.ID))) {
				t.Errorf("the list is %s, %v", text, err)
			}
		}
		wantErased(t, target, u)
	}
}

// wantErased wants nothing of a person in what was restored, and an entry about it.
func wantErased(t *testing.T, target backup.Target, u user.User) {
	t.Helper()
	db, err := store.Open(t.Context(), target.DSN, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys, err := vault.Open(t.Context(), target.MasterKey, db)
	if err == nil {
		err = db.Unlock(t.Context(), keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := db.User(t.Context(), u.Tenant, u.ID); err != nil || got.ErasedAt.IsZero() || !got.Disabled() || got.Email == u.Email || got.Name == u.Name {
		t.Errorf("after the restore: %+v, %v", got, err)
	}
	entries, err := db.AuditEntries(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	erased := 0
	for _, e := range entries {
		if e.ActorUser == u.ID || e.ObjectID == u.ID {
			t.Errorf("the log tells about the person: %+v", e)
		}
		if e.Kind == audit.KindUserErased && e.ObjectID == user.Pseudonym(u.Tenant, u.ID) {
			erased++
		}
	}
	if erased != 1 {
		t.Errorf("%d entries about it", erased)
	}
}
