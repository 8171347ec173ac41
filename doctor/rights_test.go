package doctor

import (
	"strings"
	"testing"
	"time"

	"konklave/audit/retention"
	"konklave/config"
	"konklave/store"
	"konklave/store/postgrestest"
)

func TestWhatPostgreSQLKeepsFromTheServerIsSaid(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := server.Execute(t.Context(), "postgres", "CREATE ROLE o LOGIN", "CREATE ROLE a LOGIN", "CREATE DATABASE k OWNER o"); err != nil {
		t.Fatal(err)
	}
	as := func(role string) config.Config {
		c := config.Default()
		c.Data, c.Database = t.TempDir(), strings.Replace(server.DSN("k"), "postgres@", role+"@", 1)
		return c
	}
	if err := store.Prepare(t.Context(), as("o").DSN(), "a", store.Options{}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	expect(t, "owner", auditRights(t.Context(), as("o"), now), Advice, "only triggers stand against that")
	expect(t, "never pruned", auditRights(t.Context(), as("a"), now), Failed, "Nobody has ever looked")
	db, err := store.Open(t.Context(), as("o").DSN(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.TakeLease(t.Context(), retention.Lease, "x", time.Minute); err != nil {
		t.Fatal(err)
	}
	expect(t, "pruned", auditRights(t.Context(), as("a"), now), Good, "keeps it from changing")
	expect(t, "pruned long ago", auditRights(t.Context(), as("a"), now.Add(pruneLate+2*time.Minute)), Failed, "since")
	expect(t, "pruned in a time to come", auditRights(t.Context(), as("a"), now.Add(-retention.AheadMax)), Failed, "until")
	sqlite := config.Default()
	sqlite.Data = t.TempDir()
	if found := auditRights(t.Context(), sqlite, now); len(found) != 0 {
		t.Errorf("SQLite: %+v", found)
	}
}
