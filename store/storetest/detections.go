package storetest

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
)

// atlas knows where home is, and elsewhere.
type atlas struct{}

// Place implements finding.Atlas.
func (atlas) Place(a netip.Addr) (finding.Place, bool) {
	switch {
	case netip.MustParsePrefix("192.0.2.0/24").Contains(a):
		return finding.Place{Country: "DE", Latitude: 52.5, Longitude: 13.4, Located: true}, true
	case netip.MustParsePrefix("198.51.100.0/24").Contains(a):
		return finding.Place{Country: "JP", Latitude: 35.7, Longitude: 139.7, Located: true}, true
	}
	return finding.Place{}, false
}

// look has a watch that was just started look at all that is in the log.
func (h *house) look(t *testing.T) {
	t.Helper()
	h.integrate(t)
	if err := finding.NewWatch(h.Store, h.Store, atlas{}, slog.New(slog.DiscardHandler)).Look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// shown shows a secret that is refused, and returns what was found of that kind.
func (h *house) shown(t *testing.T, secret string, refusal error, kind finding.Kind) []finding.Finding {
	t.Helper()
	if err := auth.NewReuse(h.Store, h.clock.Now).Refused(t.Context(), refusal, secret, "203.0.113.9", "curl"); !errors.Is(err, refusal) {
		t.Fatalf("got %v, want %v", err, refusal)
	}
	return h.found(t, kind)
}

var detections = map[string]func(*testing.T, *house){
	"SignInsFromFarAwayAreFoundInTheLog": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home}, nil)
		h.look(t)
		h.clock.Advance(time.Hour)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: "198.51.100.7"}, nil)
		for range 2 { // the second watch begins anew, as after a restart
			h.look(t)
			found := h.found(t, finding.NewCountry, finding.ImpossibleTravel)
			if len(found) != 2 || found[0].UserID != u.ID || !slices.Equal(found[0].Evidence.Countries, []string{"JP", "DE"}) ||
				found[0].Evidence.Minutes != 60 || found[0].Evidence.Kilometres < 8000 {
				t.Fatalf("%+v", found)
			}
		}
		habits, err := h.Habits(t.Context(), access.DefaultTenant, u.ID, h.clock.Now().Add(-finding.HabitMemory))
		if err != nil || len(habits) != 2 || habits[0].Value != "JP" || habits[0].Times != 1 || habits[1].Mark != "52.50,13.40,0" {
			t.Errorf("%+v, %v", habits, err)
		}
		f := h.found(t, finding.ImpossibleTravel)[0]
		one, places, err := h.Finding(t.Context(), access.DefaultTenant, f.ID)
		if err != nil || one.ID != f.ID || len(places) != 1 {
			t.Fatalf("%+v, %v, %v", one, places, err)
		}
		if entries, err := h.AuditPlaced(t.Context(), places[0], 1); err != nil || len(entries) != 1 || entries[0].ID != f.Evidence.Entries[0] || entries[0].Kind != audit.KindSessionStarted {
			t.Errorf("at %d: %+v, %v", places[0], entries, err)
		}
	},
	"ManyDisabledAccountsAreFoundInTheLog": func(t *testing.T, h *house) {
		admin := h.account(t, "adam@example.org", access.Administrator)
		for i := range finding.AdminActs {
			u := h.account(t, string(rune('a'+i))+"@example.org", access.Ordinary)
			h.look(t)
			if found := h.found(t); len(found) != 0 {
				t.Fatalf("found after %d: %+v", i, found)
			}
			if _, err := h.users.Disable(t.Context(), admin.Actor(), u.ID); err != nil {
				t.Fatal(err)
			}
		}
		h.look(t)
		if found := h.found(t); len(found) != 1 || found[0].Kind != finding.AdminBurst || found[0].UserID != admin.ID || len(found[0].Evidence.Entries) != finding.AdminActs {
			t.Errorf("%+v", found)
		}
	},
	"HabitsAreCountedOnceAndForgotten": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		learn := func(user string, at time.Time) []finding.Habit {
			done := finding.Habit{Tenant: access.DefaultTenant, UserID: user, Aspect: finding.AspectCountry, Value: "DE", LastAt: at}
			if err := h.Learn(t.Context(), []finding.Habit{done}, nil, at.Add(-finding.HabitMemory)); err != nil {
				t.Fatal(err)
			}
			habits, err := h.Habits(t.Context(), access.DefaultTenant, u.ID, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			return habits
		}
		now := h.clock.Now()
		learn(u.ID, now)
		learn(u.ID, now)
		learn("nobody", now)
		if got := learn(u.ID, now.Add(-time.Hour)); len(got) != 1 || got[0].Times != 1 || !got[0].LastAt.Equal(now) {
			t.Errorf("%+v", got)
		}
		if got := learn(u.ID, now.Add(time.Hour)); len(got) != 1 || got[0].Times != 2 || !got[0].FirstAt.Equal(now) {
			t.Errorf("%+v", got)
		}
		if got := learn("nobody", now.Add(time.Hour+finding.HabitMemory)); len(got) != 1 {
			t.Errorf("%+v", got)
		}
		if got := learn("nobody", now.Add(time.Hour+finding.HabitMemory+time.Millisecond)); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	},
	"ASignedOutSessionIsFoundWhenItIsShownAgain": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		in := h.signedIn(t, u)
		if err := h.sessions.End(t.Context(), u.Actor(), in.Identity.Session.ID, audit.SessionSignedOut); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(auth.ReuseGrace - time.Millisecond)
		if found := h.shown(t, in.Session, auth.ErrSessionInvalid, finding.SessionReused); len(found) != 0 {
			t.Errorf("found too soon: %+v", found)
		}
		h.clock.Advance(time.Millisecond)
		h.shown(t, in.Session, auth.ErrTicketUnknown, finding.SessionReused)
		h.shown(t, "not a secret", auth.ErrSessionInvalid, finding.SessionReused)
		if found := h.shown(t, strings.Repeat("A", len(in.Session)), auth.ErrSessionInvalid, finding.SessionReused); len(found) != 0 {
			t.Errorf("found of what was no session: %+v", found)
		}
		h.shown(t, in.Session, auth.ErrSessionInvalid, finding.SessionReused)
		found := h.shown(t, in.Session, auth.ErrSessionInvalid, finding.SessionReused)
		if len(found) != 1 || found[0].UserID != u.ID || !slices.Equal(found[0].Evidence.Sessions, []string{in.Identity.Session.ID}) ||
			!slices.Equal(found[0].Evidence.Sources, []string{"203.0.113.0/24"}) || len(found[0].Evidence.Entries) != 1 || found[0].Evidence.Agent != "curl" {
			t.Errorf("%+v", found)
		}
		h.clock.Advance(auth.RetiredMemory + time.Second)
		h.signedIn(t, u)
		if found := h.shown(t, in.Session, auth.ErrSessionInvalid, finding.SessionReused); len(found) != 1 {
			t.Errorf("%d findings, though it is forgotten", len(found))
		}
	},
	"AReplacedSessionIsFoundButNotOneThatWasEndedFromElsewhere": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		first, other := h.signedIn(t, u), h.signedIn(t, u)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home, Device: first.Device, Session: first.Session}, nil)
		if _, err := h.sessions.EndOthers(t.Context(), u.Actor(), ""); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(auth.ReuseGrace)
		if found := h.shown(t, other.Session, auth.ErrSessionInvalid, finding.SessionReused); len(found) != 0 {
			t.Errorf("its browser does not know that it was ended: %+v", found)
		}
		if found := h.shown(t, first.Session, auth.ErrSessionInvalid, finding.SessionReused); len(found) != 1 {
			t.Errorf("%d findings", len(found))
		}
	},
	"AMarkOfABrowserThatHasAnotherIsFound": func(t *testing.T, h *house) {
		anna, ben := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "ben@example.org", access.Ordinary)
		first := h.signedIn(t, anna)
		sign := func(email, device string) {
			h.wantTry(t, auth.Attempt{Email: email, Password: password, Address: home, UserAgent: "Copy", Device: device}, nil)
		}
		sign(anna.Email, first.Device)
		sign(ben.Email, first.Device) // in the same browser, which gets another mark
		h.clock.Advance(auth.ReuseGrace - time.Millisecond)
		sign(anna.Email, first.Device)
		if found := h.found(t, finding.BrowserReused); len(found) != 0 {
			t.Errorf("found too soon: %+v", found)
		}
		h.clock.Advance(time.Millisecond)
		sign(anna.Email, first.Device)
		sign(anna.Email, first.Device)
		found := h.found(t, finding.BrowserReused)
		if len(found) != 1 || found[0].UserID != anna.ID || found[0].Evidence.Agent != "Copy" || len(found[0].Evidence.Sessions) != 1 || len(found[0].Evidence.Entries) != 1 {
			t.Errorf("%+v", found)
		}
	},
	"ARevokedTokenIsFoundWhenItIsUsed": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		token, secret, err := h.tokens.Create(t.Context(), u.Actor(), auth.NewToken{Name: "script"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.tokens.Revoke(t.Context(), u.Actor(), token.ID); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(auth.ReuseGrace)
		if found := h.shown(t, secret, auth.ErrTokenInvalid, finding.TokenReused); len(found) != 1 || found[0].Evidence.Token != token.ID || len(found[0].Evidence.Entries) != 1 {
			t.Errorf("%+v", found)
		}
	},
	"AFindingIsTakenUpAndClosed": func(t *testing.T, h *house) {
		officer := h.account(t, "sec@example.org", "security_officer").Actor()
		service := finding.NewService(h.Store, h.clock.Now)
		f := finding.New(access.DefaultTenant, h.clock.Now(), finding.TicketGuessing, "", "c1", 0, finding.Evidence{Entries: []string{"nowhere"}})
		if err := h.KeepFinding(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if one, places, err := service.Read(t.Context(), officer, f.ID); err != nil || one.State != finding.Open || !one.HandledAt.IsZero() || !slices.Equal(places, []int64{-1}) {
			t.Errorf("%+v, %v, %v", one, places, err)
		}
		long := strings.Repeat("ä", finding.MaxNote)
		h.wantNewEntries(t, func() {
			for _, c := range []struct {
				actor access.Actor
				id    string
				state finding.State
				note  string
				want  error
			}{
				{access.Nobody(), f.ID, finding.Taken, "", access.ErrSignInRequired},
				{h.account(t, "audit@example.org", "auditor").Actor(), f.ID, finding.Taken, "", access.ErrDenied},
				{officer, "unknown", finding.Taken, "", finding.ErrUnknown},
				{officer, f.ID, "gone", "", finding.ErrState},
				{officer, f.ID, finding.Closed, " ", finding.ErrNote},
				{officer, f.ID, finding.Closed, long + "x", finding.ErrNote},
			} {
				if _, err := service.Handle(t.Context(), c.actor, c.id, f.Version(), c.state, c.note); !errors.Is(err, c.want) {
					t.Errorf("%s, %.10q: %v, want %v", c.state, c.note, err, c.want)
				}
			}
		}, audit.KindUserCreated)
		for _, c := range []struct {
			state finding.State
			note  string
		}{{finding.Taken, ""}, {finding.Closed, long}, {finding.Open, ""}} {
			h.clock.Advance(time.Second)
			seen := h.found(t)[0].Version()
			added := h.wantNewEntries(t, func() {
				if _, err := service.Handle(t.Context(), officer, f.ID, seen, c.state, c.note); err != nil {
					t.Error(err)
				}
			}, audit.KindFindingHandled)
			h.wantNewEntries(t, func() {
				if _, err := service.Handle(t.Context(), officer, f.ID, seen, finding.Taken, ""); !errors.Is(err, finding.ErrHandledElse) {
					t.Errorf("somebody who has not seen that it is %s: %v", c.state, err)
				}
			})
			if added[0].ObjectID != f.ID || added[0].Details != `{"finding":"ticket.guessing","state":"`+string(c.state)+`"}` {
				t.Errorf("entry %+v", added[0])
			}
			if one := h.found(t)[0]; one.State != c.state || one.Note != c.note || one.HandledBy != officer.UserID || !one.HandledAt.Equal(h.clock.Now()) {
				t.Errorf("%+v", one)
			}
		}
		h.wantNewEntries(t, func() {
			was := h.found(t)[0]
			for _, other := range []finding.Finding{{State: finding.Taken, HandledAt: was.HandledAt}, {State: was.State, HandledAt: was.HandledAt.Add(time.Millisecond)}} {
				if err := h.HandleFinding(t.Context(), f, other, audit.FindingHandled(audit.Origin{At: h.clock.Now(), Actor: officer}, f.ID, "", "closed")); !errors.Is(err, finding.ErrHandledElse) {
					t.Errorf("handled at once by two: %v", err)
				}
			}
			seen := was.Version()
			for range 2 { // in the same millisecond
				now, err := service.Handle(t.Context(), officer, f.ID, seen, finding.Taken, "")
				if err != nil || now.Version() == seen {
					t.Errorf("version %s after %s, %v", now.Version(), seen, err)
				}
				seen = now.Version()
			}
		}, audit.KindFindingHandled, audit.KindFindingHandled)
	},
}
