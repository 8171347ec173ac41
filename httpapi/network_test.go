package httpapi_test

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
)

// office is from where operators alone may come.
func office() options {
	return options{networks: map[access.Role][]netip.Prefix{access.RoleOperator: {netip.MustParsePrefix("192.0.2.0/25")}}}
}

func TestWhoHoldsARoleComesFromItsNetworks(t *testing.T) {
	t.Parallel()
	e := start(t, office())
	operator, member := e.account("operator@example.org", "user operator"), e.account("member@example.org", access.Ordinary)
	c, program, other := e.signedIn(operator), e.program(operator), e.signedIn(member)
	before := e.lastEntry()
	for address, inside := range map[string]bool{
		"192.0.2.0": true, "192.0.2.127": true, "::ffff:192.0.2.1": true, "192.0.2.128": false, "198.51.100.1": false, "2001:db8::1": false, "": false,
	} {
		c.source, program.source, other.source = address, address, address
		for _, at := range []*client{c, program} {
			if inside {
				at.get("/api/v1/me").want(200)
				continue
			}
			at.get("/api/v1/me").problem(http.StatusForbidden, "network.denied")
			at.get("/api/v1/meetings").problem(http.StatusForbidden, "network.denied")
		}
		other.get("/api/v1/me").want(200)
	}
	for _, entry := range e.entries(before) {
		if entry.Kind != audit.KindNetworkDenied || entry.ActorUser != operator.ID {
			t.Errorf("entry %+v", entry)
		}
	}
	if n := len(e.entries(before)); n != 8 { // two ways in, from four networks
		t.Errorf("%d entries", n)
	}
	e.clock.advance(auth.DeniedQuiet)
	before = e.lastEntry()
	c.source = "198.51.100.2"
	c.get("/api/v1/me").problem(http.StatusForbidden, "network.denied")
	c.get("/api/v1/me").problem(http.StatusForbidden, "network.denied")
	if n := len(e.entries(before)); n != 1 {
		t.Errorf("%d entries", n)
	}
	c.delete("/api/v1/session").want(200) // whoever is elsewhere may sign out
}

func TestNobodySignsInFromAForeignNetwork(t *testing.T) {
	t.Parallel()
	e := start(t, office())
	operator := e.account("operator@example.org", "user operator")
	c := e.browser()
	c.source = "198.51.100.1"
	before := e.lastEntry()
	c.signIn(operator).problem(http.StatusForbidden, "network.denied")
	if len(c.cookies) != 0 {
		t.Errorf("cookies %v", c.cookies)
	}
	var kinds []audit.Kind
	for _, entry := range e.entries(before) {
		kinds = append(kinds, entry.Kind)
	}
	if !slices.Equal(kinds, []audit.Kind{audit.KindNetworkDenied}) {
		t.Errorf("entries %v", kinds)
	}
	c.post("/api/v1/session", map[string]any{"email": operator.Email, "password": "wrong horse"}).problem(http.StatusUnauthorized, "auth.failed")
	c.source = "192.0.2.1"
	c.signIn(operator).want(200)
	m := e.meeting(operator, true)
	c.post("/api/v1/join/"+m.Link, map[string]any{"name": "Operator"}).want(200)
	c.source = "198.51.100.1"
	c.post("/api/v1/join/"+m.Link, map[string]any{"name": "Operator"}).problem(http.StatusForbidden, "network.denied")
}
