package media

import (
	"github.com/livekit/livekit-server/pkg/rtc/types"
	"github.com/livekit/protocol/livekit"
)

// SetPlace moves a participant. Those who may no longer receive each other stop doing so at once and forget each other;
// the others are subscribed over the connections they have. Unknown participants are ignored.
func (r *Room) SetPlace(id string, p Place) {
	r.moving.Lock()
	defer r.moving.Unlock()
	r.mu.Lock()
	a := r.participants[id]
	if a == nil {
		r.mu.Unlock()
		return
	}
	a.place = Place{Speaks: append([]string(nil), p.Speaks...), Hears: append([]string(nil), p.Hears...)}
	moved := a.session
	var sessions []*session
	for _, other := range r.participants {
		if other.session != nil {
			sessions = append(sessions, other.session)
		}
	}
	r.mu.Unlock()
	if moved == nil {
		return
	}
	for _, s := range sessions {
		s.refresh()
	}
	for _, s := range sessions {
		if s != moved {
			r.revoke(s, moved)
			r.revoke(moved, s)
			s.engine.ReconcileAll()
		}
	}
	moved.engine.ReconcileAll() // looks again at every subscription that was refused
}

// revoke ends the receiver's subscriptions to a publisher he may no longer receive.
func (r *Room) revoke(publisher, receiver *session) {
	if r.audible(receiver.owner.id, publisher.owner.id) {
		return
	}
	for _, t := range publisher.engine.GetPublishedTracks() {
		t.RemoveSubscriber(receiver.engine.ID(), false)
	}
}

// audible reports whether one participant may receive another. Everybody may receive what concerns himself.
func (r *Room) audible(receiver, speaker string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.audibleLocked(receiver, speaker)
}

func (r *Room) audibleLocked(receiver, speaker string) bool {
	if receiver == speaker {
		return true
	}
	a, b := r.participants[receiver], r.participants[speaker]
	return a != nil && b != nil && a.place.hears(b.place)
}

// publisher returns who publishes a track, or nil.
func (r *Room) publisher(track livekit.TrackID) types.LocalParticipant {
	for _, p := range r.engine.room.GetParticipants() {
		if p.GetPublishedTrack(track) != nil {
			return p
		}
	}
	return nil
}
