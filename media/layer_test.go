package media_test

import (
	"testing"

	"konklave/client"
	"konklave/media"
)

// height waits until what is received of anna's camera has that many lines.
func (s *stage) height(p *client.Participant, from string, lines int) client.Stream {
	s.Helper()
	got, err := p.WaitStream(s.ctx, from, camera, func(st client.Stream) bool { return st.Height == lines })
	if err != nil {
		s.Fatalf("still %d lines, want %d: %v", got.Height, lines, err)
	}
	return got
}

func TestEachReceiverGetsTheLayerItDisplays(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	s.publish(anna, camera, s.video()...)
	bert := s.join("bert", everything, client.ParticipantOptions{AdaptiveStream: true})
	clara := s.join("clara", everything, client.ParticipantOptions{AdaptiveStream: true})
	// Adaptive streams start small.
	small, large := s.height(bert, "anna", 180), s.height(clara, "anna", 180)

	if err := bert.Display(s.ctx, small.Track, 320, 180); err != nil {
		t.Fatal(err)
	}
	if err := clara.Display(s.ctx, large.Track, 1280, 720); err != nil {
		t.Fatal(err)
	}
	s.height(clara, "anna", 720)
	s.height(bert, "anna", 180)

	// And the other way round.
	if err := bert.Display(s.ctx, small.Track, 1280, 720); err != nil {
		t.Fatal(err)
	}
	if err := clara.Display(s.ctx, large.Track, 320, 180); err != nil {
		t.Fatal(err)
	}
	s.height(bert, "anna", 720)
	s.height(clara, "anna", 180)
}

func TestLayersNobodyDisplaysAreStoppedAtThePublisher(t *testing.T) {
	forwards(t)
	t.Parallel() // most of it is the engine's pause before it stops a layer
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	track := s.publish(anna, camera, s.video()...)
	bert := s.join("bert", everything, client.ParticipantOptions{AdaptiveStream: true})
	got := s.expect(bert, "anna", camera, 1)
	if err := bert.Display(s.ctx, got.Track, 320, 180); err != nil {
		t.Fatal(err)
	}
	if err := track.WaitLayers(s.ctx, true, false, false); err != nil {
		wanted, _ := track.Layers()
		t.Fatalf("the server wants %v: %v", wanted, err)
	}
	_, before := track.Layers()
	frames := bert.Stream("anna", camera).Frames
	s.expect(bert, "anna", camera, frames+10)
	if _, after := track.Layers(); after[2] > before[2]+uint64(len(s.video()[2].Frames)) {
		t.Errorf("the large layer went on: %d packets, then %d", before[2], after[2])
	}

	// Displayed large again, it comes back.
	if err := bert.Display(s.ctx, got.Track, 1280, 720); err != nil {
		t.Fatal(err)
	}
	if err := track.WaitLayers(s.ctx, true, true, true); err != nil {
		wanted, _ := track.Layers()
		t.Fatalf("the server wants %v: %v", wanted, err)
	}
	s.height(bert, "anna", 720)

	// Not displayed at all, everything stops.
	if err := bert.Display(s.ctx, got.Track, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := track.WaitLayers(s.ctx, false, false, false); err != nil {
		wanted, _ := track.Layers()
		t.Fatalf("the server wants %v: %v", wanted, err)
	}
}
