package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/user"
)

// signedIn signs the user in from a browser that nobody knows.
func (h *house) signedIn(t *testing.T, u user.User) auth.SignedIn {
	t.Helper()
	in, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{
		Email: u.Email, Password: password, Address: "192.0.2.7:1234", UserAgent: "Browser/1.0 (Test)",
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (h *house) wantSession(t *testing.T, secret string, want error) {
	t.Helper()
	if _, err := h.sessions.Authenticate(t.Context(), secret); !errors.Is(err, want) {
		t.Errorf("authenticate: %v, want %v", err, want)
	}
}

var sessions = map[string]func(*testing.T, *house){
	"SessionIsRecognised": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		var in auth.SignedIn
		added := h.wantNewEntries(t, func() { in = h.signedIn(t, u) }, audit.KindSessionStarted)
		if e := added[0]; e.ActorUser != u.ID || e.ObjectID != in.Identity.Session.ID || e.Details != `{"source":"192.0.2.0/24"}` {
			t.Errorf("entry %+v", e)
		}
		id, err := h.sessions.Authenticate(t.Context(), in.Session)
		if err != nil || id.User != u || id.Actor.Kind != access.KindAccount || id.Actor.UserID != u.ID || id.Session != in.Identity.Session {
			t.Errorf("identity %+v, %v", id, err)
		}
		if s := id.Session; s.UserAgent != "Browser/1.0 (Test)" || s.Source != "192.0.2.0/24" || s.ExpiresAt.Sub(s.CreatedAt) != auth.DefaultSessionLifetime {
			t.Errorf("session %+v", s)
		}
		for _, wrong := range []string{"", "x", in.Session + "A", in.Session[1:], "' OR 1=1 --"} {
			h.wantSession(t, wrong, auth.ErrSessionInvalid)
		}
	},
	"SecretsAreNotStored": func(t *testing.T, h *house) {
		in := h.signedIn(t, h.account(t, "anna@example.org", access.Ordinary))
		for _, query := range []string{
			"SELECT COUNT(*) FROM sessions WHERE hash = $1", "SELECT COUNT(*) FROM devices WHERE hash = $1",
		} {
			for _, secret := range []string{in.Session, in.Device} {
				var n int
				if err := h.Raw.QueryRowContext(t.Context(), query, []byte(secret)).Scan(&n); err != nil || n != 0 {
					t.Errorf("%s finds %d rows, %v", query, n, err)
				}
			}
		}
	},
	"SessionExpiresWhenIdle": func(t *testing.T, h *house) {
		in := h.signedIn(t, h.account(t, "anna@example.org", access.Ordinary))
		h.clock.Advance(auth.DefaultSessionIdle - time.Millisecond)
		h.wantSession(t, in.Session, nil) // which is a use
		h.clock.Advance(auth.DefaultSessionIdle - time.Millisecond)
		h.wantSession(t, in.Session, nil)
		h.clock.Advance(auth.DefaultSessionIdle)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
	},
	"SessionExpiresInAnyCase": func(t *testing.T, h *house) {
		in := h.signedIn(t, h.account(t, "anna@example.org", access.Ordinary))
		const step = auth.DefaultSessionLifetime / 21 // 8 hours
		for range 20 {
			h.clock.Advance(step)
			h.wantSession(t, in.Session, nil)
		}
		h.clock.Advance(step - time.Millisecond)
		h.wantSession(t, in.Session, nil)
		h.clock.Advance(time.Millisecond)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
	},
	"SessionsLastAsConfigured": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: h.clock.Now, Idle: 10 * time.Minute, Lifetime: 15 * time.Minute, Max: 2})
		h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
		idle, used := h.signedIn(t, u), h.signedIn(t, u)
		h.clock.Advance(10*time.Minute - time.Millisecond)
		h.wantSession(t, used.Session, nil)
		h.clock.Advance(time.Millisecond)
		h.wantSession(t, idle.Session, auth.ErrSessionInvalid)
		h.wantSession(t, used.Session, nil)
		h.clock.Advance(5*time.Minute - time.Millisecond)
		h.wantSession(t, used.Session, nil)
		h.clock.Advance(time.Millisecond)
		h.wantSession(t, used.Session, auth.ErrSessionInvalid)
	},
	"OneMoreThanAnAccountMayHaveEndsTheOneUsedLongestAgo": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		other := h.signedIn(t, h.account(t, "ben@example.org", access.Ordinary))
		h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: h.clock.Now, Max: 3})
		h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
		var in []auth.SignedIn
		for range 3 {
			h.wantNewEntries(t, func() { in = append(in, h.signedIn(t, u)) }, audit.KindSessionStarted)
			h.clock.Advance(auth.SeenPrecision)
		}
		h.wantSession(t, in[0].Session, nil) // which is a use
		added := h.wantNewEntries(t, func() { in = append(in, h.signedIn(t, u)) }, audit.KindSessionEnded, audit.KindSessionStarted)
		if e := added[0]; e.ObjectID != in[1].Identity.Session.ID || e.Details != `{"reason":"superseded"}` || e.ActorUser != u.ID {
			t.Errorf("entry %+v", e)
		}
		for i, want := range []error{nil, auth.ErrSessionInvalid, nil, nil} {
			h.wantSession(t, in[i].Session, want)
		}
		h.wantSession(t, other.Session, nil)
	},
	"ASessionThatIsInAConferenceIsTheLastToGo": func(t *testing.T, h *house) {
		u, r := h.account(t, "anna@example.org", access.Ordinary), h.conference(t)
		h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: h.clock.Now, Max: 2})
		h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
		meeting := h.signedIn(t, u)
		h.admitted(t, r, meeting.Identity.Actor, "in")
		h.clock.Advance(auth.SeenPrecision)
		idle := h.signedIn(t, u)
		h.clock.Advance(auth.SeenPrecision)
		third := h.signedIn(t, u)
		h.wantSession(t, idle.Session, auth.ErrSessionInvalid) // though it was seen after the other
		h.wantSession(t, meeting.Session, nil)
		h.admitted(t, r, third.Identity.Actor, "in, too")
		h.clock.Advance(auth.SeenPrecision)
		h.wantSession(t, meeting.Session, nil) // which is a use
		h.signedIn(t, u)
		h.wantSession(t, meeting.Session, nil)
		h.wantSession(t, third.Session, auth.ErrSessionInvalid)
	},
	"ASessionThatIsReplacedInItsBrowserLeavesAnEntry": func(t *testing.T, h *house) {
		anna, ben := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "ben@example.org", access.Ordinary)
		before := h.signedIn(t, anna)
		again := func(cookie string) auth.SignedIn {
			t.Helper()
			in, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: ben.Email, Password: password, Address: home, Session: cookie})
			if err != nil {
				t.Fatal(err)
			}
			return in
		}
		var in auth.SignedIn
		added := h.wantNewEntries(t, func() { in = again(before.Session) }, audit.KindSessionEnded, audit.KindSessionStarted)
		if e := added[0]; e.ObjectID != before.Identity.Session.ID || e.Details != `{"reason":"superseded"}` || e.ActorUser != ben.ID {
			t.Errorf("entry %+v", e)
		}
		h.wantSession(t, before.Session, auth.ErrSessionInvalid)
		h.clock.Advance(auth.DefaultSessionLifetime)
		h.wantNewEntries(t, func() { again(in.Session) }, audit.KindSessionStarted) // what has expired leaves none
	},
	"OfManySignInsAtOnceNoMoreStayThanAnAccountMayHave": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: h.clock.Now, Max: 2})
		h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
		if n, failures := sideBySide(6, func(i int) error {
			_, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: password, Address: fmt.Sprintf("192.0.%d.1", i)})
			return err
		}); n != 6 {
			t.Fatalf("%d signed in, %v", n, failures)
		}
		if list, err := h.sessions.List(t.Context(), u.Actor()); err != nil || len(list) != 2 {
			t.Errorf("%d sessions stay, %v", len(list), err)
		}
	},
	"A87AClockThatIsPutBackProlongsNothing": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: auth.Forward(h.clock.Now)})
		h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
		in := h.signedIn(t, u)
		h.clock.Advance(auth.DefaultSessionIdle - time.Hour)
		h.wantSession(t, in.Session, nil)
		h.clock.Advance(-2 * time.Hour) // while the server runs
		h.wantSession(t, in.Session, nil)
		h.clock.Advance(2*time.Hour + auth.DefaultSessionIdle)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)

		h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: h.clock.Now}) // as after a restart, which forgets what was shown
		h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
		in = h.signedIn(t, u)
		h.clock.Advance(-auth.ClockTolerance)
		h.wantSession(t, in.Session, nil)
		h.clock.Advance(-time.Millisecond)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
	},
	"UseIsWrittenOnceAMinute": func(t *testing.T, h *house) {
		in := h.signedIn(t, h.account(t, "anna@example.org", access.Ordinary))
		begun := h.clock.Now()
		for _, step := range []struct {
			after time.Duration
			seen  time.Duration
		}{{auth.SeenPrecision - time.Millisecond, 0}, {time.Millisecond, auth.SeenPrecision}, {auth.SeenPrecision / 2, auth.SeenPrecision}} {
			h.clock.Advance(step.after)
			h.wantSession(t, in.Session, nil)
			list, err := h.sessions.List(t.Context(), in.Identity.Actor)
			if err != nil || len(list) != 1 || list[0].SeenAt.Sub(begun) != step.seen {
				t.Errorf("seen %+v, %v; want %v after the beginning", list, err, step.seen)
			}
		}
	},
	"SessionsAreListedAndEnded": func(t *testing.T, h *house) {
		anna, ben := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "ben@example.org", access.Administrator)
		first := h.signedIn(t, anna)
		h.clock.Advance(time.Second)
		second, other := h.signedIn(t, anna), h.signedIn(t, ben)
		list, err := h.sessions.List(t.Context(), anna.Actor())
		if err != nil || len(list) != 2 || list[0].ID != second.Identity.Session.ID || list[1].ID != first.Identity.Session.ID {
			t.Errorf("listed %+v, %v", list, err)
		}
		h.wantNewEntries(t, func() {
			if err := h.sessions.End(t.Context(), ben.Actor(), first.Identity.Session.ID, audit.SessionRevoked); !errors.Is(err, auth.ErrSessionUnknown) {
				t.Errorf("an administrator ends somebody else's session: %v", err)
			}
		})
		h.wantNewEntries(t, func() {
			if err := h.sessions.End(t.Context(), anna.Actor(), first.Identity.Session.ID, audit.SessionRevoked); err != nil {
				t.Error(err)
			}
		}, audit.KindSessionEnded)
		h.wantSession(t, first.Session, auth.ErrSessionInvalid)
		h.wantSession(t, second.Session, nil)
		third := h.signedIn(t, anna)
		h.wantNewEntries(t, func() {
			if n, err := h.sessions.EndOthers(t.Context(), anna.Actor(), third.Identity.Session.ID); n != 1 || err != nil {
				t.Errorf("ended %d, %v", n, err)
			}
		}, audit.KindSessionEnded)
		h.wantSession(t, second.Session, auth.ErrSessionInvalid)
		h.wantSession(t, third.Session, nil)
		h.wantSession(t, other.Session, nil)
	},
	"A29SignInAlwaysBeginsANewSession": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		first := h.signedIn(t, u)
		for name, offered := range map[string]string{"chosen by the attacker": "A" + first.Session[1:], "not one of ours": "fixed"} {
			in, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: password, Address: "192.0.2.7", Session: offered})
			if err != nil || in.Session == offered {
				t.Errorf("%s: session %q, %v", name, in.Session, err)
			}
			h.wantSession(t, offered, auth.ErrSessionInvalid)
		}
		second, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: password, Address: "192.0.2.7", Session: first.Session})
		if err != nil || second.Session == first.Session {
			t.Fatalf("the session goes on: %v", err)
		}
		h.wantSession(t, first.Session, auth.ErrSessionInvalid)
		h.wantSession(t, second.Session, nil)
	},
	"DisabledAccountIsOutAtOnce": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		in := h.signedIn(t, u)
		_, secret, err := h.tokens.Create(t.Context(), u.Actor(), auth.NewToken{Name: "script"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ChangeUser(t.Context(), u.Tenant, u.ID, func(u user.User) (user.User, audit.Entry, error) {
			u.DisabledAt = h.clock.Now()
			return u, audit.ProfileChanged(audit.Origin{At: h.clock.Now(), Actor: access.System("test")}, u.ID, []string{"disabled"}), nil
		}); err != nil {
			t.Fatal(err)
		}
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		if _, err := h.tokens.Authenticate(t.Context(), secret); !errors.Is(err, auth.ErrTokenInvalid) {
			t.Errorf("token: %v", err)
		}
		added := h.wantNewEntries(t, func() {
			if _, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: password}); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("sign-in: %v", err)
			}
		}, audit.KindSessionFailed)
		if added[0].Details != `{"reason":"disabled_account","source":"unknown"}` {
			t.Errorf("entry %+v", added[0])
		}
	},
}
