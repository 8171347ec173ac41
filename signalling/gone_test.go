package signalling_test

import (
	"strings"
	"testing"

	"github.com/coder/websocket"

	"konklave/conference"
)

func TestA46WhoIsGoneDuringAResumeIsNotLetIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		why    string
		at     point
		code   string
		status websocket.StatusCode
	}{
		{"left", entering, "session.unknown", 4401}, // later, the old connection can no longer leave
		{"removed", entering, "session.unknown", 4401},
		{"removed", entered, "session.unknown", 4401},
		{"removed", attaching, "session.unknown", 4401},
		{"removed", attached, "participant.removed", 4410},
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
			case "removed":
				if _, err := w.actor.Do(t.Context(), conference.Command{Body: conference.Revoke{Account: "account-anna"}}); err != nil {
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
	if err := w.actor.Submit(t.Context(), conference.Command{Body: conference.Revoke{Account: "account-anna"}}, nil); err != nil {
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
	if code, status := back.goodbye(); code != "participant.removed" || status != 4410 {
		t.Errorf("got %q, %d", code, status)
	}
}
