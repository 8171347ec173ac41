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

const home = "192.0.2.7"

// try signs in and returns only the error.
func (h *house) try(t *testing.T, a auth.Attempt) error {
	t.Helper()
	_, err := h.signIn.SignIn(t.Context(), access.Nobody(), a)
	return err
}

// guess is a sign-in with a wrong password.
func guess(email, address string) auth.Attempt {
	return auth.Attempt{Email: email, Password: "wrong horse battery", Address: address}
}

// elsewhere repeats the one failure that is stored, n times, as if each came from another network.
func (h *house) elsewhere(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		const again = "INSERT INTO sign_in_failures (tenant, account, source, known, at) SELECT tenant, account, $1, known, at FROM sign_in_failures ORDER BY id LIMIT 1"
		if _, err := h.Raw.ExecContext(t.Context(), again, fmt.Sprintf("198.51.100.%d/32", i)); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *house) wantTry(t *testing.T, a auth.Attempt, want error) {
	t.Helper()
	if err := h.try(t, a); !errors.Is(err, want) {
		t.Errorf("sign-in of %s from %s: %v, want %v", a.Email, a.Address, err, want)
	}
}

var signIns = map[string]func(*testing.T, *house){
	"A26SixthFailureWithin600SecondsLocks": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		right := auth.Attempt{Email: u.Email, Password: password, Address: home}
		for range auth.LockFailures - 1 {
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
			h.clock.Advance(auth.LockWindow / (auth.LockFailures - 1))
		}
		added := h.wantNewEntries(t, func() { h.wantTry(t, guess(u.Email, home), auth.ErrLocked) },
			audit.KindSessionFailed, audit.KindSessionLocked)
		if e := added[1]; e.ObjectID != u.ID || e.Details != `{"scope":"account_source","source":"192.0.2.0/24","until":"2026-11-21T09:20:00.000Z"}` {
			t.Errorf("entry %+v", e)
		}
		h.wantNewEntries(t, func() {
			h.wantTry(t, right, auth.ErrLocked)
			h.clock.Advance(auth.LockDuration - time.Millisecond)
			h.wantTry(t, right, auth.ErrLocked)
		})
		h.clock.Advance(time.Millisecond)
		h.wantTry(t, right, nil)
	},
	"A26FifthFailureDoesNotLock": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for range auth.LockFailures - 1 {
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		}
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home}, nil)
		for range auth.LockFailures - 1 { // which starts the count again
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		}
	},
	"A26SixFailuresIn601SecondsDoNotLock": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		h.clock.Advance(auth.LockWindow + time.Second)
		for range auth.LockFailures - 1 {
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		}
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home}, nil)
	},
	"A26GuessesSideBySideAreCounted": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		_, failures := sideBySide(20, func(int) error { return h.try(t, guess(u.Email, home)) })
		failed := 0
		for _, err := range failures {
			if errors.Is(err, auth.ErrFailed) {
				failed++
			} else if !errors.Is(err, auth.ErrLocked) {
				t.Errorf("got %v", err)
			}
		}
		if tried := len(h.entries(t, audit.KindSessionFailed)); failed != auth.LockFailures-1 || tried != auth.LockFailures {
			t.Errorf("%d of 20 were answered as failed and %d tried", failed, tried)
		}
	},
	"A26DistributedGuessesLockTheAccount": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.wantTry(t, guess(u.Email, "198.51.100.254"), auth.ErrFailed)
		h.elsewhere(t, auth.AccountLockFailures-2)
		added := h.wantNewEntries(t, func() { h.wantTry(t, guess(u.Email, "2001:db8::1"), auth.ErrLocked) },
			audit.KindSessionFailed, audit.KindSessionLocked)
		if want := `{"scope":"account","source":"2001:db8::/48","until":"2026-11-21T09:15:00.000Z"}`; added[1].Details != want {
			t.Errorf("details %s, want %s", added[1].Details, want)
		}
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: "203.0.113.1"}, auth.ErrLocked)
		h.clock.Advance(auth.AccountLockDuration)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: "203.0.113.1"}, nil)
	},
	"A26SprayLocksTheSource": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		at := h.clock.Now()
		for i := range auth.SourceLockFailures - 1 {
			f := auth.Failure{Tenant: access.DefaultTenant, Account: fmt.Sprint("account", i), Source: "198.51.100.1/32", At: at}
			if err := h.RecordFailure(t.Context(), f, at.Add(-auth.FailureMemory), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		h.wantTry(t, guess(u.Email, "198.51.100.1:99"), auth.ErrLocked)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: "198.51.100.1"}, auth.ErrLocked)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home}, nil)
	},
	"A27VictimWithKnownBrowserGetsIn": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		device := h.signedIn(t, u).Device
		for range auth.LockFailures - 1 { // the attacker sits in the same office
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		}
		h.wantTry(t, guess(u.Email, home), auth.ErrLocked)
		h.elsewhere(t, auth.AccountLockFailures) // and everywhere else
		victim := auth.Attempt{Email: u.Email, Password: password, Address: home}
		h.wantTry(t, victim, auth.ErrLocked)
		victim.Device = device
		in, err := h.signIn.SignIn(t.Context(), access.Nobody(), victim)
		if err != nil || in.Device != device {
			t.Errorf("the victim's own browser: %v", err)
		}
		stolen := guess(u.Email, home)
		stolen.Device = device
		for range auth.LockFailures - 1 {
			h.wantTry(t, stolen, auth.ErrFailed)
		}
		h.wantTry(t, stolen, auth.ErrLocked) // a known browser is limited by itself
		h.clock.Advance(auth.DeviceLifetime)
		if known, err := h.KnowsDevice(t.Context(), u.ID, nil, h.clock.Now()); known || err != nil {
			t.Errorf("no browser is known: %v, %v", known, err)
		}
	},
	"A27DeviceOfOneAccountIsNotKnownToAnother": func(t *testing.T, h *house) {
		device := h.signedIn(t, h.account(t, "mallory@example.org", access.Ordinary)).Device
		u := h.account(t, "anna@example.org", access.Ordinary)
		a := guess(u.Email, home)
		a.Device = device
		for range auth.LockFailures - 1 {
			h.wantTry(t, a, auth.ErrFailed)
		}
		h.wantTry(t, guess(u.Email, home), auth.ErrLocked) // counted together
	},
	"A28UnknownAccountLooksTheSame": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for i := range auth.LockFailures + 1 {
			known, unknown := h.try(t, guess(u.Email, home)), h.try(t, guess("nobody@example.org", "203.0.113.7"))
			if known == nil || unknown == nil || known.Error() != unknown.Error() {
				t.Errorf("attempt %d: %q for a known account, %q for an unknown one", i+1, known, unknown)
			}
		}
		for _, odd := range []string{"", "not an address", "a@b@c", "\x00", "' OR 1=1 --", "\xff"} {
			h.wantTry(t, guess(odd, "203.0.113.8"), auth.ErrFailed)
		}
		for _, e := range h.entries(t, audit.KindSessionFailed) {
			if e.ObjectID != u.ID && e.ObjectID != "" || e.ActorKind != access.KindAnonymous {
				t.Errorf("entry %+v", e)
			}
		}
	},
	"PasswordIsChanged": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		here, elsewhere := h.signedIn(t, u), h.signedIn(t, u)
		change := auth.PasswordChange{Old: password, New: "another horse battery", Address: home, Keep: here.Identity.Session.ID}
		weak, wrong := change, change
		weak.New, wrong.Old = "short", "wrong horse battery"
		h.wantNewEntries(t, func() {
			if err := h.signIn.ChangePassword(t.Context(), u.Actor(), weak); !errors.Is(err, auth.ErrPasswordTooShort) {
				t.Errorf("weak: %v", err)
			}
		})
		h.wantNewEntries(t, func() {
			if err := h.signIn.ChangePassword(t.Context(), u.Actor(), wrong); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("wrong: %v", err)
			}
		}, audit.KindSessionFailed)
		added := h.wantNewEntries(t, func() {
			if err := h.signIn.ChangePassword(t.Context(), u.Actor(), change); err != nil {
				t.Error(err)
			}
		}, audit.KindPasswordChanged)
		if added[0].Details != `{"sessionsEnded":1}` {
			t.Errorf("entry %+v", added[0])
		}
		h.wantSession(t, here.Session, nil)
		h.wantSession(t, elsewhere.Session, auth.ErrSessionInvalid)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: "203.0.113.9"}, auth.ErrFailed)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: change.New, Address: "203.0.113.9"}, nil)
	},
	"ForgottenPasswordIsReplaced": func(t *testing.T, h *house) {
		u, admin := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "adam@example.org", access.Administrator)
		elsewhere := h.signedIn(t, u)
		const next = "another horse battery"
		h.wantNewEntries(t, func() {
			for _, c := range []struct {
				actor           access.Actor
				email, password string
				want            error
			}{
				{access.System("command-line"), "nobody@example.org", next, user.ErrUnknown},
				{access.System("command-line"), u.Email, "short", auth.ErrPasswordTooShort},
				{u.Actor(), u.Email, next, access.ErrDenied},
				{admin.Actor(), u.Email, next, access.ErrDenied},
			} {
				if err := h.signIn.ResetPassword(t.Context(), c.actor, c.email, c.password); !errors.Is(err, c.want) {
					t.Errorf("%s by %s: got %v, want %v", c.email, c.actor.Kind, err, c.want)
				}
			}
		})
		added := h.wantNewEntries(t, func() {
			if err := h.signIn.ResetPassword(t.Context(), access.System("command-line"), "Anna@example.org", next); err != nil {
				t.Error(err)
			}
		}, audit.KindPasswordChanged)
		if added[0].ObjectID != u.ID || added[0].ActorID != "command-line" || added[0].Details != `{"sessionsEnded":1}` {
			t.Errorf("entry %+v", added[0])
		}
		h.wantSession(t, elsewhere.Session, auth.ErrSessionInvalid)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home}, auth.ErrFailed)
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: next, Address: home}, nil)
	},
	"A26StolenSessionCannotGuessThePassword": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		wrong := auth.PasswordChange{Old: "wrong horse battery", New: "another horse battery", Address: home}
		for range auth.LockFailures - 1 {
			if err := h.signIn.ChangePassword(t.Context(), u.Actor(), wrong); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("got %v", err)
			}
		}
		for range 2 {
			if err := h.signIn.ChangePassword(t.Context(), u.Actor(), wrong); !errors.Is(err, auth.ErrLocked) {
				t.Errorf("got %v", err)
			}
		}
	},
	"A46PasswordVerifiedBeforeItsChangeBeginsNoSession": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		old, err := h.CredentialOf(t.Context(), u.Tenant, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.signIn.ChangePassword(t.Context(), u.Actor(), auth.PasswordChange{Old: password, New: "another horse battery"}); err != nil {
			t.Fatal(err)
		}
		entry := audit.SessionStarted(audit.Origin{At: h.clock.Now(), Actor: u.Actor()}, "s", "")
		h.wantNewEntries(t, func() {
			late := auth.Begin{Session: auth.Session{ID: "s", Tenant: u.Tenant, UserID: u.ID}, Entry: entry, Secret: auth.Hash("x"), Device: auth.Hash("d"),
				PasswordHash: old.PasswordHash, RenewedHash: old.PasswordHash}
			if err := h.BeginSession(t.Context(), late); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("begin session: %v", err)
			}
			if err := h.ReplacePassword(t.Context(), old, "$new", "", func(int) audit.Entry { return entry }); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("replace password: %v", err)
			}
		})
	},
	"HashOfAnotherCostIsRenewedAtSignIn": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		const cheap = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"
		hash := cheap + cheapKey()
		if _, err := h.Raw.ExecContext(t.Context(), "UPDATE users SET password_hash = $1 WHERE id = $2", hash, u.ID); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			h.signedIn(t, u)
			c, err := h.CredentialOf(t.Context(), u.Tenant, u.ID)
			if err != nil || c.PasswordHash == hash {
				t.Errorf("stored %s, %v", c.PasswordHash, err)
			}
		}
	},
}
