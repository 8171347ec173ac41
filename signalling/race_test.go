package signalling_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/coder/websocket"

	"konklave/conference"
)

// resume asks for the place of an earlier connection, with all that it has missed.
func (p *peer) resume(earlier *peer) {
	p.t.Helper()
	p.self, p.hold, p.seq = earlier.self, earlier.hold, earlier.seq
	p.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, earlier.hold.token, earlier.seq))
}

// lose cuts a connection off and returns when the conference has noticed.
func (w *world) lose(t *testing.T, p, witness *peer) {
	t.Helper()
	p.barrier()
	_ = p.ws.CloseNow()
	for m := witness.next(); m.Event.Kind != "participant.connection" || m.Event.Connected; m = witness.next() {
	}
	<-w.closed
}

// mediaOf tells what happened to a participant's media, in order: the tokens given, and "remove".
func (w *world) mediaOf(id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var happened []string
	for i, m := range w.media {
		switch {
		case m == "admit "+id:
			happened = append(happened, fmt.Sprint("media token ", i+1))
		case m == "remove "+id:
			happened = append(happened, "remove")
		}
	}
	return happened
}

// stays checks that p is the one connection of its participant: it is heard and hears, nobody else has seen it lost, its media
// are those of token, and the participant is there once.
func (w *world) stays(t *testing.T, p, witness *peer, token string) {
	t.Helper()
	p.send(`{"type":"command","id":100,"command":{"kind":"chat.send","text":"still here"}}`)
	heard, answered := false, false
	for _, m := range p.barrier() {
		heard = heard || m.Event.Message.Text == "still here"
		answered = answered || m.Type == "result" && m.Error == nil
	}
	if !heard || !answered {
		t.Errorf("the connection that stays: heard %v, answered %v", heard, answered)
	}
	said := 0
	for _, m := range witness.barrier() {
		if m.Event.Kind == "participant.connection" && !m.Event.Connected || m.Event.Kind == "participant.left" {
			t.Errorf("others saw %s of one who stays", m.Event.Kind)
		}
		if m.Event.Message.Text == "still here" {
			said++
		}
	}
	if said != 1 {
		t.Errorf("others heard him %d times", said)
	}
	media := w.mediaOf(p.self)
	if slices.Contains(media, "remove") || media[len(media)-1] != token {
		t.Errorf("media: %v, of which %q must be the last", media, token)
	}
	if byID, byToken := w.serving.Sessions(); byID != 2 || byToken != 2 {
		t.Errorf("two people have %d sessions with %d tokens", byID, byToken)
	}
	eve := w.open(t)
	if m := eve.hello(w.ticket("eve", conference.RoleParticipant, "")); len(m.State.Participants) != 3 || !m.State.Participants[1].Connected {
		t.Errorf("of three people there are: %+v", m.State.Participants)
	}
}

func TestA47OfTwoWhoComeBackAtOnceTheNewerStays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		slow, quick string
		at          []point
	}{
		{"resume", "resume", []point{entering, entered, attaching, attached}},
		{"resume", "hello", []point{entering, entered, attaching, attached}},
		{"hello", "resume", []point{entering, entered}}, // later, the token is void
		{"hello", "hello", []point{entering, entered, attaching, attached}},
	} {
		for _, at := range tt.at {
			t.Run(fmt.Sprintf("%s held %s, then %s", tt.slow, at, tt.quick), func(t *testing.T) {
				t.Parallel()
				theNewerStays(t, tt.slow, at, tt.quick)
			})
		}
	}
}

func theNewerStays(t *testing.T, slowly string, at point, quickly string) {
	t.Helper()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	w.lose(t, anna, host)
	slow, quick := w.open(t), w.open(t)
	held := w.way.hold(at)
	w.comeBack(slow, slowly, anna)
	held.arrived(t)
	w.comeBack(quick, quickly, anna)
	m := quick.next()
	if m.Type != "resumed" && m.Type != "welcome" {
		t.Fatalf("the newer one: %+v", m)
	}
	held.letGo()
	if code, status := slow.goodbye(); code != "session.replaced" || status != 4409 {
		t.Errorf("the slower one: %q, %d", code, status)
	}
	<-w.closed
	if n := len(w.mediaOf(anna.self)); n != 2 {
		t.Errorf("media were admitted %d times, want 2: for the join, and for the connection that stays", n)
	}
	w.stays(t, quick, host, m.Media.Token)
}

// comeBack takes an earlier connection's place by resume, or by hello with a new ticket.
func (w *world) comeBack(p *peer, how string, earlier *peer) {
	if how == "resume" {
		p.resume(earlier)
		return
	}
	p.self = earlier.self
	p.send(fmt.Sprintf(`{"type":"hello","ticket":%q}`, w.ticket("anna", conference.RoleParticipant, earlier.self)))
}

// crowd is how many connections come back at the same moment.
const crowd = 16

// fate is what became of a connection: its media token, and the goodbye or that it was answered to the last.
type fate struct {
	p           *peer
	token, code string
	status      websocket.StatusCode
}

func (p *peer) fate() fate {
	f := fate{p: p}
	for {
		m, err := p.read()
		if err != nil {
			f.status = websocket.CloseStatus(err)
			return f
		}
		switch m.Type {
		case "resumed":
			f.token = m.Media.Token
		case "goodbye":
			f.code = m.Code
		case "pong":
			f.code = "stays"
			return f
		}
	}
}

func TestOfACrowdThatResumesOneStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	w.lose(t, anna, host)
	left := map[*peer]bool{}
	for range crowd {
		left[w.open(t)] = true
	}
	fates := make(chan fate, crowd)
	for p := range left {
		p.resume(anna)
		go func() { fates <- p.fate() }()
	}
	for range crowd - 1 {
		f := <-fates
		if f.code != "session.replaced" || f.status != 4409 {
			t.Fatalf("one of those replaced: %q, %d", f.code, f.status)
		}
		delete(left, f.p)
		<-w.closed
	}
	for p := range left {
		p.send(`{"type":"ping","nonce":"stay"}`)
	}
	f := <-fates
	if f.code != "stays" {
		t.Fatalf("the last one: %q, %d", f.code, f.status)
	}
	w.stays(t, f.p, host, f.token)
}

func TestAResumeTakesThePlaceOfAConnectionThatLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, first := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	first.barrier()
	held := w.way.hold(entered)
	second := w.open(t)
	second.resume(first)
	held.arrived(t)
	first.send(`{"type":"command","id":1,"command":{"kind":"leave"}}`)
	if m := first.until("result"); m.Error == nil || m.Error.Code != "session.replaced" {
		t.Errorf("leaving over the old connection: %+v", m.Error)
	}
	held.letGo()
	m := second.next()
	if m.Type != "resumed" || m.Media.Token == "" {
		t.Fatalf("after resume: %+v", m)
	}
	if code, status := first.goodbye(); code != "session.replaced" || status != 4409 {
		t.Errorf("the first connection: %q, %d", code, status)
	}
	<-w.closed
	w.stays(t, second, host, m.Media.Token)
}
