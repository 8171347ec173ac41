// Package telemetry is what Konklave tells its operator: structured logs with request ids and without secrets.
//
// Nothing here is global: a logger is made once and handed in.
package telemetry

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"

	"konklave/config"
)

// MaxValueLength is the longest value of a log attribute, in bytes; the rest is cut off.
const MaxValueLength = 1024

// requestIDLength is the length of a request id: 80 random bits.
const requestIDLength = 16

// masked stands where a secret is not logged.
const masked = "***"

type requestIDKey struct{}

// New returns a logger that writes one line per record to w. It masks attributes whose name says that they are secret,
// cuts long values, and adds the request id of the context.
func New(w io.Writer, c config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level, ReplaceAttr: clean}
	if c.Format == config.LogJSON {
		return slog.New(contextHandler{slog.NewJSONHandler(w, options)})
	}
	return slog.New(contextHandler{slog.NewTextHandler(w, options)})
}

// NewRequestID returns a random id that names one request in logs, answers and error messages.
func NewRequestID() string { return strings.ToLower(rand.Text()[:requestIDLength]) }

// ValidRequestID reports whether id has the form that NewRequestID gives.
func ValidRequestID(id string) bool {
	return len(id) == requestIDLength && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// WithRequestID returns a context whose log records carry the id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id that WithRequestID put into the context, or a new one: it is also the id of an error that people see.
func RequestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		return id
	}
	return NewRequestID()
}

// contextHandler adds the request id of the context to each record.
type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}

// clean masks secrets and cuts long texts.
func clean(_ []string, a slog.Attr) slog.Attr {
	if secret(a.Key) {
		return slog.String(a.Key, masked)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, cut(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			return slog.String(a.Key, cut(v.Error()))
		case fmt.Stringer:
			return slog.String(a.Key, cut(v.String()))
		}
	default: // numbers, times and groups are short
	}
	return a
}

// secret reports whether an attribute's name says that its value must not be logged.
func secret(key string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"password", "secret", "token", "ticket", "cookie", "authorization", "dsn", "query"} {
		if strings.Contains(key, word) && !strings.HasSuffix(key, "_id") {
			return true
		}
	}
	return false
}

// cut shortens s to MaxValueLength bytes at a character boundary.
func cut(s string) string {
	if len(s) <= MaxValueLength {
		return s
	}
	end := MaxValueLength
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
