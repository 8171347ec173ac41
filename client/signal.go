package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"
)

// read takes the server's messages until the WebSocket ends.
func (p *Participant) read(ctx context.Context, ws *websocket.Conn) {
	defer p.lost(ws)
	for {
		_, b, err := ws.Read(ctx)
		if err != nil {
			return
		}
		var m livekit.SignalResponse
		if err := proto.Unmarshal(b, &m); err != nil {
			return
		}
		if err := p.take(ctx, &m); err != nil {
			p.mu.Lock()
			p.endLocked(err)
			p.mu.Unlock()
			return
		}
		kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", m.Message), "*livekit.SignalResponse_"))
		p.mu.Lock()
		p.counts[kind]++
		p.notifyLocked()
		p.mu.Unlock()
	}
}

func (p *Participant) lost(ws *websocket.Conn) {
	_ = ws.CloseNow()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ws == ws {
		p.ws = nil
	}
	p.notifyLocked()
}

// take applies one message of the server.
func (p *Participant) take(ctx context.Context, m *livekit.SignalResponse) error {
	switch msg := m.Message.(type) {
	case *livekit.SignalResponse_Answer:
		return p.takeAnswer(ctx, msg.Answer)
	case *livekit.SignalResponse_Offer:
		return p.takeOffer(ctx, msg.Offer)
	case *livekit.SignalResponse_Trickle:
		return p.takeCandidate(msg.Trickle)
	case *livekit.SignalResponse_MediaSectionsRequirement:
		return p.addSections(ctx, msg.MediaSectionsRequirement)
	case *livekit.SignalResponse_Leave:
		return &LeaveError{Leave: msg.Leave}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch msg := m.Message.(type) {
	case *livekit.SignalResponse_Join:
		p.self = msg.Join.Participant
		p.takeOthersLocked(msg.Join.OtherParticipants)
	case *livekit.SignalResponse_Update:
		p.takeOthersLocked(msg.Update.Participants)
	case *livekit.SignalResponse_TrackPublished:
		if t := p.sent[msg.TrackPublished.Cid]; t != nil {
			t.info = msg.TrackPublished.Track
		}
	case *livekit.SignalResponse_RequestResponse:
		if t := msg.RequestResponse.GetAddTrack(); t != nil {
			p.refused[t.Cid] = msg.RequestResponse.Reason
		}
	case *livekit.SignalResponse_SubscribedQualityUpdate:
		p.takeQualitiesLocked(msg.SubscribedQualityUpdate)
	case *livekit.SignalResponse_RefreshToken:
		p.token = msg.RefreshToken
	}
	return nil
}

func (p *Participant) takeOthersLocked(infos []*livekit.ParticipantInfo) {
	for _, info := range infos {
		known := p.others[info.Sid]
		switch {
		case info.Sid == p.self.GetSid():
			p.self = info
		case info.State == livekit.ParticipantInfo_DISCONNECTED:
			delete(p.others, info.Sid)
		case known == nil || known.Version <= info.Version:
			p.others[info.Sid] = info
		}
	}
}

// takeQualitiesLocked starts and stops simulcast layers as the server needs them.
func (p *Participant) takeQualitiesLocked(m *livekit.SubscribedQualityUpdate) {
	for _, t := range p.sent {
		if t.info.GetSid() != m.TrackSid {
			continue
		}
		for _, c := range m.SubscribedCodecs {
			for _, q := range c.Qualities {
				if i := int(q.Quality); i < len(t.layers) && strings.EqualFold(c.Codec, "vp8") {
					t.layers[i].wanted.Store(q.Enabled)
				}
			}
		}
	}
}

// notifyLocked wakes everyone in Wait.
func (p *Participant) notifyLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Participant) endLocked(err error) {
	if p.err == nil {
		p.err = err
	}
	p.notifyLocked()
}

// Wait waits until a condition over the participant's state holds. It is called with the state locked, so it must not call other methods
// of the participant. It returns the reason when the participant is over before.
func (p *Participant) Wait(ctx context.Context, condition func() bool) error {
	p.mu.Lock()
	p.waiting++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.waiting--
		p.mu.Unlock()
	}()
	for {
		p.mu.Lock()
		ok, err, changed := condition(), p.err, p.changed
		p.mu.Unlock()
		if ok {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for media: %w", context.Cause(ctx))
		}
	}
}

// WaitActive waits until media can flow, and returns how long joining took.
func (p *Participant) WaitActive(ctx context.Context) (time.Duration, error) {
	err := p.Wait(ctx, func() bool { return p.active })
	return time.Since(p.started), err
}

// WaitLeave waits until the server ends the media and returns its reason.
func (p *Participant) WaitLeave(ctx context.Context) (*livekit.LeaveRequest, error) {
	err := p.Wait(ctx, func() bool { return false })
	var leave *LeaveError
	if errors.As(err, &leave) {
		return leave.Leave, nil
	}
	return nil, err
}

// WaitSignalLost waits until the WebSocket is gone.
func (p *Participant) WaitSignalLost(ctx context.Context) error {
	return p.Wait(ctx, func() bool { return p.ws == nil })
}

// Others returns the ids of the participants the server has told of, with the number of their tracks.
func (p *Participant) Others() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.othersLocked()
}

func (p *Participant) othersLocked() map[string]int {
	out := make(map[string]int)
	for _, info := range p.others {
		out[info.Identity] = len(info.Tracks)
	}
	return out
}

// Messages returns how many signalling messages of each kind came, by the lower-case name in LiveKit's protocol without separators.
func (p *Participant) Messages() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]int, len(p.counts))
	for k, n := range p.counts {
		out[k] = n
	}
	return out
}

// Token returns the media token in use; the server may have changed it.
func (p *Participant) Token() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

// Barrier waits until the server has answered a ping, and thus has read everything sent before.
func (p *Participant) Barrier(ctx context.Context) error {
	p.mu.Lock()
	before := p.counts["pongresp"]
	p.mu.Unlock()
	if err := p.Send(ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_PingReq{PingReq: &livekit.Ping{Timestamp: 1}}}); err != nil {
		return err
	}
	return p.waitAnswer(ctx, func() bool { return p.counts["pongresp"] > before })
}

// WaitToken waits until the server has told this media token.
func (p *Participant) WaitToken(ctx context.Context, token string) error {
	return p.Wait(ctx, func() bool { return p.token == token })
}
