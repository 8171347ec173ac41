package storetest

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
)

// wantMisplaced checks which sessions of a conference are in the wrong place.
func wantMisplaced(t *testing.T, p *auth.Places, conference string, want ...string) {
	t.Helper()
	got, err := p.Misplaced(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got[conference], want) {
		t.Errorf("misplaced are %q, want %q", got[conference], want)
	}
}

// places are networks of roles in conferences, which are followed with the roles of the moment.
var places = map[string]func(*testing.T, *house){
	"WhoIsInAConferenceIsHeldToTheNetworksOfHisRoles": func(t *testing.T, h *house) {
		r := h.conference(t)
		networks := func(text string) *auth.Places {
			return auth.NewPlaces(h.Store, auth.NewNetworks(map[access.Role][]netip.Prefix{access.RoleOperator: {netip.MustParsePrefix(text)}}, h.Store, h.clock.Now))
		}
		office := networks("192.0.2.0/24")
		operator, member := h.account(t, "operator@example.org", "user operator"), h.account(t, "member@example.org", access.Ordinary)
		h.admitted(t, r, h.signedInActor(t, operator), "browser")
		h.admitted(t, r, h.tokenActor(t, operator, lasting), "program")
		h.admitted(t, r, h.signedInActor(t, member), "member")
		h.admitted(t, r, access.Guest("g1"), "guest")
		wantMisplaced(t, auth.NewPlaces(h.Store, nil), r.ID)
		if _, err := h.tickets.Redeem(t.Context(), h.ticketOf(t, r, h.signedInActor(t, operator)), r.ID, "arriving", office.Kept("192.0.2.9")); err != nil {
			t.Fatal(err)
		}
		if kept := auth.NewPlaces(h.Store, nil).Kept("192.0.2.9"); kept != "" {
			t.Errorf("%q is kept where no role has networks", kept)
		}
		wantMisplaced(t, office, r.ID, "browser", "program") // from where they came is not known
		wantMisplaced(t, networks("203.0.113.0/24"), r.ID, "arriving", "browser", "program")
		if err := h.ForgetAdmissions(t.Context(), r.ID, []string{"arriving"}); err != nil {
			t.Fatal(err)
		}
		for _, session := range []string{"browser", "program", "member", "guest", "nobody's"} {
			if err := office.Arrive(t.Context(), r.ID, session, "192.0.2.7"); err != nil {
				t.Errorf("%s: %v", session, err)
			}
		}
		wantMisplaced(t, office, r.ID)
		added := h.wantNewEntries(t, func() {
			if err := office.Arrive(t.Context(), r.ID, "browser", "198.51.100.1"); !errors.Is(err, auth.ErrNetworkDenied) {
				t.Errorf("from elsewhere: %v", err)
			}
		}, audit.KindNetworkDenied)
		if added[0].ActorUser != operator.ID {
			t.Errorf("entry %+v", added[0])
		}
		if err := office.Arrive(t.Context(), r.ID, "member", "198.51.100.1"); err != nil {
			t.Errorf("a member from elsewhere: %v", err)
		}
		wantMisplaced(t, office, r.ID) // who was refused is where he was
		wantMisplaced(t, networks("203.0.113.0/24"), r.ID, "browser", "program")
		var kept int
		if err := h.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM admissions WHERE address <> ''").Scan(&kept); err != nil || kept != 2 {
			t.Errorf("%d addresses are kept, %v", kept, err)
		}
		if _, err := h.Raw.ExecContext(t.Context(), "UPDATE users SET roles = 'user operator' WHERE id = $1", member.ID); err != nil {
			t.Fatal(err)
		}
		wantMisplaced(t, office, r.ID, "member") // with the role of now, from nobody knows where
	},
}
