package media_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/client/clip"
	"konklave/media"
)

const (
	camera     = livekit.TrackSource_CAMERA
	microphone = livekit.TrackSource_MICROPHONE
	screen     = livekit.TrackSource_SCREEN_SHARE
)

// everything is the permission of an ordinary participant.
var everything = media.Permission{Publish: media.Sources(), Subscribe: true}

// stage is a Room behind an HTTP server on loopback.
type stage struct {
	*testing.T
	ctx    context.Context
	room   *media.Room
	server *httptest.Server

	mu      sync.Mutex
	states  map[string][]media.State
	changed chan struct{}
}

func newStage(t *testing.T, o media.Options) *stage {
	t.Helper()
	s := &stage{T: t, states: make(map[string][]media.State), changed: make(chan struct{})}
	if o.Conns == nil {
		o.Conns = []net.PacketConn{listen(t)}
	}
	o.OnState = s.note
	if o.Log == nil && os.Getenv("MEDIA_TEST_LOG") != "" {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	room, err := media.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	s.room = room
	s.server = httptest.NewServer(http.StripPrefix("/conference/c1/media", room.Handler()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	s.ctx = ctx
	t.Cleanup(func() {
		cancel()
		s.server.CloseClientConnections()
		s.server.Close()
		if err := room.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func listen(t *testing.T) net.PacketConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *stage) base() string { return s.server.URL + "/conference/c1/media" }

func (s *stage) note(participant string, state media.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[participant] = append(s.states[participant], state)
	close(s.changed)
	s.changed = make(chan struct{})
}

// waitState waits until a participant has been reported in a state at least n times.
func (s *stage) waitState(participant string, state media.State, n int) {
	s.Helper()
	for {
		s.mu.Lock()
		count := 0
		for _, st := range s.states[participant] {
			if st == state {
				count++
			}
		}
		changed := s.changed
		s.mu.Unlock()
		if count >= n {
			return
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			s.Fatalf("%s was not reported %v", participant, state)
		}
	}
}

// join admits a participant and connects it.
func (s *stage) join(id string, p media.Permission, o client.ParticipantOptions) *client.Participant {
	s.Helper()
	return s.connect(s.room.Admit(id, p), o)
}

func (s *stage) connect(token string, o client.ParticipantOptions) *client.Participant {
	s.Helper()
	c, err := client.JoinMedia(s.ctx, s.base(), token, o)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(c.Close)
	return c
}

func (s *stage) video() []*clip.Clip {
	s.Helper()
	layers, err := clip.Video()
	if err != nil {
		s.Fatal(err)
	}
	return layers
}

func (s *stage) tone() *clip.Clip {
	s.Helper()
	c, err := clip.Tone()
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func (s *stage) publish(p *client.Participant, source livekit.TrackSource, clips ...*clip.Clip) *client.Publication {
	s.Helper()
	t, err := p.Publish(s.ctx, source, clips...)
	if err != nil {
		s.Fatalf("publish %v: %v", source, err)
	}
	return t
}

// expect waits until a participant has received that many complete frames of another's video.
func (s *stage) expect(p *client.Participant, from string, source livekit.TrackSource, frames uint64) client.Stream {
	s.Helper()
	got, err := p.WaitStream(s.ctx, from, source, func(st client.Stream) bool { return st.Frames >= frames })
	if err != nil {
		s.Fatalf("no video of %s: %v; have %+v", from, err, got)
	}
	return got
}

func (s *stage) expectSound(p *client.Participant, from string, packets uint64) {
	s.Helper()
	got, err := p.WaitStream(s.ctx, from, microphone, func(st client.Stream) bool { return st.Loud >= packets })
	if err != nil {
		s.Fatalf("no sound of %s: %v; have %+v", from, err, got)
	}
}
