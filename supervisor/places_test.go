package supervisor_test

import (
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/control"
	"konklave/fault"
	"konklave/supervisor"
)

// moving are places whose networks change.
type moving struct {
	atomic.Pointer[auth.Places]

	early atomic.Bool // somebody looked misplaced before it was judged from where
}

func (m *moving) Kept(address string) string { return m.Load().Kept(address) }

func (m *moving) Arrive(ctx context.Context, conferenceID, session, address string) error {
	if misplaced, err := m.Misplaced(ctx); err != nil || address == insideNetwork && slices.Contains(misplaced[conferenceID], session) {
		m.early.Store(true)
	}
	return m.Load().Arrive(ctx, conferenceID, session, address)
}

func (m *moving) Misplaced(ctx context.Context) (map[string][]string, error) {
	return m.Load().Misplaced(ctx)
}

// insideNetwork is an address from which people may be in conferences.
const insideNetwork = "192.0.2.1"

func TestNetworksOfRolesHoldInConferences(t *testing.T) {
	t.Parallel()
	m := &moving{}
	w := newWorld(t, func(o *supervisor.Options) { o.Places = m })
	only := func(text string) {
		m.Store(auth.NewPlaces(w.db, auth.NewNetworks(map[access.Role][]netip.Prefix{access.RoleUser: {netip.MustParsePrefix(text)}}, w.db, time.Now)))
	}
	only("192.0.2.0/24")
	id, worker := w.open(t)
	owner, _ := w.signedIn(t)
	redeem := func(session, address string) error {
		ticket, _, err := w.tickets.Issue(t.Context(), owner, auth.Grant{Conference: id, Meeting: w.meeting.ID, Name: "Owner", Role: access.RoleHost})
		if err != nil {
			t.Fatal(err)
		}
		return worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: ticket, Session: sessionOf(session), Address: address}, nil)
	}
	arrive := func(address string) fault.Code {
		err := worker.Call(t.Context(), control.CallArrive, control.Arrive{Session: sessionOf("in"), Address: address}, nil)
		if err == nil {
			return ""
		}
		return fault.As(err).Code
	}
	for _, address := range []string{"198.51.100.1", ""} {
		if err := redeem("out "+address, address); fault.As(err).Code != "network.denied" {
			t.Errorf("a ticket from %q: %v", address, err)
		}
	}
	if err := redeem("in", insideNetwork); err != nil || m.early.Load() {
		t.Fatalf("%v, misplaced before it was judged: %v", err, m.early.Load())
	}
	if code := arrive("192.0.2.2"); code != "" {
		t.Errorf("back from another address of the network: %s", code)
	}
	if code := arrive("198.51.100.1"); code != "network.denied" {
		t.Errorf("back from another network: %s", code)
	}
	only("203.0.113.0/24")
	w.told(t, sessionOf("in"))
}
