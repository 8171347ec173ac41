package certificate

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// zapCore leads the lines of the ACME client into slog. What it calls info is of interest for debugging only.
type zapCore struct{ log *slog.Logger }

func slogLevel(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelError
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// Enabled reports whether lines of a level are wanted.
func (c zapCore) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slogLevel(l))
}

// With adds fields to all lines.
func (c zapCore) With(fields []zapcore.Field) zapcore.Core {
	return zapCore{c.log.With(attributes(fields)...)}
}

// Check says that a line is to be written.
func (c zapCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write writes a line.
func (c zapCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	c.log.Log(context.Background(), slogLevel(e.Level), "certificate: "+e.Message, attributes(fields)...)
	return nil
}

// Sync has nothing to do.
func (c zapCore) Sync() error { return nil }

func attributes(fields []zapcore.Field) []any {
	encoder := zapcore.NewMapObjectEncoder()
	var list []any
	for _, f := range fields {
		f.AddTo(encoder)
	}
	for key, v := range encoder.Fields {
		list = append(list, slog.Any(key, v))
	}
	return list
}
