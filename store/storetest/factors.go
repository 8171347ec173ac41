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
	"konklave/auth/factortest"
	"konklave/auth/passkey"
	"konklave/finding"
	"konklave/user"
)

// meet is where people meet the installation.
func meet() auth.Site {
	return auth.Site{Name: "Konklave", Host: "meet.example.org", Origin: "https://meet.example.org"}
}

// identity is a session of the user whose owner has just proved who it is.
func (h *house) identity(t *testing.T, u user.User) auth.Identity {
	t.Helper()
	in, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: password, Address: "203.0.113.77"})
	if err != nil || in.Proved != nil {
		t.Fatalf("sign in: %+v, %v", in.Proved, err)
	}
	return in.Identity
}

// app adds an authenticator app and returns its secret and the recovery codes.
func (h *house) app(t *testing.T, id auth.Identity, name string) (secret string, codes []string) {
	t.Helper()
	n, err := h.factors.App(t.Context(), id, meet())
	if err != nil {
		t.Fatal(err)
	}
	if _, codes, err = h.factors.AddApp(t.Context(), id, n.Challenge, name, factortest.Code(t, n.Secret, h.clock.Now())); err != nil {
		t.Fatal(err)
	}
	return n.Secret, codes
}

// passkey adds a passkey.
func (h *house) passkey(t *testing.T, id auth.Identity) (*factortest.Authenticator, auth.Factor, []string) {
	t.Helper()
	key := factortest.New(t, meet().Origin)
	n, err := h.factors.Passkey(t.Context(), id, meet())
	if err != nil {
		t.Fatal(err)
	}
	f, codes, err := h.factors.AddPasskey(t.Context(), id, meet(), n.Challenge, "Key", key.Create(n.Options))
	if err != nil {
		t.Fatal(err)
	}
	return key, f, codes
}

// half signs in with the password of an account that has a second factor.
func (h *house) half(t *testing.T, u user.User, address string) auth.Wanted {
	t.Helper()
	in, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: password, Address: address})
	if err != nil || in.Proved == nil || in.Session != "" || in.Device != "" || in.Identity.User.ID != "" {
		t.Fatalf("the password alone brings %+v, %v", in, err)
	}
	w, err := h.factors.Want(t.Context(), u.Tenant, *in.Proved, meet())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// finish answers what is wanted from an address.
func (h *house) finish(t *testing.T, address string, a auth.Answer) (auth.SignedIn, error) {
	t.Helper()
	return h.factors.SignIn(t.Context(), access.Nobody(), auth.Attempt{Address: address}, a, meet())
}

func (h *house) wantFinish(t *testing.T, address string, a auth.Answer, want error) {
	t.Helper()
	if in, err := h.finish(t, address, a); !errors.Is(err, want) || err != nil && in.Session != "" {
		t.Errorf("second factor from %s: %v, want %v", address, err, want)
	}
}

var factors = map[string]func(*testing.T, *house){
	"A34AppCodeIsGoodOnce": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		secret, _ := h.app(t, h.identity(t, u), "Phone")
		enrolled := factortest.Code(t, secret, h.clock.Now())
		w := h.half(t, u, home)
		if !slices.Equal(w.Kinds, []auth.FactorKind{auth.FactorTOTP, auth.FactorRecovery}) || w.Passkey != "" {
			t.Errorf("wanted %+v", w)
		}
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, Code: enrolled}, auth.ErrFactorFailed) // it was used to add the app
		h.clock.Advance(auth.TOTPPeriod)
		code := factortest.Code(t, secret, h.clock.Now())
		var in auth.SignedIn
		h.wantNewEntries(t, func() {
			var err error
			if in, err = h.finish(t, home, auth.Answer{Challenge: w.Challenge, Code: code}); err != nil {
				t.Fatal(err)
			}
		}, audit.KindSessionStarted)
		h.wantSession(t, in.Session, nil)
		again := h.half(t, u, home)
		h.wantNewEntries(t, func() {
			h.wantFinish(t, home, auth.Answer{Challenge: again.Challenge, Code: code}, auth.ErrFactorFailed)
		}, audit.KindSessionFailed)
		h.clock.Advance(auth.TOTPPeriod)
		next := factortest.Code(t, secret, h.clock.Now())
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, Code: next}, auth.ErrChallenge) // that sign-in is finished
		h.wantFinish(t, home, auth.Answer{Challenge: again.Challenge, Code: next}, nil)
	},
	"A34AppCodeSideBySideSignsInOnce": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		secret, _ := h.app(t, h.identity(t, u), "Phone")
		h.clock.Advance(auth.TOTPPeriod)
		code := factortest.Code(t, secret, h.clock.Now())
		challenges := []string{h.half(t, u, home).Challenge, h.half(t, u, home).Challenge, h.half(t, u, home).Challenge}
		done, failures := sideBySide(len(challenges), func(i int) error {
			_, err := h.finish(t, home, auth.Answer{Challenge: challenges[i], Code: code})
			return err
		})
		if done != 1 {
			t.Errorf("%d signed in, %v", done, failures)
		}
	},
	"A34CodesCannotBeGuessed": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		secret, _ := h.app(t, h.identity(t, u), "Phone")
		h.clock.Advance(auth.TOTPPeriod)
		code := factortest.Code(t, secret, h.clock.Now())
		wrong := "000000"
		for wrong == code || wrong == factortest.Code(t, secret, h.clock.Now().Add(auth.TOTPPeriod)) {
			wrong = "1" + wrong[1:]
		}
		for range auth.LockFailures - 1 { // the right password in between does not start the count again
			h.wantFinish(t, home, auth.Answer{Challenge: h.half(t, u, home).Challenge, Code: wrong}, auth.ErrFactorFailed)
		}
		w := h.half(t, u, home)
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, Code: wrong}, auth.ErrLocked)
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, Code: code}, auth.ErrLocked)
		if found := h.found(t, finding.SignInLocked); len(found) != 1 || found[0].UserID != u.ID {
			t.Errorf("%+v", found)
		}
	},
	"A34RecoveryCodeIsGoodOnce": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		id := h.identity(t, u)
		_, codes := h.app(t, id, "Phone")
		if len(codes) != auth.RecoveryCodes {
			t.Fatalf("%d codes", len(codes))
		}
		typed := strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))
		h.wantFinish(t, home, auth.Answer{Challenge: h.half(t, u, home).Challenge, RecoveryCode: typed}, nil)
		h.wantFinish(t, home, auth.Answer{Challenge: h.half(t, u, home).Challenge, RecoveryCode: codes[0]}, auth.ErrFactorFailed)
		if list, left, err := h.factors.List(t.Context(), id); err != nil || len(list) != 1 || left != auth.RecoveryCodes-1 {
			t.Errorf("%d factors, %d codes left, %v", len(list), left, err)
		}
		var fresh []string
		h.wantNewEntries(t, func() {
			var err error
			if fresh, err = h.factors.MakeRecoveryCodes(t.Context(), id); err != nil || len(fresh) != auth.RecoveryCodes {
				t.Errorf("%v, %v", fresh, err)
			}
		}, audit.KindRecoveryCodesMade)
		h.wantFinish(t, home, auth.Answer{Challenge: h.half(t, u, home).Challenge, RecoveryCode: codes[1]}, auth.ErrFactorFailed)
		h.wantFinish(t, home, auth.Answer{Challenge: h.half(t, u, home).Challenge, RecoveryCode: fresh[1]}, nil)
		for _, code := range fresh {
			var n int
			if err := h.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM recovery_codes WHERE hash = $1", []byte(code)).Scan(&n); err != nil || n != 0 {
				t.Errorf("a code is stored as it is: %d, %v", n, err)
			}
		}
	},
	"A34NoStepCanBeSkipped": func(t *testing.T, h *house) {
		u, other := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "ben@example.org", access.Ordinary)
		id := h.identity(t, u)
		secret, codes := h.app(t, id, "Phone")
		_, foreign := h.app(t, h.identity(t, other), "Phone")
		h.clock.Advance(auth.TOTPPeriod)
		w := h.half(t, u, home)
		proof, err := h.factors.AskProof(t.Context(), id, meet())
		if err != nil {
			t.Fatal(err)
		}
		enrolment, err := h.factors.App(t.Context(), id, meet())
		if err != nil {
			t.Fatal(err)
		}
		code := factortest.Code(t, secret, h.clock.Now())
		for name, challenge := range map[string]string{
			"none": "", "made up": "x", "changed": w.Challenge[:len(w.Challenge)-2] + "AA", "of a proof": proof.Challenge, "of an enrolment": enrolment.Challenge,
		} {
			if _, err := h.finish(t, home, auth.Answer{Challenge: challenge, Code: code}); !errors.Is(err, auth.ErrChallenge) {
				t.Errorf("challenge %s: %v", name, err)
			}
		}
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge}, auth.ErrFactorFailed)
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, RecoveryCode: foreign[0]}, auth.ErrFactorFailed)
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, Passkey: "{}"}, auth.ErrFactorFailed)
		h.clock.Advance(auth.ChallengeLifetime - time.Millisecond)
		h.wantFinish(t, "203.0.113.1", auth.Answer{Challenge: w.Challenge, RecoveryCode: codes[0]}, nil)
		late := h.half(t, u, "203.0.113.2")
		h.clock.Advance(auth.ChallengeLifetime)
		h.wantFinish(t, "203.0.113.2", auth.Answer{Challenge: late.Challenge, RecoveryCode: codes[1]}, auth.ErrChallenge)
		stale := h.half(t, u, "203.0.113.3")
		if err := h.signIn.ResetPassword(t.Context(), access.System("test"), u.Email, "another horse battery"); err != nil {
			t.Fatal(err)
		}
		h.wantFinish(t, "203.0.113.3", auth.Answer{Challenge: stale.Challenge, RecoveryCode: codes[1]}, auth.ErrChallenge)
	},
	"PasskeySignsInWithoutAPassword": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		key, f, codes := h.passkey(t, h.identity(t, u))
		if len(codes) != auth.RecoveryCodes {
			t.Errorf("%d codes", len(codes))
		}
		for range auth.LockFailures - 1 {
			h.wantTry(t, guess(u.Email, home), auth.ErrFailed)
		}
		h.wantTry(t, guess(u.Email, home), auth.ErrLocked) // which does not keep the owner out
		w, err := h.factors.AskPasskey(meet())
		if err != nil {
			t.Fatal(err)
		}
		answer := auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}
		try := func(a auth.Answer) error {
			in, err := h.factors.SignInByPasskey(t.Context(), access.Nobody(), auth.Attempt{Address: home}, a, meet())
			if err == nil {
				h.wantSession(t, in.Session, nil)
				if in.Identity.User != u {
					t.Errorf("signed in as %+v", in.Identity.User)
				}
			}
			return err
		}
		h.wantNewEntries(t, func() {
			if err := try(answer); err != nil {
				t.Fatal(err)
			}
		}, audit.KindSessionStarted)
		h.wantNewEntries(t, func() {
			if err := try(answer); !errors.Is(err, auth.ErrPasskeyRefused) && !errors.Is(err, auth.ErrChallenge) {
				t.Errorf("the same answer again: %v", err)
			}
			ask := func() auth.Wanted {
				w, err := h.factors.AskPasskey(meet())
				if err != nil {
					t.Fatal(err)
				}
				return w
			}
			w := ask()
			key.Verifies = false
			if err := try(auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}); !errors.Is(err, auth.ErrPasskeyRefused) {
				t.Errorf("a passkey that does not know its owner: %v", err)
			}
			key.Verifies, key.Origin = true, "https://meet.example.org.evil.example"
			if err := try(auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}); !errors.Is(err, auth.ErrPasskeyRefused) {
				t.Errorf("a passkey used at another site: %v", err)
			}
			key.Origin = meet().Origin
			if err := try(auth.Answer{Challenge: ask().Challenge, Passkey: key.Get(w.Passkey)}); !errors.Is(err, auth.ErrPasskeyRefused) {
				t.Errorf("an answer to another challenge: %v", err)
			}
			if err := try(auth.Answer{Challenge: w.Challenge, Passkey: factortest.New(t, meet().Origin).Get(w.Passkey)}); !errors.Is(err, auth.ErrPasskeyRefused) {
				t.Errorf("an unknown passkey: %v", err)
			}
		})
		if found := h.found(t, finding.PasskeyCopied); len(found) != 0 {
			t.Errorf("%+v", found)
		}
		key.Count = 2
		w, err = h.factors.AskPasskey(meet())
		if err != nil {
			t.Fatal(err)
		}
		if err := try(auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}); !errors.Is(err, auth.ErrPasskeyRefused) {
			t.Errorf("a passkey that counts backwards: %v", err)
		}
		if found := h.found(t, finding.PasskeyCopied); len(found) != 1 || found[0].UserID != u.ID || found[0].Topic != f.ID {
			t.Errorf("%+v", found)
		}
	},
	"EachWayToSignInEndsWhatIsTooMuch": func(t *testing.T, h *house) {
		h.sessions = auth.NewSessions(h.Store, auth.SessionOptions{Now: h.clock.Now, Max: 1})
		h.signIn = auth.NewSignIn(h.Store, h.sessions, h.passwords)
		h.factors = auth.NewFactors(h.Store, h.signIn, h.keys, passkey.Library{})
		u := h.account(t, "anna@example.org", access.Ordinary)
		id := h.identity(t, u)
		key, _, codes := h.passkey(t, id)
		ended := func(before string, signIn func() (auth.SignedIn, error)) string {
			t.Helper()
			var in auth.SignedIn
			added := h.wantNewEntries(t, func() {
				var err error
				if in, err = signIn(); err != nil {
					t.Fatal(err)
				}
			}, audit.KindSessionEnded, audit.KindSessionStarted)
			if e := added[0]; e.ObjectID != before || e.Details != `{"reason":"superseded"}` {
				t.Errorf("entry %+v", e)
			}
			h.wantSession(t, in.Session, nil)
			return in.Identity.Session.ID
		}
		second := ended(id.Session.ID, func() (auth.SignedIn, error) {
			return h.finish(t, home, auth.Answer{Challenge: h.half(t, u, home).Challenge, RecoveryCode: codes[0]})
		})
		ended(second, func() (auth.SignedIn, error) {
			w, err := h.factors.AskPasskey(meet())
			if err != nil {
				return auth.SignedIn{}, err
			}
			answer := auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}
			return h.factors.SignInByPasskey(t.Context(), access.Nobody(), auth.Attempt{Address: home}, answer, meet())
		})
	},
	"PasskeyIsASecondFactor": func(t *testing.T, h *house) {
		u, other := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "ben@example.org", access.Ordinary)
		id := h.identity(t, u)
		first, _, _ := h.passkey(t, id)
		second, _, codes := h.passkey(t, id)
		if codes != nil {
			t.Error("the second factor brings recovery codes again")
		}
		foreign, _, _ := h.passkey(t, h.identity(t, other))
		for name, key := range map[string]*factortest.Authenticator{"first": first, "second": second} {
			w := h.half(t, u, home)
			if !slices.Equal(w.Kinds, []auth.FactorKind{auth.FactorPasskey, auth.FactorRecovery}) {
				t.Errorf("wanted %v", w.Kinds)
			}
			key.Verifies = false // the password was proved
			h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, Passkey: foreign.Get(w.Passkey)}, auth.ErrFactorFailed)
			if _, err := h.finish(t, home, auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		n, err := h.factors.Passkey(t.Context(), id, meet())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.factors.AddPasskey(t.Context(), id, meet(), n.Challenge, "Again", first.Create(n.Options)); !errors.Is(err, auth.ErrPasskeyTaken) {
			t.Errorf("a passkey that is there: %v", err)
		}
		if _, err := h.factors.AskPasskey(auth.Site{Name: "x", Host: "", Origin: "http://192.0.2.1"}); !errors.Is(err, auth.ErrPasskeyPlace) {
			t.Errorf("at an address without a name: %v", err)
		}
	},
	"SensitiveActsNeedAFreshProof": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		id := h.identity(t, u)
		proved := h.clock.Now()
		for at, want := range map[time.Duration]bool{
			-time.Millisecond: false, 0: true, auth.DefaultProofLifetime - time.Millisecond: true, auth.DefaultProofLifetime: false,
		} {
			h.clock.Advance(at)
			if h.sessions.Fresh(proved) != want {
				t.Errorf("fresh %v after the proof: %v", at, !want)
			}
			h.clock.Advance(-at)
		}
		secret, _ := h.app(t, id, "Phone")
		h.clock.Advance(auth.DefaultProofLifetime)
		change := auth.PasswordChange{Old: password, New: "another horse battery", Address: home, Keep: id.Session.ID, ProvedAt: id.Session.ProvedAt}
		if err := h.signIn.ChangePassword(t.Context(), u.Actor(), change); !errors.Is(err, auth.ErrProofRequired) {
			t.Errorf("the old password alone changes it: %v", err)
		}
		w, err := h.factors.AskProof(t.Context(), id, meet())
		if err != nil || !slices.Equal(w.Kinds, []auth.FactorKind{auth.FactorTOTP, auth.FactorRecovery}) {
			t.Errorf("wanted %v, %v", w.Kinds, err)
		}
		prove := func(a auth.Answer) error { return h.factors.Prove(t.Context(), id, home, "", a, meet()) }
		if err := prove(auth.Answer{Challenge: w.Challenge, Password: password}); !errors.Is(err, auth.ErrFactorFailed) {
			t.Errorf("the password in place of the factor: %v", err)
		}
		h.wantNewEntries(t, func() {
			if err := prove(auth.Answer{Challenge: w.Challenge, Code: factortest.Code(t, secret, h.clock.Now())}); err != nil {
				t.Error(err)
			}
		}, audit.KindSessionProved)
		list, err := h.sessions.List(t.Context(), u.Actor())
		if err != nil || len(list) != 1 || !list[0].ProvedAt.Equal(h.clock.Now()) {
			t.Fatalf("%+v, %v", list, err)
		}
		change.ProvedAt = list[0].ProvedAt
		if err := h.signIn.ChangePassword(t.Context(), u.Actor(), change); err != nil {
			t.Error(err)
		}
	},
	"AProofWithoutFactorsIsThePassword": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		id := h.identity(t, u)
		prove := func(given string) error {
			w, err := h.factors.AskProof(t.Context(), id, meet())
			if err != nil || !slices.Equal(w.Kinds, []auth.FactorKind{auth.ByPassword}) {
				t.Fatalf("wanted %v, %v", w.Kinds, err)
			}
			return h.factors.Prove(t.Context(), id, home, "", auth.Answer{Challenge: w.Challenge, Password: given}, meet())
		}
		if err := prove(password); err != nil {
			t.Error(err)
		}
		for range auth.LockFailures - 1 {
			if err := prove("wrong horse battery"); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("a wrong password: %v", err)
			}
		}
		if err := prove("wrong horse battery"); !errors.Is(err, auth.ErrLocked) {
			t.Errorf("the sixth wrong password: %v", err)
		}
	},
	"NobodyElsesFailuresKeepTheOwnerFromProving": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		in := h.signedIn(t, u)
		for range auth.LockFailures - 1 {
			h.wantTry(t, auth.Attempt{Email: u.Email, Password: "wrong horse battery", Address: home}, auth.ErrFailed)
		}
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: "wrong horse battery", Address: home}, auth.ErrLocked)
		for device, want := range map[string]error{"": auth.ErrLocked, in.Device: nil} {
			w, err := h.factors.AskProof(t.Context(), in.Identity, meet())
			if err != nil {
				t.Fatal(err)
			}
			if err := h.factors.Prove(t.Context(), in.Identity, home, device, auth.Answer{Challenge: w.Challenge, Password: password}, meet()); !errors.Is(err, want) {
				t.Errorf("device %q: %v, want %v", device, err, want)
			}
		}
	},
	"FactorsAreRemoved": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		id := h.identity(t, u)
		h.app(t, id, "Phone")
		_, key, _ := h.passkey(t, id)
		if err := h.factors.Remove(t.Context(), id, "x"); !errors.Is(err, auth.ErrFactorUnknown) {
			t.Errorf("an unknown factor: %v", err)
		}
		h.wantNewEntries(t, func() {
			if err := h.factors.Remove(t.Context(), id, key.ID); err != nil {
				t.Error(err)
			}
		}, audit.KindFactorRemoved)
		list, codes, err := h.factors.List(t.Context(), id)
		if err != nil || len(list) != 1 || codes != auth.RecoveryCodes || list[0].Name != "Phone" || list[0].Kind != auth.FactorTOTP {
			t.Fatalf("%+v, %d codes, %v", list, codes, err)
		}
		if err := h.factors.Remove(t.Context(), id, list[0].ID); err != nil {
			t.Error(err)
		}
		if list, codes, err := h.factors.List(t.Context(), id); err != nil || len(list) != 0 || codes != 0 {
			t.Errorf("%+v, %d codes, %v", list, codes, err)
		}
		if _, err := h.factors.MakeRecoveryCodes(t.Context(), id); !errors.Is(err, auth.ErrNoFactor) {
			t.Errorf("recovery codes of nothing: %v", err)
		}
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home}, nil)
	},
	"FactorsAreResetForSomebodyWhoHasLostThem": func(t *testing.T, h *house) {
		u, admin := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "adam@example.org", access.Administrator)
		id := h.identity(t, u)
		h.app(t, id, "Phone")
		h.passkey(t, id)
		if err := h.signIn.ResetFactors(t.Context(), admin.Actor(), u.Email); !errors.Is(err, access.ErrDenied) {
			t.Errorf("by an administrator: %v", err)
		}
		added := h.wantNewEntries(t, func() {
			if err := h.signIn.ResetFactors(t.Context(), access.System("command-line"), "Anna@example.org"); err != nil {
				t.Error(err)
			}
		}, audit.KindFactorsReset)
		if added[0].Details != `{"factors":2}` || added[0].ObjectID != u.ID {
			t.Errorf("%+v", added[0])
		}
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: password, Address: home}, nil)
	},
	"AnAccountHasAtMostSoManyFactors": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		id := h.identity(t, u)
		for range auth.MaxFactors {
			h.app(t, id, "Phone")
		}
		n, err := h.factors.App(t.Context(), id, meet())
		if err != nil {
			t.Fatal(err)
		}
		code := factortest.Code(t, n.Secret, h.clock.Now())
		for name, want := range map[string]error{"One more": auth.ErrFactorTooMany, "": auth.ErrFactorNameInvalid, strings.Repeat("x", auth.MaxFactorNameLength+1): auth.ErrFactorNameInvalid} {
			if _, _, err := h.factors.AddApp(t.Context(), id, n.Challenge, name, code); !errors.Is(err, want) {
				t.Errorf("name %q: %v, want %v", name, err, want)
			}
		}
		if _, _, err := h.factors.AddApp(t.Context(), id, n.Challenge, "x", "12345"); !errors.Is(err, auth.ErrFactorCode) {
			t.Errorf("a wrong code: %v", err)
		}
	},
	"SecretsOfAppsAreSealed": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.app(t, h.identity(t, u), "Phone")
		list, err := h.Factors(t.Context(), u.Tenant, u.ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		if _, err := h.keys.Unwrap(list[0].Secret, []byte("konklave factor 1\x00another")); err == nil {
			t.Error("the secret of one factor opens as that of another")
		}
		if secret, err := h.keys.Unwrap(list[0].Secret, []byte("konklave factor 1\x00"+list[0].ID)); err != nil || len(secret) != 20 {
			t.Errorf("%d bytes, %v", len(secret), err)
		}
	},
}
