package storetest

import (
	"context"
	"errors"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/auth/factortest"
)

// farewellState is what vouching wants to be handed when a browser comes back from signing out.
const farewellState = "signed out"

func (v *vouching) Logout(_ context.Context, id auth.ProviderIdentity) (auth.Redirection, error) {
	return auth.Redirection{Address: "https://idp.example/end?" + id.Session, State: []byte(farewellState)}, v.err
}

func (v *vouching) LoggedOff(_ context.Context, _ auth.Reply, state []byte) error {
	if string(state) != farewellState {
		return auth.ErrProviderRefused.Because(auth.ReasonState)
	}
	return v.err
}

func (v *vouching) LoggedOut(context.Context, auth.Reply) (auth.Farewell, error) {
	return auth.Farewell{Sessions: v.over, Answer: "https://idp.example/answer"}, v.err
}

// comeAs signs in by redirection in a session of the provider.
func (v *vouching) comeAs(t *testing.T, f *auth.Federation, session string) auth.SignedIn {
	t.Helper()
	v.id.Session = session
	in, err := comeBack(t, f, "land")
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// say has the provider say that these sessions are over.
func (v *vouching) say(t *testing.T, f *auth.Federation, over ...auth.EndedSessions) error {
	t.Helper()
	v.over = over
	answer, err := f.SignedOut(t.Context(), access.Nobody(), "land", auth.Reply{})
	if err == nil && answer != "https://idp.example/answer" {
		t.Errorf("answer %q", answer)
	}
	return err
}

var farewells = map[string]func(*testing.T, *house){
	"EndedAtTheProviderIsEndedHere": func(t *testing.T, h *house) {
		f, v := h.federation()
		first, second := v.comeAs(t, f, "s1"), v.comeAs(t, f, "s2")
		v.id.Email = "anna.amt@example.org" // another account
		password := h.enter(t, f)
		over := auth.EndedSessions{Provider: "land", Subject: v.id.Subject, Session: "s1"}
		added := h.wantNewEntries(t, func() {
			if err := v.say(t, f, over); err != nil {
				t.Fatal(err)
			}
		}, audit.KindSessionEnded)
		if added[0].ObjectID != first.Identity.Session.ID || added[0].Details != `{"reason":"signed_out_elsewhere"}` {
			t.Errorf("entry %+v", added[0])
		}
		h.wantSession(t, first.Session, auth.ErrSessionInvalid)
		for _, others := range []auth.EndedSessions{
			over, {Provider: "land", Subject: "somebody"}, {Provider: "land", Subject: "somebody", Session: "s2"}, {Provider: "land", Session: "s3"},
		} {
			h.wantNewEntries(t, func() {
				if err := v.say(t, f, others); err != nil {
					t.Error(err)
				}
			})
		}
		h.wantSession(t, second.Session, nil)
		third := v.comeAs(t, f, "s3")
		if err := v.say(t, f, auth.EndedSessions{Provider: "land", Session: "s3"}); err != nil {
			t.Fatal(err)
		}
		h.wantSession(t, third.Session, auth.ErrSessionInvalid)
		if err := v.say(t, f, auth.EndedSessions{Provider: "land", Subject: v.id.Subject}); err != nil {
			t.Fatal(err)
		}
		h.wantSession(t, second.Session, auth.ErrSessionInvalid)
		h.wantSession(t, password.Session, nil) // it came by another provider
	},
	"A58FarewellThatNamesNobodyEndsNothing": func(t *testing.T, h *house) {
		f, v := h.federation()
		in := v.comeAs(t, f, "s1")
		for _, meant := range []auth.EndedSessions{{Provider: "land"}, {}, {Provider: "bund", Session: "s1"}, {Session: "s1"}} {
			if err := v.say(t, f, meant); !errors.Is(err, auth.ErrFarewellRefused) {
				t.Errorf("%+v: %v", meant, err)
			}
		}
		v.err = auth.ErrProviderRefused.Because(auth.ReasonSignature)
		if err := v.say(t, f, auth.EndedSessions{Provider: "land", Session: "s1"}); !errors.Is(err, auth.ErrFarewellRefused) {
			t.Errorf("refused word: %v", err)
		}
		for _, provider := range []string{"amt", "nobody"} {
			if _, err := f.SignedOut(t.Context(), access.Nobody(), provider, auth.Reply{}); !errors.Is(err, auth.ErrProviderUnknown) {
				t.Errorf("%s: %v", provider, err)
			}
		}
		h.wantSession(t, in.Session, nil)
	},
	"SessionAfterASecondFactorEndsAtTheProviderToo": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.id.SignedInAt = h.clock.Now()
		id := v.comeAs(t, f, "s1").Identity
		secret, _ := h.app(t, id, "Phone")
		challenge := h.wantHalf(t, v.comeAs(t, f, "s2"), id.User.Tenant)
		h.clock.Advance(auth.TOTPPeriod)
		in, err := h.finish(t, home, auth.Answer{Challenge: challenge, Code: factortest.Code(t, secret, h.clock.Now())})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.say(t, f, auth.EndedSessions{Provider: "land", Session: "s2"}); err != nil {
			t.Fatal(err)
		}
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
	},
	"SignOutLeadsToTheProvidersOwnSession": func(t *testing.T, h *house) {
		f, v := h.federation()
		first := v.comeAs(t, f, "s1")
		v.comeAs(t, f, "s2")
		var d auth.Departure
		h.wantNewEntries(t, func() {
			var err error
			if d, err = f.SignOut(t.Context(), first.Identity); err != nil || d.Address != "https://idp.example/end?s1" {
				t.Errorf("led to %q, %v", d.Address, err)
			}
		}, audit.KindSessionEnded)
		h.wantSession(t, first.Session, auth.ErrSessionInvalid)
		if err := f.SignedOff(t.Context(), "land", auth.Reply{}, d.Cookie); err != nil {
			t.Error(err)
		}
		for what, cookie := range map[string]string{"no cookie": "", "another cookie": "x" + d.Cookie} {
			if err := f.SignedOff(t.Context(), "land", auth.Reply{}, cookie); !errors.Is(err, auth.ErrProviderRefused) {
				t.Errorf("%s: %v", what, err)
			}
		}
		v.err = auth.ErrProviderRefused.Because(auth.ReasonDenied)
		if err := f.SignedOff(t.Context(), "land", auth.Reply{}, d.Cookie); !errors.Is(err, auth.ErrProviderStays) {
			t.Errorf("the provider did not end its session: %v", err)
		}
	},
	"SignOutNeedsNoProvider": func(t *testing.T, h *house) {
		f, v := h.federation()
		ways := map[string]auth.SignedIn{"directory": h.enter(t, f)}
		v.id.Email = "anna.land@example.org" // another account
		ways["redirection"] = v.comeAs(t, f, "s1")
		v.err = auth.ErrProviderUnavailable
		for way, in := range ways {
			if d, err := f.SignOut(t.Context(), in.Identity); d != (auth.Departure{}) || err != nil {
				t.Errorf("%s: %+v, %v", way, d, err)
			}
			h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		}
	},
}
