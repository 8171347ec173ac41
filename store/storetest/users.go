package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
	"konklave/meeting"
	"konklave/user"
)

var users = map[string]func(*testing.T, *house){
	"UserIsCreatedWithEntry": func(t *testing.T, h *house) {
		var u user.User
		added := h.wantNewEntries(t, func() {
			var err error
			u, err = h.users.Create(t.Context(), access.System("test"), user.New{Email: "Anna@Example.org", Name: "Anna", Roles: access.Ordinary.List(), Password: password})
			if err != nil {
				t.Fatal(err)
			}
		}, audit.KindUserCreated)
		got, err := h.User(t.Context(), access.DefaultTenant, u.ID)
		if err != nil || got != u || got.Email != "anna@example.org" || !got.CreatedAt.Equal(h.clock.Now()) {
			t.Errorf("stored %+v, %v; created %+v", got, err, u)
		}
		if e := added[0]; e.ObjectID != u.ID || e.ActorKind != access.KindSystem || e.Details != `{"roles":["user"]}` || !e.At.Equal(h.clock.Now()) {
			t.Errorf("entry %+v", e)
		}
		if _, err := h.User(t.Context(), "another", u.ID); !errors.Is(err, user.ErrUnknown) {
			t.Errorf("another organisation reads the user: %v", err)
		}
	},
	"EmailIsTakenOnce": func(t *testing.T, h *house) {
		h.account(t, "anna@example.org", access.Ordinary)
		h.wantNewEntries(t, func() {
			_, failures := sideBySide(4, func(int) error {
				_, err := h.users.Create(t.Context(), access.System("test"), user.New{Email: "ANNA@example.org", Name: "A", Roles: access.Ordinary.List(), Password: password})
				return err
			})
			for _, err := range failures {
				if !errors.Is(err, user.ErrEmailTaken) {
					t.Errorf("got %v", err)
				}
			}
			if len(failures) != 4 {
				t.Errorf("%d of 4 refused", len(failures))
			}
		})
	},
	"UsersAreListedInPages": func(t *testing.T, h *house) {
		emails := []string{"a-b@example.org", "a@example.org", "a_b@example.org", "aa@example.org", "z@example.org"}
		slices.Sort(emails)
		for _, e := range []int{3, 0, 4, 2, 1} {
			h.account(t, emails[e], access.Ordinary)
		}
		admin := access.System("test")
		var listed []string
		for after := ""; ; {
			page, err := h.users.List(t.Context(), admin, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page {
				listed, after = append(listed, u.Email), u.Email
			}
			if len(page) < 2 {
				break
			}
		}
		if !slices.Equal(listed, emails) {
			t.Errorf("listed %v, want %v", listed, emails)
		}
	},
	"OnlyAdministratorsCreateAndListUsers": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.wantNewEntries(t, func() {
			if _, err := h.users.Create(t.Context(), u.Actor(), user.New{Email: "b@example.org", Name: "B", Roles: access.Administrator.List(), Password: password}); !errors.Is(err, access.ErrDenied) {
				t.Errorf("create: %v", err)
			}
			if _, err := h.users.List(t.Context(), u.Actor(), "", 10); !errors.Is(err, access.ErrDenied) {
				t.Errorf("list: %v", err)
			}
		})
	},
	"A43WhatIsNotOfferedStaysAsItIs": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		name := "Anna B."
		if _, err := h.users.UpdateProfile(t.Context(), u.Actor(), user.Change{Name: &name}); err != nil {
			t.Fatal(err)
		}
		want := u
		want.Name = name
		if got, err := h.User(t.Context(), u.Tenant, u.ID); err != nil || got != want {
			t.Errorf("stored %+v, %v; want %+v", got, err, want)
		}
		m := h.meeting(t, u, "Rat")
		stolen, err := h.ChangeMeeting(t.Context(), m.Tenant, m.ID, func(m meeting.Meeting) (meeting.Meeting, audit.Entry, error) {
			entry := audit.MeetingChanged(audit.Origin{At: h.clock.Now(), Actor: u.Actor()}, m.ID, nil, true)
			m.OwnerID, m.Link, m.Tenant = "mallory", "link", "another"
			return m, entry, nil
		})
		if got, err2 := h.Meeting(t.Context(), m.Tenant, m.ID); err != nil || err2 != nil || got != m {
			t.Errorf("stored %+v, %v; changed to %+v, %v", got, err2, stolen, err)
		}
	},
	"ProfileIsChangedWithEntry": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		name, language := " Änne ", user.English
		added := h.wantNewEntries(t, func() {
			got, err := h.users.UpdateProfile(t.Context(), u.Actor(), user.Change{Name: &name, Language: &language})
			if err != nil || got.Name != "Änne" || got.Language != user.English {
				t.Errorf("changed %+v, %v", got, err)
			}
		}, audit.KindProfileChanged)
		if added[0].Details != `{"fields":["name","language"]}` {
			t.Errorf("entry %+v", added[0])
		}
		if got, err := h.users.Profile(t.Context(), u.Actor()); err != nil || got.Name != "Änne" || got.Roles != access.Ordinary {
			t.Errorf("profile %+v, %v", got, err)
		}
		bad, french, none := "a\u202eb", user.Language("fr"), user.Language("")
		h.wantNewEntries(t, func() {
			for _, c := range []user.Change{{Name: &bad}, {Language: &french}, {Language: &none}} {
				if _, err := h.users.UpdateProfile(t.Context(), u.Actor(), c); fault.As(err).Kind != fault.KindInvalid {
					t.Errorf("%+v: %v", c, err)
				}
			}
			gone := user.User{ID: "gone", Tenant: access.DefaultTenant, Roles: access.Ordinary}
			if _, err := h.users.UpdateProfile(t.Context(), gone.Actor(), user.Change{}); !errors.Is(err, user.ErrUnknown) {
				t.Errorf("unknown user: %v", err)
			}
		})
	},
}

var setup = map[string]func(*testing.T, *house){
	"A47SetupMakesOneAdministrator": func(t *testing.T, h *house) {
		token, err := h.setup.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.wantNewEntries(t, func() {
			succeeded, failures := sideBySide(4, func(i int) error {
				_, _, err := h.setup.Complete(t.Context(), access.Nobody(), token, user.New{
					Email: string(rune('a'+i)) + "@example.org", Name: "Admin", Password: password,
				})
				return err
			})
			for _, err := range failures {
				if !errors.Is(err, auth.ErrSetupDone) {
					t.Errorf("another one got %v", err)
				}
			}
			if succeeded != 1 {
				t.Errorf("%d administrators were made", succeeded)
			}
		}, audit.KindSetupCompleted, audit.KindRecoveryKeyMade)
		if needed, err := h.setup.Needed(t.Context()); err != nil || needed {
			t.Errorf("still needed: %v, %v", needed, err)
		}
		if _, err := h.setup.Issue(t.Context()); !errors.Is(err, auth.ErrSetupDone) {
			t.Errorf("another token was issued: %v", err)
		}
	},
	"A47SetupIsRepeatedForItsAdministratorAlone": func(t *testing.T, h *house) {
		token, err := h.setup.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.account(t, "plain@example.org", access.Ordinary) // as old as the token
		if got, err := h.setup.Made(t.Context(), access.Nobody(), token); !errors.Is(err, auth.ErrSetupDone) {
			t.Errorf("before the set-up: %+v, %v", got, err)
		}
		u, first, err := h.setup.Complete(t.Context(), access.Nobody(), token, user.New{Email: "a@example.org", Name: "Admin", Password: password})
		if err != nil {
			t.Fatal(err)
		}
		again := func(token string) (string, error) {
			made, err := h.setup.Made(t.Context(), access.Nobody(), token)
			if err != nil {
				return "", err
			}
			if made != u {
				t.Errorf("made %+v, want %+v", made, u)
			}
			return h.setup.Repeat(t.Context(), access.Nobody(), token, made)
		}
		h.wantNewEntries(t, func() {
			second, err := again(token)
			if err != nil || second == first || !strings.HasPrefix(second, "AGE-SECRET-KEY-1") {
				t.Errorf("again: %v", err)
			}
		}, audit.KindRecoveryKeyMade)
		h.wantNewEntries(t, func() {
			other := u
			other.ID = "other"
			if _, err := h.setup.Repeat(t.Context(), access.Nobody(), token, other); !errors.Is(err, auth.ErrSetupDone) {
				t.Errorf("for somebody else: %v", err)
			}
			for _, wrong := range []string{"", "x", token + "x"} {
				if _, err := again(wrong); !errors.Is(err, auth.ErrSetupDone) {
					t.Errorf("token %q: %v", wrong, err)
				}
			}
		})
		h.clock.Advance(auth.SetupRepeatable)
		if _, err := again(token); err != nil {
			t.Errorf("at the last moment: %v", err)
		}
		h.clock.Advance(time.Millisecond)
		if _, err := again(token); !errors.Is(err, auth.ErrSetupDone) {
			t.Errorf("too late: %v", err)
		}
	},
	"SetupIsNotRepeatedBesideAnotherAdministrator": func(t *testing.T, h *house) {
		token, err := h.setup.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u, _, err := h.setup.Complete(t.Context(), access.Nobody(), token, user.New{Email: "a@example.org", Name: "Admin", Password: password})
		if err != nil {
			t.Fatal(err)
		}
		h.account(t, "boss@example.org", access.Administrator)
		h.wantNewEntries(t, func() {
			if _, err := h.setup.Made(t.Context(), access.Nobody(), token); !errors.Is(err, auth.ErrSetupDone) {
				t.Errorf("made: %v", err)
			}
			if _, err := h.setup.Repeat(t.Context(), access.Nobody(), token, u); !errors.Is(err, auth.ErrSetupDone) {
				t.Errorf("repeated: %v", err)
			}
		})
	},
	"SetupTokenIsTheNewestOne": func(t *testing.T, h *house) {
		first, err := h.setup.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.setup.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		admin := user.New{Email: "a@example.org", Name: "Admin", Password: password}
		h.wantNewEntries(t, func() {
			for _, token := range []string{"", "x", first, second + "x"} {
				if _, _, err := h.setup.Complete(t.Context(), access.Nobody(), token, admin); !errors.Is(err, auth.ErrSetupInvalid) {
					t.Errorf("token %q: %v", token, err)
				}
			}
			weak := admin
			weak.Password = "short"
			if _, _, err := h.setup.Complete(t.Context(), access.Nobody(), second, weak); !errors.Is(err, auth.ErrPasswordTooShort) {
				t.Errorf("short password: %v", err)
			}
		})
		u, key, err := h.setup.Complete(t.Context(), access.Nobody(), second, admin)
		if err != nil || !strings.HasPrefix(key, "AGE-SECRET-KEY-1") || u.Roles != access.Administrator {
			t.Errorf("after all mistakes: %+v, %v", u, err)
		}
	},
	"SetupEndsWithAnAdministratorFromElsewhere": func(t *testing.T, h *house) {
		token, err := h.setup.Issue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.account(t, "plain@example.org", access.Ordinary)
		if needed, err := h.setup.Needed(t.Context()); err != nil || !needed {
			t.Errorf("an ordinary account ended the set-up: %v, %v", needed, err)
		}
		h.account(t, "boss@example.org", access.Administrator)
		_, _, err = h.setup.Complete(t.Context(), access.Nobody(), token, user.New{Email: "a@example.org", Name: "A", Password: password})
		if !errors.Is(err, auth.ErrSetupDone) {
			t.Errorf("got %v", err)
		}
	},
}
