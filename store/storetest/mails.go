package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/auth/passkey"
	"konklave/fault"
	"konklave/notify"
	"konklave/user"
)

// postbox is a mail server that takes what it is given, or fails.
type postbox struct {
	fails error
	taken []notify.Message
}

func (p *postbox) Carry(_ context.Context, m notify.Message) error {
	if p.fails != nil {
		return p.fails
	}
	p.taken = append(p.taken, m)
	return nil
}

// post is a house whose locks cause mails.
type post struct {
	*house
	box       *postbox
	unlocking *auth.Unlocking
	sender    *notify.Sender
}

func newPost(h *house) *post {
	h.signIn = h.signIn.TellingOwners()
	h.factors = auth.NewFactors(h.Store, h.signIn, h.keys, passkey.Library{})
	p := &post{house: h, box: &postbox{}}
	p.unlocking = auth.NewUnlocking(h.Store, h.signIn, auth.UnlockSite{Name: "Amt", Address: "https://meet.example.org/unlock", Zone: time.UTC})
	p.sender = p.another()
	return p
}

// another is the sender of another controller.
func (p *post) another() *notify.Sender {
	return notify.NewSender(p.Store, p.unlocking, p.box, p.clock.Now, slog.New(slog.DiscardHandler))
}

// lock locks the account from home.
func (p *post) lock(t *testing.T, email string) {
	t.Helper()
	for range auth.LockFailures - 1 {
		p.wantTry(t, guess(email, home), auth.ErrFailed)
	}
	p.wantTry(t, guess(email, home), auth.ErrLocked)
}

func (p *post) wantSent(t *testing.T, s *notify.Sender, more bool, want error) {
	t.Helper()
	if got, err := s.Send(t.Context()); got != more || !errors.Is(err, want) {
		t.Errorf("send: %v, %v, want %v, %v", got, err, more, want)
	}
}

// waiting is how many mails are in the queue.
func (p *post) waiting(t *testing.T) (n int) {
	t.Helper()
	if err := p.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM mails").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// secret is what stands behind the # of the link in a mail.
func secret(t *testing.T, m notify.Message) string {
	t.Helper()
	_, rest, ok := strings.Cut(m.Text, "https://meet.example.org/unlock#")
	link, _, end := strings.Cut(rest, "\n")
	if !ok || !end {
		t.Fatalf("no link in %q", m.Text)
	}
	return link
}

var mails = map[string]func(*testing.T, *house){
	"OwnerEndsALockByMailOnce": func(t *testing.T, h *house) {
		p := newPost(h)
		u := p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, u.Email)
		added := p.wantNewEntries(t, func() { p.wantSent(t, p.sender, true, nil) }, audit.KindMailSent)
		if e := added[0]; e.ObjectID != u.ID || e.Details != `{"mail":"account.locked"}` || strings.Contains(e.Details, "@") {
			t.Errorf("entry %+v", e)
		}
		p.wantSent(t, p.sender, false, nil)
		if len(p.box.taken) != 1 || p.box.taken[0].To != u.Email || p.waiting(t) != 0 {
			t.Fatalf("sent %+v, %d wait", p.box.taken, p.waiting(t))
		}
		m, right := p.box.taken[0], auth.Attempt{Email: u.Email, Password: password, Address: home}
		if !strings.Contains(m.Text, "Um 09:00 (UTC) wurde") || !strings.Contains(m.Text, "bis 10:00 (UTC)") || !strings.HasPrefix(m.Subject, "Amt: Anmeldung") || strings.Contains(m.Text, "{") {
			t.Errorf("mail %+v", m)
		}
		p.wantTry(t, right, auth.ErrLocked)
		p.wantNewEntries(t, func() {
			for _, wrong := range []string{"", "x", strings.Repeat("A", len(secret(t, m)))} {
				if err := p.unlocking.Use(t.Context(), access.Nobody(), wrong); !errors.Is(err, auth.ErrUnlockInvalid) {
					t.Errorf("token %q: %v", wrong, err)
				}
			}
		})
		added = p.wantNewEntries(t, func() {
			if err := p.unlocking.Use(t.Context(), access.Nobody(), secret(t, m)); err != nil {
				t.Error(err)
			}
		}, audit.KindUserUnlocked)
		if e := added[0]; e.ObjectID != u.ID || e.ActorKind != access.KindSystem || e.ActorID != "mail" {
			t.Errorf("entry %+v", e)
		}
		if err := p.unlocking.Use(t.Context(), access.Nobody(), secret(t, m)); !errors.Is(err, auth.ErrUnlockInvalid) {
			t.Errorf("a second time: %v", err)
		}
		p.wantTry(t, right, nil)
	},
	"LockAfterAnUnlockIsToldAtOnce": func(t *testing.T, h *house) {
		p := newPost(h)
		u := p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, u.Email)
		p.wantSent(t, p.sender, true, nil)
		if err := p.unlocking.Use(t.Context(), access.Nobody(), secret(t, p.box.taken[0])); err != nil {
			t.Fatal(err)
		}
		p.lock(t, u.Email)
		p.wantSent(t, p.sender, true, nil)
		if len(p.box.taken) != 2 || secret(t, p.box.taken[0]) == secret(t, p.box.taken[1]) {
			t.Errorf("sent %+v", p.box.taken)
		}
	},
	"LocksOfOneAccountCauseOneMailAnHour": func(t *testing.T, h *house) {
		p := newPost(h)
		p.account(t, "anna@example.org", access.Ordinary)
		began := p.clock.Now()
		p.lock(t, "anna@example.org")
		p.wantSent(t, p.sender, true, nil)
		p.clock.Advance(auth.LockMailQuiet - time.Millisecond)
		p.lock(t, "anna@example.org")
		if p.waiting(t) != 0 {
			t.Error("a second mail within the hour")
		}
		p.clock.Advance(auth.LockDuration + time.Millisecond)
		p.lock(t, "anna@example.org")
		if p.waiting(t) != 1 {
			t.Error("no mail after", p.clock.Now().Sub(began))
		}
	},
	"OwnerIsWarnedOfWhoKnowsThePassword": func(t *testing.T, h *house) {
		p := newPost(h)
		u := p.account(t, "anna@example.org", access.Ordinary)
		p.app(t, p.identity(t, u), "Phone")
		warned := func(want ...notify.Kind) {
			t.Helper()
			for _, kind := range want {
				added := p.wantNewEntries(t, func() { p.wantSent(t, p.sender, true, nil) }, audit.KindMailSent)
				if details := fmt.Sprintf(`{"mail":%q}`, kind); added[0].Details != details {
					t.Errorf("sent %s, want %s", added[0].Details, details)
				}
				if text := p.box.taken[len(p.box.taken)-1].Text; strings.Contains(text, "kennt jemand Ihr Passwort") != (kind == notify.AccountLockedSecond) || !strings.Contains(text, "ndern Sie") {
					t.Errorf("%s says %q", kind, text)
				}
			}
			p.wantSent(t, p.sender, false, nil)
			p.clock.Advance(auth.LockDuration + time.Millisecond)
		}
		wrongCodes := func() {
			t.Helper()
			for i := range auth.LockFailures {
				want := auth.ErrFactorFailed
				if i == auth.LockFailures-1 {
					want = auth.ErrLocked
				}
				p.wantFinish(t, home, auth.Answer{Challenge: p.half(t, u, home).Challenge, RecoveryCode: "wrong"}, want)
			}
		}
		p.lock(t, u.Email)
		warned(notify.AccountLocked)
		wrongCodes()
		warned(notify.AccountLockedSecond) // within the hour of the other one
		wrongCodes()
		warned()
		p.lock(t, u.Email)
		warned()
	},
	"RolesThatContradictAreNoWrongPassword": func(t *testing.T, h *house) {
		p := newPost(h)
		u := p.account(t, "anna@example.org", access.Roles(access.RoleOperator))
		if _, err := h.Raw.ExecContext(t.Context(), fmt.Sprintf("UPDATE users SET roles = '%s %s'", access.RoleOperator, access.RoleAuditor)); err != nil {
			t.Fatal(err)
		}
		right := auth.Attempt{Email: u.Email, Password: password, Address: home}
		for range auth.LockFailures - 1 {
			p.wantTry(t, right, auth.ErrRoles)
		}
		p.wantTry(t, right, auth.ErrLocked)
		added := p.wantNewEntries(t, func() { p.wantSent(t, p.sender, true, nil) }, audit.KindMailSent)
		if added[0].Details != `{"mail":"account.locked_second_factor"}` {
			t.Errorf("entry %+v", added[0])
		}
	},
	"NobodyTellsFromTheQueueWhetherThereIsAnAccount": func(t *testing.T, h *house) {
		p := newPost(h)
		u, off := p.account(t, "anna@example.org", access.Ordinary), p.account(t, "off@example.org", access.Ordinary)
		if _, err := p.Raw.ExecContext(t.Context(), "UPDATE users SET disabled_at = 1 WHERE id = $1", off.ID); err != nil {
			t.Fatal(err)
		}
		federated := p.account(t, "amt@example.org", access.Ordinary)
		if _, err := p.Raw.ExecContext(t.Context(), "UPDATE users SET password_hash = '' WHERE id = $1", federated.ID); err != nil {
			t.Fatal(err)
		}
		for i, email := range []string{u.Email, "nobody@example.org", off.Email, federated.Email} {
			p.lock(t, email)
			if p.waiting(t) != i+1 {
				t.Errorf("%d mails wait after the lock of %s", p.waiting(t), email)
			}
		}
		p.wantNewEntries(t, func() {
			for range 4 {
				p.wantSent(t, p.sender, true, nil)
			}
		}, audit.KindMailSent)
		if len(p.box.taken) != 1 || p.box.taken[0].To != u.Email || p.waiting(t) != 0 {
			t.Errorf("sent %+v, %d wait", p.box.taken, p.waiting(t))
		}
	},
	"MailIsTriedAgainUntilItExpires": func(t *testing.T, h *house) {
		p := newPost(h)
		p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, "anna@example.org")
		expires := p.clock.Now().Add(notify.MailLifetime)
		p.box.fails = errors.New("away")
		for pause := notify.FirstPause; p.clock.Now().Add(pause).Before(expires); pause = min(2*pause, notify.LongestPause) {
			p.wantSent(t, p.sender, true, p.box.fails)
			p.clock.Advance(pause - time.Millisecond)
			p.wantSent(t, p.sender, false, nil) // not before its time
			p.clock.Advance(time.Millisecond)
		}
		p.clock.Advance(expires.Add(-time.Millisecond).Sub(p.clock.Now()))
		p.wantSent(t, p.sender, true, p.box.fails)
		p.clock.Advance(notify.LongestPause)
		p.box.fails = nil
		p.wantSent(t, p.sender, false, nil)
		if p.waiting(t) != 0 || len(p.box.taken) != 0 {
			t.Errorf("%d wait, %d were sent", p.waiting(t), len(p.box.taken))
		}
	},
	"RefusedAddressIsNotTriedAgain": func(t *testing.T, h *house) {
		p := newPost(h)
		p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, "anna@example.org")
		p.box.fails = notify.ErrRefused
		p.wantNewEntries(t, func() { p.wantSent(t, p.sender, true, nil) })
		if p.waiting(t) != 0 {
			t.Error("it waits")
		}
	},
	"AnotherSenderSendsAfterTheFirstHasDied": func(t *testing.T, h *house) {
		p := newPost(h)
		p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, "anna@example.org")
		second := p.another()
		ctx, die := context.WithCancel(t.Context())
		first := notify.NewSender(p.Store, dies{p.unlocking, die}, p.box, p.clock.Now, slog.New(slog.DiscardHandler))
		_, _ = first.Send(ctx) // the server may have taken it, the queue does not know
		if p.waiting(t) != 1 {
			t.Fatal("the mail does not wait")
		}
		p.wantSent(t, second, false, nil) // the first one may still be at it
		p.clock.Advance(2*notify.CarryLimit + time.Millisecond)
		p.wantSent(t, second, true, nil)
		if n := len(p.box.taken); n != 2 || p.box.taken[0].ID != p.box.taken[1].ID || p.waiting(t) != 0 {
			t.Fatalf("sent %d times, %d wait", n, p.waiting(t))
		}
		if err := p.unlocking.Use(t.Context(), access.Nobody(), secret(t, p.box.taken[0])); err != nil { // either link is good
			t.Error(err)
		}
		if err := p.unlocking.Use(t.Context(), access.Nobody(), secret(t, p.box.taken[1])); !errors.Is(err, auth.ErrUnlockInvalid) {
			t.Errorf("the other link after that: %v", err)
		}
	},
	"LinkInAMailExpires": func(t *testing.T, h *house) {
		p := newPost(h)
		p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, "anna@example.org")
		p.clock.Advance(notify.MailLifetime - time.Millisecond)
		p.wantSent(t, p.sender, true, nil)
		p.clock.Advance(time.Millisecond)
		if err := p.unlocking.Use(t.Context(), access.Nobody(), secret(t, p.box.taken[0])); !errors.Is(err, auth.ErrUnlockInvalid) {
			t.Errorf("after its time: %v", err)
		}
	},
	"WhatIsOverOfMailsIsForgotten": func(t *testing.T, h *house) {
		p := newPost(h)
		p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, "anna@example.org")
		p.wantSent(t, p.sender, true, nil)
		kept := func(want int) {
			t.Helper()
			ctx, stop := context.WithCancel(t.Context())
			tick, ended := make(chan time.Time), make(chan struct{})
			go func() {
				defer close(ended)
				p.another().Run(ctx, tick)
			}()
			tick <- p.clock.Now()
			tick <- p.clock.Now() // so the first one is done
			stop()
			<-ended
			for _, table := range []string{"lock_mails", "unlock_links"} {
				var n int
				if err := p.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil || n != want {
					t.Errorf("%d rows in %s, want %d: %v", n, table, want, err)
				}
			}
		}
		p.clock.Advance(min(auth.LockMailQuiet, notify.MailLifetime) - time.Millisecond)
		kept(1)
		p.clock.Advance(time.Millisecond)
		kept(0)
	},
	"QueueOfMailsIsBounded": func(t *testing.T, h *house) {
		p := newPost(h)
		p.account(t, "anna@example.org", access.Ordinary)
		for _, n := range []int{notify.MaxQueued, notify.MaxQueued - 1} {
			const fill = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
				INSERT INTO mails (id, tenant, kind, user_id, created_at, expires_at, due_at, attempts) SELECT 'x' || i, 'default', 'k', '', 0, 0, 0, 0 FROM n`
			if _, err := p.Raw.ExecContext(t.Context(), fill, n); err != nil {
				t.Fatal(err)
			}
			p.lock(t, "anna@example.org")
			if p.waiting(t) != notify.MaxQueued {
				t.Errorf("%d of %d wait after a lock", p.waiting(t), n)
			}
			if err := p.ForgetMails(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.clock.Advance(auth.FailureMemory)
		}
	},
	"NoMailWithoutAServerFromASessionOrForANetwork": func(t *testing.T, h *house) {
		p := &post{house: h}
		u := p.account(t, "anna@example.org", access.Ordinary)
		p.lock(t, u.Email) // without TellingOwners
		p = newPost(h)
		p.clock.Advance(auth.FailureMemory)
		for i := range auth.LockFailures { // who is signed in already knows
			err := p.signIn.ChangePassword(t.Context(), u.Actor(), auth.PasswordChange{Old: "wrong horse battery", New: "another good password", Address: home})
			if locked := i == auth.LockFailures-1; errors.Is(err, auth.ErrLocked) != locked {
				t.Errorf("attempt %d: %v", i, err)
			}
		}
		at := p.clock.Now()
		for i := range auth.SourceLockFailures - 1 {
			f := auth.Failure{Tenant: access.DefaultTenant, Account: fmt.Sprint("account", i), Source: "203.0.113.9/32", At: at}
			if err := p.RecordFailure(t.Context(), f, at.Add(-auth.FailureMemory), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		p.wantTry(t, guess("bert@example.org", "203.0.113.9"), auth.ErrLocked)
		if p.waiting(t) != 0 {
			t.Errorf("%d mails wait", p.waiting(t))
		}
	},
	"MailSpeaksTheLanguageOfTheAccount": func(t *testing.T, h *house) {
		p := newPost(h)
		for email, want := range map[string]struct {
			language user.Language
			subjects []string
		}{
			"de@example.org": {user.German, []string{"Amt: Anmeldung gesperrt"}}, "en@example.org": {user.English, []string{"Amt: sign-in locked"}},
			"fr@example.org": {"fr", []string{"Anmeldung gesperrt", "sign-in locked"}},
		} {
			u := p.account(t, email, access.Ordinary)
			if _, err := p.Raw.ExecContext(t.Context(), "UPDATE users SET language = $1 WHERE id = $2", string(want.language), u.ID); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []notify.Kind{notify.AccountLocked, notify.AccountLockedSecond} {
				m, wanted, err := p.unlocking.Write(t.Context(), notify.Mail{ID: "m", Tenant: u.Tenant, UserID: u.ID, Kind: kind, ExpiresAt: p.clock.Now()})
				if err != nil || !wanted {
					t.Fatal(wanted, err)
				}
				for _, part := range want.subjects {
					if !strings.Contains(m.Subject, part) || strings.Count(m.Text, "/unlock#") != len(want.subjects) {
						t.Errorf("%s, %s: %+v", email, kind, m)
					}
				}
			}
		}
		_, _, err := p.unlocking.Write(t.Context(), notify.Mail{Tenant: access.DefaultTenant, UserID: p.account(t, "x@example.org", access.Ordinary).ID, Kind: "later"})
		if f := (*fault.Fault)(nil); err == nil || errors.As(err, &f) {
			t.Errorf("a mail of a later version: %v", err)
		}
	},
}

// dies is a writer in a process that ends when the mail is on its way.
type dies struct {
	notify.Writer
	die func()
}

func (d dies) Write(ctx context.Context, m notify.Mail) (notify.Message, bool, error) {
	written, wanted, err := d.Writer.Write(ctx, m)
	d.die()
	return written, wanted, err
}
