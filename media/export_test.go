package media

import (
	"testing"

	"github.com/livekit/protocol/livekit"
)

// ConnectBurst is connectBurst.
const ConnectBurst = connectBurst

// Limits of what a client sends.
const (
	SignalBurst    = signalBurst
	MaxSignalBytes = maxSignalBytes
	ByteBurst      = byteBurst
)

// StandStill has no time pass for the limits on a participant's connections, and on what the present one sends.
func (r *Room) StandStill(id string) {
	a, s := r.sessionOf(id)
	a.connects.SetLimit(0)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.messages.SetLimit(0)
	s.conn.bytes.SetLimit(0)
}

// FailResume has a connection resume a participant's session that cannot take one message more, and returns the error.
func (r *Room) FailResume(t *testing.T, id string) error {
	t.Helper()
	a, s := r.sessionOf(id)
	slow, _ := pair(t)
	for range sendQueue {
		if err := slow.send(&livekit.SignalResponse{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := r.connect(a, &join{client: &livekit.ClientInfo{}, reconnect: true, sid: s.engine.ID()}, slow)
	return err
}

// Limited reports whether a participant's session has no connection, and ends if it gets none.
func (r *Room) Limited(id string) bool {
	_, s := r.sessionOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn == nil && s.loss != nil
}

func (r *Room) sessionOf(id string) (*participant, *session) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a := r.participants[id]
	return a, a.session
}
