package media_test

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/livekit/protocol/livekit"

	"konklave/client"
	"konklave/media"
)

func TestMediaGoOnWhileTheWebSocketIsLost(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	s.publish(anna, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)

	anna.DropSignal()
	bert.DropSignal()
	frames := bert.Stream("anna", camera).Frames
	s.expect(bert, "anna", camera, frames+20)

	for _, p := range []*client.Participant{anna, bert} {
		if err := p.Resume(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	frames = bert.Stream("anna", camera).Frames
	s.expect(bert, "anna", camera, frames+5)
	// The session is still the same one: what is published now is heard.
	s.publish(anna, microphone, s.tone())
	s.expectSound(bert, "anna", 5)
	if n := bert.Messages()["join"]; n != 1 {
		t.Errorf("bert joined %d times", n)
	}
}

func TestAMoveDuringALostWebSocketIsToldOnResume(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	s.publish(anna, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)
	bert.DropSignal()
	s.room.SetPlace("anna", in("room1"))
	if err := bert.WaitSilence(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := bert.Resume(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := bert.WaitOthers(s.ctx, func(others map[string]int) bool { return len(others) == 0 }); err != nil {
		t.Fatalf("bert still knows of %v: %v", bert.Others(), err)
	}
}

func TestRemoveEndsMediaAtOnce(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	s.publish(anna, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)

	s.room.Remove("anna", media.ReasonRemoved)
	leave, err := anna.WaitLeave(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if leave.Action != livekit.LeaveRequest_DISCONNECT || leave.Reason != livekit.DisconnectReason_PARTICIPANT_REMOVED {
		t.Errorf("anna was told %v", leave)
	}
	s.waitState("anna", media.StateDisconnected, 1)
	if err := bert.WaitSilence(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := bert.WaitOthers(s.ctx, func(others map[string]int) bool { return len(others) == 0 }); err != nil {
		t.Fatal(err)
	}
	s.room.Remove("anna", media.ReasonRemoved) // again, and one who was never there
	s.room.Remove("nobody", media.ReasonRemoved)
}

func TestA24AfterRemovalNoTokenWorks(t *testing.T) {
	s := newStage(t, media.Options{})
	first := s.room.Admit("anna", everything)
	anna := s.connect(first, client.ParticipantOptions{})
	second := s.room.Admit("anna", everything)
	if err := anna.Wait(s.ctx, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	if err := anna.WaitToken(s.ctx, second); err != nil {
		t.Fatalf("the connected client was not told its new token: %v", err)
	}
	s.denied(first)

	s.room.Remove("anna", media.ReasonRemoved)
	if _, err := anna.WaitLeave(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.denied(second)
	if err := anna.Resume(s.ctx); !unauthorized(err) {
		t.Errorf("a removed participant resumes: %v", err)
	}
}

// A client that has lost its WebSocket may come back with the token it knew, just when the signalling is given another.
func TestTheTokenBeforeResumesUntilTheNewOneIsUsed(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	first := s.room.Admit("anna", everything)
	anna := s.connect(first, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	s.publish(anna, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)

	anna.DropSignal()
	second := s.room.Admit("anna", everything)
	s.denied(first)
	if err := anna.Resume(s.ctx); err != nil {
		t.Fatalf("resume with the token before: %v", err)
	}
	anna.DropSignal()
	s.connect(second, client.ParticipantOptions{})
	if err := anna.Resume(s.ctx); !unauthorized(err) {
		t.Errorf("resume after the new token was used: %v", err)
	}
}

func TestNoEarlierTokenResumes(t *testing.T) {
	s := newStage(t, media.Options{})
	for name, end := range map[string]func(){
		"followed by two": func() { s.room.Admit("anna", everything) },
		"removed":         func() { s.room.Remove("anna", media.ReasonRemoved) },
	} {
		first := s.room.Admit("anna", everything)
		anna := s.connect(first, client.ParticipantOptions{})
		anna.DropSignal()
		s.room.Admit("anna", everything)
		end()
		if err := anna.Resume(s.ctx); !unauthorized(err) {
			t.Errorf("%s: %v", name, err)
		}
		s.denied(first)
	}
}

// denied wants a token to be refused by the connection and by the validation that follows it in the browser.
func (s *stage) denied(token string) {
	s.Helper()
	if _, err := client.JoinMedia(s.ctx, s.base(), token, client.ParticipantOptions{}); !unauthorized(err) {
		s.Errorf("join with a dead token: %v", err)
	}
	for _, path := range []string{"/rtc/v1/validate", "/rtc/validate"} {
		req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.base()+path, nil)
		if err != nil {
			s.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			s.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			s.Errorf("%s with a dead token: %d", path, resp.StatusCode)
		}
	}
}

func unauthorized(err error) bool {
	var status *client.StatusError
	return errors.As(err, &status) && status.Status == http.StatusUnauthorized
}

func TestANewConnectionTakesThePlaceOfTheOld(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	token := s.room.Admit("anna", everything)
	old := s.connect(token, client.ParticipantOptions{})
	bert := s.join("bert", everything, client.ParticipantOptions{})
	again := s.connect(token, client.ParticipantOptions{})
	leave, err := old.WaitLeave(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if leave.Reason != livekit.DisconnectReason_DUPLICATE_IDENTITY {
		t.Errorf("the old connection was told %v", leave)
	}
	s.publish(again, camera, s.video()[0])
	s.expect(bert, "anna", camera, 5)
	if n := s.room.Stats().Participants; n != 2 {
		t.Errorf("%d participants", n)
	}
}

func TestResumeWithoutASessionAsksForANewJoin(t *testing.T) {
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	if err := anna.Leave(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.waitState("anna", media.StateDisconnected, 1)
	err := anna.Resume(s.ctx)
	var leave *client.LeaveError
	if !errors.As(err, &leave) && !errors.Is(err, client.ErrMediaClosed) {
		t.Errorf("resume after leaving: %v", err)
	}
}

// A connection that takes a session over and fails at once leaves it as one that is lost: it does not live for ever.
func TestAResumeThatFailsLeavesTheSessionItsLimit(t *testing.T) {
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	s.waitState("anna", media.StateActive, 1)
	if s.room.Limited("anna") {
		t.Error("a session with a connection has a limit")
	}
	if err := s.room.FailResume(t, "anna"); err == nil {
		t.Fatal("the resume did not fail")
	}
	if !s.room.Limited("anna") {
		t.Error("the session has no limit after a resume that failed")
	}
	if err := anna.Resume(s.ctx); err != nil {
		t.Fatal(err)
	}
	if s.room.Limited("anna") {
		t.Error("a session that was resumed has a limit")
	}
}

func TestAParticipantWithoutBothConnectionsIsGone(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the engine's time-outs, about 20 s")
	}
	t.Parallel()
	s := newStage(t, media.Options{})
	socket := listenMortal(t)
	anna := s.join("anna", everything, client.ParticipantOptions{Socket: socket})
	s.waitState("anna", media.StateActive, 1)
	// As a machine that loses its power: the server is told nothing.
	socket.dead.Store(true)
	anna.DropSignal()
	s.waitState("anna", media.StateDisconnected, 1)
}

// mortalSocket swallows what it is given once it is dead.
type mortalSocket struct {
	net.PacketConn
	dead atomic.Bool
}

func listenMortal(t *testing.T) *mortalSocket {
	t.Helper()
	c, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &mortalSocket{PacketConn: c}
}

// WriteTo sends unless the socket is dead.
func (s *mortalSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	if s.dead.Load() {
		return len(b), nil
	}
	return s.PacketConn.WriteTo(b, to)
}

func TestCloseEndsEverything(t *testing.T) {
	s := newStage(t, media.Options{})
	anna := s.join("anna", everything, client.ParticipantOptions{})
	token := s.room.Admit("bert", everything)
	if err := s.room.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := anna.WaitLeave(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.waitState("anna", media.StateDisconnected, 1)
	var status *client.StatusError
	if _, err := client.JoinMedia(s.ctx, s.base(), token, client.ParticipantOptions{}); !errors.As(err, &status) || status.Status != http.StatusGone {
		t.Errorf("join after the end: %v", err)
	}
	if err := s.room.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}
