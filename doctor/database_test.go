package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/backup"
	"konklave/config"
	"konklave/store"
	"konklave/store/postgrestest"
	"konklave/vault"
)

func TestTheDatabaseIsLookedAtAndNotChanged(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	expect(t, "none", database(t.Context(), c), Unknown, "does not exist yet")
	db, err := store.Open(t.Context(), c.DSN(), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "fresh", database(t.Context(), c), Good, "outlives")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(strings.TrimPrefix(c.DSN(), "sqlite:"), []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "damaged", database(t.Context(), c), Failed, "cannot be opened")
}

// TestAPostgreSQLThatForgetsIsFound: it confirms what a loss of power takes away again.
func TestAPostgreSQLThatForgetsIsFound(t *testing.T) {
	t.Parallel()
	c := config.Default()
	for name, test := range map[string]struct {
		settings []string
		want     Level
		words    string
	}{
		"safe":   {[]string{"fsync=on", "full_page_writes=on", "synchronous_commit=on"}, Good, "outlives"},
		"unsafe": {[]string{"fsync=on", "full_page_writes=on", "synchronous_commit=off"}, Failed, "synchronous_commit"},
	} {
		server, err := postgrestest.Start(t.Context(), test.settings...)
		if err != nil {
			t.Fatal(err)
		}
		c.Database, err = server.Create(t.Context(), "k", "template0")
		if err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), c.DSN(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, name, database(t.Context(), c), test.want, test.words)
		_ = db.Close()
		if test.want == Good {
			ofAnotherProgram(t, c, server)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}
	expect(t, "away", database(t.Context(), c), Failed, "cannot be opened")
}

// ofAnotherProgram has the database be of a newer program, and then of an older one.
func ofAnotherProgram(t *testing.T, c config.Config, server *postgrestest.Server) {
	t.Helper()
	for _, test := range []struct {
		statement string
		want      Level
		words     string
	}{
		{"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)", Failed, "has schema 9999"},
		{"DELETE FROM goose_db_version WHERE version_id > 1", Advice, "has schema 1"},
	} {
		if err := server.Execute(t.Context(), "k", test.statement); err != nil {
			t.Fatal(err)
		}
		expect(t, test.statement, database(t.Context(), c), test.want, test.words)
	}
}

// instance is a data directory after the first start.
func instance(t *testing.T) (config.Config, *store.Store, *vault.Vault) {
	t.Helper()
	c := config.Default()
	c.Data = t.TempDir()
	db, err := store.Open(t.Context(), c.DSN(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keys, err := vault.Open(t.Context(), c.MasterKeyFile(), db)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Unlock(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	return c, db, keys
}

func makeRecoveryKey(t *testing.T, db *store.Store, keys *vault.Vault) {
	t.Helper()
	if _, err := auth.NewRecoveryKeys(db, keys.NewRecovery, time.Now).Make(t.Context(), access.System("test"), false); err != nil {
		t.Fatal(err)
	}
}

func TestWhetherAnybodyCouldOpenABackupIsLookedAt(t *testing.T) {
	t.Parallel()
	none := config.Default()
	none.Data = filepath.Join(t.TempDir(), "missing")
	expect(t, "no database", recovery(t.Context(), none), Unknown, "before there is a database")
	c, db, keys := instance(t)
	expect(t, "no key", recovery(t.Context(), c), Failed, "recovery-key new")
	makeRecoveryKey(t, db, keys)
	expect(t, "key", recovery(t.Context(), c), Good, "encrypted for the recovery key")
	if err := os.Rename(c.MasterKeyFile(), c.MasterKeyFile()+".away"); err != nil {
		t.Fatal(err)
	}
	expect(t, "no master key", recovery(t.Context(), c), Failed, "master key")
	if _, err := os.Stat(c.MasterKeyFile()); err == nil {
		t.Error("looking made a master key")
	}
	if err := os.Rename(c.MasterKeyFile()+".away", c.MasterKeyFile()); err != nil {
		t.Fatal(err)
	}
	_, theirs, err := keys.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	theirs.Code = ""
	if err := db.PutRecovery(t.Context(), theirs, true, audit.RecoveryKeyMade(audit.Origin{At: time.Now(), Actor: access.System("test")}, theirs.Recipient)); err != nil {
		t.Fatal(err)
	}
	expect(t, "somebody else's", recovery(t.Context(), c), Failed, "not put there")
	c.Database = "postgres://nobody@127.0.0.1:1/nothing?connect_timeout=1"
	ctx, cancel := context.WithTimeout(t.Context(), checkLimit)
	defer cancel()
	expect(t, "away", recovery(ctx, c), Unknown, "cannot be opened")
}

func TestBackupsAreLookedAt(t *testing.T) {
	t.Parallel()
	c, db, keys := instance(t)
	now := time.Now()
	if found := backups(t.Context(), c, now); len(found) != 1 {
		t.Errorf("without a recovery key: %+v", found)
	}
	makeRecoveryKey(t, db, keys)
	expect(t, "none", backups(t.Context(), c, now), Failed, "There is no backup")
	keeper := backup.Keeper{Instance: backup.Instance{Store: db, Keys: keys, Data: c.Data, Without: []string{c.MasterKeyFile(), c.BackupDir()}, Now: time.Now}, Dir: c.BackupDir(), Keep: 3}
	made, _, err := keeper.Make(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "fresh", backups(t.Context(), c, now), Good, "There are 1 backups")
	for _, test := range []struct {
		name     string
		interval time.Duration
		after    time.Duration
		want     Level
		words    string
	}{
		{"as old as it may be", time.Hour, 2*time.Hour + backupGrace, Good, "2h15m0s old"},
		{"a second older", time.Hour, 2*time.Hour + backupGrace + time.Second, Failed, "one is due every 1h0m0s"},
		{"by hand", 0, backupByHand, Good, "168h0m0s old"},
		{"by hand, long ago", 0, backupByHand + time.Second, Advice, "7 days old"},
		{"ahead", time.Hour, -clockJump, Good, "0s old"},
		{"from the future", time.Hour, -clockJump - time.Second, Advice, "from the future"},
	} {
		expect(t, test.name, []Finding{age([]backup.Made{made}, test.interval, c.BackupDir(), made.At.Add(test.after))}, test.want, test.words)
	}
	expect(t, "none by hand", []Finding{age(nil, 0, c.BackupDir(), now)}, Failed, "none are made by themselves")
	if err := os.RemoveAll(c.BackupDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.BackupDir(), nil, 0o600); err != nil { // no directory
		t.Fatal(err)
	}
	expect(t, "unreadable", backups(t.Context(), c, now), Failed, "cannot be listed")
}
