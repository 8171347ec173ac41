package media

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"sync"

	"github.com/livekit/livekit-server/pkg/rtc/types"
	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"golang.org/x/time/rate"
)

const (
	tokenBytes   = 32 // random ones in a media token
	connectRate  = 1  // connections a second that a participant may open on average: each costs a connection set-up
	connectBurst = 20 // and at once
)

// Room is the SFU room of one conference. Its methods may be called from any goroutine; none of them blocks on a client.
//
// Lock order: moving, then a participant's joining, then anything inside LiveKit, then mu, then a session's or connection's own lock.
// LiveKit is never called with mu held, because it calls back into the filter, which takes mu.
type Room struct {
	engine  *engine
	log     *slog.Logger
	traffic traffic
	states  *announcer

	moving sync.Mutex // one change of places at a time

	mu           sync.RWMutex
	closed       bool
	participants map[string]*participant
	tokens       map[[sha256.Size]byte]*participant
	names        map[livekit.ParticipantID]string // engine id to participant id, for all live sessions
}

// participant is one admission.
type participant struct {
	id       string
	joining  sync.Mutex // one connection attempt at a time
	connects *rate.Limiter

	// guarded by Room.mu
	token      [sha256.Size]byte
	spare      [sha256.Size]byte // the token before, which still resumes; zero when there is none
	permission Permission
	place      Place
	session    *session // nil while there is no media connection
}

// Open starts the engine on the given sockets. It fails when a socket is not bound to a concrete address or the codec is unknown.
func Open(o Options) (*Room, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	codecs, err := enabledCodecs(o.Codec)
	if err != nil {
		return nil, err
	}
	r := &Room{
		log:          log,
		states:       newAnnouncer(o.OnState),
		participants: make(map[string]*participant),
		tokens:       make(map[[sha256.Size]byte]*participant),
		names:        make(map[livekit.ParticipantID]string),
	}
	r.engine, err = openEngine(o.Conns, codecs, &r.traffic, log)
	if err != nil {
		r.states.close()
		return nil, err
	}
	return r, nil
}

// Admit lets a participant open a media connection and returns the token for it. The token lives until Remove, Close or the next Admit;
// after that it resumes the connection that there is, and nothing else, until the new token is used or followed by another: a client
// may be on the way back with the old one while it is told the new one.
// A participant who is already admitted keeps place and connection; a connected client is told its new token.
// A new participant is in the main place.
func (r *Room) Admit(id string, p Permission) (token string) {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails
	token = base64.RawURLEncoding.EncodeToString(secret)
	hash := sha256.Sum256([]byte(token))

	r.mu.Lock()
	a := r.participants[id]
	if a == nil {
		a = &participant{
			id: id, connects: rate.NewLimiter(connectRate, connectBurst),
			place: Place{Speaks: []string{MainPlace}, Hears: []string{MainPlace}},
		}
		r.participants[id] = a
	}
	delete(r.tokens, a.spare)
	a.spare, a.token = a.token, hash
	r.tokens[hash] = a
	s := a.session
	if s != nil && !s.settled {
		s.renewed, s = token, nil // the engine would not send it yet
	}
	r.mu.Unlock()

	r.SetPermission(id, p)
	if s != nil {
		_ = s.engine.SendRefreshToken(token)
	}
	return token
}

// SetPermission changes what a participant may do; tracks and subscriptions beyond it end at once. Unknown participants are ignored.
func (r *Room) SetPermission(id string, p Permission) {
	r.mu.Lock()
	a := r.participants[id]
	if a == nil {
		r.mu.Unlock()
		return
	}
	a.permission = p
	s := a.session
	r.mu.Unlock()
	if s != nil {
		s.engine.SetPermission(p.grant().ToPermission())
	}
}

// Remove ends a participant's media at once and kills the token. Unknown participants are ignored.
func (r *Room) Remove(id string, reason Reason) {
	r.mu.Lock()
	a := r.participants[id]
	if a == nil {
		r.mu.Unlock()
		return
	}
	delete(r.participants, id)
	delete(r.tokens, a.token)
	delete(r.tokens, a.spare)
	s := a.session
	r.mu.Unlock()
	if s != nil {
		r.engine.room.RemoveParticipant(s.engine.Identity(), s.engine.ID(), reason.engine())
	}
}

// Stats returns the counters now.
func (r *Room) Stats() Stats {
	s := Stats{
		PacketsIn: r.traffic.packetsIn.Load(), PacketsOut: r.traffic.packetsOut.Load(),
		BytesIn: r.traffic.bytesIn.Load(), BytesOut: r.traffic.bytesOut.Load(),
	}
	for _, p := range r.engine.room.GetParticipants() {
		s.Participants++
		s.Tracks += len(p.GetPublishedTracks())
	}
	return s
}

// Close ends all media, closes the sockets and waits until the last OnState call has returned. It may be called twice.
func (r *Room) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	clear(r.tokens)
	r.mu.Unlock()
	r.engine.close()
	r.states.close()
	return nil
}

// lookup returns the admission a token belongs to, and whether the token was followed by another and is good for a resume alone.
func (r *Room) lookup(token string) (a *participant, spare bool, err error) {
	hash := sha256.Sum256([]byte(token))
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, false, ErrClosed
	}
	a = r.tokens[hash]
	if a == nil {
		return nil, false, ErrTokenUnknown
	}
	return a, hash != a.token, nil
}

// used ends the life of the token before this one.
func (r *Room) used(token string) {
	hash := sha256.Sum256([]byte(token))
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.tokens[hash]; a != nil && a.token == hash {
		delete(r.tokens, a.spare)
		a.spare = [sha256.Size]byte{}
	}
}

func (p Permission) grant() *auth.VideoGrant {
	g := &auth.VideoGrant{RoomJoin: true, Room: "conference"}
	g.SetCanPublish(len(p.Publish) > 0)
	g.SetCanSubscribe(p.Subscribe)
	g.SetCanPublishData(false)
	g.SetCanUpdateOwnMetadata(false)
	var sources []livekit.TrackSource
	for _, s := range p.Publish {
		sources = append(sources, s.track())
	}
	g.SetCanPublishSources(sources)
	return g
}

func (reason Reason) engine() types.ParticipantCloseReason {
	switch reason {
	case ReasonLeft:
		return types.ParticipantCloseReasonClientRequestLeave
	case ReasonEnded:
		return types.ParticipantCloseReasonServiceRequestDeleteRoom
	default:
		return types.ParticipantCloseReasonServiceRequestRemoveParticipant
	}
}
