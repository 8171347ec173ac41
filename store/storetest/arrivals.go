package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/auth/factortest"
)

// arrivals are sign-ins at a provider of people who have a second factor here.
var arrivals = map[string]func(*testing.T, *house){
	"SecondFactorIsAskedForAfterTheDirectory": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.id.SignedInAt = h.clock.Now()
		id := h.enter(t, f).Identity
		secret, _ := h.app(t, id, "Phone")
		var half auth.SignedIn
		h.wantNewEntries(t, func() { half = h.enter(t, f) })
		code := func() string {
			h.clock.Advance(auth.TOTPPeriod)
			return factortest.Code(t, secret, h.clock.Now())
		}
		challenge := h.wantHalf(t, half, id.User.Tenant)
		h.wantFinish(t, home, auth.Answer{Challenge: challenge, Code: "000000"}, auth.ErrFactorFailed)
		h.wantFinish(t, home, auth.Answer{Challenge: challenge, Code: code()}, nil)
		h.wantFinish(t, home, auth.Answer{Challenge: challenge, Code: code()}, auth.ErrChallenge)

		v.id.Methods = []string{"pwd", "mfa"}
		if in := h.enter(t, f); in.Session == "" || in.Proved != nil {
			t.Errorf("the provider asked for two proofs: %+v", in.Proved)
		}
	},
	"RolesAreGivenBeforeTheSecondFactor": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.id.Groups, v.id.SignedInAt = []string{"staff", "it"}, h.clock.Now()
		in := h.enter(t, f)
		h.app(t, in.Identity, "Phone")
		v.id.Groups = []string{"staff"}
		h.wantNewEntries(t, func() { h.wantHalf(t, h.enter(t, f), in.Identity.User.Tenant) }, audit.KindRolesAssigned)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
	},
	"SessionAfterTheSecondFactorEndsWithTheProvidersWord": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.id.SignedInAt = h.clock.Now()
		in, err := comeBack(t, f, "bund")
		if err != nil {
			t.Fatal(err)
		}
		secret, _ := h.app(t, in.Identity, "Phone")
		h.clock.Advance(auth.TOTPPeriod)
		half, err := comeBack(t, f, "bund")
		if err != nil {
			t.Fatal(err)
		}
		until := h.clock.Now().Add(review)
		again, err := h.finish(t, home, auth.Answer{Challenge: h.wantHalf(t, half, in.Identity.User.Tenant), Code: factortest.Code(t, secret, h.clock.Now())})
		if err != nil || !again.Identity.Session.ExpiresAt.Equal(until) {
			t.Errorf("until %v, %v; want %v", again.Identity.Session.ExpiresAt, err, until)
		}
	},
	"AnAdministratorUnlocksWhatAProviderVouchesFor": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.id.SignedInAt = h.clock.Now()
		id := h.enter(t, f).Identity
		secret, _ := h.app(t, id, "Phone")
		h.clock.Advance(auth.TOTPPeriod)
		wrong := "000000"
		for wrong == factortest.Code(t, secret, h.clock.Now()) || wrong == factortest.Code(t, secret, h.clock.Now().Add(auth.TOTPPeriod)) {
			wrong = "1" + wrong[1:]
		}
		unlocked := func(failures int) {
			t.Helper()
			added := h.wantNewEntries(t, func() {
				if err := h.signIn.UnlockAddress(t.Context(), access.System("command-line"), id.User.Email); err != nil {
					t.Error(err)
				}
			}, audit.KindUserUnlocked)
			if want := fmt.Sprintf(`{"failures":%d}`, failures); added[0].Details != want {
				t.Errorf("details %s, want %s", added[0].Details, want)
			}
		}
		at := auth.Attempt{Email: "anna", Password: "wrong", Address: home}
		for range auth.LockFailures {
			_, _ = f.SignIn(t.Context(), access.Nobody(), "amt", at) // the last one locks
		}
		at.Password = password
		if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", at); !errors.Is(err, auth.ErrLocked) {
			t.Errorf("at the directory: %v", err)
		}
		unlocked(auth.LockFailures)
		if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", at); err != nil {
			t.Errorf("at the directory, unlocked: %v", err)
		}
		for range auth.LockFailures {
			_, _ = h.finish(t, home, auth.Answer{Challenge: h.wantHalf(t, h.enter(t, f), id.User.Tenant), Code: wrong}) // the last one locks
		}
		if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", at); !errors.Is(err, auth.ErrLocked) {
			t.Errorf("after codes of the second factor: %v", err)
		}
		unlocked(auth.LockFailures)
		half, err := f.SignIn(t.Context(), access.Nobody(), "amt", at)
		if err != nil {
			t.Fatal(err)
		}
		h.wantFinish(t, home, auth.Answer{Challenge: h.wantHalf(t, half, id.User.Tenant), Code: factortest.Code(t, secret, h.clock.Now())}, nil)
	},
	"PasskeyAloneIsNoWayAroundTheProvider": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.id.SignedInAt = h.clock.Now()
		in := h.enter(t, f)
		key, _, _ := h.passkey(t, in.Identity)
		w, err := h.factors.AskPasskey(meet())
		if err != nil {
			t.Fatal(err)
		}
		answer := auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}
		if _, err := h.factors.SignInByPasskey(t.Context(), access.Nobody(), auth.Attempt{Address: home}, answer, meet()); !errors.Is(err, auth.ErrPasskeyRefused) {
			t.Errorf("passkey alone: %v", err)
		}
		half := h.enter(t, f)
		w, err = h.factors.Want(t.Context(), in.Identity.User.Tenant, *half.Proved, meet())
		if err != nil {
			t.Fatal(err)
		}
		h.wantFinish(t, home, auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}, nil)
	},
	"ProofIsAsOldAsTheProviderSays": func(t *testing.T, h *house) {
		f, v := h.federation()
		for _, at := range []time.Time{{}, h.clock.Now().Add(-auth.DefaultProofLifetime)} {
			v.id.SignedInAt = at
			in := h.enter(t, f)
			h.wantSession(t, in.Session, nil)
			if h.sessions.Fresh(in.Identity.Session.ProvedAt) {
				t.Errorf("proved at %v, and just now", at)
			}
			if _, err := h.factors.AskProof(t.Context(), in.Identity, meet()); !errors.Is(err, auth.ErrProofElsewhere) {
				t.Errorf("ask for a proof: %v", err)
			}
		}
	},
	"BrowserOfAReturnIsKnownTheNextTime": func(t *testing.T, h *house) {
		f, _ := h.federation()
		in, err := comeBack(t, f, "land")
		if err != nil {
			t.Fatal(err)
		}
		d, err := f.Depart(t.Context(), access.Nobody(), "land", auth.Attempt{Device: in.Device}, auth.Wish{}, "/")
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := f.Return(t.Context(), access.Nobody(), "land", auth.Reply{}, d.Cookie, auth.Attempt{Address: home})
		if err != nil || again.Device != in.Device {
			t.Errorf("the browser is a new one: %v", err)
		}
	},
}

// wantHalf is the challenge of a sign-in to which a second factor is missing.
func (h *house) wantHalf(t *testing.T, in auth.SignedIn, tenant string) string {
	t.Helper()
	if in.Proved == nil || in.Session != "" || in.Device != "" || in.Identity.User.ID != "" {
		t.Fatalf("the provider alone brings %+v", in)
	}
	w, err := h.factors.Want(t.Context(), tenant, *in.Proved, meet())
	if err != nil {
		t.Fatal(err)
	}
	return w.Challenge
}
