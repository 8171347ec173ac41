package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/livekit/protocol/livekit"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"
)

// mediaProtocol is the version of LiveKit's signalling spoken here.
const mediaProtocol = 16

// maxMediaSignal is the largest message accepted from the media server, in bytes.
const maxMediaSignal = 4 << 20

// ErrMediaClosed is returned when the media connection is gone; a *LeaveError says why if the server did.
var ErrMediaClosed = errors.New("media connection closed")

// LeaveError is the server's reason to end the media.
type LeaveError struct{ Leave *livekit.LeaveRequest }

// Error names reason and action.
func (e *LeaveError) Error() string {
	return fmt.Sprintf("server ended media: %s, %s", e.Leave.GetReason(), e.Leave.GetAction())
}

// dial opens a WebSocket; a refusal by HTTP is a *StatusError.
func dial(ctx context.Context, address string, o *websocket.DialOptions) (*websocket.Conn, error) {
	ws, resp, err := websocket.Dial(ctx, address, o)
	if err == nil {
		return ws, nil
	}
	if resp == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // what cannot be read is not worth an error of its own
	return nil, &StatusError{Status: resp.StatusCode, Body: string(b)}
}

// StatusError is an HTTP answer in place of a WebSocket.
type StatusError struct {
	Status int
	Body   string
}

// Error has the status and the beginning of the body.
func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Body) }

// ParticipantOptions change how a headless participant joins. The zero value is a client as the browser is one.
type ParticipantOptions struct {
	Origin         string // sent with the WebSocket; the server's own origin when empty
	TwoConnections bool   // one peer connection for each direction, as older clients have
	Unsubscribed   bool   // receive nothing without asking
	AdaptiveStream bool   // start small and wait for Display
	// ICE are the relays; see Conference.JoinMedia.
	ICE []ICEServer
	// RelayOnly has all media go through a relay.
	RelayOnly bool
	// Socket carries all media, in place of sockets of the participant's own. It is a UDP socket bound to one address,
	// and the caller closes it after the participant.
	Socket net.PacketConn
	// CountOnly makes a cheap receiver for load: it counts packets (see Packets), looks at none and sends no feedback.
	CountOnly bool
	// Describe may change the session descriptions sent, offers and answers; for tests of hostile clients.
	Describe func(sdp string) string
}

// Participant is a headless participant in the media of a conference: it speaks LiveKit's signalling and WebRTC for real.
// All methods may be called from any goroutine.
type Participant struct {
	options ParticipantOptions
	base    *url.URL

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something below changes
	waiting int           // calls of Wait
	token   string
	ws      *websocket.Conn
	err     error // set once the participant is over
	self    *livekit.ParticipantInfo
	others  map[string]*livekit.ParticipantInfo // by engine id
	streams map[string]*Stream                  // by track id
	mids    map[string]string                   // media section to track id
	sent    map[string]*Publication             // by client id of the track
	refused map[string]livekit.RequestResponse_Reason
	counts  map[string]int // received signalling messages by kind
	started time.Time
	active  bool

	negotiation negotiation
	up, down    *webrtc.PeerConnection // the same unless TwoConnections
	life        context.Context        // of the workers; ended by Close
	end         context.CancelFunc
	packets     atomic.Uint64
	workers     sync.WaitGroup
}

// negotiation serialises offers on the connection that this side offers on.
type negotiation struct {
	mu      sync.Mutex
	id      uint32
	pending bool
	again   bool
}

// JoinMedia joins the media of a conference. base is the media address (http or https) and token what the signalling gave for it.
// It returns when the server has accepted; ctx bounds only that. Use WaitActive to wait for media to flow.
func JoinMedia(ctx context.Context, base, token string, o ParticipantOptions) (*Participant, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("join media: %w", err)
	}
	p := &Participant{
		options: o, base: u, token: token, started: time.Now(),
		changed: make(chan struct{}),
		others:  make(map[string]*livekit.ParticipantInfo), streams: make(map[string]*Stream), mids: make(map[string]string),
		sent: make(map[string]*Publication), refused: make(map[string]livekit.RequestResponse_Reason), counts: make(map[string]int),
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	p.life, p.end = life, end
	if err := p.openPeers(life); err != nil {
		end()
		return nil, err
	}
	if err := p.join(ctx); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Participant) join(ctx context.Context) error {
	request, err := p.joinRequest()
	if err != nil {
		return err
	}
	if err := p.dial(ctx, request); err != nil {
		return err
	}
	return p.waitAnswer(ctx, func() bool { return p.self != nil })
}

// waitAnswer waits for the first answer on a new WebSocket, or its loss.
func (p *Participant) waitAnswer(ctx context.Context, answered func() bool) error {
	ok := false
	err := p.Wait(ctx, func() bool {
		ok = answered()
		return ok || p.ws == nil
	})
	if err == nil && !ok {
		return ErrMediaClosed
	}
	return err
}

// joinRequest has the first offer in it, so that media are ready after one round trip.
func (p *Participant) joinRequest() (*livekit.JoinRequest, error) {
	m := &livekit.JoinRequest{
		ClientInfo: clientInfo(),
		ConnectionSettings: &livekit.ConnectionSettings{
			AutoSubscribe: !p.options.Unsubscribed, AdaptiveStream: p.options.AdaptiveStream,
		},
	}
	if p.options.TwoConnections {
		return m, nil
	}
	p.negotiation.mu.Lock()
	defer p.negotiation.mu.Unlock()
	offer, err := p.offerLocked()
	if err != nil {
		return nil, err
	}
	m.PublisherOffer = offer
	return m, nil
}

func clientInfo() *livekit.ClientInfo {
	return &livekit.ClientInfo{Sdk: livekit.ClientInfo_GO, Version: "2.4.0", Protocol: mediaProtocol, Os: "headless"}
}

// Resume opens a new WebSocket for the session after DropSignal; media go on meanwhile.
func (p *Participant) Resume(ctx context.Context) error {
	p.mu.Lock()
	sid := p.self.GetSid()
	before := p.counts["reconnect"]
	p.mu.Unlock()
	p.negotiation.mu.Lock()
	p.negotiation.pending = false
	p.negotiation.mu.Unlock()
	m := &livekit.JoinRequest{
		ClientInfo: clientInfo(), ConnectionSettings: &livekit.ConnectionSettings{AutoSubscribe: !p.options.Unsubscribed},
		Reconnect: true, ReconnectReason: livekit.ReconnectReason_RR_SIGNAL_DISCONNECTED, ParticipantSid: sid,
	}
	if err := p.dial(ctx, m); err != nil {
		return err
	}
	return p.waitAnswer(ctx, func() bool { return p.counts["reconnect"] > before })
}

// dial opens the WebSocket and starts reading it.
func (p *Participant) dial(ctx context.Context, m *livekit.JoinRequest) error {
	address, err := p.address(m)
	if err != nil {
		return err
	}
	origin := p.options.Origin
	if origin == "" {
		origin = p.base.Scheme + "://" + p.base.Host
	}
	ws, err := dial(ctx, address, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
	if err != nil {
		return fmt.Errorf("join media: %w", err)
	}
	ws.SetReadLimit(maxMediaSignal)
	p.mu.Lock()
	p.ws = ws
	p.mu.Unlock()
	p.workers.Go(func() { p.read(p.life, ws) })
	return nil
}

func (p *Participant) address(m *livekit.JoinRequest) (string, error) {
	u := *p.base
	u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	p.mu.Lock()
	q := url.Values{"access_token": {p.token}}
	p.mu.Unlock()
	if p.options.TwoConnections {
		u.Path += "/rtc"
		q.Set("protocol", fmt.Sprint(mediaProtocol))
		q.Set("sdk", "go")
		q.Set("version", m.ClientInfo.Version)
		q.Set("auto_subscribe", flag(m.ConnectionSettings.AutoSubscribe))
		q.Set("adaptive_stream", flag(m.ConnectionSettings.AdaptiveStream))
		if m.Reconnect {
			q.Set("reconnect", "1")
			q.Set("sid", m.ParticipantSid)
		}
	} else {
		u.Path += "/rtc/v1"
		wrapped, err := wrapJoin(m)
		if err != nil {
			return "", err
		}
		q.Set("join_request", wrapped)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

func wrapJoin(m *livekit.JoinRequest) (string, error) {
	b, err := proto.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("join media: %w", err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(b) // a bytes.Buffer does not fail
	_ = z.Close()
	b, err = proto.Marshal(&livekit.WrappedJoinRequest{Compression: livekit.WrappedJoinRequest_GZIP, JoinRequest: zipped.Bytes()})
	if err != nil {
		return "", fmt.Errorf("join media: %w", err)
	}
	return base64.URLEncoding.EncodeToString(b), nil
}

// Send sends a signalling message as it is.
func (p *Participant) Send(ctx context.Context, m *livekit.SignalRequest) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("send media signal: %w", err)
	}
	return p.SendRaw(ctx, b)
}

// SendRaw sends bytes in place of a signalling message; for tests of hostile clients.
func (p *Participant) SendRaw(ctx context.Context, b []byte) error {
	p.mu.Lock()
	ws := p.ws
	p.mu.Unlock()
	if ws == nil {
		return ErrMediaClosed
	}
	return ws.Write(ctx, websocket.MessageBinary, b)
}

// DropSignal cuts the WebSocket without a word, as a lost network does, and waits until this side has noticed. Media go on.
func (p *Participant) DropSignal() {
	p.mu.Lock()
	ws := p.ws
	p.mu.Unlock()
	if ws != nil {
		_ = ws.CloseNow()
		_ = p.Wait(p.life, func() bool { return p.ws != ws })
	}
}

// Close leaves without a word: WebSocket and peer connections are closed, and what served them has ended.
func (p *Participant) Close() {
	p.mu.Lock()
	ws := p.ws
	p.endLocked(ErrMediaClosed)
	p.mu.Unlock()
	p.end()
	if ws != nil {
		_ = ws.CloseNow()
	}
	_ = p.up.Close()
	_ = p.down.Close()
	p.workers.Wait()
}

// Leave tells the server and then closes.
func (p *Participant) Leave(ctx context.Context) error {
	err := p.Send(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Leave{Leave: &livekit.LeaveRequest{
		Reason: livekit.DisconnectReason_CLIENT_INITIATED,
	}}})
	p.Close()
	return err
}
