package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"konklave/config"
	"konklave/telemetry"
)

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	for _, format := range []config.LogFormat{config.LogText, config.LogJSON} {
		var b bytes.Buffer
		log := telemetry.New(&b, config.Log{Level: slog.LevelInfo, Format: format})
		log.Info("x", "password", "hunter2", "Ticket", "hunter2", "session_token", "hunter2", "cookie", "hunter2",
			"Authorization", "Bearer hunter2", "query", "a=hunter2", slog.Group("g", "setupToken", "hunter2"), "token_id", "t1")
		if strings.Contains(b.String(), "hunter2") || !strings.Contains(b.String(), "t1") {
			t.Errorf("%s: %s", format, b.String())
		}
	}
}

func TestA73LogInjection(t *testing.T) {
	t.Parallel()
	attacks := []string{
		"x\r\nlevel=ERROR msg=forged", "x\nlevel=ERROR", "\x1b[31mred", `{"level":"ERROR"}`, `a" level=ERROR msg="b`,
		"CEF:0|a|b=c", "\u2028next", "\x00nul", strings.Repeat("A", 1<<20),
	}
	for _, format := range []config.LogFormat{config.LogText, config.LogJSON} {
		for _, attack := range attacks {
			var b bytes.Buffer
			log := telemetry.New(&b, config.Log{Level: slog.LevelInfo, Format: format})
			log.Info("request", "agent", attack, "err", errors.New(attack), "url", &url.URL{Path: attack})
			out := b.String()
			if strings.Count(out, "\n") != 1 || strings.ContainsAny(out, "\x1b\r\x00") || strings.Contains(out, " level=ERROR msg=\"b") {
				t.Errorf("%s: %q became %q", format, attack, out)
			}
			if len(out) > 5*telemetry.MaxValueLength {
				t.Errorf("%s: record of %d bytes", format, len(out))
			}
			if format == config.LogJSON && !json.Valid([]byte(out)) {
				t.Errorf("not JSON: %q", out)
			}
		}
	}
}

func TestValueLength(t *testing.T) {
	t.Parallel()
	for n, whole := range map[int]bool{telemetry.MaxValueLength: true, telemetry.MaxValueLength + 1: false} {
		var b bytes.Buffer
		telemetry.New(&b, config.Log{Format: config.LogText}).Info("x", "v", strings.Repeat("a", n))
		if strings.Contains(b.String(), "…") == whole {
			t.Errorf("%d bytes: %s", n, b.String())
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := telemetry.New(&b, config.Log{Format: config.LogJSON}).With("part", "test").WithGroup("g")
	id := telemetry.NewRequestID()
	ctx := telemetry.WithRequestID(t.Context(), id)
	log.InfoContext(ctx, "x")
	if !strings.Contains(b.String(), id) || telemetry.RequestID(ctx) != id || !telemetry.ValidRequestID(id) {
		t.Errorf("id %q is not in %s", id, b.String())
	}
	for _, wrong := range []string{"", id[1:], id + "a", strings.Repeat("A", 16), strings.Repeat("\n", 16)} {
		if telemetry.ValidRequestID(wrong) {
			t.Errorf("%q is taken for a request id", wrong)
		}
	}
	first, second := telemetry.RequestID(t.Context()), telemetry.RequestID(t.Context())
	if first == second {
		t.Error("two requests have the same id")
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := telemetry.New(&b, config.Log{Level: slog.LevelWarn, Format: config.LogText})
	log.Info("quiet")
	log.Warn("loud")
	if out := b.String(); strings.Contains(out, "quiet") || !strings.Contains(out, "loud") {
		t.Error(out)
	}
}
