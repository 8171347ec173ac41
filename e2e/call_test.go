//go:build !race

package e2e

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"konklave/client"
)

func TestACallFromSetupToTheEnd(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir())
	admin, link := s.meeting(ctx)
	host, hostMedia := enter(ctx, t, admin, link, "")
	anna, annaMedia := enter(ctx, t, s.client(), link, "Anna")
	ben, benMedia := enter(ctx, t, s.client(), link, "Ben")
	receives(ctx, t, hostMedia, anna, ben)
	receives(ctx, t, annaMedia, host, ben)
	receives(ctx, t, benMedia, host, anna)

	for _, text := range []string{"one", "two", "three"} {
		if err := anna.Chat(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, session := range []*client.Conference{host, anna, ben} {
		said(ctx, t, session, "one", "two", "three")
	}

	link2 := newMeeting(ctx, t, admin)
	join(ctx, t, s.client(), link2, "Cleo")
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
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir())
	admin, link := s.meeting(ctx)
	host, _ := enter(ctx, t, admin, link, "")
	anna, annaMedia := enter(ctx, t, s.client(), link, "Anna")
	receives(ctx, t, annaMedia, host)
	worker, controller := s.pids("conference"), s.pids("controller")
	if err := syscall.Kill(controller[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	chatted := make(chan error, 1)
	go func() { chatted <- host.Chat(ctx, "is anybody there?") }()
	receivesMore(ctx, t, annaMedia, host, microphone, 50)
	s.log.await(ctx, t, `msg="worker taken over"`, 1)
	if err := <-chatted; err != nil {
		t.Fatalf("a message sent while the controller was dead: %v", err)
	}
	said(ctx, t, anna, "is anybody there?")
	late := join(ctx, t, s.client(), link, "Late")
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
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir())
	admin, link := s.meeting(ctx)
	host, hostMedia := enter(ctx, t, admin, link, "")
	anna, annaMedia := enter(ctx, t, s.client(), link, "Anna")
	receives(ctx, t, annaMedia, host)
	receives(ctx, t, hostMedia, anna)
	if err := syscall.Kill(s.pids("front")[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-host.Lost()
	receivesMore(ctx, t, annaMedia, host, camera, 50)
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
	said(ctx, t, anna, "back")
}

func TestAKilledWorkerTakesNobodyElseDown(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir())
	admin := s.admin(ctx)
	var links []string
	for range 2 {
		links = append(links, newMeeting(ctx, t, admin))
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
	receivesMore(ctx, t, neighbourMedia, other, microphone, 20)
	if err := neighbour.Chat(ctx, "still here"); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
	s.log.await(ctx, t, `msg="worker has ended".*signal=killed`, 1)
	again := join(ctx, t, s.client(), links[0], "Vera")
	if again.Welcome().Epoch != 2 {
		t.Errorf("the conference started again in epoch %d", again.Welcome().Epoch)
	}
}
