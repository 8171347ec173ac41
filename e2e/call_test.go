//go:build !race

package e2e

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/client/clip"
)

// enter joins signalling and media and publishes a camera and a microphone.
func enter(ctx context.Context, t *testing.T, c *client.Client, link, name string) (*client.Conference, *client.Participant) {
	t.Helper()
	session := join(ctx, t, c, link, name)
	p, err := session.JoinMedia(ctx, client.ParticipantOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	video, err := clip.Video()
	if err != nil {
		t.Fatal(err)
	}
	tone, err := clip.Tone()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(ctx, livekit.TrackSource_CAMERA, video...); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(ctx, livekit.TrackSource_MICROPHONE, tone); err != nil {
		t.Fatal(err)
	}
	return session, p
}

// receives waits until p receives camera and microphone of each.
func receives(ctx context.Context, t *testing.T, p *client.Participant, from ...*client.Conference) {
	t.Helper()
	for _, other := range from {
		for _, source := range []livekit.TrackSource{livekit.TrackSource_CAMERA, livekit.TrackSource_MICROPHONE} {
			if _, err := p.WaitStream(ctx, other.Self(), source, func(s client.Stream) bool { return s.Packets > 20 }); err != nil {
				t.Fatalf("%s of %s: %v", source, other.Self(), err)
			}
		}
	}
}

func TestACallFromSetupToTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, t.TempDir())
	admin := s.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	host, hostMedia := enter(ctx, t, admin, m.Link, "")
	anna, annaMedia := enter(ctx, t, s.client(), m.Link, "Anna")
	ben, benMedia := enter(ctx, t, s.client(), m.Link, "Ben")
	receives(ctx, t, hostMedia, anna, ben)
	receives(ctx, t, annaMedia, host, ben)
	receives(ctx, t, benMedia, host, anna)

	for _, text := range []string{"one", "two", "three"} {
		if err := anna.Chat(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	for name, session := range map[string]*client.Conference{"host": host, "anna": anna, "ben": ben} {
		var heard []string
		for len(heard) < 3 {
			e, err := session.Await(ctx, "chat.message")
			if err != nil {
				t.Fatal(err)
			}
			heard = append(heard, e.Message.Text)
		}
		if !slices.Equal(heard, []string{"one", "two", "three"}) {
			t.Errorf("%s heard %v", name, heard)
		}
	}

	m2, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	join(ctx, t, s.client(), m2.Link, "Cleo")
	workers, controllers := s.pids("conference"), s.pids("controller")
	if len(workers) != 2 || len(controllers) != 1 || slices.Contains(workers, controllers[0]) {
		t.Errorf("processes: %+v", s.processes())
	}

	var refused *client.CommandError
	if err := anna.End(ctx); !errors.As(err, &refused) || refused.Code != "access.denied" {
		t.Errorf("A-41: a guest ends the conference: %v", err)
	}
	if err := host.End(ctx); err != nil {
		t.Fatal(err)
	}
	for name, session := range map[string]*client.Conference{"host": host, "anna": anna, "ben": ben} {
		<-session.Lost()
		var bye *client.Goodbye
		if !errors.As(session.Err(), &bye) || bye.Code != "conference.ended" {
			t.Errorf("%s: %v", name, session.Err())
		}
	}
	if _, err := annaMedia.WaitLeave(ctx); err != nil && !errors.Is(err, client.ErrMediaClosed) {
		t.Errorf("media after the end: %v", err)
	}
}

func TestTheControllerMayDieDuringACall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, t.TempDir())
	admin := s.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	host, _ := enter(ctx, t, admin, m.Link, "")
	anna, annaMedia := enter(ctx, t, s.client(), m.Link, "Anna")
	receives(ctx, t, annaMedia, host)
	worker, controller := s.pids("conference"), s.pids("controller")
	if err := syscall.Kill(controller[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	chatted := make(chan error, 1)
	go func() { chatted <- host.Chat(ctx, "is anybody there?") }()
	before := annaMedia.Stream(host.Self(), livekit.TrackSource_MICROPHONE).Packets
	if _, err := annaMedia.WaitStream(ctx, host.Self(), livekit.TrackSource_MICROPHONE, func(s client.Stream) bool { return s.Packets > before+50 }); err != nil {
		t.Fatalf("media while the controller is dead: %v", err)
	}
	s.log.await(ctx, t, `msg="worker taken over"`, 1)
	if err := <-chatted; err != nil {
		t.Fatalf("a message sent while the controller was dead: %v", err)
	}
	if e, err := anna.Await(ctx, "chat.message"); err != nil || e.Message.Text != "is anybody there?" {
		t.Errorf("anna: %+v, %v", e, err)
	}
	late := join(ctx, t, s.client(), m.Link, "Late")
	if got := len(late.Welcome().State.Participants); got != 3 {
		t.Errorf("the newcomer sees %d people", got)
	}
	if now := s.pids("conference"); !slices.Equal(now, worker) {
		t.Errorf("workers were %v and are %v", worker, now)
	}
	if now := s.pids("controller"); len(now) != 1 || now[0] == controller[0] {
		t.Errorf("controller was %v and is %v", controller, now)
	}
}

func TestTheFrontMayDieDuringACall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, t.TempDir())
	admin := s.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	host, hostMedia := enter(ctx, t, admin, m.Link, "")
	anna, annaMedia := enter(ctx, t, s.client(), m.Link, "Anna")
	receives(ctx, t, annaMedia, host)
	receives(ctx, t, hostMedia, anna)
	if err := syscall.Kill(s.pids("front")[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-host.Lost()
	before := annaMedia.Stream(host.Self(), livekit.TrackSource_CAMERA).Packets
	if _, err := annaMedia.WaitStream(ctx, host.Self(), livekit.TrackSource_CAMERA, func(s client.Stream) bool { return s.Packets > before+50 }); err != nil {
		t.Fatalf("media while the front is dead: %v", err)
	}
	s.log.await(ctx, t, `process has ended and is started again`, 1)
	for name, session := range map[string]*client.Conference{"host": host, "anna": anna} {
		<-session.Lost()
		for err := session.Resume(ctx); err != nil; err = session.Resume(ctx) { // the listener waits, the front comes
			if ctx.Err() != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	if err := host.Chat(ctx, "back"); err != nil {
		t.Fatal(err)
	}
	if e, err := anna.Await(ctx, "chat.message"); err != nil || e.Message.Text != "back" {
		t.Errorf("anna: %+v, %v", e, err)
	}
}

func TestAKilledWorkerTakesNobodyElseDown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, t.TempDir())
	admin := s.admin(ctx)
	var links []string
	for range 2 {
		m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, m.Link)
	}
	victim := join(ctx, t, s.client(), links[0], "Vera")
	killed := s.pids("conference")
	neighbour, neighbourMedia := enter(ctx, t, s.client(), links[1], "Nora")
	other, _ := enter(ctx, t, s.client(), links[1], "Otto")
	receives(ctx, t, neighbourMedia, other)
	if err := syscall.Kill(killed[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-victim.Lost()
	before := neighbourMedia.Stream(other.Self(), livekit.TrackSource_MICROPHONE).Packets
	if _, err := neighbourMedia.WaitStream(ctx, other.Self(), livekit.TrackSource_MICROPHONE, func(s client.Stream) bool { return s.Packets > before+20 }); err != nil {
		t.Fatal(err)
	}
	if err := neighbour.Chat(ctx, "still here"); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
	s.log.await(ctx, t, `msg="worker has ended".*signal=killed`, 1)
	again := join(ctx, t, s.client(), links[0], "Vera")
	if again.Welcome().Epoch != 2 {
		t.Errorf("the conference started again in epoch %d", again.Welcome().Epoch)
	}
}
