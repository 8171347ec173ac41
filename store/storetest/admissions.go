package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/conference"
	"konklave/user"
)

// lasting is longer than everything a test of sign-ins does.
const lasting = 30 * 24 * time.Hour

// admitted has a ticket issued to somebody for a conference, and redeemed for a session.
func (h *house) admitted(t *testing.T, r conference.Record, actor access.Actor, session string) {
	t.Helper()
	if err := h.redeem(t, r, h.ticketOf(t, r, actor), session); err != nil {
		t.Fatal(err)
	}
}

func (h *house) ticketOf(t *testing.T, r conference.Record, actor access.Actor) string {
	t.Helper()
	ticket, _, err := h.tickets.Issue(t.Context(), actor, auth.Grant{Conference: r.ID, Meeting: r.MeetingID, Name: "Anna", Role: access.RoleParticipant})
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func (h *house) redeem(t *testing.T, r conference.Record, ticket, session string) error {
	t.Helper()
	_, err := h.tickets.Redeem(t.Context(), ticket, r.ID, session, "")
	return err
}

// signedInActor signs the user in and returns the actor of the first request.
func (h *house) signedInActor(t *testing.T, u user.User) access.Actor {
	t.Helper()
	id, err := h.sessions.Authenticate(t.Context(), h.signedIn(t, u).Session)
	if err != nil {
		t.Fatal(err)
	}
	return id.Actor
}

func (h *house) tokenActor(t *testing.T, u user.User, expires time.Duration) access.Actor {
	t.Helper()
	_, secret, err := h.tokens.Create(t.Context(), u.Actor(), auth.NewToken{Name: "x", ExpiresAt: h.clock.Now().Add(expires)})
	if err != nil {
		t.Fatal(err)
	}
	id, err := h.tokens.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return id.Actor
}

// wantEnded checks which sessions of a conference are to end.
func (h *house) wantEnded(t *testing.T, r conference.Record, want ...string) {
	t.Helper()
	ended, err := h.EndedAdmissions(t.Context(), h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ended[r.ID], want) {
		t.Errorf("ended are %q, want %q", ended[r.ID], want)
	}
}

var admissions = map[string]func(*testing.T, *house){
	"A21WhatASignInOpenedEndsWithIt": func(t *testing.T, h *house) {
		r := h.conference(t)
		anna := h.account(t, "anna@example.org", access.Ordinary)
		for _, tt := range []struct {
			what string
			who  func() access.Actor
			end  func(access.Actor) error
		}{
			{"session", func() access.Actor { return h.signedInActor(t, anna) }, func(a access.Actor) error {
				return h.sessions.End(t.Context(), a, a.SignIn, audit.SessionSignedOut)
			}},
			{"other sessions", func() access.Actor { return h.signedInActor(t, anna) }, func(a access.Actor) error {
				_, err := h.sessions.EndOthers(t.Context(), a, "")
				return err
			}},
			{"token", func() access.Actor { return h.tokenActor(t, anna, lasting) }, func(a access.Actor) error {
				return h.tokens.Revoke(t.Context(), anna.Actor(), a.SignIn)
			}},
			{"password", func() access.Actor { return h.signedInActor(t, anna) }, func(access.Actor) error {
				return h.signIn.ResetPassword(t.Context(), access.System("test"), anna.Email, password+"2")
			}},
		} {
			actor, unused := tt.who(), ""
			h.admitted(t, r, actor, tt.what)
			unused = h.ticketOf(t, r, actor)
			h.wantEnded(t, r)
			if err := tt.end(actor); err != nil {
				t.Fatalf("%s: %v", tt.what, err)
			}
			h.wantEnded(t, r, tt.what)
			added := h.wantNewEntries(t, func() {
				if err := h.redeem(t, r, unused, tt.what+" late"); !errors.Is(err, auth.ErrTicketRevoked) {
					t.Errorf("%s: its ticket afterwards: %v", tt.what, err)
				}
			}, audit.KindTicketRefused)
			if added[0].Details != `{"reason":"revoked"}` {
				t.Errorf("entry %+v", added[0])
			}
			if err := h.redeem(t, r, unused, "again"); !errors.Is(err, auth.ErrTicketUsed) {
				t.Errorf("%s: the same ticket again: %v", tt.what, err)
			}
			h.wantEnded(t, r, tt.what) // what was refused is no admission
			if err := h.ForgetAdmissions(t.Context(), r.ID, []string{tt.what, "unknown"}); err != nil {
				t.Fatal(err)
			}
			h.wantEnded(t, r)
		}
	},
	"A21DisabledAccountsAreOut": func(t *testing.T, h *house) {
		r := h.conference(t)
		anna, ben := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "ben@example.org", access.Ordinary)
		h.admitted(t, r, h.signedInActor(t, anna), "anna")
		h.admitted(t, r, h.tokenActor(t, anna, lasting), "anna's program")
		h.admitted(t, r, h.signedInActor(t, ben), "ben")
		h.admitted(t, r, access.Guest("g1"), "guest")
		h.wantEnded(t, r)
		if _, err := h.Raw.ExecContext(t.Context(), "UPDATE users SET disabled_at = 1 WHERE id = $1", anna.ID); err != nil {
			t.Fatal(err)
		}
		h.wantEnded(t, r, "anna", "anna's program")
	},
	"ASignInExpiresInAConferenceToo": func(t *testing.T, h *house) {
		r := h.conference(t)
		anna := h.account(t, "anna@example.org", access.Ordinary)
		h.admitted(t, r, h.tokenActor(t, anna, time.Hour), "program")
		h.admitted(t, r, h.signedInActor(t, anna), "session")
		h.clock.Advance(time.Hour - time.Millisecond)
		h.wantEnded(t, r)
		h.clock.Advance(time.Millisecond)
		h.wantEnded(t, r, "program")
		h.clock.Advance(auth.DefaultSessionLifetime - time.Hour - time.Millisecond)
		h.wantEnded(t, r, "program")
		h.clock.Advance(time.Millisecond)
		h.wantEnded(t, r, "program", "session")
	},
	"NothingEndsWhereTheConferenceIsOver": func(t *testing.T, h *house) {
		anna := h.account(t, "anna@example.org", access.Ordinary)
		actor, m := h.signedInActor(t, anna), h.meeting(t, anna, "Rat")
		for _, end := range []func(conference.Record) error{
			func(r conference.Record) error {
				b := batch(r.ID, r.Epoch, 1, 1, "the end")
				b.Ended = true
				return h.append(t, b)
			},
			func(r conference.Record) error {
				return h.CloseConference(t.Context(), r.ID, access.System("test"), "lost")
			},
		} {
			r, _, err := h.OpenConference(t.Context(), m.ID)
			if err != nil {
				t.Fatal(err)
			}
			if r.Epoch, err = h.nextEpoch(t, r.ID); err != nil {
				t.Fatal(err)
			}
			h.admitted(t, r, actor, "before")
			late := h.ticketOf(t, r, actor)
			if err := end(r); err != nil {
				t.Fatal(err)
			}
			if err := h.redeem(t, r, late, "after"); err != nil {
				t.Fatal(err)
			}
			var rows int
			if err := h.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM admissions").Scan(&rows); err != nil || rows != 0 {
				t.Errorf("%d admissions are kept, %v", rows, err)
			}
		}
	},
}
