package media_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/media"
)

// refused publishes and wants a refusal with the given reason.
func (s *stage) refused(p *client.Participant, source livekit.TrackSource, want livekit.RequestResponse_Reason) {
	s.Helper()
	clips := s.video()[:1]
	if source == microphone {
		clips[0] = s.tone()
	}
	_, err := p.Publish(s.ctx, source, clips...)
	var refused *client.RefusedError
	if !errors.As(err, &refused) || refused.Reason != want {
		s.Errorf("publish %v: %v, want %v", source, err, want)
	}
}

func TestA39PublishingWithoutPermissionIsRefused(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", media.Permission{Publish: []media.Source{media.SourceMicrophone}, Subscribe: true}, client.ParticipantOptions{})
	s.refused(anna, camera, livekit.RequestResponse_NOT_ALLOWED)
	s.refused(anna, screen, livekit.RequestResponse_NOT_ALLOWED)
	s.publish(anna, microphone, s.tone())

	watcher := s.join("watcher", media.Permission{Subscribe: true}, client.ParticipantOptions{})
	s.refused(watcher, microphone, livekit.RequestResponse_NOT_ALLOWED)
	s.expectSound(watcher, "anna", 5)

	deaf := s.join("deaf", media.Permission{Publish: media.Sources()}, client.ParticipantOptions{})
	s.publish(deaf, microphone, s.tone())
	s.expectSound(watcher, "deaf", 5)
	if streams := deaf.Streams(); len(streams) != 0 {
		t.Errorf("without permission to receive came %v", streams)
	}
}

func TestA39AnUnannouncedTrackIsNotForwarded(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", media.Permission{Publish: []media.Source{media.SourceMicrophone}, Subscribe: true}, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	// A camera in the session description alone, without asking first.
	if _, err := anna.PublishUnannounced(s.ctx, s.video()[0]); err != nil {
		t.Fatal(err)
	}
	s.publish(anna, microphone, s.tone())
	s.expectSound(bert, "anna", 25)
	for _, st := range bert.Streams() {
		if st.Codec != "opus" {
			t.Errorf("bert received %+v", st)
		}
	}
}

func TestPermissionTakenAwayEndsTheTrackAndSticks(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	s.publish(anna, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)

	s.room.SetPermission("anna", media.Permission{Publish: []media.Source{media.SourceMicrophone}, Subscribe: true})
	if err := bert.WaitOthers(s.ctx, func(others map[string]int) bool { return others["anna"] == 0 }); err != nil {
		t.Fatal(err)
	}
	if err := bert.WaitSilence(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.refused(anna, camera, livekit.RequestResponse_NOT_ALLOWED)

	// A new connection changes nothing.
	again := s.connect(anna.Token(), client.ParticipantOptions{})
	s.refused(again, camera, livekit.RequestResponse_NOT_ALLOWED)

	s.room.SetPermission("anna", everything)
	s.publish(again, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)
}

func TestA42NobodyUnmutesAnother(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	sound := s.publish(anna, microphone, s.tone())
	s.expectSound(bert, "anna", 5)
	if err := sound.Mute(s.ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := bert.WaitMuted(s.ctx, "anna", microphone, true); err != nil {
		t.Fatal(err)
	}
	unmute := &livekit.SignalRequest{Message: &livekit.SignalRequest_Mute{Mute: &livekit.MuteTrackRequest{Sid: sound.ID()}}}
	if err := bert.Send(s.ctx, unmute); err != nil {
		t.Fatal(err)
	}
	if err := bert.Barrier(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := anna.Barrier(s.ctx); err != nil {
		t.Fatal(err)
	}
	if !bert.Muted("anna", microphone) {
		t.Error("bert unmuted anna")
	}
	if n := anna.Messages()["mute"]; n != 0 {
		t.Errorf("anna was told to change her microphone %d times", n)
	}
}

func TestTrackRequestsAreBounded(t *testing.T) {
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	long, lines := strings.Repeat("x", 129), "x\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host"
	layer := func(w uint32) []*livekit.VideoLayer { return []*livekit.VideoLayer{{Width: w, Height: 10}} }
	video := func(change func(*livekit.AddTrackRequest)) *livekit.AddTrackRequest {
		r := &livekit.AddTrackRequest{Type: livekit.TrackType_VIDEO, Source: camera, Width: 640, Height: 360}
		change(r)
		return r
	}
	invalid, unsupported := livekit.RequestResponse_INVALID_REQUEST, livekit.RequestResponse_UNSUPPORTED_TYPE
	for name, c := range map[string]struct {
		request *livekit.AddTrackRequest
		want    livekit.RequestResponse_Reason
	}{
		"kind does not fit source": {video(func(r *livekit.AddTrackRequest) { r.Type = livekit.TrackType_AUDIO }), invalid},
		"no source":                {video(func(r *livekit.AddTrackRequest) { r.Source = livekit.TrackSource_UNKNOWN }), invalid},
		"too wide":                 {video(func(r *livekit.AddTrackRequest) { r.Width = 4097 }), invalid},
		"too high":                 {video(func(r *livekit.AddTrackRequest) { r.Height = 4097 }), invalid},
		"four layers":              {video(func(r *livekit.AddTrackRequest) { r.Layers = make([]*livekit.VideoLayer, 4) }), invalid},
		"layer too wide":           {video(func(r *livekit.AddTrackRequest) { r.Layers = layer(4097) }), invalid},
		"long name":                {video(func(r *livekit.AddTrackRequest) { r.Name = long }), invalid},
		"A-54 name of two lines":   {video(func(r *livekit.AddTrackRequest) { r.Name = lines }), invalid},
		"A-54 stream of two lines": {video(func(r *livekit.AddTrackRequest) { r.Stream = lines }), invalid},
		"A-54 stream of two words": {video(func(r *livekit.AddTrackRequest) { r.Stream = "x y" }), invalid},
		"A-54 track of two lines":  {video(func(r *livekit.AddTrackRequest) { r.Sid = lines }), invalid},
		"A-54 layer of two lines":  {video(func(r *livekit.AddTrackRequest) { r.Layers = []*livekit.VideoLayer{{Rid: lines}} }), invalid},
		"A-54 codec of two lines": {video(func(r *livekit.AddTrackRequest) {
			r.SimulcastCodecs = []*livekit.SimulcastCodec{{Codec: "vp8", Cid: lines}}
		}), invalid},
		"A-51 layer of long name": {video(func(r *livekit.AddTrackRequest) { r.Layers = []*livekit.VideoLayer{{Rid: long}} }), invalid},
		"codec off":               {video(func(r *livekit.AddTrackRequest) { r.SimulcastCodecs = []*livekit.SimulcastCodec{{Codec: "h264"}} }), unsupported},
		"codec unknown":           {video(func(r *livekit.AddTrackRequest) { r.SimulcastCodecs = []*livekit.SimulcastCodec{{Codec: "x"}} }), unsupported},
	} {
		if got := anna.Announce(s.ctx, c.request); got == nil || got.Reason != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for _, r := range []*livekit.AddTrackRequest{
		video(func(r *livekit.AddTrackRequest) { r.Width, r.Height = 4096, 4096 }),
		video(func(r *livekit.AddTrackRequest) { r.Name = long[:128] }),
		video(func(r *livekit.AddTrackRequest) { r.Layers = layer(4096) }),
	} {
		if got := anna.Announce(s.ctx, r); got != nil {
			t.Errorf("%v: %v", r, got)
		}
	}
}

func TestA56TracksOfOneParticipantAreLimited(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	for i := range 16 {
		if got := anna.Announce(s.ctx, &livekit.AddTrackRequest{Type: livekit.TrackType_AUDIO, Source: microphone}); got != nil {
			t.Fatalf("track %d: %v", i, got)
		}
	}
	got := anna.Announce(s.ctx, &livekit.AddTrackRequest{Type: livekit.TrackType_AUDIO, Source: microphone})
	if got == nil || got.Reason != livekit.RequestResponse_LIMIT_EXCEEDED {
		t.Errorf("track 17: %v", got)
	}

	bert := s.join("bert", everything, client.ParticipantOptions{})
	for range 8 {
		s.publish(bert, microphone, s.tone())
	}
	if err := bert.Wait(s.ctx, func() bool { return s.room.Stats().Tracks == 8 }); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.refused(bert, microphone, livekit.RequestResponse_LIMIT_EXCEEDED)
}
