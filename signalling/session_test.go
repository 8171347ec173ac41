package signalling_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"konklave/conference"
)

func TestWelcomeTellsWhereOneStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join(t, "host", conference.RoleHost)
	p := w.open(t)
	m := p.hello(w.ticket("anna", conference.RoleParticipant, ""))
	if m.Epoch != 1 || m.Resume.WindowSeconds != 60 || m.Media.Path != "/conference/c1/media" || m.Media.Token == "" || len(m.State.Participants) != 2 {
		t.Errorf("welcome: %+v", m)
	}
	if m.State.Participants[1].Name != "anna" || string(m.State.Participants[1].ID) != m.Self {
		t.Errorf("state: %+v", m.State)
	}
}

// TestATicketIsRedeemedForTheSessionThatItOpens: for a new place and for one taken again.
func TestATicketIsRedeemedForTheSessionThatItOpens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.join(t, "anna", conference.RoleParticipant)
	again := w.open(t)
	again.hello(w.ticket("anna", conference.RoleParticipant, anna.self))
	w.mu.Lock()
	defer w.mu.Unlock()
	var opened []string
	for _, e := range w.kept {
		if f, ok := e.Fact.(*conference.SessionOpened); ok {
			opened = append(opened, f.Session)
		}
	}
	if len(opened) != 2 || opened[0] == opened[1] || !slices.Equal(opened, w.told) {
		t.Errorf("redeemed for %q, opened %q", w.told, opened)
	}
	sum := sha256.Sum256([]byte(anna.hold.token))
	if want := base64.RawURLEncoding.EncodeToString(sum[:]); opened[0] != want {
		t.Errorf("the session is %q; the token's hash is %q", opened[0], want)
	}
}

func TestResumeContinuesWithWhatWasMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	anna.barrier()
	_ = anna.ws.CloseNow()
	for m := host.next(); m.Event.Kind != "participant.connection"; m = host.next() { // anna is seen to be gone
	}
	host.send(`{"type":"command","id":1,"command":{"kind":"chat.send","text":"missed"}}`)
	host.barrier()
	back := w.open(t)
	back.seq = anna.seq
	back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, anna.hold.token, anna.seq))
	if m := back.next(); m.Type != "resumed" || m.Media.Token == "" {
		t.Fatalf("after resume: %+v", m)
	}
	var missed []string
	for _, m := range back.barrier() {
		missed = append(missed, m.Event.Kind+m.Event.Message.Text)
	}
	want := []string{"participant.connection", "chat.messagemissed", "participant.connection"}
	if !slices.Equal(missed, want) {
		t.Errorf("missed %v, want %v", missed, want)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.media {
		if m == "remove "+anna.self {
			t.Error("media was removed within the resume window")
		}
	}
}

func TestResumeOfAnotherEpochOrFromNowhereGetsAFreshView(t *testing.T) {
	t.Parallel()
	for _, frame := range []string{`{"type":"resume","token":%q,"epoch":2,"seen":1}`, `{"type":"resume","token":%q,"epoch":1,"seen":-5}`, `{"type":"resume","token":%q,"epoch":1,"seen":99999}`} {
		w := newWorld(t)
		anna := w.join(t, "anna", conference.RoleParticipant)
		back := w.open(t)
		back.send(fmt.Sprintf(frame, anna.hold.token))
		if m := back.next(); m.Type != "welcome" || m.Self != anna.self {
			t.Errorf("%s: %+v", frame, m)
		}
	}
}

func TestASecondConnectionTakesThePlaceOfTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.join(t, "anna", conference.RoleParticipant)
	second := w.open(t)
	if m := second.hello(w.ticket("anna", conference.RoleParticipant, first.self)); m.Self != first.self || len(m.State.Participants) != 1 {
		t.Errorf("rejoined as %+v", m)
	}
	if code, status := first.goodbye(); code != "session.replaced" || status != 4409 {
		t.Errorf("the first connection: %q, %d", code, status)
	}
	second.barrier()
	stranger := w.open(t)
	if m := stranger.hello(w.ticket("eve", conference.RoleParticipant, first.self)); m.Self == first.self {
		t.Error("A-58: somebody else took the place of a participant")
	}
	old := w.open(t)
	old.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":0}`, first.hold.token))
	if code, status := old.goodbye(); code != "session.unknown" || status != 4401 {
		t.Errorf("the replaced session's token: %q, %d", code, status)
	}
}

func TestTheHostEndsForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	anna.send(`{"type":"command","id":1,"command":{"kind":"end"}}`)
	if m := anna.until("result"); m.Error == nil || m.Error.Code != "access.denied" || m.Error.ID == "" {
		t.Errorf("A-41: a participant's end: %+v", m)
	}
	host.send(`{"type":"command","id":1,"command":{"kind":"end"}}`)
	if m := host.until("result"); m.ID != 1 || m.Error != nil {
		t.Errorf("the host's result: %+v", m)
	}
	for name, p := range map[string]*peer{"host": host, "anna": anna} {
		if code, status := p.goodbye(); code != "conference.ended" || status != 4410 {
			t.Errorf("%s: %q, %d", name, code, status)
		}
	}
	<-w.actor.Done()
	if err := w.actor.Err(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if got := <-w.removed; !strings.HasSuffix(got, " ended") {
			t.Errorf("removed from the media: %q", got)
		}
	}
}

func TestLeavingEndsSessionAndMediaAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	anna.send(`{"type":"command","id":1,"command":{"kind":"leave"}}`)
	if m := anna.until("result"); m.Error != nil {
		t.Errorf("the result of leaving: %+v", m)
	}
	if code, status := anna.goodbye(); code != "participant.left" || status != 4410 {
		t.Errorf("anna: %q, %d", code, status)
	}
	for m := host.next(); m.Event.Kind != "participant.left"; m = host.next() {
	}
	if got := <-w.removed; got != anna.self+" left" {
		t.Errorf("removed from the media: %q", got)
	}
	back := w.open(t)
	back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":0}`, anna.hold.token))
	if code, status := back.goodbye(); code != "session.unknown" || status != 4401 {
		t.Errorf("resume after leaving: %q, %d", code, status)
	}
}

func TestA59ForeignOriginsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, origin := range []string{"https://evil.example", "null", "http://sub." + strings.TrimPrefix(w.URL, "http://"), w.URL + ".evil.example"} {
		_, resp, err := w.dial(t, http.Header{"Origin": {origin}})
		if err == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", origin, err)
		}
	}
	ws, _, err := w.dial(t, http.Header{"Origin": {w.URL}})
	if err != nil {
		t.Fatal(err)
	}
	_ = ws.CloseNow()
}
