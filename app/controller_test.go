package app

import (
	"database/sql"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"konklave/activation"
	"konklave/config"
	"konklave/store"
)

func TestAMigrationIsGivenTime(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(c.Data, "notify"), Net: "unixgram"})
	must(t, err)
	defer told.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(c.Data, "notify"))
	for range 2 { // makes the database, then finds it up to date
		db, err := openDatabase(t.Context(), c, &activation.Set{}, slog.New(slog.DiscardHandler))
		must(t, err, db.Close())
	}
	raw, err := sql.Open("sqlite", strings.TrimPrefix(c.DSN(), "sqlite:"))
	must(t, err)
	_, err = raw.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = ?`, store.NewestSchema())
	must(t, err, raw.Close())
	if db, err := openDatabase(t.Context(), c, &activation.Set{}, slog.New(slog.DiscardHandler)); err == nil { // else the migration minds that it was done
		must(t, db.Close())
	}
	must(t, told.SetReadDeadline(time.Now().Add(patience)))
	buffer := make([]byte, 100)
	n, err := told.Read(buffer)
	if err != nil || string(buffer[:n]) != activation.Extending(migrationLimit) {
		t.Errorf("told %q, %v", buffer[:n], err)
	}
}
