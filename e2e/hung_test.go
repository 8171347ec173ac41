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
