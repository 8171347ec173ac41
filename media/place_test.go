package media_test

import (
	"testing"

	"konklave/client"
	"konklave/media"
)

func in(room string) media.Place { return media.Place{Speaks: []string{room}, Hears: []string{room}} }

// maxMoveSteps bounds the offers and answers that a move may cost a receiver.
const maxMoveSteps = 4

func TestA40PlacesAreEnforcedAndAMoveKeepsTheConnection(t *testing.T) {
	forwards(t)
	for name, o := range map[string]client.ParticipantOptions{
		"one peer connection":  {},
		"two peer connections": {TwoConnections: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, media.Options{})
			token := s.room.Admit("clara", everything)
			s.room.SetPlace("clara", in("room1"))
			anna := s.join("anna", everything, o)
			bert := s.join("bert", everything, o)
			clara := s.connect(token, o)
			track := s.publish(anna, camera, s.video()...)
			s.publish(anna, microphone, s.tone())
			s.expect(bert, "anna", camera, 10)

			// A barrier after bert has ten frames: whatever clara was to learn, she has learnt.
			if err := clara.Barrier(s.ctx); err != nil {
				t.Fatal(err)
			}
			if others, streams := clara.Others(), clara.Streams(); len(others) != 0 || len(streams) != 0 {
				t.Fatalf("clara learnt of %v and received %v", others, streams)
			}
			before := clara.Messages()
			for _, kind := range []string{"speakerschanged", "subscriptionpermissionupdate", "mediasectionsrequirement"} {
				if before[kind] != 0 {
					t.Errorf("clara was sent %d messages of kind %s", before[kind], kind)
				}
			}

			// Asking by name does not help: she knows the id from somewhere.
			if err := clara.Subscribe(s.ctx, track.ID(), true); err != nil {
				t.Fatal(err)
			}
			if err := clara.Barrier(s.ctx); err != nil {
				t.Fatal(err)
			}
			s.expect(bert, "anna", camera, bert.Stream("anna", camera).Frames+25) // a second in which she would receive it, too
			if streams := clara.Streams(); len(streams) != 0 {
				t.Fatalf("asking by name brought %v", streams)
			}

			s.room.SetPlace("clara", in(media.MainPlace))
			s.expect(clara, "anna", camera, 5)
			s.expectSound(clara, "anna", 5)
			after := clara.Messages()
			if after["join"] != 1 || after["leave"] != 0 || after["reconnect"] != 0 {
				t.Errorf("the move made a new connection: %v", after)
			}
			if steps := after["answer"] + after["offer"] - before["answer"] - before["offer"]; steps > maxMoveSteps {
				t.Errorf("the move took %d offers and answers", steps)
			}
		})
	}
}

func TestAMovedParticipantLosesAndIsForgotten(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	s.publish(anna, camera, s.video()[0])
	s.publish(bert, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)
	s.expect(anna, "bert", camera, 5)

	s.room.SetPlace("bert", in("room1"))
	gone := func(p *client.Participant, other string) {
		t.Helper()
		if err := p.WaitOthers(s.ctx, func(others map[string]int) bool { _, ok := others[other]; return !ok }); err != nil {
			t.Fatalf("%s is still there: %v", other, err)
		}
	}
	gone(anna, "bert")
	gone(bert, "anna")
	if err := anna.WaitSilence(s.ctx); err != nil {
		t.Fatal(err)
	}

	// And back again, over the same connection, several times.
	for range 3 {
		s.room.SetPlace("bert", in(media.MainPlace))
		frames := anna.Stream("bert", camera).Frames
		s.expect(anna, "bert", camera, frames+5)
		s.room.SetPlace("bert", in("room1"))
		gone(anna, "bert")
	}
	if n := anna.Messages()["join"]; n != 1 {
		t.Errorf("anna joined %d times", n)
	}
}

func TestAPlaceMayBeHeardWithoutHearing(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	for _, id := range []string{"speaker", "booth", "listener"} {
		s.room.Admit(id, everything)
	}
	// An interpreter hears the main room and speaks to those who chose the channel.
	s.room.SetPlace("booth", media.Place{Speaks: []string{"french"}, Hears: []string{media.MainPlace}})
	s.room.SetPlace("listener", media.Place{Speaks: []string{media.MainPlace}, Hears: []string{"french"}})
	speaker := s.join("speaker", everything, client.ParticipantOptions{})
	booth := s.join("booth", everything, client.ParticipantOptions{})
	listener := s.join("listener", everything, client.ParticipantOptions{})
	s.publish(speaker, microphone, s.tone())
	s.expectSound(booth, "speaker", 5)
	s.publish(booth, microphone, s.tone())
	s.expectSound(listener, "booth", 5)
	if others := listener.Others(); len(others) != 1 {
		t.Errorf("the listener knows of %v", others)
	}
	// The listener speaks to the main place, where the speaker is; the booth does not.
	if err := speaker.WaitOthers(s.ctx, func(others map[string]int) bool { _, ok := others["listener"]; return ok && len(others) == 1 }); err != nil {
		t.Errorf("the speaker knows of %v: %v", speaker.Others(), err)
	}
}
