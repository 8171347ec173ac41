package storetest

import (
	"errors"
	"slices"
	"testing"

	"konklave/access"
	"konklave/auth"
	"konklave/conference"
	"konklave/journal"
	"konklave/meeting"
	"konklave/store"
)

var workers = map[string]func(*testing.T, *house){
	"A46OneOfManyClaimsAnEpoch": func(t *testing.T, h *house) {
		r := h.conference(t) // in its first epoch
		epochs := make([]int64, 20)
		succeeded, failures := sideBySide(len(epochs), func(i int) error {
			claimed, err := h.ClaimEpoch(t.Context(), r.ID, 1)
			epochs[i] = claimed.Epoch
			return err
		})
		if succeeded != 1 || slices.Max(epochs) != 2 {
			t.Errorf("%d claimed the epoch after the first: %v", succeeded, epochs)
		}
		for _, err := range failures {
			if !errors.Is(err, conference.ErrEpochTaken) {
				t.Errorf("a late claim: %v", err)
			}
		}
		if err := h.append(t, batch(r.ID, 1, 1, 1, "a")); !errors.Is(err, journal.ErrStaleEpoch) {
			t.Errorf("what the earlier worker appends: %v", err)
		}
		if err := h.append(t, batch(r.ID, 2, 1, 1, "a")); err != nil {
			t.Errorf("what the new one appends: %v", err)
		}
		again, err := h.ClaimEpoch(t.Context(), r.ID, 2)
		if err != nil || again.Epoch != 3 || again.Seq != 1 || again.MeetingID != r.MeetingID {
			t.Errorf("the next claim: %+v, %v", again, err)
		}
		if _, err := h.ClaimEpoch(t.Context(), "x", 0); !errors.Is(err, store.ErrConferenceUnknown) {
			t.Errorf("an unknown conference: %v", err)
		}
		end := batch(r.ID, 3, 2, 1, "end")
		end.Ended = true
		if err := h.append(t, end); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ClaimEpoch(t.Context(), r.ID, 3); !errors.Is(err, store.ErrConferenceEnded) {
			t.Errorf("an ended conference: %v", err)
		}
	},
	"A45AdmissionsAreKnownToEveryController": func(t *testing.T, h *house) {
		grant := auth.Grant{Conference: "c1", Kind: access.KindGuest, ActorID: "g1", Name: "Gast", Role: access.RoleParticipant}
		known := func(g auth.Grant) bool {
			t.Helper()
			ok, err := h.TicketRedeemed(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		ticket := h.ticket(t)
		if known(grant) {
			t.Error("a ticket that nobody has redeemed counts")
		}
		h.wantRedeem(t, ticket, "c1", nil)
		if !known(grant) {
			t.Error("a redeemed ticket does not count")
		}
		for name, change := range map[string]func(*auth.Grant){
			"conference": func(g *auth.Grant) { g.Conference = "c2" },
			"kind":       func(g *auth.Grant) { g.Kind = access.KindAccount },
			"actor":      func(g *auth.Grant) { g.ActorID = "g2" },
			"name":       func(g *auth.Grant) { g.Name = "Mayor" },
			"role":       func(g *auth.Grant) { g.Role = access.RoleHost },
		} {
			other := grant
			change(&other)
			if known(other) {
				t.Errorf("an admission with another %s counts", name)
			}
		}
	},
	"TitleOfAMeeting": func(t *testing.T, h *house) {
		m := h.meeting(t, h.account(t, "host@example.org", access.Ordinary), "Rat")
		if title, err := h.MeetingTitle(t.Context(), m.ID); err != nil || title != "Rat" {
			t.Errorf("%q, %v", title, err)
		}
		if _, err := h.MeetingTitle(t.Context(), "x"); !errors.Is(err, meeting.ErrUnknown) {
			t.Errorf("an unknown meeting: %v", err)
		}
	},
}
