package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
	"konklave/user"
)

// found returns what was found, the newest first.
func (h *house) found(t *testing.T, kinds ...finding.Kind) []finding.Finding {
	t.Helper()
	all, err := h.Findings(t.Context(), access.DefaultTenant, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f finding.Finding) bool { return len(kinds) > 0 && !slices.Contains(kinds, f.Kind) })
}

var findings = map[string]func(*testing.T, *house){
	"A26ALockIsFoundWithItsEvidence": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for range auth.LockFailures - 1 {
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
			h.clock.Advance(time.Second)
		}
		if early := h.found(t); len(early) != 0 {
			t.Errorf("found before there was a lock: %+v", early)
		}
		h.wantTry(t, guess(u.Email, home), auth.ErrLocked)
		h.wantTry(t, guess(u.Email, home), auth.ErrLocked) // which is not tried
		list := h.found(t)
		if len(list) != 1 {
			t.Fatalf("%d findings", len(list))
		}
		f := list[0]
		if f.Kind != finding.SignInLocked || f.UserID != u.ID || f.Evidence.Failures != auth.LockFailures ||
			f.Evidence.Scope != string(audit.LockAccountSource) || !slices.Equal(f.Evidence.Sources, []string{home + "/32"}) ||
			!f.At.Equal(h.clock.Now()) || f.Evidence.Until != h.clock.Now().Add(auth.LockDuration).Format(time.RFC3339) {
			t.Errorf("%+v", f)
		}
		var entries []string
		for _, e := range h.entries(t, audit.KindSessionFailed, audit.KindSessionLocked) {
			entries = append(entries, e.ID)
		}
		slices.Reverse(entries)
		if !slices.Equal(f.Evidence.Entries, entries) {
			t.Errorf("entries %v, want %v", f.Evidence.Entries, entries)
		}
	},
	"A26ALockOfTheWholeAccountNamesEveryNetwork": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.wantTry(t, guess(u.Email, "198.51.100.254"), auth.ErrFailed)
		h.elsewhere(t, auth.AccountLockFailures-2)
		h.wantTry(t, guess(u.Email, "203.0.113.9"), auth.ErrLocked)
		list := h.found(t)
		if len(list) != 1 || list[0].Evidence.Scope != string(audit.LockAccount) || len(list[0].Evidence.Sources) != auth.AccountLockFailures ||
			list[0].Evidence.Failures != auth.AccountLockFailures {
			t.Errorf("%+v", list)
		}
	},
	"A26SprayIsFoundAtTheTenthAccount": func(t *testing.T, h *house) {
		for i := range auth.SprayAccounts - 1 {
			h.wantTry(t, guess(fmt.Sprintf("p%d@example.org", i), home), auth.ErrFailed)
		}
		h.wantTry(t, guess("p0@example.org", home), auth.ErrFailed) // not another one
		if early := h.found(t); len(early) != 0 {
			t.Errorf("found after %d accounts: %+v", auth.SprayAccounts-1, early)
		}
		for i := range 3 {
			h.wantTry(t, guess(fmt.Sprintf("q%d@example.org", i), home), auth.ErrFailed)
		}
		list := h.found(t)
		if len(list) != 1 {
			t.Fatalf("%d findings", len(list))
		}
		if f := list[0]; f.Kind != finding.SignInSpray || f.Kind.Severity() != finding.Alarm || f.UserID != "" || f.Evidence.Accounts != auth.SprayAccounts ||
			f.Evidence.Failures != auth.SprayAccounts+1 || len(f.Evidence.Entries) != auth.SprayAccounts+1 || !slices.Equal(f.Evidence.Sources, []string{home + "/32"}) {
			t.Errorf("%+v", f)
		}
		h.clock.Advance(auth.SprayWindow + time.Second)
		for i := range auth.SprayAccounts {
			h.wantTry(t, guess(fmt.Sprintf("r%d@example.org", i), home), auth.ErrFailed)
		}
		if again := h.found(t, finding.SignInSpray); len(again) != 2 {
			t.Errorf("%d findings of two sprays", len(again))
		}
	},
	"A26SlowTriesOfManyAccountsAreNoSpray": func(t *testing.T, h *house) {
		for i := range auth.SprayAccounts {
			h.wantTry(t, guess(fmt.Sprintf("p%d@example.org", i), home), auth.ErrFailed)
			h.clock.Advance(auth.SprayWindow/(auth.SprayAccounts-1) + time.Millisecond)
		}
		if list := h.found(t); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	},
	"A23GuessedTicketsAreFound": func(t *testing.T, h *house) {
		h.wantRedeem(t, h.ticket(t), "c1", nil)
		for range auth.GuessedTickets - 1 {
			h.wantRedeem(t, "guessed", "c1", auth.ErrTicketUnknown)
		}
		h.wantRedeem(t, "guessed", "c2", auth.ErrTicketUnknown)
		if early := h.found(t); len(early) != 0 {
			t.Errorf("found after %d: %+v", auth.GuessedTickets-1, early)
		}
		shaped := h.ticket(t)
		for range 3 {
			h.wantRedeem(t, "A"+shaped[1:len(shaped)-1]+"A", "c1", auth.ErrTicketUnknown)
		}
		list := h.found(t)
		if len(list) != 1 || list[0].Kind != finding.TicketGuessing || list[0].Evidence.Conference != "c1" || list[0].Evidence.Failures != auth.GuessedTickets {
			t.Errorf("%+v", list)
		}
	},
	"UnknownTicketsOverALongTimeAreNoGuessing": func(t *testing.T, h *house) {
		for range 3 * auth.GuessedTickets {
			h.wantRedeem(t, "guessed", "c1", auth.ErrTicketUnknown)
			h.clock.Advance(auth.GuessWindow/(auth.GuessedTickets-1) + time.Millisecond)
		}
		if list := h.found(t); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	},
	"ANewBrowserIsFoundButNotTheFirst": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		first := h.signedIn(t, u)
		if list := h.found(t); len(list) != 0 {
			t.Errorf("the first browser: %+v", list)
		}
		again := auth.Attempt{Email: u.Email, Password: password, Address: home, Device: first.Device}
		h.wantTry(t, again, nil)
		if list := h.found(t); len(list) != 0 {
			t.Errorf("the same browser: %+v", list)
		}
		other := h.signedIn(t, u).Identity.Session
		list := h.found(t)
		if len(list) != 1 || list[0].Kind != finding.NewBrowser || list[0].UserID != u.ID || !slices.Equal(list[0].Evidence.Sessions, []string{other.ID}) ||
			list[0].Evidence.Agent != other.UserAgent || len(list[0].Evidence.Entries) != 1 {
			t.Errorf("%+v", list)
		}
		h.clock.Advance(auth.DeviceLifetime)
		h.signedIn(t, u)
		if list := h.found(t); len(list) != 1 {
			t.Errorf("%d findings, though no browser was known any more", len(list))
		}
	},
	"FindingsAreKeptForTheirTimeAndListedPageByPage": func(t *testing.T, h *house) {
		keep := func(topic string) finding.Finding {
			f := finding.New(access.DefaultTenant, h.clock.Now(), finding.TicketGuessing, "", topic, time.Minute, finding.Evidence{Conference: topic})
			if err := h.KeepFinding(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			return f
		}
		old := keep("a")
		h.clock.Advance(time.Minute - time.Millisecond)
		keep("a") // too soon
		other := keep("b")
		h.clock.Advance(time.Millisecond)
		again := keep("a")
		ids := func(after string, limit int) []string {
			list, err := h.Findings(t.Context(), access.DefaultTenant, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, f := range list {
				ids = append(ids, f.ID)
			}
			return ids
		}
		if got := ids("", 2); !slices.Equal(got, []string{again.ID, other.ID}) {
			t.Errorf("first page %v", got)
		}
		if got := ids(other.ID, 2); !slices.Equal(got, []string{old.ID}) {
			t.Errorf("second page %v", got)
		}
		if list, err := h.Findings(t.Context(), "another", "", 10); err != nil || len(list) != 0 {
			t.Errorf("another organisation sees %v, %v", list, err)
		}
		h.clock.Advance(finding.Lifetime - time.Minute)
		keep("c")
		if got := ids("", 10); len(got) != 4 {
			t.Errorf("%d findings after their time to the millisecond", len(got))
		}
		h.clock.Advance(time.Millisecond)
		keep("d")
		if got := ids("", 10); slices.Contains(got, old.ID) || len(got) != 4 {
			t.Errorf("after their time: %v", got)
		}
	},
	"AdministratorUnlocks": func(t *testing.T, h *house) {
		u, admin := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "adam@example.org", access.Administrator)
		right := auth.Attempt{Email: u.Email, Password: password, Address: home}
		for range auth.LockFailures - 1 {
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		}
		h.wantTry(t, guess(u.Email, home), auth.ErrLocked)
		h.elsewhere(t, auth.AccountLockFailures)
		h.wantTry(t, right, auth.ErrLocked)
		h.wantNewEntries(t, func() {
			for _, c := range []struct {
				actor access.Actor
				id    string
				want  error
			}{
				{u.Actor(), u.ID, access.ErrDenied}, {access.Nobody(), u.ID, access.ErrSignInRequired}, {admin.Actor(), "nobody", user.ErrUnknown},
			} {
				if err := h.signIn.Unlock(t.Context(), c.actor, c.id); !errors.Is(err, c.want) {
					t.Errorf("%s unlocks %s: %v, want %v", c.actor.ID, c.id, err, c.want)
				}
			}
		})
		h.wantTry(t, right, auth.ErrLocked)
		added := h.wantNewEntries(t, func() {
			if err := h.signIn.Unlock(t.Context(), admin.Actor(), u.ID); err != nil {
				t.Error(err)
			}
		}, audit.KindUserUnlocked)
		if e := added[0]; e.ObjectID != u.ID || e.ActorUser != admin.ID || e.Details != fmt.Sprintf(`{"failures":%d}`, auth.LockFailures+auth.AccountLockFailures) {
			t.Errorf("entry %+v", e)
		}
		h.wantTry(t, right, nil)
		for range auth.LockFailures - 1 { // the count begins anew
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		}
		h.wantTry(t, guess(u.Email, home), auth.ErrLocked)
		if err := h.signIn.UnlockAddress(t.Context(), access.System("command-line"), "Anna@Example.org"); err != nil {
			t.Error(err)
		}
		h.wantTry(t, right, nil)
	},
}
