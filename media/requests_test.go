package media

import (
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
		"an escape":       "a=x\x1b\r\n",
		"the next line":   "a=x\u0085\r\n",
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
