package storetest

import (
	"errors"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
)

func (h *house) wantReview(t *testing.T, f *auth.Federation) {
	t.Helper()
	if err := f.Review(t.Context()); err != nil {
		t.Error(err)
	}
}

// programOf makes an API token, and returns what checks whether it is good.
func (h *house) programOf(t *testing.T, id auth.Identity) (wants func(error)) {
	t.Helper()
	_, secret, err := h.tokens.Create(t.Context(), id.Actor, auth.NewToken{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return func(want error) {
		t.Helper()
		if _, err := h.tokens.Authenticate(t.Context(), secret); !errors.Is(err, want) {
			t.Errorf("the API token: %v, want %v", err, want)
		}
	}
}

var reviews = map[string]func(*testing.T, *house){
	"WhoIsGoneLosesAccess": func(t *testing.T, h *house) {
		f, v := h.federation()
		in := h.enter(t, f)
		_, token, err := h.tokens.Create(t.Context(), in.Identity.Actor, auth.NewToken{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		v.gone = auth.ErrProviderGone.Because(auth.ReasonDisabled)
		h.clock.Advance(review - time.Millisecond)
		h.wantNewEntries(t, func() { h.wantReview(t, f) })
		h.wantSession(t, in.Session, nil)
		h.clock.Advance(time.Millisecond)
		added := h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindIdentityBarred)
		if want := `{"provider":"amt","reason":"disabled","sessionsEnded":1}`; added[0].Details != want || added[0].ActorKind != access.KindSystem {
			t.Errorf("entry %+v", added[0])
		}
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		if _, err := h.tokens.Authenticate(t.Context(), token); err == nil {
			t.Error("an API token is still good")
		}
		h.clock.Advance(24 * time.Hour)
		h.wantNewEntries(t, func() { h.wantReview(t, f) })
		v.gone = nil
		h.wantNewEntries(t, func() { h.wantSession(t, h.enter(t, f).Session, nil) }, audit.KindIdentityReturned, audit.KindSessionStarted)
	},
	"ReviewsFollowTheRoles": func(t *testing.T, h *house) {
		f, v := h.federation()
		in := h.enter(t, f)
		v.id.Groups = []string{"it", "staff"}
		h.clock.Advance(review)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindRolesAssigned)
		if id, err := h.sessions.Authenticate(t.Context(), in.Session); err != nil || id.User.Roles != "user operator" {
			t.Errorf("%+v, %v", id.User, err)
		}
		h.clock.Advance(review)
		h.wantNewEntries(t, func() { h.wantReview(t, f) })
		v.id.Groups = []string{"it"}
		h.clock.Advance(review)
		added := h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindRolesAssigned)
		if want := `{"after":["operator"],"because":["f:2"],"before":["user","operator"],"provider":"amt","sessionsEnded":1}`; added[0].Details != want {
			t.Errorf("details %s", added[0].Details)
		}
		h.wantSession(t, in.Session, auth.ErrSessionInvalid) // a role was taken away
		in = h.enter(t, f)
		v.id.Groups = nil
		h.clock.Advance(review)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindIdentityBarred)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
	},
	"A21WhomAReviewBarsLeavesTheConference": func(t *testing.T, h *house) {
		f, v := h.federation()
		r := h.conference(t)
		join := func(session string) auth.Identity {
			t.Helper()
			in := h.enter(t, f)
			id, err := h.sessions.Authenticate(t.Context(), in.Session)
			if err != nil || in.Identity.Actor.SignIn != id.Session.ID || id.Actor.SignIn != id.Session.ID {
				t.Fatalf("%+v, %+v, %v", in.Identity.Actor, id.Actor, err)
			}
			h.admitted(t, r, id.Actor, session)
			return id
		}
		id := join("anna")
		h.admitted(t, r, h.tokenActor(t, id.User, lasting), "anna's program")
		h.wantEnded(t, r)
		v.gone = auth.ErrProviderGone.Because(auth.ReasonUnknown)
		h.clock.Advance(review)
		h.wantReview(t, f)
		h.wantEnded(t, r, "anna", "anna's program")

		v.gone = nil
		join("back")
		h.wantEnded(t, r, "anna") // the token is good again
		v.id.Groups = []string{"it"}
		h.clock.Advance(review)
		h.wantReview(t, f)
		h.wantEnded(t, r, "anna", "back") // who loses a role signs in again
	},
	"AnAdministratorDecidesAfterAProvider": func(t *testing.T, h *house) {
		f, v := h.federation()
		admin := h.account(t, "admin@example.org", access.Administrator).Actor()
		id := h.enter(t, f).Identity
		_, token, err := h.tokens.Create(t.Context(), id.Actor, auth.NewToken{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		gone := auth.ErrProviderGone.Because(auth.ReasonDisabled)
		v.gone = gone
		h.clock.Advance(review)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindIdentityBarred)
		if _, err := h.users.Disable(t.Context(), admin, id.User.ID); err != nil {
			t.Fatal(err)
		}
		v.gone = nil
		h.wantNewEntries(t, func() {
			if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home}); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("whom an administrator has disabled meanwhile: %v", err)
			}
		}, audit.KindProviderRefused)
		h.wantNewEntries(t, func() { h.wantReview(t, f) })
		v.gone = gone
		if _, err := h.users.Enable(t.Context(), admin, id.User.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.tokens.Authenticate(t.Context(), token); err != nil {
			t.Errorf("whom an administrator has let in: %v", err)
		}
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindIdentityBarred)
		if _, err := h.tokens.Authenticate(t.Context(), token); !errors.Is(err, auth.ErrTokenInvalid) {
			t.Errorf("whom the provider still does not know: %v", err)
		}
		if _, err := h.users.Assign(t.Context(), admin, id.User.ID, access.RoleUser); err != nil {
			t.Fatal(err)
		}
		v.gone = nil
		h.enter(t, f) // other roles are no word about who comes in
	},
	"AnAdministratorDecidesWhileAProviderIsAsked": func(t *testing.T, h *house) {
		f, v := h.federation()
		admin := h.account(t, "admin@example.org", access.Administrator).Actor()
		id := h.enter(t, f).Identity
		token := h.programOf(t, id)
		v.held = func() {
			if _, err := h.users.Disable(t.Context(), admin, id.User.ID); err != nil {
				t.Error(err)
			}
		}
		v.gone = auth.ErrProviderGone.Because(auth.ReasonDisabled)
		h.clock.Advance(review)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindUserDisabled)
		v.gone = nil
		h.wantNewEntries(t, func() {
			if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home}); !errors.Is(err, auth.ErrFailed) {
				t.Errorf("whom an administrator has disabled meanwhile: %v", err)
			}
		}, audit.KindProviderRefused)
		if _, err := h.users.Enable(t.Context(), admin, id.User.ID); err != nil {
			t.Fatal(err)
		}
		token(nil)
		h.enter(t, f)
	},
	"WhoseProofIsForgottenSignsInAgain": func(t *testing.T, h *house) {
		f, _ := h.federation()
		in := h.enter(t, f)
		token := h.programOf(t, in.Identity)
		if _, err := h.Raw.ExecContext(t.Context(), "UPDATE identities SET login = '', sealed = $1", []byte{}); err != nil { // as provisioning does
			t.Fatal(err)
		}
		h.clock.Advance(review)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindIdentityBarred)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		token(auth.ErrTokenInvalid)
		h.clock.Advance(auth.ReviewGrace)
		h.wantNewEntries(t, func() { h.wantReview(t, f) })
		h.enter(t, f)
		token(nil)
	},
	"AProviderMayBeSilentForAWhile": func(t *testing.T, h *house) {
		f, v := h.federation()
		in := h.enter(t, f)
		token := h.programOf(t, in.Identity)
		v.gone = auth.ErrProviderUnavailable
		h.clock.Advance(review)
		h.wantReview(t, f)
		h.clock.Advance(auth.ReviewGrace - time.Millisecond)
		h.wantReview(t, f)
		h.wantSession(t, in.Session, nil)
		token(nil)
		h.clock.Advance(auth.ReviewRetry)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindIdentityBarred)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		token(auth.ErrTokenInvalid)
		h.clock.Advance(auth.ReviewGrace)
		h.wantNewEntries(t, func() { h.wantReview(t, f) }) // once is enough
		v.gone = nil
		h.clock.Advance(auth.ReviewGrace)
		h.wantReview(t, f)
		token(nil) // the provider is back, and vouches
		h.enter(t, f)
	},
	"WhoCannotBeAskedAboutSignsInAgain": func(t *testing.T, h *house) {
		f, _ := h.federation()
		in, err := comeBack(t, f, "bund")
		if err != nil {
			t.Fatal(err)
		}
		if ends := in.Identity.Session.ExpiresAt; ends != h.clock.Now().Add(review) {
			t.Errorf("the session ends %v", ends)
		}
		token := h.programOf(t, in.Identity)
		h.clock.Advance(review - time.Millisecond)
		h.wantReview(t, f)
		token(nil)
		h.clock.Advance(time.Millisecond)
		h.wantReview(t, f)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		token(auth.ErrTokenInvalid)
		if _, err := comeBack(t, f, "bund"); err != nil {
			t.Fatal(err)
		}
		token(nil)
	},
	"AProviderThatWasRemovedEndsItsSessions": func(t *testing.T, h *house) {
		f, _ := h.federation()
		in := h.enter(t, f)
		token, r := h.programOf(t, in.Identity), h.conference(t)
		h.admitted(t, r, h.tokenActor(t, in.Identity.User, lasting), "program")
		h.clock.Advance(review)
		h.wantEnded(t, r)
		none := auth.NewFederation(h.Store, h.sessions, h.keys)
		h.wantNewEntries(t, func() { h.wantReview(t, none) }, audit.KindIdentityBarred)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		token(auth.ErrTokenInvalid)
		h.wantEnded(t, r, "program")
	},
	"OneControllerAsks": func(t *testing.T, h *house) {
		f, _ := h.federation()
		h.enter(t, f)
		h.clock.Advance(review)
		now := h.clock.Now()
		claimed := make([]int, 6)
		_, failures := sideBySide(len(claimed), func(i int) error {
			due, err := h.ClaimReviews(t.Context(), now, now.Add(time.Minute), 10)
			claimed[i] = len(due)
			return err
		})
		total := 0
		for _, n := range claimed {
			total += n
		}
		if total != 1 || len(failures) > 0 {
			t.Errorf("claimed %v, %v", claimed, failures)
		}
	},
}
