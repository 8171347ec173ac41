package app

import (
	"log/slog"
	"net"
	"path/filepath"
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
	old, err := store.Stage(t.Context(), c.DSN(), store.NewestSchema()-1, store.Options{})
	must(t, err)
	must(t, old.Fill(t.Context(), func(*store.Filling) error { return nil }), old.Place(t.Context()), old.Close())
	for range 2 { // brings it up to date, then finds it so
		db, _, err := openDatabase(t.Context(), c, &activation.Set{}, slog.New(slog.DiscardHandler))
		must(t, err)
		must(t, db.Close())
	}
	must(t, activation.Notify(activation.Ready), told.SetReadDeadline(time.Now().Add(patience)))
	for _, want := range []string{activation.Extending(migrationLimit), activation.Extending(readyLimit), activation.Ready} {
		buffer := make([]byte, 100)
		n, err := told.Read(buffer)
		if err != nil || string(buffer[:n]) != want {
			t.Errorf("told %q, want %q (%v)", buffer[:n], want, err)
		}
	}
}
