package media

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"

	"github.com/livekit/livekit-server/pkg/telemetry/prometheus"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
)

// maxLogValue is the length in bytes above which a logged value is left out: what is longer is a session description or worse.
const maxLogValue = 200

// engineLog is LiveKit's logger on slog. It passes warnings and errors only, because everything below them names addresses and candidates.
type engineLog struct {
	logger.Logger // discards; answers the methods that do not log
	out           *slog.Logger
}

func newEngineLog(out *slog.Logger) engineLog {
	return engineLog{Logger: logger.GetDiscardLogger(), out: out}
}

func (l engineLog) Debugw(string, ...any) {}
func (l engineLog) Infow(string, ...any)  {}

func (l engineLog) Warnw(msg string, err error, kv ...any)  { l.write(slog.LevelWarn, msg, err, kv) }
func (l engineLog) Errorw(msg string, err error, kv ...any) { l.write(slog.LevelError, msg, err, kv) }

func (l engineLog) write(level slog.Level, msg string, err error, kv []any) {
	if !l.out.Enabled(context.Background(), level) || everyday(msg) {
		return
	}
	if err != nil {
		kv = append(kv[:len(kv):len(kv)], "error", err.Error())
	}
	l.out.Log(context.Background(), level, "engine: "+msg, clean(kv)...)
}

// everyday reports warnings that come whenever a participant leaves or a client closes its connection.
func everyday(msg string) bool {
	return strings.Contains(msg, "failed to write packets on netConn") || strings.HasPrefix(msg, "error reading data channel") ||
		strings.Contains(msg, "OnTrack will not be fired") || strings.HasPrefix(msg, "Failed to write packet: io: read/write on closed pipe")
}

func (l engineLog) WithValues(kv ...any) logger.Logger {
	return engineLog{Logger: l.Logger, out: l.out.With(clean(kv)...)}
}

// WithUnlikelyValues drops the values: LiveKit uses it for whole session descriptions.
func (l engineLog) WithUnlikelyValues(...any) logger.UnlikelyLogger {
	return logger.NewUnlikelyLogger(l)
}

func (l engineLog) WithName(string) logger.Logger      { return l }
func (l engineLog) WithComponent(string) logger.Logger { return l }
func (l engineLog) WithCallDepth(int) logger.Logger    { return l }
func (l engineLog) WithItemSampler() logger.Logger     { return l }
func (l engineLog) WithoutSampler() logger.Logger      { return l }
func (l engineLog) WithDeferredValues() (logger.Logger, logger.DeferredFieldResolver) {
	_, resolver := l.Logger.WithDeferredValues()
	return l, resolver
}

// clean keeps short plain values; structures could hold a session description, a candidate or a token.
func clean(kv []any) []any {
	var out []any
	for i := 0; i+1 < len(kv); i += 2 {
		key, ok := kv[i].(string)
		if !ok {
			continue
		}
		switch v := kv[i+1].(type) {
		case string:
			if len(v) <= maxLogValue {
				out = append(out, key, v)
			}
		case livekit.ParticipantIdentity, livekit.ParticipantID, livekit.TrackID, livekit.RoomID, livekit.ConnectionID,
			bool, int, int32, int64, uint8, uint16, uint32, uint64, float64:
			out = append(out, key, v)
		}
	}
	return out
}

// startEngine does what LiveKit needs once for each process: its metrics registry and its logger are global.
// With several Rooms in one process (tests) the first one's log gets the lines that belong to no participant.
//
//nolint:gochecknoglobals // upstream keeps them in globals that must be set exactly once, before the first join
var startEngine = func() func(*slog.Logger) error {
	var once sync.Once
	var err error
	return func(log *slog.Logger) error {
		once.Do(func() {
			logger.SetLogger(newEngineLog(log), "")
			err = prometheus.Init("konklave", livekit.NodeType_SERVER)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				err = nil // a sandbox hides /proc; the load of the machine comes last, and we do not ask for it
			}
		})
		return err
	}
}()
