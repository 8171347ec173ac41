package media

import (
	"maps"
	"slices"

	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"
)

// maxForgotten bounds the ends that a session remembers.
const maxForgotten = 2000

// deliver sends a message of the engine as far as the client may know its content.
// It holds the locks until the message is queued, so that nothing admitted before a move is queued after it.
func (s *session) deliver(c *connection, m *livekit.SignalResponse) error {
	s.room.mu.RLock()
	defer s.room.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	m = s.admitLocked(m)
	if m == nil {
		return nil
	}
	return c.send(m)
}

// admitLocked takes out of a message what the session's client must not learn; nil when nothing is left.
func (s *session) admitLocked(m *livekit.SignalResponse) *livekit.SignalResponse {
	switch msg := m.Message.(type) {
	case *livekit.SignalResponse_Join:
		s.joined = true
		msg.Join.OtherParticipants = s.admitOthersLocked(msg.Join.OtherParticipants)
	case *livekit.SignalResponse_Update:
		others := s.admitOthersLocked(msg.Update.Participants)
		if len(others) == 0 {
			return nil
		}
		return update(others)
	case *livekit.SignalResponse_SpeakersChanged:
		return s.admitSpeakersLocked(msg.SpeakersChanged.Speakers)
	case *livekit.SignalResponse_ConnectionQuality:
		return s.admitQualitiesLocked(msg.ConnectionQuality.Updates)
	case *livekit.SignalResponse_SubscriptionPermissionUpdate:
		if !s.mayKnowLocked(livekit.ParticipantID(msg.SubscriptionPermissionUpdate.ParticipantSid)) {
			return nil
		}
	case *livekit.SignalResponse_TrackPublished:
		s.tracks.announced(msg.TrackPublished.GetTrack().GetSid())
	case *livekit.SignalResponse_TrackUnpublished:
		s.tracks.arrived(msg.TrackUnpublished.GetTrackSid())
	case *livekit.SignalResponse_DataTrackSubscriberHandles:
		return nil
	}
	return m
}

func (s *session) admitSpeakersLocked(speakers []*livekit.SpeakerInfo) *livekit.SignalResponse {
	var keep []*livekit.SpeakerInfo
	for _, sp := range speakers {
		if s.mayKnowLocked(livekit.ParticipantID(sp.Sid)) {
			keep = append(keep, sp)
		}
	}
	if len(keep) == 0 {
		return nil
	}
	return &livekit.SignalResponse{Message: &livekit.SignalResponse_SpeakersChanged{
		SpeakersChanged: &livekit.SpeakersChanged{Speakers: keep},
	}}
}

func (s *session) admitQualitiesLocked(qualities []*livekit.ConnectionQualityInfo) *livekit.SignalResponse {
	var keep []*livekit.ConnectionQualityInfo
	for _, q := range qualities {
		if s.mayKnowLocked(livekit.ParticipantID(q.ParticipantSid)) {
			keep = append(keep, q)
		}
	}
	if len(keep) == 0 {
		return nil
	}
	return &livekit.SignalResponse{Message: &livekit.SignalResponse_ConnectionQuality{
		ConnectionQuality: &livekit.ConnectionQualityUpdate{Updates: keep},
	}}
}

func update(infos []*livekit.ParticipantInfo) *livekit.SignalResponse {
	return &livekit.SignalResponse{Message: &livekit.SignalResponse_Update{Update: &livekit.ParticipantUpdate{Participants: infos}}}
}

// mayKnowLocked reports whether the session's client may learn something about the bearer of an engine id.
func (s *session) mayKnowLocked(sid livekit.ParticipantID) bool {
	id, ok := s.room.names[sid]
	return ok && s.room.audibleLocked(s.owner.id, id)
}

// admitOthersLocked keeps those the client may know, and the end of those it was told about.
func (s *session) admitOthersLocked(infos []*livekit.ParticipantInfo) []*livekit.ParticipantInfo {
	var keep []*livekit.ParticipantInfo
	for _, info := range infos {
		sid := livekit.ParticipantID(info.Sid)
		if info.State == livekit.ParticipantInfo_DISCONNECTED {
			_, told := s.told[sid]
			_, forgotten := s.forgotten[sid] // said again after a resume
			if told || forgotten {
				s.forgetLocked(sid, info)
				keep = append(keep, info)
			}
			continue
		}
		if !s.room.audibleLocked(s.owner.id, info.Identity) {
			continue
		}
		if info.Identity != s.owner.id {
			s.tellLocked(sid, info)
		}
		keep = append(keep, info)
	}
	return keep
}

func (s *session) tellLocked(sid livekit.ParticipantID, info *livekit.ParticipantInfo) {
	s.told[sid] = info
	delete(s.forgotten, sid)
}

// forgetLocked notes that the client is told of somebody's end, and returns how.
func (s *session) forgetLocked(sid livekit.ParticipantID, info *livekit.ParticipantInfo) *livekit.ParticipantInfo {
	gone := proto.CloneOf(info)
	gone.State, gone.Tracks = livekit.ParticipantInfo_DISCONNECTED, nil
	delete(s.told, sid)
	if len(s.forgotten) < maxForgotten {
		s.forgotten[sid] = gone
	}
	return gone
}

// remind tells a client that has resumed of every end again: the earlier message may have been lost with the connection.
func (s *session) remind() {
	s.refresh()
	s.room.mu.RLock()
	defer s.room.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || len(s.forgotten) == 0 {
		return
	}
	_ = s.conn.send(update(slices.Collect(maps.Values(s.forgotten))))
}

// refresh tells the client whom it no longer receives and whom it receives now.
func (s *session) refresh() {
	present := s.room.engine.room.GetParticipants()
	infos := make([]*livekit.ParticipantInfo, 0, len(present))
	for _, p := range present {
		if p.ID() != s.engine.ID() {
			infos = append(infos, p.ToProto())
		}
	}
	s.room.mu.RLock()
	defer s.room.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || !s.joined {
		return
	}
	var changed []*livekit.ParticipantInfo
	for sid, info := range s.told {
		if !s.room.audibleLocked(s.owner.id, info.Identity) {
			changed = append(changed, s.forgetLocked(sid, info))
		}
	}
	for _, info := range infos {
		sid := livekit.ParticipantID(info.Sid)
		_, known := s.told[sid]
		if !known && s.room.audibleLocked(s.owner.id, info.Identity) {
			s.tellLocked(sid, info)
			changed = append(changed, info)
		}
	}
	if len(changed) > 0 {
		_ = s.conn.send(update(changed))
	}
}
