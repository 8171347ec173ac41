package media

import (
	"slices"
	"strings"
	"testing"

	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"
)

func TestA54ADescriptionNamesNoAddressToTheEngine(t *testing.T) {
	t.Parallel()
	const kept = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:x\r\n"
	for name, line := range map[string]string{
		"nothing":               "",
		"a candidate":           "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n",
		"one without a return":  "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n",
		"an address to check":   "a=remote-candidates:1 192.0.2.1 9\r\n",
		"a lite client":         "a=ice-lite\r\n",
		"one that nothing ends": "a=ice-lite",
		"one behind a space":    "a= ice-lite\r\n",
		"one before a tab":      "a=ice-lite\t:x\r\n",
	} {
		d := &livekit.SessionDescription{Sdp: kept + line}
		if !cleanSDP(d) || d.Sdp != kept {
			t.Errorf("%s: %q", name, d.Sdp)
		}
	}
	for name, line := range map[string]string{
		"after a return":  "\ra=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n",
		"behind a return": "a=x\ra=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n",
		"a return alone":  "\r\r\n",
		"a zero":          "a=x\x00\r\n",
	} {
		if d := (&livekit.SessionDescription{Sdp: kept + line}); cleanSDP(d) {
			t.Errorf("%s: taken as %q", name, d.Sdp)
		}
	}
}

func TestA54SectionsOfADescriptionAreCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{maxSections: true, maxSections + 1: false} {
		if got := cleanSDP(&livekit.SessionDescription{Sdp: "v=0\r\n" + strings.Repeat("m=audio 9 x 0\r\n", n)}); got != want {
			t.Errorf("%d sections: %v", n, got)
		}
	}
}

// FuzzA55Description: whatever a client describes, no reader of what is left finds an address to send to.
func FuzzA55Description(f *testing.F) {
	for _, seed := range []string{
		"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", "\ra=candidate:1\n", "a=ice-lite",
		"a=x\x00a=candidate:1", "a=remote-candidates:1\na=candidate:", "m=\nm=\n", "a=\u2028a=candidate:1\r\n", "\r\n\r\n", "a=\u00a0ice-lite\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sdp string) {
		d := &livekit.SessionDescription{Sdp: sdp}
		if !cleanSDP(d) {
			return
		}
		for line := range strings.FieldsFuncSeq(d.Sdp, func(c rune) bool { return c == '\r' || c == '\n' || c == 0 }) {
			attribute, _ := strings.CutPrefix(line, "a=")
			key, _, _ := strings.Cut(attribute, ":")
			if attribute != line && slices.Contains([]string{"candidate", "remote-candidates", "ice-lite"}, strings.TrimSpace(key)) {
				t.Errorf("%q is left of %q", line, sdp)
			}
		}
	})
}

// FuzzA55Request: whatever a client sends is taken or refused, never a panic, and what is taken keeps to its limits.
func FuzzA55Request(f *testing.F) {
	for _, m := range []*livekit.SignalRequest{
		{Message: &livekit.SignalRequest_AddTrack{AddTrack: &livekit.AddTrackRequest{Cid: "x", Layers: []*livekit.VideoLayer{{Rid: "q"}}}}},
		{Message: &livekit.SignalRequest_AddTrack{AddTrack: &livekit.AddTrackRequest{SimulcastCodecs: []*livekit.SimulcastCodec{{Layers: []*livekit.VideoLayer{{}}}}}}},
		{Message: &livekit.SignalRequest_Subscription{Subscription: &livekit.UpdateSubscription{ParticipantTracks: []*livekit.ParticipantTracks{{TrackSids: []string{"x"}}}}}},
		{Message: &livekit.SignalRequest_SyncState{SyncState: &livekit.SyncState{Subscription: &livekit.UpdateSubscription{}}}},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m livekit.SignalRequest
		if proto.Unmarshal(raw, &m) != nil {
			return
		}
		if r := m.GetAddTrack(); r != nil && sound(r) && (!plain(r.Stream) || len(r.Layers) > maxLayers || proto.Size(r) > maxAddTrack) {
			t.Errorf("taken: %v", r)
		}
		if u := m.GetSubscription(); u != nil {
			boundSubscription(u)
			if len(u.TrackSids)+len(u.ParticipantTracks) > maxTrackSIDs {
				t.Errorf("left: %d and %d", len(u.TrackSids), len(u.ParticipantTracks))
			}
		}
	})
}

// FuzzA55Join: the request that opens a connection.
func FuzzA55Join(f *testing.F) {
	for _, seed := range []string{"", "***", "CAE=", "CAESBB-LCAA=", "EgA="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, parameter string) {
		m, err := unwrapJoin(parameter)
		if (m == nil) == (err == nil) {
			t.Errorf("%q: %v, %v", parameter, m, err)
		}
	})
}

func TestTrackRequestsHaveASize(t *testing.T) {
	t.Parallel()
	request := func(size int) *livekit.AddTrackRequest {
		r := &livekit.AddTrackRequest{Cid: "x", Source: livekit.TrackSource_CAMERA, Type: livekit.TrackType_VIDEO}
		const field = 4 // bytes of the field's own number and length
		unknown := append([]byte{0xfa, 0x3f}, protoLength(size-proto.Size(r)-field)...)
		r.ProtoReflect().SetUnknown(append(unknown, make([]byte, size-proto.Size(r)-field)...))
		return r
	}
	for size, want := range map[int]bool{maxAddTrack: true, maxAddTrack + 1: false} {
		r := request(size)
		if proto.Size(r) != size {
			t.Fatalf("made %d bytes, want %d", proto.Size(r), size)
		}
		if sound(r) != want {
			t.Errorf("%d bytes: taken is %v", size, !want)
		}
	}
}

// protoLength is a length as protobuf writes it in two bytes.
func protoLength(n int) []byte { return []byte{byte(n)&0x7f | 0x80, byte(n >> 7)} }

func TestA52NoMoreTracksAreLookedForThanOneMayName(t *testing.T) {
	t.Parallel()
	for _, named := range [][]int{ // how many by themselves, and then for each participant
		{maxTrackSIDs}, {maxTrackSIDs + 1}, {maxTrackSIDs, 1}, {0, maxTrackSIDs, 1}, {1, maxTrackSIDs - 2, 1, 1},
		append([]int{0}, make([]int, maxTrackSIDs+1)...),
	} {
		m, all := &livekit.UpdateSubscription{TrackSids: make([]string, named[0])}, named[0]
		for _, n := range named[1:] {
			m.ParticipantTracks = append(m.ParticipantTracks, &livekit.ParticipantTracks{TrackSids: make([]string, n)})
			all += n
		}
		boundSubscription(m)
		left := len(m.TrackSids)
		for _, p := range m.ParticipantTracks {
			left += len(p.TrackSids)
		}
		if left != min(all, maxTrackSIDs) || len(m.ParticipantTracks) > maxTrackSIDs {
			t.Errorf("of %v tracks %d are left, of %d participants", named[:min(len(named), 5)], left, len(m.ParticipantTracks))
		}
	}
}
