//go:build !race

package e2e

import (
	"context"
	"syscall"
	"testing"

	"konklave/client"
)

// TestAWorkerThatHangsIsReplaced: it is connected and does not respond; who was there is back, with what was said.
func TestAWorkerThatHangsIsReplaced(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := start(ctx, t, reachable(t))
	m, err := s.admin(ctx).CreateMeeting(ctx, client.MeetingChange{})
	if err != nil {
		t.Fatal(err)
	}
	k := &talker{name: "Anna", session: join(ctx, t, s.client(), m.Link, "Anna"), ids: map[string]bool{}}
	if err := k.session.Chat(ctx, "before"); err != nil {
		t.Fatal(err)
	}
	workers := s.pids("conference")
	if len(workers) != 1 {
		t.Fatalf("workers: %v", workers)
	}
	if err := syscall.Kill(workers[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.log.await(ctx, t, `msg="worker does not answer and is killed"`, 1)
	<-k.session.Lost()
	if !k.comeBack(ctx) {
		t.Fatalf("she did not come back: %s", k.fault)
	}
	chat := k.session.Welcome().State.Chat
	if len(chat) != 1 || chat[0].Text != "before" {
		t.Errorf("the chat after that: %+v", chat)
	}
	if err := k.session.Chat(ctx, "after"); err != nil {
		t.Error(err)
	}
}

// TestAControllerThatHangsIsReplaced: it lives and does not go on. The call does, and what was said meanwhile is stored by the
// next one.
func TestAControllerThatHangsIsReplaced(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	s := start(ctx, t, reachable(t))
	_, link := s.meeting(ctx)
	anna := join(ctx, t, s.client(), link, "Anna")
	controller := s.pids("controller")
	if len(controller) != 1 {
		t.Fatalf("controllers: %v", controller)
	}
	do(t, syscall.Kill(controller[0], syscall.SIGSTOP))
	chatted := make(chan error, 1)
	go func() { chatted <- anna.Chat(ctx, "meanwhile") }()
	s.log.await(ctx, t, `msg="process has ended and is started again" .*process=controller error="the process does not respond`, 1)
	if err := <-chatted; err != nil {
		t.Errorf("what was said meanwhile: %v", err)
	}
	ben := join(ctx, t, s.client(), link, "Ben")
	if chat := ben.Welcome().State.Chat; len(chat) != 1 || chat[0].Text != "meanwhile" {
		t.Errorf("the chat after that: %+v", chat)
	}
	select {
	case <-anna.Lost():
		t.Errorf("she lost the connection: %v", anna.Err())
	default:
	}
}

// TestAFrontThatHangsIsReplaced: and the server is reached again.
func TestAFrontThatHangsIsReplaced(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	s := start(ctx, t, reachable(t))
	_, link := s.meeting(ctx)
	front := s.pids("front")
	if len(front) != 1 {
		t.Fatalf("fronts: %v", front)
	}
	do(t, syscall.Kill(front[0], syscall.SIGSTOP))
	s.log.await(ctx, t, `msg="process has ended and is started again" .*process=front error="the process does not respond`, 1)
	if err := join(ctx, t, s.client(), link, "Anna").Chat(ctx, "after"); err != nil {
		t.Error(err)
	}
}
