package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// The RTP header extensions that are sent, by their names in session descriptions.
const (
	midExtension      = "urn:ietf:params:rtp-hdrext:sdes:mid"           // RFC 9143
	streamIDExtension = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" // RFC 8852
	loudnessExtension = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"   // RFC 6464
)

// signalTimeout bounds the sending of one signalling message from the background.
const signalTimeout = 10 * time.Second

// openPeers makes the peer connections.
func (p *Participant) openPeers(ctx context.Context) error {
	api, err := p.newAPI()
	if err != nil {
		return err
	}
	if p.up, err = api.NewPeerConnection(p.configuration()); err != nil {
		return fmt.Errorf("open peer connection: %w", err)
	}
	p.down = p.up
	if p.options.TwoConnections {
		if p.down, err = api.NewPeerConnection(p.configuration()); err != nil {
			return fmt.Errorf("open peer connection: %w", err)
		}
	}
	// A description needs at least one section; the data channel is the one every client of LiveKit has.
	if _, err := p.up.CreateDataChannel("_reliable", nil); err != nil {
		return fmt.Errorf("open data channel: %w", err)
	}
	p.down.OnTrack(p.receive)
	p.up.OnICECandidate(func(c *webrtc.ICECandidate) { p.sendCandidate(ctx, c, livekit.SignalTarget_PUBLISHER) })
	if p.down != p.up {
		p.down.OnICECandidate(func(c *webrtc.ICECandidate) { p.sendCandidate(ctx, c, livekit.SignalTarget_SUBSCRIBER) })
	}
	p.down.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.active = s == webrtc.PeerConnectionStateConnected
		p.notifyLocked()
	})
	return nil
}

// configuration says which relays there are and whether there is another way.
func (p *Participant) configuration() webrtc.Configuration {
	var c webrtc.Configuration
	for _, s := range p.options.ICE {
		c.ICEServers = append(c.ICEServers, webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	if p.options.RelayOnly {
		c.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	return c
}

func (p *Participant) newAPI() (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, fmt.Errorf("register codecs: %w", err)
	}
	for _, uri := range []string{midExtension, streamIDExtension} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, fmt.Errorf("register header extension: %w", err)
		}
	}
	if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: loudnessExtension}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("register header extension: %w", err)
	}
	// A logger that formats what it then discards would read Pion's state while Pion writes it.
	s := webrtc.SettingEngine{LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled, Writer: io.Discard}}
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	if p.options.Socket != nil {
		s.SetICEUDPMux(webrtc.NewICEUDPMux(s.LoggerFactory.NewLogger("ice"), p.options.Socket))
	}
	options := []func(*webrtc.API){webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(s)}
	if p.options.CountOnly {
		options = append(options, webrtc.WithInterceptorRegistry(nil)) // none, in place of the usual ones
	}
	return webrtc.NewAPI(options...), nil
}

// offerLocked makes the next offer; the negotiation is locked.
func (p *Participant) offerLocked() (*livekit.SessionDescription, error) {
	offer, err := p.up.CreateOffer(nil)
	if err != nil {
		return nil, fmt.Errorf("create offer: %w", err)
	}
	if err := p.up.SetLocalDescription(offer); err != nil {
		return nil, fmt.Errorf("set offer: %w", err)
	}
	p.negotiation.id++
	p.negotiation.pending = true
	return p.described(offer, p.negotiation.id), nil
}

// described is a description of this side as it is sent.
func (p *Participant) described(d webrtc.SessionDescription, id uint32) *livekit.SessionDescription {
	if p.options.Describe != nil {
		d.SDP = p.options.Describe(d.SDP)
	}
	return &livekit.SessionDescription{Type: d.Type.String(), Sdp: d.SDP, Id: id}
}

// negotiate offers what has changed, now or after the answer that is awaited.
func (p *Participant) negotiate(ctx context.Context) error {
	p.negotiation.mu.Lock()
	defer p.negotiation.mu.Unlock()
	if p.negotiation.pending {
		p.negotiation.again = true
		return nil
	}
	offer, err := p.offerLocked()
	if err != nil {
		return err
	}
	return p.sendSoon(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Offer{Offer: offer}})
}

func (p *Participant) sendSoon(ctx context.Context, m *livekit.SignalRequest) error {
	ctx, cancel := context.WithTimeout(ctx, signalTimeout)
	defer cancel()
	return p.Send(ctx, m)
}

func (p *Participant) takeAnswer(ctx context.Context, d *livekit.SessionDescription) error {
	p.negotiation.mu.Lock()
	if err := p.up.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: d.Sdp}); err != nil {
		p.negotiation.mu.Unlock()
		return fmt.Errorf("set answer: %w", err)
	}
	again := p.negotiation.again
	p.negotiation.pending, p.negotiation.again = false, false
	p.negotiation.mu.Unlock()
	p.takeMids(d)
	if again {
		return p.negotiate(ctx)
	}
	return nil
}

// takeOffer answers the server's offer for the receiving connection.
func (p *Participant) takeOffer(ctx context.Context, d *livekit.SessionDescription) error {
	p.takeMids(d)
	if err := p.down.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: d.Sdp}); err != nil {
		return fmt.Errorf("set offer: %w", err)
	}
	answer, err := p.down.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("create answer: %w", err)
	}
	if err := p.down.SetLocalDescription(answer); err != nil {
		return fmt.Errorf("set answer: %w", err)
	}
	return p.sendSoon(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Answer{Answer: p.described(answer, d.Id)}})
}

func (p *Participant) takeMids(d *livekit.SessionDescription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for mid, track := range d.MidToTrackId {
		p.mids[mid] = track
	}
}

// addSections makes room for tracks the server wants to send.
func (p *Participant) addSections(ctx context.Context, m *livekit.MediaSectionsRequirement) error {
	add := func(kind webrtc.RTPCodecType, n uint32) error {
		for range n {
			_, err := p.up.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
			if err != nil {
				return fmt.Errorf("add media section: %w", err)
			}
		}
		return nil
	}
	if err := add(webrtc.RTPCodecTypeAudio, m.NumAudios); err != nil {
		return err
	}
	if err := add(webrtc.RTPCodecTypeVideo, m.NumVideos); err != nil {
		return err
	}
	return p.negotiate(ctx)
}

func (p *Participant) sendCandidate(ctx context.Context, c *webrtc.ICECandidate, target livekit.SignalTarget) {
	if c == nil {
		return
	}
	b, err := json.Marshal(c.ToJSON())
	if err != nil {
		return
	}
	// Without a WebSocket yet the server finds this side by its checks.
	_ = p.sendSoon(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Trickle{
		Trickle: &livekit.TrickleRequest{CandidateInit: string(b), Target: target},
	}})
}

func (p *Participant) takeCandidate(t *livekit.TrickleRequest) error {
	var c webrtc.ICECandidateInit
	if err := json.Unmarshal([]byte(t.CandidateInit), &c); err != nil {
		return fmt.Errorf("read candidate: %w", err)
	}
	pc := p.up
	if t.Target == livekit.SignalTarget_SUBSCRIBER {
		pc = p.down
	}
	if pc.RemoteDescription() == nil {
		return nil // the description that comes has it too
	}
	if err := pc.AddICECandidate(c); err != nil {
		return fmt.Errorf("add candidate: %w", err)
	}
	return nil
}
