package media

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/livekit/livekit-server/pkg/rtc"
	"github.com/livekit/livekit-server/pkg/rtc/types"
	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/observability"
	"github.com/livekit/protocol/observability/roomobs"
	"github.com/livekit/protocol/utils"
	"github.com/livekit/protocol/utils/guid"
)

// signalLossLimit is how long a session may last without its WebSocket when nobody calls Remove: longer than the resume window of the signalling.
const signalLossLimit = 90 * time.Second

var errNothingToResume = errors.New("no session to resume")

// session is one media session of a participant: it spans the connections that resume it.
type session struct {
	room   *Room
	owner  *participant
	engine *rtc.ParticipantImpl
	tracks trackQuota

	settled bool   // the engine sends what it is given; guarded by the room's mu, as renewed is
	renewed string // token that the client is to be told of once it does

	mu   sync.Mutex
	conn *connection
	// joined is set once the client has its first answer, which must come before everything else.
	joined bool
	// told holds whom the client was told about, so that it can be told of their end even if it may not know why.
	told map[livekit.ParticipantID]*livekit.ParticipantInfo
	// forgotten holds whose end the client was told of, for the case that it did not arrive.
	forgotten map[livekit.ParticipantID]*livekit.ParticipantInfo
	loss      *time.Timer // runs while the WebSocket is lost
}

// connect starts or resumes the session a join request asks for and returns it once the client's first answer is queued.
func (r *Room) connect(a *participant, j *join, c *connection) (*session, error) {
	a.joining.Lock()
	defer a.joining.Unlock()
	r.mu.RLock()
	current, admitted, closed := a.session, r.participants[a.id] == a, r.closed
	r.mu.RUnlock()
	switch {
	case closed || !admitted:
		return nil, ErrTokenUnknown
	case j.reconnect:
		if current == nil || current.engine.IsClosed() || (j.sid != "" && current.engine.ID() != j.sid) {
			return nil, errNothingToResume
		}
		return current, r.resume(current, j, c)
	}
	// The room may still hold an earlier one that has just ended by itself.
	if old := r.engine.room.GetParticipant(livekit.ParticipantIdentity(a.id)); old != nil {
		r.engine.room.RemoveParticipant(old.Identity(), old.ID(), types.ParticipantCloseReasonDuplicateIdentity)
	}
	return r.start(a, j, c)
}

// resume makes c the session's connection. When that fails the session has none, and is as lost as after detach.
func (r *Room) resume(s *session, j *join, c *connection) error {
	s.attach(c)
	err := r.engine.room.ResumeParticipant(s.engine, c, c, nil, nil, j.reason)
	if err != nil {
		s.detach(c)
		return fmt.Errorf("resume media session: %w", err)
	}
	s.remind()
	if j.syncState != nil {
		s.handle(&livekit.SignalRequest{Message: &livekit.SignalRequest_SyncState{SyncState: j.syncState}})
	}
	return nil
}

func (r *Room) start(a *participant, j *join, c *connection) (*session, error) {
	s := &session{
		room: r, owner: a,
		told: make(map[livekit.ParticipantID]*livekit.ParticipantInfo), forgotten: make(map[livekit.ParticipantID]*livekit.ParticipantInfo),
	}
	s.attach(c)
	p, err := rtc.NewParticipant(r.parameters(a, j, c))
	if err != nil {
		return nil, fmt.Errorf("create media session: %w", err)
	}
	s.engine = p
	p.SetICEConfig(&livekit.ICEConfig{})
	if err := r.register(s); err != nil {
		_ = p.Close(false, types.ParticipantCloseReasonJoinFailed, false)
		return nil, err
	}
	p.AddOnClose("konklave", func(types.LocalParticipant) { r.ended(s) })
	r.states.announce(a.id, StateJoined)
	if err := r.engine.room.Join(p, c, &rtc.ParticipantOptions{AutoSubscribe: j.autoSubscribe}, nil); err != nil {
		_ = c.send(leaveFor(err)) // closing the participant closes the connection
		_ = p.Close(false, types.ParticipantCloseReasonJoinFailed, false)
		return nil, fmt.Errorf("join media room: %w", err)
	}
	if err := r.recheck(s); err != nil {
		return nil, err
	}
	for _, t := range j.tracks {
		s.handle(&livekit.SignalRequest{Message: &livekit.SignalRequest_AddTrack{AddTrack: t}})
	}
	if j.offer != nil {
		s.handle(&livekit.SignalRequest{Message: &livekit.SignalRequest_Offer{Offer: j.offer}})
	}
	return s, nil
}

// register makes the session the participant's current one, unless the participant was removed meanwhile.
func (r *Room) register(s *session) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.participants[s.owner.id] != s.owner {
		return ErrTokenUnknown
	}
	s.owner.session = s
	r.names[s.engine.ID()] = s.owner.id
	return nil
}

// recheck applies what was decided about the participant while the session was being set up.
func (r *Room) recheck(s *session) error {
	r.mu.Lock()
	admitted, permission, renewed := r.participants[s.owner.id] == s.owner, s.owner.permission, s.renewed
	s.settled, s.renewed = true, ""
	r.mu.Unlock()
	if !admitted {
		r.engine.room.RemoveParticipant(s.engine.Identity(), s.engine.ID(), types.ParticipantCloseReasonServiceRequestRemoveParticipant)
		return ErrTokenUnknown
	}
	s.engine.SetPermission(permission.grant().ToPermission())
	if renewed != "" {
		_ = s.engine.SendRefreshToken(renewed)
	}
	return nil
}

// ended forgets a session the engine has closed.
func (r *Room) ended(s *session) {
	r.mu.Lock()
	delete(r.names, s.engine.ID())
	if s.owner.session == s {
		s.owner.session = nil
	}
	r.mu.Unlock()
	s.mu.Lock()
	if s.loss != nil {
		s.loss.Stop()
	}
	s.mu.Unlock()
	r.states.announce(s.owner.id, StateDisconnected)
}

// parameters are what LiveKit is told about a participant; identity and permission are ours, never the client's.
func (r *Room) parameters(a *participant, j *join, c *connection) rtc.ParticipantParams {
	r.mu.RLock()
	permission := a.permission
	r.mu.RUnlock()
	e, now := r.engine, time.Now()
	rtcConf := *e.rtc
	rtcConf.SetBufferFactory(e.room.GetBufferFactory())
	rtcConf.UpdatePublisherConfig(j.single)
	grants := &auth.ClaimGrants{Identity: a.id, Video: permission.grant()}
	return rtc.ParticipantParams{
		Identity:                      livekit.ParticipantIdentity(a.id),
		SID:                           livekit.ParticipantID(guid.New(utils.ParticipantPrefix)),
		Config:                        &rtcConf,
		Sink:                          c,
		AudioConfig:                   e.conf.Audio,
		VideoConfig:                   e.conf.Video,
		LimitConfig:                   e.conf.Limit,
		ProtocolVersion:               types.ProtocolVersion(j.client.Protocol),
		SessionStartTime:              now,
		SessionTimer:                  observability.NewSessionTimer(now),
		TelemetryListener:             e.room.ParticipantTelemetryListener(),
		Trailer:                       e.room.Trailer(),
		PLIThrottleConfig:             e.conf.RTC.PLIThrottle,
		CongestionControlConfig:       e.conf.RTC.CongestionControl,
		PublishEnabledCodecs:          e.codecs,
		SubscribeEnabledCodecs:        e.codecs,
		Grants:                        grants,
		Logger:                        newEngineLog(r.log.With("participant", a.id)),
		Reporter:                      roomobs.NewNoopParticipantSessionReporter(),
		ClientConf:                    &livekit.ClientConfiguration{},
		ClientInfo:                    rtc.ClientInfo{ClientInfo: j.client},
		AdaptiveStream:                j.adaptiveStream,
		ParticipantListener:           &listener{LocalParticipantListener: e.room.LocalParticipantListener(), room: r},
		ParticipantHelper:             helper{r},
		VersionGenerator:              e.version,
		SubscriberAllowPause:          j.allowPause,
		DatachannelSlowThreshold:      e.conf.RTC.DatachannelSlowThreshold,
		DatachannelLossyTargetLatency: e.conf.RTC.DatachannelLossyTargetLatency,
		FireOnTrackBySdp:              true,
		UseSinglePeerConnection:       j.single,
	}
}

// attach makes c the session's connection; the engine closes the earlier one when it swaps its sink.
func (s *session) attach(c *connection) {
	c.deliver = func(m *livekit.SignalResponse) error { return s.deliver(c, m) }
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = c
	if s.loss != nil {
		s.loss.Stop()
		s.loss = nil
	}
}

// detach is called when a connection is gone. Media go on until the participant is removed, its transport fails, or signalLossLimit.
func (s *session) detach(c *connection) {
	s.mu.Lock()
	current := s.conn == c
	if current {
		s.conn = nil
	}
	if current && !s.engine.IsClosed() { // else it has been forgotten already, see Room.ended
		s.loss = time.AfterFunc(signalLossLimit, func() {
			s.room.engine.room.RemoveParticipant(s.engine.Identity(), s.engine.ID(), types.ParticipantCloseReasonStale)
		})
	}
	s.mu.Unlock()
	if current {
		s.engine.HandleSignalSourceClose()
	}
}
