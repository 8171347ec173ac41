package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/user"
)

// vouching stands where an adapter does: it says what the test has it say.
type vouching struct {
	h    *house
	id   auth.ProviderIdentity
	err  error  // of sign-ins
	gone error  // of reviews
	held func() // happens while a review waits for the answer; or nil
	over []auth.EndedSessions
}

const refreshToken = "the refresh token"

func (v *vouching) ID() string { return "amt" }

func (v *vouching) told() auth.ProviderIdentity {
	id := v.id
	id.AskAgain = v.h.clock.Now().Add(review)
	return id
}

func (v *vouching) SignIn(_ context.Context, _, secret string) (auth.ProviderIdentity, error) {
	if v.err == nil && secret != password {
		return auth.ProviderIdentity{}, auth.ErrFailed.Because(auth.ReasonPassword)
	}
	return v.told(), v.err
}

func (v *vouching) Begin(context.Context, auth.Wish) (auth.Redirection, error) {
	return auth.Redirection{Address: "https://idp.example/", State: []byte("state"), Expires: v.h.clock.Now().Add(time.Minute)}, nil
}

func (v *vouching) Finish(_ context.Context, _ auth.Reply, state []byte) (auth.ProviderIdentity, error) {
	if string(state) != "state" {
		return auth.ProviderIdentity{}, auth.ErrProviderRefused.Because(auth.ReasonState)
	}
	return v.told(), v.err
}

func (v *vouching) Review(_ context.Context, id auth.ProviderIdentity) (auth.ProviderIdentity, error) {
	if string(id.Hint) != refreshToken {
		return auth.ProviderIdentity{}, errors.New("the hint was not kept")
	}
	if v.held != nil {
		v.held()
	}
	return v.told(), v.gone
}

// review is after how long the provider is asked again.
const review = 15 * time.Minute

// federation has a directory "amt" and two ways by redirection: "land", which can be asked again, and "bund", which cannot.
func (h *house) federation() (*auth.Federation, *vouching) {
	v := &vouching{h: h, id: auth.ProviderIdentity{
		Provider: "amt", Subject: "4711", Name: "Anna Amtmann", Email: "anna@example.org", Groups: []string{"staff"}, Hint: auth.Hint(refreshToken),
	}}
	rules := auth.Rules{
		{Place: "f:1", Group: "staff", Roles: []access.Role{access.RoleUser}}, {Place: "f:2", Group: "it", Roles: []access.Role{access.RoleOperator}},
		{Place: "f:3", Group: "revision", Roles: []access.Role{access.RoleAuditor}},
	}
	return auth.NewFederation(h.Store, h.sessions, h.keys,
		auth.Entrance{ID: "amt", Rules: rules, Password: v, Reviewer: v},
		auth.Entrance{ID: "land", Rules: rules, Redirect: v, Reviewer: v, Leaver: v},
		auth.Entrance{ID: "bund", Rules: rules, Redirect: v},
	), v
}

// enter signs in at the directory.
func (h *house) enter(t *testing.T, f *auth.Federation) auth.SignedIn {
	t.Helper()
	in, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// comeBack signs in by redirection.
func comeBack(t *testing.T, f *auth.Federation, provider string) (auth.SignedIn, error) {
	t.Helper()
	d, err := f.Depart(t.Context(), access.Nobody(), provider, auth.Attempt{}, auth.Wish{}, "/join/x")
	if err != nil {
		t.Fatal(err)
	}
	in, next, err := f.Return(t.Context(), access.Nobody(), provider, auth.Reply{}, d.Cookie, auth.Attempt{Address: home})
	if next != "/join/x" {
		t.Errorf("next %q", next)
	}
	return in, err
}

var federations = map[string]func(*testing.T, *house){
	"FirstSignInMakesAnAccount": func(t *testing.T, h *house) {
		f, _ := h.federation()
		var in auth.SignedIn
		added := h.wantNewEntries(t, func() { in = h.enter(t, f) }, audit.KindUserCreated, audit.KindIdentityLinked, audit.KindSessionStarted)
		u := in.Identity.User
		if added[1].ObjectID != u.ID || added[1].Details != `{"provider":"amt"}` {
			t.Errorf("entry %+v", added[1])
		}
		if u.Email != "anna@example.org" || u.Name != "Anna Amtmann" || u.Roles != access.Ordinary {
			t.Errorf("user %+v", u)
		}
		h.wantSession(t, in.Session, nil)
		var sealed string
		if err := h.Raw.QueryRowContext(t.Context(), "SELECT sealed FROM identities").Scan(&sealed); err != nil || strings.Contains(sealed, refreshToken) {
			t.Errorf("what is kept of the identity can be read: %v", err)
		}
		if err := h.signIn.ResetPassword(t.Context(), access.System("test"), u.Email, password); !errors.Is(err, auth.ErrPasswordElsewhere) {
			t.Errorf("reset: %v", err)
		}
		h.wantTry(t, auth.Attempt{Email: u.Email, Password: "", Address: home}, auth.ErrFailed)
	},
	"TheSubjectIsThePerson": func(t *testing.T, h *house) {
		f, v := h.federation()
		first := h.enter(t, f).Identity.User
		v.id.Email, v.id.Name = "anna.neu@example.org", "Anna Neu"
		if again := h.enter(t, f).Identity.User; again.ID != first.ID || again.Email != first.Email {
			t.Errorf("%+v, before %+v", again, first)
		}
	},
	"A31AccountsAreNotLinkedByAddress": func(t *testing.T, h *house) {
		f, v := h.federation()
		local := h.account(t, "anna@example.org", access.Administrator)
		try := func() error {
			_, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home})
			return err
		}
		h.wantNewEntries(t, func() {
			if err := try(); !errors.Is(err, auth.ErrAddressTaken) {
				t.Errorf("an address of a local account: %v", err)
			}
		}, audit.KindProviderRefused)
		v.id.Email = "eva@example.org"
		if u := h.enter(t, f).Identity.User; u.ID == local.ID {
			t.Error("the local account was taken over")
		}
		v.id.Subject = "4712"
		if err := try(); !errors.Is(err, auth.ErrAddressTaken) {
			t.Errorf("another subject with the same address: %v", err)
		}
		v.id.Subject = "4711"
		if _, err := comeBack(t, f, "land"); !errors.Is(err, auth.ErrAddressTaken) {
			t.Errorf("the same subject at another provider: %v", err)
		}
		v.id.Email = "not an address"
		if _, err := comeBack(t, f, "land"); !errors.Is(err, auth.ErrAddressMissing) {
			t.Errorf("without an address: %v", err)
		}
	},
	"RolesAreGivenAnewAtEachSignIn": func(t *testing.T, h *house) {
		f, v := h.federation()
		h.enter(t, f)
		v.id.Groups = []string{"IT", "staff"}
		added := h.wantNewEntries(t, func() {
			if u := h.enter(t, f).Identity.User; u.Roles != "user operator" {
				t.Errorf("roles %s", u.Roles)
			}
		}, audit.KindRolesAssigned, audit.KindSessionStarted)
		if want := `{"after":["user","operator"],"because":["f:1","f:2"],"before":["user"],"provider":"amt","sessionsEnded":0}`; added[0].Details != want {
			t.Errorf("details %s", added[0].Details)
		}
		v.id.Groups = nil
		added = h.wantNewEntries(t, func() {
			_, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home})
			if !errors.Is(err, auth.ErrNoRole) {
				t.Errorf("without a role: %v", err)
			}
		}, audit.KindProviderRefused)
		if want := `{"provider":"amt","reason":"no_role","source":"192.0.2.0/24"}`; added[0].Details != want {
			t.Errorf("details %s", added[0].Details)
		}
	},
	"A26GuessesAtADirectoryLock": func(t *testing.T, h *house) {
		f, _ := h.federation()
		device := h.enter(t, f).Device
		spellings := []string{"anna", "Anna", " anna", "ANNA ", "anna", "anna"}
		for i, name := range spellings {
			want := auth.ErrFailed
			if i == auth.LockFailures-1 {
				want = auth.ErrLocked
			}
			_, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: name, Password: "wrong", Address: home})
			if !errors.Is(err, want) {
				t.Errorf("guess %d: %v, want %v", i, err, want)
			}
		}
		right := auth.Attempt{Email: "anna", Password: password, Address: home}
		if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", right); !errors.Is(err, auth.ErrLocked) {
			t.Errorf("while it is locked: %v", err)
		}
		right.Device = device
		if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", right); err != nil {
			t.Errorf("in the browser of the account's owner: %v", err)
		}
	},
	"AProviderThatIsAwayCountsNoFailure": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.err = auth.ErrProviderUnavailable
		for range auth.LockFailures {
			_, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home})
			if !errors.Is(err, auth.ErrProviderUnavailable) {
				t.Errorf("got %v", err)
			}
		}
		v.err = nil
		h.enter(t, f)
	},
	"A31AnswersBelongToTheBrowserThatAsked": func(t *testing.T, h *house) {
		f, v := h.federation()
		in, err := comeBack(t, f, "land")
		if err != nil || in.Identity.User.Email != v.id.Email {
			t.Fatalf("%+v, %v", in, err)
		}
		d, err := f.Depart(t.Context(), access.Nobody(), "land", auth.Attempt{Session: in.Session}, auth.Wish{}, "/")
		if err != nil {
			t.Fatal(err)
		}
		refused := func(name, provider, cookie string) {
			t.Helper()
			added := h.wantNewEntries(t, func() {
				_, _, err := f.Return(t.Context(), access.Nobody(), provider, auth.Reply{}, cookie, auth.Attempt{})
				if !errors.Is(err, auth.ErrProviderRefused) {
					t.Errorf("%s: %v", name, err)
				}
			}, audit.KindProviderRefused)
			if strings.Contains(added[0].Details, "4711") {
				t.Errorf("details %s", added[0].Details)
			}
		}
		refused("no cookie", "land", "")
		refused("another browser's rubbish", "land", "AAAA")
		refused("a changed cookie", "land", d.Cookie[:len(d.Cookie)-4]+"AAAA")
		refused("another provider", "bund", d.Cookie)
		if _, _, err := f.Return(t.Context(), access.Nobody(), "land", auth.Reply{}, d.Cookie, auth.Attempt{}); err != nil {
			t.Errorf("the right one: %v", err)
		}
		h.wantSession(t, in.Session, auth.ErrSessionInvalid) // the browser's earlier one
		h.clock.Advance(time.Minute)
		refused("too late", "land", d.Cookie)
		for _, id := range []string{"amt", "nobody", ""} {
			if _, err := f.Depart(t.Context(), access.Nobody(), id, auth.Attempt{}, auth.Wish{}, "/"); !errors.Is(err, auth.ErrProviderUnknown) {
				t.Errorf("%q: %v", id, err)
			}
		}
		if _, err := f.SignIn(t.Context(), access.Nobody(), "land", auth.Attempt{}); !errors.Is(err, auth.ErrProviderUnknown) {
			t.Errorf("a password for a provider by redirection: %v", err)
		}
	},
	"SeveralFirstSignInsMakeOneAccount": func(t *testing.T, h *house) {
		f, _ := h.federation()
		ids := make([]string, 6)
		_, failures := sideBySide(len(ids), func(i int) error {
			in, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home})
			ids[i] = in.Identity.User.ID
			return err
		})
		for _, id := range ids {
			if id != ids[0] || id == "" {
				t.Errorf("accounts %v, %v", ids, failures)
			}
		}
	},
	"WhomAnAdministratorDisabledDoesNotComeBack": func(t *testing.T, h *house) {
		f, _ := h.federation()
		u := h.enter(t, f).Identity.User
		_, err := h.ChangeUser(t.Context(), u.Tenant, u.ID, func(u user.User) (user.User, audit.Entry, error) {
			u.DisabledAt = h.clock.Now()
			return u, audit.ProfileChanged(audit.Origin{At: h.clock.Now(), Actor: access.System("test")}, u.ID, nil), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home}); !errors.Is(err, auth.ErrFailed) {
			t.Errorf("at the directory: %v", err)
		}
	},
	"ARoleTakenAwayAtASignInEndsTheOtherSessions": func(t *testing.T, h *house) {
		f, v := h.federation()
		v.id.Groups = []string{"it", "staff"}
		elsewhere := h.enter(t, f)
		v.id.Groups = []string{"staff"}
		var here auth.SignedIn
		added := h.wantNewEntries(t, func() { here = h.enter(t, f) }, audit.KindRolesAssigned, audit.KindSessionStarted)
		if want := `{"after":["user"],"because":["f:1"],"before":["user","operator"],"provider":"amt","sessionsEnded":1}`; added[0].Details != want {
			t.Errorf("details %s", added[0].Details)
		}
		h.wantSession(t, elsewhere.Session, auth.ErrSessionInvalid)
		h.wantSession(t, here.Session, nil)
	},
	"A49RulesThatContradictLetNobodyIn": func(t *testing.T, h *house) {
		f, v := h.federation()
		try := func() {
			t.Helper()
			added := h.wantNewEntries(t, func() {
				_, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: "anna", Password: password, Address: home})
				if !errors.Is(err, auth.ErrRoleConflict) {
					t.Errorf("got %v", err)
				}
			}, audit.KindProviderRefused)
			if want := `{"because":["f:2","f:3"],"provider":"amt","reason":"roles_conflict","source":"192.0.2.0/24"}`; added[0].Details != want {
				t.Errorf("details %s", added[0].Details)
			}
		}
		v.id.Groups = []string{"revision", "it"}
		try()
		v.id.Groups = []string{"revision"}
		in := h.enter(t, f)
		if u := in.Identity.User; u.Roles != access.Roles(access.RoleAuditor) {
			t.Errorf("roles %s", u.Roles)
		}
		v.id.Groups = []string{"revision", "it"}
		try()
		h.clock.Advance(review)
		added := h.wantNewEntries(t, func() { h.wantReview(t, f) }, audit.KindIdentityBarred)
		if want := `{"because":["f:2","f:3"],"provider":"amt","reason":"roles_conflict","sessionsEnded":1}`; added[0].Details != want {
			t.Errorf("details %s", added[0].Details)
		}
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		try()
	},
	"SessionsOfAProviderAreCountedToo": func(t *testing.T, h *house) {
		f, _ := h.federation()
		first := h.enter(t, f)
		h.clock.Advance(time.Second)
		for range auth.DefaultSessionsMax - 1 {
			h.wantNewEntries(t, func() { h.enter(t, f) }, audit.KindSessionStarted)
		}
		h.wantSession(t, first.Session, nil)
		h.wantNewEntries(t, func() { h.enter(t, f) }, audit.KindSessionEnded, audit.KindSessionStarted)
		h.wantSession(t, first.Session, auth.ErrSessionInvalid)
	},
	"A23WhatIsShownOnceIsShownOnce": func(t *testing.T, h *house) {
		until := h.clock.Now().Add(time.Minute)
		first := make([]bool, 20)
		_, failures := sideBySide(len(first), func(i int) (err error) {
			first[i], err = h.UseOnce(t.Context(), "oidc.state", "x", until)
			return err
		})
		n := 0
		for _, is := range first {
			if is {
				n++
			}
		}
		if n != 1 || len(failures) > 0 {
			t.Errorf("%d were first, %v", n, failures)
		}
		if other, err := h.UseOnce(t.Context(), "saml.request", "x", until); !other || err != nil {
			t.Errorf("of another kind: %v, %v", other, err)
		}
		h.clock.Advance(time.Minute - time.Millisecond)
		if again, err := h.UseOnce(t.Context(), "oidc.state", "x", until); again || err != nil {
			t.Errorf("just before it is forgotten: %v, %v", again, err)
		}
		h.clock.Advance(time.Millisecond)
		if again, err := h.UseOnce(t.Context(), "oidc.state", "x", until); !again || err != nil {
			t.Errorf("when it is forgotten: %v, %v", again, err)
		}
	},
}
