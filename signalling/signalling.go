// Package signalling carries a conference to its participants over WebSockets, as docs/protocol.md describes.
//
// A session is a participant's standing in this worker; it outlives the connection that carries it. A connection is a
// reader, a writer, a bounded queue, a write deadline and a read limit; a queue that is full cuts off that one client, who
// can resume. Nothing here blocks the conference.
package signalling

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"konklave/conference"
	"konklave/fault"
)

// Subprotocol is the WebSocket sub-protocol that clients must offer.
const Subprotocol = "konklave.v1"

// Limits of a connection.
const (
	FrameMax         = 64 << 10 // bytes in one frame of a client
	QueueMax         = 512      // frames waiting to be written to one client
	StrangersMax     = 512      // connections at once that have not proved who they are
	StrangersOfOne   = 64       // of them from one address
	PingsMax         = 16       // barriers of one connection that wait at once
	HelloTimeout     = 10 * time.Second
	WriteTimeout     = 10 * time.Second
	PingInterval     = 15 * time.Second
	SilenceMax       = 30 * time.Second
	CommandRate      = 20 // commands a second of one session, on average
	CommandBurst     = 60
	FrameRate        = 100 // frames a second of one connection, of any type
	FrameBurst       = 400
	tokenSize        = 32 // bytes
	decisionDeadline = 20 * time.Second
)

// Conference is what signalling needs of the actor.
type Conference interface {
	Submit(ctx context.Context, c conference.Command, answer func(conference.Outcome, error)) error
	Barrier(ctx context.Context, reached func()) error
	Attach(ctx context.Context, p conference.ParticipantID, line, seen int64, to conference.Subscriber) (conference.Attachment, error)
	Detach(p conference.ParticipantID, from conference.Subscriber)
	Done() <-chan struct{}
	Err() error
}

// Gate lets participants into the media and out again.
type Gate interface {
	// Admit allows media for the participant and returns the new media token; an earlier one is void. It must be quick.
	Admit(p conference.ParticipantID) (token string)
	// Remove ends the participant's media at once and tells the client why.
	Remove(p conference.ParticipantID, why conference.LeaveReason)
}

// Options are what a server needs.
type Options struct {
	ConferenceID string
	Epoch        int64
	ResumeWindow time.Duration
	Conference   Conference
	Media        Gate
	// Redeem turns a ticket into an admission to the one session whose resume token has this hash, used from an address; faults
	// ticket.*, network.denied or server.unavailable.
	Redeem func(ctx context.Context, ticket, session, address string) (conference.Admission, error)
	// Arrive is told that a session is used from another address than before; fault network.denied.
	Arrive func(ctx context.Context, session, address string) error
	// Relay returns the relays for a participant, with credentials that are valid from now on. It must be quick; nil means none.
	Relay func(ctx context.Context, p conference.ParticipantID) []ICEServer
	Now   func() time.Time
	Log   *slog.Logger
}

// Server is the signalling of one conference.
type Server struct {
	Options
	strangers strangers

	mu      sync.Mutex // guards what follows
	byToken map[string]*session
	byID    map[conference.ParticipantID]*session
	line    int64
	open    sync.WaitGroup
}

// New makes a server.
func New(o Options) *Server {
	return &Server{
		Options:   o,
		strangers: strangers{bySource: map[string]int{}},
		byToken:   map[string]*session{},
		byID:      map[conference.ParticipantID]*session{},
	}
}

// Path is where clients find the signalling of a conference.
func Path(conferenceID string) string { return "/conference/" + conferenceID + "/signalling" }

// MediaPath is the base address for the media library.
func MediaPath(conferenceID string) string { return "/conference/" + conferenceID + "/media" }

// ServeHTTP upgrades to a WebSocket and serves it until it ends. A foreign Origin is refused with 403.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	source := r.Header.Get("X-Forwarded-For") // set by the front, which alone reaches this listener
	if !s.strangers.enter(source) {
		http.Error(w, "server.unavailable", http.StatusServiceUnavailable)
		return
	}
	known := sync.OnceFunc(func() { s.strangers.leave(source) })
	defer known()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	s.open.Add(1)
	defer s.open.Done()
	ws.SetReadLimit(FrameMax)
	c := newConn(ws, source, s.Log)
	defer c.shut()
	if ws.Subprotocol() != Subprotocol {
		c.goodbye(goodbyeOf(errMalformed))
		return
	}
	sess, err := s.greet(r.Context(), c)
	if err != nil {
		c.end(err) // does nothing when the connection has been told why before
		c.goodbye(c.last)
		return
	}
	known()
	s.serve(r.Context(), sess, c)
}

// Wait returns when all connections are closed.
func (s *Server) Wait() { s.open.Wait() }

// Observe is told of every event, on the actor's goroutine: those who have left lose session and media.
func (s *Server) Observe(d conference.Delivery) {
	left, ok := d.Event.Fact.(*conference.ParticipantLeft)
	if !ok {
		return
	}
	s.mu.Lock()
	sess := s.byID[left.ID]
	if sess != nil {
		delete(s.byID, left.ID)
		delete(s.byToken, sess.tokenHash)
	}
	s.mu.Unlock()
	go s.Media.Remove(left.ID, left.Reason) // may take the media's locks, which the conference must not wait for
}

// newID returns 128 random bits in lower-case letters and digits.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

func newToken() string {
	b := make([]byte, tokenSize)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Faults of the protocol itself.
var (
	errMalformed   = fault.New(fault.KindInvalid, "protocol.malformed", "The message could not be understood. Reload the page to get the current version.")
	errUnknownType = fault.New(fault.KindInvalid, "protocol.unknown_type", "The server does not know this message. Reload the page to get the current version.")
	errOutOfOrder  = fault.New(fault.KindInvalid, "protocol.out_of_order", "The message came at the wrong moment. Reload the page.")
	errTimeout     = fault.New(fault.KindInvalid, "protocol.timeout", "The connection was opened but nothing was said in time. Please try again.")
	errSession     = fault.New(fault.KindUnauthenticated, "session.unknown", "Your session is over. Join again.")
	errTooSlow     = fault.New(fault.KindTooMany, "client.too_slow", "Your connection could not keep up. It is being restored.")
	errTooMany     = fault.New(fault.KindTooMany, "client.too_many", "Too many messages were sent at once. Please wait a moment.")
	errRate        = fault.New(fault.KindTooMany, "rate.limited", "That was too fast. Please wait a moment and try again.")
	errUnavailable = fault.New(fault.KindUnavailable, "server.unavailable", "The server cannot answer right now. Please try again in a moment.")
	errGone        = fault.New(fault.KindGone, "client.gone", "The connection is gone.") // never sent
	errRemoved     = fault.New(fault.KindGone, "participant.removed", "You were removed from this conference.")
)
