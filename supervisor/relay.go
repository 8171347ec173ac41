package supervisor

import (
	"context"
	"net/netip"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/turn"
)

// Relay is where media may be relayed, and how that is opened and ended. Without URLs there is no relay.
type Relay struct {
	URLs []string // RFC 7065
	Key  []byte   // that the relay checks credentials with
	// End ends what a participant, or with an empty one everybody in the conference, has at the relay since before a time.
	End func(ctx context.Context, conferenceID, participant string, at time.Time) error
}

// How often the relay is told of an end, should it not hear; what it was not told ends by itself.
const (
	relayEndTries = 5
	relayEndPause = 500 * time.Millisecond
)

// errNoRelay is the answer to a worker that asks for somebody who is not there.
var errNoRelay = fault.New(fault.KindDenied, "relay.stranger", "The relay is for participants of this conference only.")

// relay opens a participant's way through the relay to the media of this conference. Where those are is known from the
// launcher, never from the worker.
func (w *worker) relay(ctx context.Context, body []byte) (any, error) {
	var q control.Relay
	if err := control.Decode(body, &q); err != nil {
		return nil, err
	}
	if len(w.s.Relay.URLs) == 0 {
		return control.RelayGrant{}, nil
	}
	if _, err := w.catchUp(ctx); err != nil { // who is there may be known to another controller alone
		return nil, err
	}
	if !w.people.has(q.Participant) {
		return nil, errNoRelay
	}
	addresses, err := w.mediaAddresses()
	if err != nil {
		return nil, err
	}
	expires := w.s.Now().Add(turn.CredentialLife)
	c, err := turn.Mint(w.s.Relay.Key, turn.Grant{Conference: w.id, Participant: string(q.Participant), Addresses: addresses, ExpiresAt: expires})
	if err != nil {
		return nil, err
	}
	return control.RelayGrant{URLs: w.s.Relay.URLs, Username: c.Username, Credential: c.Password, ExpiresAt: expires}, nil
}

// mediaAddresses is where the worker's media sockets are; they stay the same during its life.
func (w *worker) mediaAddresses() ([]netip.AddrPort, error) {
	if known := w.media.Load(); known != nil {
		return *known, nil
	}
	running, found, err := w.s.running(w.id)
	if err != nil {
		return nil, err
	}
	if !found || running.Epoch != w.epoch {
		return nil, errOtherEpoch
	}
	w.media.Store(&running.Media)
	return running.Media, nil
}

// endRelays tells the relay of those who have left, after that is stored.
func (w *worker) endRelays(facts []conference.Fact) {
	if len(w.s.Relay.URLs) == 0 {
		return
	}
	at := w.s.Now()
	for _, fact := range facts {
		switch f := fact.(type) {
		case *conference.ParticipantLeft:
			go w.s.endRelay(w.id, string(f.ID), at)
		case *conference.Ended:
			go w.s.endRelay(w.id, "", at)
		}
	}
}

func (s *Supervisor) endRelay(conferenceID, participant string, at time.Time) {
	for range relayEndTries {
		err := s.Relay.End(s.life, conferenceID, participant, at)
		if err == nil || s.life.Err() != nil {
			return
		}
		s.Log.Debug("the relay was not told of an end", "conference", conferenceID, "error", err)
		s.sleep(relayEndPause)
	}
}
