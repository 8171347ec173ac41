package media

import (
	"strings"
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"
	"golang.org/x/time/rate"
)

// Limits of what a client may ask of the engine.
const (
	maxSDP         = 2 << 20 // bytes of one session description
	maxSections    = 1500    // media sections in it
	maxTracks      = 8       // published by one participant
	maxPending     = 16      // tracks announced and never sent
	maxLabel       = 128     // characters of ids and names in requests
	maxLayers      = 3       // of a video track
	maxPixels      = 4096    // width or height of a video track
	maxTrackSIDs   = 500     // tracks named in one request
	addTrackEvery  = time.Second
	addTrackBurst  = 16
	maxAudioTraits = 16
)

// trackQuota bounds the tracks a session announces.
type trackQuota struct {
	mu      sync.Mutex
	limit   *rate.Limiter
	pending map[string]struct{} // track ids announced and not yet published
}

// handle filters one message of the client and passes the rest to the engine. False means that the client broke the protocol.
func (s *session) handle(m *livekit.SignalRequest) bool {
	switch msg := m.Message.(type) {
	case *livekit.SignalRequest_Offer:
		if !cleanSDP(msg.Offer) {
			return false
		}
	case *livekit.SignalRequest_Answer:
		if !cleanSDP(msg.Answer) {
			return false
		}
	case *livekit.SignalRequest_AddTrack:
		if reason, ok := s.mayAdd(msg.AddTrack); !ok {
			s.refuseTrack(msg.AddTrack, reason)
			return true
		}
	case *livekit.SignalRequest_Subscription:
		msg.Subscription.TrackSids = s.receivable(msg.Subscription.TrackSids)
		for _, t := range msg.Subscription.ParticipantTracks {
			t.TrackSids = s.receivable(t.TrackSids)
		}
	case *livekit.SignalRequest_TrackSetting:
		msg.TrackSetting.TrackSids = s.receivable(msg.TrackSetting.TrackSids)
	case *livekit.SignalRequest_SyncState:
		s.cleanSync(msg.SyncState)
	case *livekit.SignalRequest_UpdateVideoTrack:
		if msg.UpdateVideoTrack.Width > maxPixels || msg.UpdateVideoTrack.Height > maxPixels {
			return true
		}
	case *livekit.SignalRequest_UpdateAudioTrack:
		if len(msg.UpdateAudioTrack.Features) > maxAudioTraits {
			return true
		}
	case *livekit.SignalRequest_Mute, *livekit.SignalRequest_Leave, *livekit.SignalRequest_PingReq:
	case nil:
		return false
	default:
		// Everything else is not for clients of ours: Trickle (the server finds a client by its checks and sends none of its own),
		// Simulate, permissions, names and metadata, data tracks and blobs.
		return true
	}
	_ = s.engine.HandleSignalMessage(m) // its errors are logged where they happen and mean nothing to the connection
	return true
}

// cleanSDP bounds a session description and takes the remote candidates out of it: the server must never send to an address
// only because a client named it.
func cleanSDP(d *livekit.SessionDescription) bool {
	if d == nil || len(d.Sdp) > maxSDP || strings.Count(d.Sdp, "\nm=") > maxSections {
		return false
	}
	var b strings.Builder
	b.Grow(len(d.Sdp))
	for line := range strings.Lines(d.Sdp) {
		if !strings.HasPrefix(line, "a=candidate:") && !strings.HasPrefix(line, "a=remote-candidates:") {
			b.WriteString(line)
		}
	}
	d.Sdp = b.String()
	return true
}

func (s *session) cleanSync(m *livekit.SyncState) {
	m.TrackSidsDisabled = s.receivable(m.TrackSidsDisabled)
	if m.Subscription != nil {
		m.Subscription.TrackSids = s.receivable(m.Subscription.TrackSids)
		for _, t := range m.Subscription.ParticipantTracks {
			t.TrackSids = s.receivable(t.TrackSids)
		}
	}
	m.PublishTracks = m.PublishTracks[:min(len(m.PublishTracks), maxTracks)]
	m.DataChannels, m.DatachannelReceiveStates, m.PublishDataTracks = nil, nil, nil
}

// receivable keeps the ids of tracks that exist and that this participant may receive.
func (s *session) receivable(sids []string) []string {
	var keep []string
	for _, sid := range sids[:min(len(sids), maxTrackSIDs)] {
		if p := s.room.publisher(livekit.TrackID(sid)); p != nil && s.room.audible(s.owner.id, string(p.Identity())) {
			keep = append(keep, sid)
		}
	}
	return keep
}

// mayAdd checks a new track against permission, codec policy and quotas.
func (s *session) mayAdd(t *livekit.AddTrackRequest) (livekit.RequestResponse_Reason, bool) {
	if !sound(t) {
		return livekit.RequestResponse_INVALID_REQUEST, false
	}
	if !s.engine.CanPublishSource(t.Source) {
		return livekit.RequestResponse_NOT_ALLOWED, false
	}
	for _, c := range t.SimulcastCodecs {
		if !s.room.engine.enabled(c.Codec) {
			return livekit.RequestResponse_UNSUPPORTED_TYPE, false
		}
	}
	if !s.tracks.take(len(s.engine.GetPublishedTracks())) {
		return livekit.RequestResponse_LIMIT_EXCEEDED, false
	}
	return livekit.RequestResponse_OK, true
}

// sound checks what needs no state: sizes, and that the kind of the track fits its source.
func sound(t *livekit.AddTrackRequest) bool {
	want := livekit.TrackType_VIDEO
	switch t.Source {
	case livekit.TrackSource_CAMERA, livekit.TrackSource_SCREEN_SHARE:
	case livekit.TrackSource_MICROPHONE, livekit.TrackSource_SCREEN_SHARE_AUDIO:
		want = livekit.TrackType_AUDIO
	default:
		return false
	}
	if t.Type != want || t.Width > maxPixels || t.Height > maxPixels || len(t.Layers) > maxLayers ||
		len(t.SimulcastCodecs) > 2 || len(t.AudioFeatures) > maxAudioTraits || len(t.PacketTrailerFeatures) > maxAudioTraits {
		return false
	}
	for _, label := range []string{t.Cid, t.Name, t.Sid, t.Stream} {
		if len(label) > maxLabel {
			return false
		}
	}
	layers := t.Layers
	for _, c := range t.SimulcastCodecs {
		if len(c.Cid) > maxLabel || len(c.Layers) > maxLayers {
			return false
		}
		layers = append(layers[:len(layers):len(layers)], c.Layers...)
	}
	for _, l := range layers {
		if l.Width > maxPixels || l.Height > maxPixels {
			return false
		}
	}
	return t.Cid != ""
}

func (s *session) refuseTrack(t *livekit.AddTrackRequest, reason livekit.RequestResponse_Reason) {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c == nil {
		return
	}
	_ = c.send(&livekit.SignalResponse{Message: &livekit.SignalResponse_RequestResponse{RequestResponse: &livekit.RequestResponse{
		Reason:  reason,
		Request: &livekit.RequestResponse_AddTrack{AddTrack: t},
	}}})
}

// take reports whether one more track may be announced by a participant who has published some already.
func (q *trackQuota) take(published int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.limit == nil {
		q.limit = rate.NewLimiter(rate.Every(addTrackEvery), addTrackBurst)
	}
	return published < maxTracks && len(q.pending) < maxPending && q.limit.Allow()
}

// announced notes that the engine expects a track.
func (q *trackQuota) announced(sid string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending == nil {
		q.pending = make(map[string]struct{})
	}
	q.pending[sid] = struct{}{}
}

// arrived notes that an expected track is there or will not come.
func (q *trackQuota) arrived(sid string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.pending, sid)
}
