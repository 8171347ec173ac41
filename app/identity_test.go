package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"konklave/config"
)

func TestStrictModeRefusesAFrontWithTheRightsOfRoot(t *testing.T) {
	t.Parallel()
	c, _ := owned(t)
	open, closed := c, c
	closed.Data = filepath.Join(filepath.Dir(c.Data), "closed", "way", "data")
	must(t, os.MkdirAll(filepath.Dir(closed.Data), 0o755), os.Chmod(filepath.Join(filepath.Dir(c.Data), "closed"), 0o700))
	for _, c := range []*config.Config{&open, &closed} {
		c.Isolation.Mode = config.IsolationStrict
	}
	err := Serve(t.Context(), closed, nil, nil, nil, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "rights of root") || !strings.Contains(err.Error(), "/closed, which") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(closed.Data); !os.IsNotExist(err) {
		t.Errorf("something was made: %v", err)
	}
	if err := findIdentities(open).suffice(open.Isolation.Mode); err != nil {
		t.Error(err)
	}
	id := findIdentities(closed)
	if err := id.suffice(config.IsolationBestEffort); err != nil {
		t.Error(err)
	}
	var log bytes.Buffer
	id.tell(slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "with the rights of root") || !strings.Contains(log.String(), "/closed, which") {
		t.Errorf("told: %s", &log)
	}
}
