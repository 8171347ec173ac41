package signalling_test

import (
	"fmt"
	"testing"
	"time"

	"konklave/conference"
)

// next is the world of the worker after this one: it has what was journalled, and nothing else.
func (w *world) next(t *testing.T) *world {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := conference.New(settings(), time.Now(), time.Now())
	for _, e := range w.kept {
		s.Evolve(e)
	}
	s.Reopen(2, time.Now())
	return worldOf(t, s, 2)
}

func TestASessionOutlivesItsWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	anna.send(`{"type":"command","id":1,"command":{"kind":"chat.send","text":"of the first session"}}`)
	first := anna.until("result")
	w.lose(t, anna, host)
	again := w.open(t)
	again.hello(w.ticket("anna", conference.RoleParticipant, anna.self)) // a new session in the same place
	again.send(`{"type":"command","id":1,"command":{"kind":"chat.send","text":"of the second one"}}`)
	second := again.until("result")

	w = w.next(t)
	thief := w.open(t)
	thief.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":1}`, anna.hold.token))
	if code, status := thief.goodbye(); code != "session.unknown" || status != 4401 {
		t.Errorf("the token of a session that was replaced: %q, %d", code, status)
	}
	back := w.open(t)
	back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, again.hold.token, again.seq))
	m := back.next()
	if m.Type != "welcome" || m.Self != anna.self || m.Epoch != 2 || m.Seq <= conference.SeqBefore(2) || m.Resume.Token != again.hold.token || m.Media.Token == "" || len(m.State.Chat) != 2 {
		t.Fatalf("back with the next worker: %+v", m)
	}
	back.send(`{"type":"command","id":1,"command":{"kind":"chat.send","text":"of the second one"}}`)
	if m := back.until("result"); m.Error != nil || m.Seq != second.Seq || m.Seq == first.Seq {
		t.Errorf("a command sent again: %+v, want the result %d", m, second.Seq)
	}
	if byID, byToken := w.serving.Sessions(); byID != 1 || byToken != 1 {
		t.Errorf("%d sessions with %d tokens", byID, byToken)
	}
	once := w.open(t)
	once.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":2,"seen":%d}`, again.hold.token, m.Seq))
	if m := once.next(); m.Type != "resumed" {
		t.Errorf("resumed once more: %+v", m)
	}
}
