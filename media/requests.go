package media

import (
	"strings"
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"
)

// Limits of what a client may ask of the engine.
const (
	maxSDP         = 2 << 20 // bytes of one session description
	maxSections    = 1500    // media sections in it
	maxTracks      = 8       // published by one participant
	maxPending     = 16      // tracks announced and never sent
	maxAddTrack    = 4 << 10 // bytes of the request for a track; all others are told most of it
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
		s.cleanSubscription(msg.Subscription)
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
// only because a client named it. For the same reason the client is never taken for a lite one, which it would have to check
// itself (RFC 8445, section 6.1.1). A line holds no return but at its end, and no zero: readers differ in what ends one.
func cleanSDP(d *livekit.SessionDescription) bool {
	if d == nil || len(d.Sdp) > maxSDP {
		return false
	}
	var b strings.Builder
	b.Grow(len(d.Sdp))
	sections := 0
	for line := range strings.Lines(d.Sdp) {
		text := strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.IndexByte(text, '\r') >= 0 || strings.IndexByte(text, 0) >= 0 {
			return false
		}
		if strings.HasPrefix(line, "m=") {
			sections++
		}
		if !leadsAway(text) {
			b.WriteString(line)
		}
	}
	d.Sdp = b.String()
	return sections <= maxSections
}

// leadsAway reports whether a line is one of those that cleanSDP takes out. Its key is read as the engine reads it, which passes
// over the space around it.
func leadsAway(line string) bool {
	attribute, ok := strings.CutPrefix(line, "a=")
	key, _, _ := strings.Cut(attribute, ":")
	switch strings.TrimSpace(key) {
	case "candidate", "remote-candidates", "ice-lite":
		return ok
	}
	return false
}

// cleanSync leaves what the engine compares after a resume. The descriptions are for engines that lost theirs.
func (s *session) cleanSync(m *livekit.SyncState) {
	m.TrackSidsDisabled = s.receivable(m.TrackSidsDisabled)
	s.cleanSubscription(m.Subscription)
	m.PublishTracks = m.PublishTracks[:min(len(m.PublishTracks), maxTracks)]
	m.Offer, m.Answer = nil, nil
	m.DataChannels, m.DatachannelReceiveStates, m.PublishDataTracks = nil, nil, nil
}

// cleanSubscription keeps the tracks that this participant may receive; nil is left alone.
func (s *session) cleanSubscription(m *livekit.UpdateSubscription) {
	if m == nil {
		return
	}
	boundSubscription(m)
	m.TrackSids = s.receivable(m.TrackSids)
	for _, t := range m.ParticipantTracks {
		t.TrackSids = s.receivable(t.TrackSids)
	}
}

// boundSubscription keeps the first maxTrackSIDs of the tracks, which are named in two ways: each is looked for.
func boundSubscription(m *livekit.UpdateSubscription) {
	m.TrackSids = m.TrackSids[:min(len(m.TrackSids), maxTrackSIDs)]
	left := maxTrackSIDs - len(m.TrackSids)
	m.ParticipantTracks = m.ParticipantTracks[:min(len(m.ParticipantTracks), left)]
	for _, t := range m.ParticipantTracks {
		t.TrackSids = t.TrackSids[:min(len(t.TrackSids), left)]
		left -= len(t.TrackSids)
	}
}

// receivable keeps the ids of tracks that exist and that this participant may receive, of the first maxTrackSIDs.
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

// sound checks what needs no state: sizes, labels, and that the kind of the track fits its source.
func sound(t *livekit.AddTrackRequest) bool {
	want := livekit.TrackType_VIDEO
	switch t.GetSource() {
	case livekit.TrackSource_CAMERA, livekit.TrackSource_SCREEN_SHARE:
	case livekit.TrackSource_MICROPHONE, livekit.TrackSource_SCREEN_SHARE_AUDIO:
		want = livekit.TrackType_AUDIO
	default:
		return false
	}
	if t.Type != want || t.Width > maxPixels || t.Height > maxPixels || proto.Size(t) > maxAddTrack ||
		len(t.SimulcastCodecs) > 2 || len(t.AudioFeatures) > maxAudioTraits || len(t.PacketTrailerFeatures) > maxAudioTraits {
		return false
	}
	if t.Cid == "" || !plain(t.Cid) || !plain(t.Name) || !plain(t.Sid) || !plain(t.Stream) || !soundLayers(t.Layers) {
		return false
	}
	for _, c := range t.SimulcastCodecs {
		if !plain(c.Cid) || !soundLayers(c.Layers) {
			return false
		}
	}
	return true
}

func soundLayers(layers []*livekit.VideoLayer) bool {
	for _, l := range layers {
		if l.GetWidth() > maxPixels || l.GetHeight() > maxPixels || !plain(l.GetRid()) {
			return false
		}
	}
	return len(layers) <= maxLayers
}

// plain reports whether a label has at most maxLabel characters, all of them visible ones of ASCII: labels of one client stand
// in the session descriptions of the others.
func plain(label string) bool {
	return len(label) <= maxLabel && !strings.ContainsFunc(label, func(c rune) bool { return c <= ' ' || c > '~' })
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
