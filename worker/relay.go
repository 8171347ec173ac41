package worker

import (
	"context"
	"sync"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/signalling"
)

const (
	relayPatience = time.Second // how long a participant who arrives waits for the way to the relay
	relaySpare    = time.Minute // how long a way must still be open to be told again
)

// relays remembers the ways to the relay, for when no controller is there that could open others.
type relays struct {
	mu     sync.Mutex
	grants map[conference.ParticipantID]control.RelayGrant
}

func (r *relays) keep(p conference.ParticipantID, g control.RelayGrant, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grants == nil {
		r.grants = map[conference.ParticipantID]control.RelayGrant{}
	}
	for who, old := range r.grants {
		if now.After(old.ExpiresAt) {
			delete(r.grants, who)
		}
	}
	r.grants[p] = g
}

func (r *relays) kept(p conference.ParticipantID, now time.Time) control.RelayGrant {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g := r.grants[p]; now.Add(relaySpare).Before(g.ExpiresAt) {
		return g
	}
	return control.RelayGrant{}
}

// relay is a participant's way to the relay; empty when there is none, or nobody to open it.
func (w *worker) relay(ctx context.Context, p conference.ParticipantID) []signalling.ICEServer {
	ctx, cancel := context.WithTimeout(ctx, relayPatience)
	defer cancel()
	var g control.RelayGrant
	if err := w.line.call(ctx, control.CallRelay, control.Relay{Participant: p}, &g); err != nil {
		w.log.Debug("no way to the relay", "participant", p, "error", err)
		g = w.relays.kept(p, time.Now())
	} else {
		w.relays.keep(p, g, time.Now())
	}
	if len(g.URLs) == 0 {
		return nil
	}
	return []signalling.ICEServer{{URLs: g.URLs, Username: g.Username, Credential: g.Credential}}
}
