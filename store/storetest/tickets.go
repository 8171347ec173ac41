package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/journal"
)

// ticket issues a ticket to a guest for conference "c1".
func (h *house) ticket(t *testing.T) string {
	t.Helper()
	ticket, expires, err := h.tickets.Issue(t.Context(), access.Guest("g1"), auth.Grant{
		Conference: "c1", Meeting: "m1", Participant: "p0", Name: "Gast", Role: access.RoleParticipant, Kind: access.KindAccount, ActorID: "forged",
	})
	if err != nil || expires.Sub(h.clock.Now()) != auth.TicketLifetime {
		t.Fatalf("ticket until %v, %v", expires, err)
	}
	return ticket
}

func (h *house) wantRedeem(t *testing.T, ticket, conference string, want error) {
	t.Helper()
	if g, err := h.tickets.Redeem(t.Context(), ticket, conference, "", ""); !errors.Is(err, want) || err != nil && g != (auth.Grant{}) {
		t.Errorf("redeem: %+v, %v, want %v", g, err, want)
	}
}

var tickets = map[string]func(*testing.T, *house){
	"A45TicketCarriesTheActorOfTheSession": func(t *testing.T, h *house) {
		var ticket string
		added := h.wantNewEntries(t, func() { ticket = h.ticket(t) }, audit.KindParticipantAdmitted)
		if e := added[0]; e.ActorKind != access.KindGuest || e.ActorID != "g1" || e.ObjectID != "c1" ||
			e.Details != `{"meeting":"m1","rejoin":true,"role":"participant"}` {
			t.Errorf("entry %+v", e)
		}
		got, err := h.tickets.Redeem(t.Context(), ticket, "c1", "", "")
		want := auth.Grant{Tenant: access.DefaultTenant, Conference: "c1", Meeting: "m1", Kind: access.KindGuest, ActorID: "g1",
			Participant: "p0", Name: "Gast", Role: access.RoleParticipant}
		if err != nil || got != want {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
		token := access.Actor{Kind: access.KindToken, ID: "t1", UserID: "u1", Roles: []access.Role{access.RoleUser}, Tenant: access.DefaultTenant}
		ticket, _, err = h.tickets.Issue(t.Context(), token, auth.Grant{Conference: "c1", Name: "Bot", Role: access.RoleHost})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.tickets.Redeem(t.Context(), ticket, "c1", "", ""); err != nil || got.Kind != access.KindAccount || got.ActorID != "u1" {
			t.Errorf("the ticket of a token: %+v, %v", got, err)
		}
		h.wantNewEntries(t, func() {
			if _, _, err := h.tickets.Issue(t.Context(), access.Nobody(), auth.Grant{Conference: "c1"}); !errors.Is(err, access.ErrSignInRequired) {
				t.Errorf("nobody: %v", err)
			}
		})
	},
	"A23TicketOpensOnce": func(t *testing.T, h *house) {
		ticket := h.ticket(t)
		h.wantNewEntries(t, func() { h.wantRedeem(t, ticket, "c1", nil) })
		added := h.wantNewEntries(t, func() { h.wantRedeem(t, ticket, "c1", auth.ErrTicketUsed) }, audit.KindTicketRefused)
		if e := added[0]; e.ActorKind != access.KindWorker || e.ActorID != "c1" || e.Outcome != audit.OutcomeFailure || e.Details != `{"reason":"used"}` {
			t.Errorf("entry %+v", e)
		}
	},
	"ATicketOpensOneSessionOnce": func(t *testing.T, h *house) {
		r := h.conference(t)
		redeem := func(session string) error {
			t.Helper()
			ticket, _, err := h.tickets.Issue(t.Context(), access.Guest("g1"), auth.Grant{Conference: r.ID, Meeting: r.MeetingID, Name: "Gast", Role: access.RoleParticipant})
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.tickets.Redeem(t.Context(), ticket, r.ID, session, "")
			return err
		}
		for _, session := range []string{"s1", "s2", "", ""} {
			if err := redeem(session); err != nil {
				t.Fatal(err)
			}
		}
		if err := redeem("s1"); err == nil {
			t.Error("two tickets were redeemed for one session")
		}
		if g, err := h.TicketOfSession(t.Context(), r.ID, "s1"); err != nil || g.ActorID != "g1" || g.Name != "Gast" {
			t.Errorf("the ticket of a session: %+v, %v", g, err)
		}
		for conference, session := range map[string]string{r.ID: "s3", "c1": "s1", "c2": ""} {
			if _, err := h.TicketOfSession(t.Context(), conference, session); !errors.Is(err, auth.ErrTicketUnknown) {
				t.Errorf("session %q of %s: %v", session, conference, err)
			}
		}
		if _, err := h.TicketOfSession(t.Context(), r.ID, ""); !errors.Is(err, auth.ErrTicketUnknown) {
			t.Errorf("no session: %v", err)
		}
		opening := func(seq int64, sessions ...string) error {
			b := batch(r.ID, r.Epoch, seq, 1, fmt.Sprint("opening ", seq))
			b.Sessions = sessions
			return h.append(t, b)
		}
		for i, tt := range []struct {
			seq      int64
			sessions []string
			want     error
		}{
			{1, []string{"s2", "s2"}, journal.ErrSessionSpent},
			{1, []string{"s1", "of a worker that does not tell", ""}, nil},
			{1, []string{"s1", "of a worker that does not tell", ""}, nil}, // the answer was lost
			{2, []string{"s2", "s1"}, journal.ErrSessionSpent},
			{2, []string{"s2"}, nil},
			{3, []string{"s2"}, journal.ErrSessionSpent},
		} {
			if err := opening(tt.seq, tt.sessions...); !errors.Is(err, tt.want) {
				t.Errorf("append %d: %v, want %v", i, err, tt.want)
			}
		}
	},
	"A47TicketOpensOnceSideBySide": func(t *testing.T, h *house) {
		ticket := h.ticket(t)
		succeeded, failures := sideBySide(20, func(int) error {
			_, err := h.tickets.Redeem(t.Context(), ticket, "c1", "", "")
			return err
		})
		for _, err := range failures {
			if !errors.Is(err, auth.ErrTicketUsed) {
				t.Errorf("got %v", err)
			}
		}
		if succeeded != 1 {
			t.Errorf("%d of 20 got in", succeeded)
		}
	},
	"A23TicketExpires": func(t *testing.T, h *house) {
		early, late := h.ticket(t), h.ticket(t)
		h.clock.Advance(auth.TicketLifetime - time.Millisecond)
		h.wantRedeem(t, early, "c1", nil)
		h.clock.Advance(time.Millisecond)
		h.wantNewEntries(t, func() { h.wantRedeem(t, late, "c1", auth.ErrTicketExpired) }, audit.KindTicketRefused)
		h.clock.Advance(auth.TicketMemory)
		h.ticket(t)
		h.wantRedeem(t, late, "c1", auth.ErrTicketExpired)
		h.clock.Advance(time.Millisecond)
		h.ticket(t) // which forgets the old ones
		h.wantNewEntries(t, func() { h.wantRedeem(t, late, "c1", auth.ErrTicketUnknown) })
	},
	"ForeignTicketIsNotUsedUp": func(t *testing.T, h *house) {
		ticket := h.ticket(t)
		h.wantNewEntries(t, func() { h.wantRedeem(t, ticket, "c2", auth.ErrTicketForeign) }, audit.KindTicketRefused)
		h.wantRedeem(t, ticket, "c1", nil)
		h.wantRedeem(t, ticket, "c2", auth.ErrTicketForeign)
	},
	"UnknownTicket": func(t *testing.T, h *house) {
		ticket := h.ticket(t)
		other := "-"
		if ticket[:1] == other {
			other = "_"
		}
		h.wantNewEntries(t, func() {
			for _, wrong := range []string{"", "x", ticket + "A", other + ticket[1:], "' OR 1=1 --", "\x00"} {
				h.wantRedeem(t, wrong, "c1", auth.ErrTicketUnknown)
			}
		})
	},
}
