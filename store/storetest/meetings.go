package storetest

import (
	"errors"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/meeting"
)

var meetings = map[string]func(*testing.T, *house){
	"MeetingLives": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		var m meeting.Meeting
		h.wantNewEntries(t, func() { m = h.meeting(t, u, "  Rat ") }, audit.KindMeetingCreated)
		if got, err := h.meetings.Get(t.Context(), u.Actor(), m.ID); err != nil || got != m || got.Title != "Rat" {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, m)
		}
		got, err := h.meetings.Preview(t.Context(), access.Nobody(), m.Link)
		if want := (meeting.Invitation{Meeting: m, Host: u.Name}); err != nil || got != want {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
		h.clock.Advance(time.Minute)
		title, guests := "Ausschuss", false
		added := h.wantNewEntries(t, func() {
			changed, err := h.meetings.Update(t.Context(), u.Actor(), m.ID, meeting.Change{Title: &title, GuestsAllowed: &guests})
			m.Title, m.GuestsAllowed, m.UpdatedAt = title, false, h.clock.Now()
			if err != nil || changed != m {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, changed, m)
			}
		}, audit.KindMeetingChanged)
		if added[0].Details != `{"fields":["title","guestsAllowed"],"guestsAllowed":false}` {
			t.Errorf("entry %+v", added[0])
		}
		if got, err := h.meetings.Get(t.Context(), u.Actor(), m.ID); err != nil || got != m {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, got, m)
		}
	},
	"A48DeletedMeetingIsAsIfItNeverWas": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		m, other := h.meeting(t, u, "Rat"), h.meeting(t, u, "Rat")
		if m.ID == other.ID || m.Link == other.Link {
			t.Fatal("two meetings share an id or a link")
		}
		h.wantNewEntries(t, func() {
			if err := h.meetings.Delete(t.Context(), u.Actor(), m.ID); err != nil {
				t.Error(err)
			}
		}, audit.KindMeetingDeleted)
		title := "x"
		h.wantNewEntries(t, func() {
			_, errGet := h.meetings.Get(t.Context(), u.Actor(), m.ID)
			_, errLink := h.meetings.Preview(t.Context(), access.Nobody(), m.Link)
			_, errNever := h.meetings.Preview(t.Context(), access.Nobody(), "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa")
			_, errUpdate := h.meetings.Update(t.Context(), u.Actor(), m.ID, meeting.Change{Title: &title})
			errDelete := h.meetings.Delete(t.Context(), u.Actor(), m.ID)
			_, _, errOpen := h.OpenConference(t.Context(), m.ID)
			for i, err := range []error{errGet, errLink, errNever, errUpdate, errDelete, errOpen} {
				if !errors.Is(err, meeting.ErrUnknown) {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
		again := m
		again.ID = "another"
		if err := h.InsertMeeting(t.Context(), again, audit.MeetingDeleted(audit.Origin{At: h.clock.Now()}, "x")); err == nil {
			t.Error("the link of a deleted meeting was given out again")
		}
		list, err := h.meetings.List(t.Context(), u.Actor(), "", "", 10)
		if err != nil || len(list) != 1 || list[0] != other {
			t.Errorf("listed %+v, %v", list, err)
		}
	},
	"MeetingOfOthersIsUnknown": func(t *testing.T, h *house) {
		m := h.meeting(t, h.account(t, "anna@example.org", access.Ordinary), "Rat")
		for _, other := range access.AccountRoles() {
			if other == access.RoleMeetingManager {
				continue
			}
			actor := h.account(t, string(other)+"@example.org", access.Roles(other)).Actor()
			title := "mine"
			h.wantNewEntries(t, func() {
				want := error(meeting.ErrUnknown)
				if other != access.RoleUser {
					want = access.ErrDenied // of his own he could have none either
				}
				if _, err := h.meetings.Get(t.Context(), actor, m.ID); !errors.Is(err, want) {
					t.Errorf("get by %s: %v", other, err)
				}
				if _, err := h.meetings.Update(t.Context(), actor, m.ID, meeting.Change{Title: &title}); !errors.Is(err, want) {
					t.Errorf("update by %s: %v", other, err)
				}
				if err := h.meetings.Delete(t.Context(), actor, m.ID); !errors.Is(err, want) {
					t.Errorf("delete by %s: %v", other, err)
				}
				if _, err := h.meetings.List(t.Context(), actor, m.OwnerID, "", 10); !errors.Is(err, access.ErrDenied) {
					t.Errorf("list by %s: %v", other, err)
				}
			})
		}
		h.wantNewEntries(t, func() {
			for _, actor := range []access.Actor{access.Nobody(), access.Guest("g")} {
				if _, err := h.meetings.Create(t.Context(), actor, meeting.New{Title: "x"}); !errors.Is(err, access.ErrSignInRequired) {
					t.Errorf("create by %s: %v", actor.Kind, err)
				}
				if err := h.meetings.Delete(t.Context(), actor, m.ID); !errors.Is(err, access.ErrSignInRequired) {
					t.Errorf("delete by %s: %v", actor.Kind, err)
				}
			}
		})
	},
	"AMeetingManagerLooksAfterTheMeetingsOfOthers": func(t *testing.T, h *house) {
		m := h.meeting(t, h.account(t, "anna@example.org", access.Ordinary), "Rat")
		manager := h.account(t, "ben@example.org", access.Roles(access.RoleMeetingManager)).Actor()
		if got, err := h.meetings.Get(t.Context(), manager, m.ID); err != nil || got != m {
			t.Errorf("get: %+v, %v", got, err)
		}
		if list, err := h.meetings.List(t.Context(), manager, m.OwnerID, "", 10); err != nil || len(list) != 1 || list[0] != m {
			t.Errorf("list: %+v, %v", list, err)
		}
		title := "Ausschuss"
		h.wantNewEntries(t, func() {
			if _, err := h.meetings.Update(t.Context(), manager, m.ID, meeting.Change{Title: &title}); err != nil {
				t.Errorf("update: %v", err)
			}
			if err := h.meetings.Delete(t.Context(), manager, m.ID); err != nil {
				t.Errorf("delete: %v", err)
			}
		}, audit.KindMeetingChanged, audit.KindMeetingDeleted)
	},
	"MeetingsAreListedInPages": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		want := map[string]bool{}
		for i := range 7 {
			want[h.meeting(t, u, "x").ID] = true
			if i%3 == 0 {
				h.clock.Advance(time.Second) // some share their moment
			}
		}
		var last meeting.Meeting
		for before := ""; ; {
			page, err := h.meetings.List(t.Context(), u.Actor(), "", before, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				if !want[m.ID] || !last.CreatedAt.IsZero() && m.CreatedAt.After(last.CreatedAt) {
					t.Errorf("%s came twice or too late", m.ID)
				}
				delete(want, m.ID)
				before, last = m.ID, m
			}
			if len(page) < 2 {
				break
			}
		}
		if len(want) != 0 {
			t.Errorf("%d meetings were not listed", len(want))
		}
		if _, err := h.meetings.List(t.Context(), u.Actor(), "", "unknown", 2); !errors.Is(err, meeting.ErrUnknown) {
			t.Errorf("after an unknown one: %v", err)
		}
	},
	"A78TextThatLooksLikeSQLStaysText": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for _, text := range []string{`'; DROP TABLE meetings; --`, `" OR ""="`, `$1`, `%`, `_`, `\`, `{{.}}`, `${x}`} {
			m := h.meeting(t, u, text)
			if got, err := h.meetings.Get(t.Context(), u.Actor(), m.ID); err != nil || got.Title != text {
				t.Errorf("%q came back as %q, %v", text, got.Title, err)
			}
			if _, err := h.meetings.Get(t.Context(), u.Actor(), text); !errors.Is(err, meeting.ErrUnknown) {
				t.Errorf("id %q: %v", text, err)
			}
			if _, err := h.Users(t.Context(), access.DefaultTenant, text, 10); err != nil {
				t.Errorf("list after %q: %v", text, err)
			}
			if _, err := h.Credential(t.Context(), access.DefaultTenant, text); err == nil {
				t.Errorf("somebody has the address %q", text)
			}
		}
	},
	"A46ChangeSeesTheStateOfItsTransaction": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		m := h.meeting(t, u, "0")
		const changes = 20
		succeeded, failures := sideBySide(changes, func(int) error {
			_, err := h.ChangeMeeting(t.Context(), m.Tenant, m.ID, func(m meeting.Meeting) (meeting.Meeting, audit.Entry, error) {
				m.Title += "x"
				return m, audit.MeetingChanged(audit.Origin{At: h.clock.Now(), Actor: u.Actor()}, m.ID, nil, true), nil
			})
			return err
		})
		got, err := h.meetings.Get(t.Context(), u.Actor(), m.ID)
		if err != nil || succeeded != changes || len(got.Title) != 1+changes {
			t.Errorf("%d changes, title %q, %v, %v", succeeded, got.Title, failures, err)
		}
	},
}
