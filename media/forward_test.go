package media_test

import (
	"testing"

	"konklave/client"
	"konklave/media"
)

func TestEverybodyReceivesEverybody(t *testing.T) {
	forwards(t)
	for name, o := range map[string]client.ParticipantOptions{
		"one peer connection":  {},
		"two peer connections": {TwoConnections: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, media.Options{})
			anna := s.join("anna", everything, o)
			s.publish(anna, camera, s.video()...)
			s.publish(anna, microphone, s.tone())
			bert := s.join("bert", everything, o)
			s.expect(bert, "anna", camera, 5)
			s.expectSound(bert, "anna", 5)

			// The one who was there first receives the later one too.
			s.publish(bert, camera, s.video()[0])
			s.publish(bert, screen, s.video()[2])
			got := s.expect(anna, "bert", camera, 5)
			if got.Height != 180 {
				t.Errorf("anna receives %d lines, want 180", got.Height)
			}
			if got := s.expect(anna, "bert", screen, 5); got.Height != 720 {
				t.Errorf("anna receives %d lines of the screen, want 720", got.Height)
			}
			s.waitState("anna", media.StateActive, 1)
			s.waitState("bert", media.StateActive, 1)
		})
	}
}
