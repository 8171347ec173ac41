package media

import (
	"github.com/livekit/livekit-server/pkg/rtc/types"
	"github.com/livekit/protocol/livekit"
)

// helper answers the engine's questions about others.
type helper struct{ room *Room }

// ResolveMediaTrack is asked before every subscription: here the places are enforced.
func (h helper) ResolveMediaTrack(p types.LocalParticipant, track livekit.TrackID) types.MediaResolverResult {
	res := h.room.engine.room.ResolveMediaTrackForSubscriber(p, track)
	res.HasPermission = res.HasPermission && h.room.audible(string(p.Identity()), string(res.PublisherIdentity))
	return res
}

func (h helper) ResolveDataTrack(p types.LocalParticipant, track livekit.TrackID) types.DataResolverResult {
	res := h.room.engine.room.ResolveDataTrackForSubscriber(p, track)
	res.HasPermission = false
	return res
}

func (h helper) GetParticipantInfo(id livekit.ParticipantID) *livekit.ParticipantInfo {
	if p := h.room.engine.room.GetParticipantByID(id); p != nil {
		return p.ToProto()
	}
	return nil
}

func (h helper) GetRegionSettings(string) *livekit.RegionSettings { return nil }

func (h helper) GetSubscriberForwarderState(types.LocalParticipant) (map[livekit.TrackID]*livekit.RTPForwarderState, error) {
	return nil, nil
}

// ShouldRegressCodec lets a publisher fall back to VP8 when somebody cannot decode the policy's codec.
func (h helper) ShouldRegressCodec() bool { return true }

func (h helper) GetCachedReliableDataMessage(map[livekit.ParticipantID]uint32) []*types.DataMessageCache {
	return nil
}

// listener watches the engine's events on their way to its room.
type listener struct {
	types.LocalParticipantListener
	room *Room
}

// OnStateChange reports the first time media can flow.
func (l *listener) OnStateChange(p types.LocalParticipant) {
	if p.State() == livekit.ParticipantInfo_ACTIVE {
		l.room.states.announce(string(p.Identity()), StateActive)
	}
	l.LocalParticipantListener.OnStateChange(p)
}

// OnSubscribeStatusChanged ends a subscription that was being set up while the participant was moved.
func (l *listener) OnSubscribeStatusChanged(p types.LocalParticipant, publisher livekit.ParticipantID, subscribed bool) {
	l.LocalParticipantListener.OnSubscribeStatusChanged(p, publisher, subscribed)
	if !subscribed {
		return
	}
	pub := l.room.engine.room.GetParticipantByID(publisher)
	if pub == nil || l.room.audible(string(p.Identity()), string(pub.Identity())) {
		return
	}
	for _, t := range pub.GetPublishedTracks() {
		t.RemoveSubscriber(p.ID(), false)
	}
}

// OnTrackPublished ends the wait for an announced track.
func (l *listener) OnTrackPublished(p types.Participant, t types.MediaTrack) {
	l.room.trackArrived(string(p.Identity()), string(t.ID()))
	l.LocalParticipantListener.OnTrackPublished(p, t)
}

func (r *Room) trackArrived(id, sid string) {
	r.mu.RLock()
	a := r.participants[id]
	var s *session
	if a != nil {
		s = a.session
	}
	r.mu.RUnlock()
	if s != nil {
		s.tracks.arrived(sid)
	}
}
