package signalling_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"konklave/conference"
	"konklave/signalling"
)

// signOut is what the controller has the conference do when the sign-in of a participant is over.
func signOut(p *peer) conference.Command {
	return conference.Command{Body: conference.Revoke{Sessions: []string{signalling.HashToken(p.hold.token)}}}
}

func TestA21WhoIsSignedOutWhileJoiningIsNotLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.open(t)
	held := w.way.hold(entering)
	p.send(fmt.Sprintf(`{"type":"hello","ticket":%q}`, w.ticket("anna", conference.RoleParticipant, "")))
	held.arrived(t)
	w.mu.Lock()
	session := w.told[0]
	w.mu.Unlock()
	if _, err := w.actor.Do(t.Context(), conference.Command{Body: conference.Revoke{Sessions: []string{session}}}); err != nil {
		t.Fatal(err)
	}
	held.letGo()
	if code, status := p.goodbye(); code != "participant.signed_out" || status != 4410 {
		t.Errorf("got %q, %d", code, status)
	}
	if byID, byToken := w.serving.Sessions(); byID != 0 || byToken != 0 {
		t.Errorf("%d sessions with %d tokens are held", byID, byToken)
	}
}

func TestA46WhoIsGoneDuringAResumeIsNotLetIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		why    string
		at     point
		code   string
		status websocket.StatusCode
	}{
		{"left", entering, "session.unknown", 4401}, // later, the old connection can no longer leave
		{"signed out", entering, "session.unknown", 4401},
		{"signed out", entered, "session.unknown", 4401},
		{"signed out", attaching, "session.unknown", 4401},
		{"signed out", attached, "participant.signed_out", 4410},
		{"ended", entering, "conference.ended", 4410},
		{"ended", entered, "conference.ended", 4410},
		{"ended", attaching, "conference.ended", 4410},
		{"ended", attached, "conference.ended", 4410},
	} {
		t.Run(tt.why+" "+string(tt.at), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
			back := w.open(t)
			held := w.way.hold(tt.at)
			back.resume(anna)
			held.arrived(t)
			sessions := 1
			switch tt.why {
			case "left":
				anna.send(`{"type":"command","id":1,"command":{"kind":"leave"}}`)
				anna.until("result")
			case "signed out":
				if _, err := w.actor.Do(t.Context(), signOut(anna)); err != nil {
					t.Fatal(err)
				}
			case "ended":
				host.send(`{"type":"command","id":1,"command":{"kind":"end"}}`)
				<-w.actor.Done()
				sessions = 0
			}
			for got := <-w.removed; !strings.HasPrefix(got, anna.self); got = <-w.removed {
			}
			held.letGo()
			if code, status := back.goodbye(); code != tt.code || status != tt.status {
				t.Errorf("got %q, %d; want %q, %d", code, status, tt.code, tt.status)
			}
			if media := w.mediaOf(anna.self); len(media) != 2 || media[1] != "remove" {
				t.Errorf("media: %v, want the one of the join, removed", media)
			}
			if byID, byToken := w.serving.Sessions(); byID != sessions || byToken != sessions {
				t.Errorf("%d sessions with %d tokens are held, want %d", byID, byToken, sessions)
			}
			if sessions == 0 {
				return
			}
			again := w.open(t)
			again.resume(anna)
			if code, _ := again.goodbye(); code != "session.unknown" {
				t.Errorf("a resume afterwards: %q", code)
			}
		})
	}
}

func TestWhoIsRemovedWhileBeingLetIntoTheMediaIsTakenOutAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.join(t, "anna", conference.RoleParticipant)
	back := w.open(t)
	held := w.way.hold(admitting)
	back.resume(anna)
	held.arrived(t)
	if err := w.actor.Submit(t.Context(), signOut(anna), nil); err != nil {
		t.Fatal(err)
	}
	<-w.leaving
	if !w.serving.Locked() {
		t.Error("the media can be taken away before they are given")
	}
	held.letGo()
	<-w.removed
	if media := w.mediaOf(anna.self); len(media) != 3 || media[2] != "remove" {
		t.Errorf("media: %v, want those of the join and of the resume, then removed", media)
	}
	if code, status := back.goodbye(); code != "participant.signed_out" || status != 4410 {
		t.Errorf("got %q, %d", code, status)
	}
}
