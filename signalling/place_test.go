package signalling_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"konklave/conference"
	"konklave/fault"
)

// forbidden is an address from which nobody may come back.
const forbidden = "198.51.100.1"

func (w *world) arrive(_ context.Context, session, address string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived = append(w.arrived, session+" "+address)
	if address == forbidden {
		return fault.New(fault.KindDenied, "network.denied", "This account may be used from certain networks only.")
	}
	return nil
}

// from opens a connection that comes from an address, as the front says.
func (w *world) from(t *testing.T, address string) *peer {
	t.Helper()
	ws, _, err := w.dial(t, http.Header{"X-Forwarded-For": {address}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &peer{t: t, ws: ws}
}

func TestWhoComesBackFromAnotherAddressIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.from(t, "192.0.2.1")
	anna.self = anna.hello(w.ticket("anna", conference.RoleParticipant, "")).Self
	w.mu.Lock()
	session := w.told[0]
	w.mu.Unlock()
	for _, step := range []struct{ from, want string }{{"192.0.2.1", "resumed"}, {"192.0.2.2", "resumed"}, {forbidden, "network.denied"}, {"192.0.2.2", "resumed"}} {
		back := w.from(t, step.from)
		back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, anna.hold.token, anna.seq))
		if m := back.next(); m.Type != step.want && m.Code != step.want {
			t.Errorf("from %s: %+v, want %s", step.from, m, step.want)
		}
		if step.from == forbidden {
			if _, status := back.goodbye(); status != 4401 {
				t.Errorf("closed with %d", status)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if want := []string{session + " 192.0.2.2", session + " " + forbidden}; !slices.Equal(w.arrived, want) {
		t.Errorf("asked about %q, want %q", w.arrived, want)
	}
}

// A worker that was started again does not know from where anybody was.
func TestAfterARestartEachAddressIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.join(t, "anna", conference.RoleParticipant)
	next := w.next(t)
	for _, step := range []struct{ from, want string }{{forbidden, "network.denied"}, {"192.0.2.2", "welcome"}} {
		back := next.from(t, step.from)
		back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, anna.hold.token, anna.seq))
		if m := back.next(); m.Type != step.want && m.Code != step.want {
			t.Errorf("from %s: %+v, want %s", step.from, m, step.want)
		}
	}
}
