package httpapi_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/httpapi"
)

// asked is the state of a sign-in at the provider.
const asked = "the-state-of-this-sign-in"

// outside is an identity provider that vouches for one person, to whoever shows the state of the sign-in that began.
type outside struct{ err error }

func (o *outside) ID() string { return "land" }

func (o *outside) vouch(accepted bool) (auth.ProviderIdentity, error) {
	if !accepted {
		return auth.ProviderIdentity{}, auth.ErrProviderRefused.Because(auth.ReasonState)
	}
	return auth.ProviderIdentity{
		Provider: "land", Subject: "4711", Name: "Eva Extern", Email: "eva@example.org", AskAgain: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}, o.err
}

func (o *outside) Begin(context.Context, auth.Wish) (auth.Redirection, error) {
	at := time.Date(2026, 11, 21, 12, 10, 0, 0, time.UTC) // of the clock of the tests, and ten minutes
	return auth.Redirection{Address: "https://idp.example/?request", State: []byte(asked), Expires: at}, o.err
}

func (o *outside) Finish(_ context.Context, a auth.Reply, state []byte) (auth.ProviderIdentity, error) {
	return o.vouch(string(state) == asked && (a.Query.Get("state") == asked && a.RawQuery == "state="+asked || a.Form.Get("RelayState") == asked))
}

func (o *outside) SignIn(_ context.Context, name, secret string) (auth.ProviderIdentity, error) {
	if name != "eva" || secret != password {
		return auth.ProviderIdentity{}, auth.ErrFailed.Because(auth.ReasonPassword)
	}
	return o.vouch(true)
}

func (o *outside) Logout(context.Context, auth.ProviderIdentity) (auth.Redirection, error) {
	at := time.Date(2026, 11, 21, 12, 10, 0, 0, time.UTC)
	return auth.Redirection{Address: "https://idp.example/end", State: []byte(asked), Expires: at}, o.err
}

func (o *outside) LoggedOff(_ context.Context, a auth.Reply, state []byte) error {
	if string(state) != asked || a.Query.Get("SAMLResponse") != "yes" {
		return auth.ErrProviderRefused.Because(auth.ReasonDenied)
	}
	return nil
}

func (o *outside) LoggedOut(_ context.Context, a auth.Reply) (auth.Farewell, error) {
	over := auth.Farewell{Sessions: []auth.EndedSessions{{Provider: "land", Subject: "4711"}}}
	switch {
	case a.Form.Get("logout_token") == "good":
		return over, nil
	case a.Query.Get("SAMLRequest") == "good" && a.RawQuery == "SAMLRequest=good":
		over.Answer = "https://idp.example/answer"
		return over, nil
	}
	return auth.Farewell{}, auth.ErrProviderRefused.Because(auth.ReasonSignature)
}

// federated is an installation with a provider by redirection and one by password.
func federated(t *testing.T) (*env, *outside) {
	t.Helper()
	o := &outside{}
	rules := auth.Rules{{Place: "f:1", Everybody: true, Roles: []access.Role{access.RoleUser}}}
	return start(t, options{
		entrances: []auth.Entrance{{ID: "land", Label: "Landesportal", Rules: rules, Redirect: o, Leaver: o}, {ID: "amt", Label: "Amt", Rules: rules, Password: o}},
		metadata:  map[string]func() []byte{"land": func() []byte { return []byte("<md/>") }},
	}), o
}

// leave begins a sign-in and returns the answer.
func (c *client) leave(next string) answer {
	c.t.Helper()
	return c.get("/api/v1/providers/land/sign-in?next=" + url.QueryEscape(next)).want(http.StatusOK)
}

// comeBack are the two ways in which a browser comes back from a provider.
var comeBack = map[string]func(c *client, state string) answer{
	"by address": func(c *client, state string) answer { return c.get("/api/v1/providers/land/return?state=" + state) },
	"by form": func(c *client, state string) answer {
		return c.send(http.MethodPost, "/api/v1/providers/land/return", "application/x-www-form-urlencoded", "RelayState="+state)
	},
}

// wantLedTo checks where the browser is led to.
func (a answer) wantLedTo(path string, query url.Values) {
	a.t.Helper()
	a.want(http.StatusSeeOther)
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || u.IsAbs() || u.Host != "" || u.Path != path {
		a.t.Fatalf("led to %q, want %s", a.header.Get("Location"), path)
	}
	got := u.Query()
	for name, want := range query {
		if !slices.Equal(got[name], want) {
			a.t.Errorf("led to %s, want %s=%v", u, name, want)
		}
	}
	if len(query) == 0 && len(got) > 0 {
		a.t.Errorf("led to %s", u)
	}
}

func TestReturnFromProvider(t *testing.T) {
	t.Parallel()
	for name, back := range comeBack {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := federated(t)
			c := e.browser()
			left := c.leave("/join/abc")
			if d := decode[httpapi.Departure](left); d.Address != "https://idp.example/?request" {
				t.Errorf("sent to %s", d.Address)
			}
			set := left.header.Values("Set-Cookie")
			if len(set) != 1 || !strings.HasPrefix(set[0], auth.ProviderCookie+"=") || !strings.HasSuffix(set[0], "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None") {
				t.Errorf("cookies %q", set)
			}
			if strings.Contains(set[0], asked) {
				t.Error("the state can be read")
			}
			kept := c.cookies[auth.ProviderCookie]

			c.headers["Origin"] = "https://idp.example"
			before := e.lastEntry()
			back(c, asked).wantLedTo("/join/abc", nil)
			var kinds []audit.Kind
			for _, entry := range e.entries(before) {
				kinds = append(kinds, entry.Kind)
			}
			if want := []audit.Kind{audit.KindUserCreated, audit.KindIdentityLinked, audit.KindSessionStarted}; !slices.Equal(kinds, want) {
				t.Errorf("wrote %v, want %v", kinds, want)
			}
			delete(c.headers, "Origin")
			if u := decode[httpapi.CurrentSession](c.get("/api/v1/session").want(http.StatusOK)).User; u == nil || u.Email != "eva@example.org" {
				t.Errorf("signed in is %+v", u)
			}
			if _, still := c.cookies[auth.ProviderCookie]; still {
				t.Error("the cookie of the sign-in is still there")
			}

			refused := url.Values{"problem": {"auth.provider_refused"}}
			other := e.browser()
			back(other, asked).wantLedTo("/signin", refused) // a browser that did not begin it
			other.cookies[auth.ProviderCookie] = kept
			back(other, "another").wantLedTo("/signin", url.Values{"problem": {"auth.provider_refused"}, "next": {"/join/abc"}})
			if len(other.cookies) > 0 {
				t.Errorf("cookies %v", other.cookies)
			}
		})
		t.Run(name+", no entry, no change", func(t *testing.T) {
			t.Parallel()
			e, _ := federated(t)
			c := e.browser()
			c.leave("/")
			e.exec("CREATE TRIGGER full BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'full'); END")
			before := e.dump()
			back(c, asked).wantLedTo("/signin", url.Values{"problem": {"internal"}})
			if after := e.dump(); after != before {
				t.Errorf("changed without an entry\n%s\nto\n%s", before, after)
			}
		})
	}
}

func TestA77OnlyPathsOfThisSiteAreLedTo(t *testing.T) {
	t.Parallel()
	e, _ := federated(t)
	for next, want := range map[string]string{
		"": "/", "/": "/", "/join/abc": "/join/abc", "/a%20b": "/a%20b", "/join/abc?x=1#y": "/join/abc",
		"https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "/.//evil.example": "/", "/..//evil.example": "/",
		"javascript:alert(1)": "/", "join": "/", "/%2F/evil.example": "/", "/%5Cevil": "/", "http:/x": "/", "/x\r\nSet-Cookie: a=b": "/",
		"/" + strings.Repeat("a", httpapi.MaxNextBytes-1): "/" + strings.Repeat("a", httpapi.MaxNextBytes-1),
		"/" + strings.Repeat("a", httpapi.MaxNextBytes):   "/",
	} {
		c := e.browser()
		c.leave(next)
		if got := comeBack["by address"](c, asked).want(http.StatusSeeOther).header.Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestAnswersOfProvidersAreBounded(t *testing.T) {
	t.Parallel()
	e, _ := federated(t)
	c := e.browser()
	c.leave("/")
	const path, form = "/api/v1/providers/land/return", "application/x-www-form-urlencoded"
	limit := int(e.limits.RequestBytes)
	c.send(http.MethodPost, path, form, "RelayState="+asked+"&x="+strings.Repeat("a", limit)).problem(http.StatusRequestEntityTooLarge, "body.too_large")
	c.send(http.MethodPost, path, "application/json", "{}").problem(http.StatusUnsupportedMediaType, "body.content_type")
	c.send(http.MethodPost, path, form, "%zz=1").wantLedTo("/signin", url.Values{"problem": {"auth.provider_refused"}})
	c.leave("/")
	fits := "RelayState=" + asked + "&x="
	c.send(http.MethodPost, path, form, fits+strings.Repeat("a", limit-len(fits))).wantLedTo("/", nil)
}

func TestSignInAtADirectory(t *testing.T) {
	t.Parallel()
	e, o := federated(t)
	c := e.browser()
	credentials := func(provider, secret string) map[string]any {
		return map[string]any{"email": "eva", "password": secret, "provider": provider}
	}
	in := decode[httpapi.CurrentSession](c.post("/api/v1/session", credentials("amt", password)).want(http.StatusOK))
	if in.User == nil || in.User.Name != "Eva Extern" {
		t.Errorf("%+v", in)
	}
	stranger := e.browser()
	stranger.post("/api/v1/session", credentials("amt", "wrong")).problem(http.StatusUnauthorized, "auth.failed")
	stranger.post("/api/v1/session", credentials("land", password)).problem(http.StatusNotFound, "auth.provider_unknown")
	stranger.post("/api/v1/session", credentials("", password)).problem(http.StatusUnauthorized, "auth.failed")
	o.err = auth.ErrProviderUnavailable
	stranger.post("/api/v1/session", credentials("amt", password)).problem(http.StatusServiceUnavailable, "auth.provider_unavailable")
	c.get("/api/v1/providers/land/sign-in").problem(http.StatusServiceUnavailable, "auth.provider_unavailable")
}

func TestProvidersAreShown(t *testing.T) {
	t.Parallel()
	e, _ := federated(t)
	c := e.browser()
	want := []httpapi.Provider{{ID: "land", Label: "Landesportal", Asks: "redirect"}, {ID: "amt", Label: "Amt", Asks: "password"}}
	if got := decode[httpapi.Instance](c.get("/api/v1/instance").want(http.StatusOK)).Providers; !slices.Equal(got, want) {
		t.Errorf("providers %+v", got)
	}
	metadata := c.get(httpapi.MetadataPath("land")).want(http.StatusOK)
	if metadata.body != "<md/>" || metadata.header.Get("Content-Type") != "application/samlmetadata+xml" {
		t.Errorf("metadata %q as %s", metadata.body, metadata.header.Get("Content-Type"))
	}
	c.get(httpapi.MetadataPath("amt")).problem(http.StatusNotFound, "auth.provider_unknown")
	c.get("/api/v1/providers/nobody/sign-in").problem(http.StatusNotFound, "auth.provider_unknown")
	if got := decode[httpapi.Instance](start(t, options{}).browser().get("/api/v1/instance")); got.Providers == nil || len(got.Providers) > 0 {
		t.Errorf("without providers: %+v", got.Providers)
	}
}

func TestEndedByTheProvider(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	e, _ := federated(t)
	provider := e.browser() // of the provider, or that of the person, without our cookies
	provider.headers["Origin"] = "https://idp.example"
	words := map[string]func() answer{
		"back channel": func() answer {
			return provider.send(http.MethodPost, httpapi.FarewellPath("land"), form, "logout_token=good").want(http.StatusOK)
		},
		"browser": func() answer {
			a := provider.get(httpapi.FarewellPath("land") + "?SAMLRequest=good").want(http.StatusSeeOther)
			if to := a.header.Get("Location"); to != "https://idp.example/answer" {
				t.Errorf("led to %q", to)
			}
			return a
		},
	}
	for name, say := range words {
		c := e.browser()
		c.leave("/")
		comeBack["by address"](c, asked).want(http.StatusSeeOther)
		for _, wrong := range []string{"logout_token=bad", "%zz=1", "x=logout_token"} {
			provider.send(http.MethodPost, httpapi.FarewellPath("land"), form, wrong).problem(http.StatusBadRequest, "auth.farewell_refused")
		}
		provider.get(httpapi.FarewellPath("land")+"?SAMLRequest=good&x").problem(http.StatusBadRequest, "auth.farewell_refused")
		provider.send(http.MethodPost, httpapi.FarewellPath("amt"), form, "logout_token=good").problem(http.StatusNotFound, "auth.provider_unknown")
		c.get("/api/v1/me").want(http.StatusOK)
		if a := say(); a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept", name)
		}
		c.get("/api/v1/me").problem(http.StatusUnauthorized, "session.invalid")
	}
}

func TestSignOutGoesOnAtTheProvider(t *testing.T) {
	t.Parallel()
	e, o := federated(t)
	c := e.browser()
	signIn := func() {
		c.leave("/")
		comeBack["by form"](c, asked).want(http.StatusSeeOther)
	}
	signIn()
	out := decode[httpapi.SignedOut](c.delete("/api/v1/session").want(http.StatusOK))
	if _, still := c.cookies[auth.SessionCookie]; still || out.Address != "https://idp.example/end" {
		t.Errorf("sent to %q, cookie left: %t", out.Address, still)
	}
	kept := c.cookies[auth.ProviderCookie]
	c.get(httpapi.FarewellPath("land")+"?SAMLResponse=yes").wantLedTo("/", nil)
	if _, still := c.cookies[auth.ProviderCookie]; still || kept == "" {
		t.Errorf("the cookie of the sign-out: before %q, still there %t", kept, still)
	}
	c.get(httpapi.FarewellPath("land")+"?SAMLResponse=yes").wantLedTo("/signin", url.Values{"problem": {"auth.provider_refused"}})
	c.cookies[auth.ProviderCookie] = kept
	c.get(httpapi.FarewellPath("land")+"?SAMLResponse=no").wantLedTo("/signin", url.Values{"problem": {"auth.provider_stays"}})
	signIn()
	o.err = auth.ErrProviderUnavailable
	if out := decode[httpapi.SignedOut](c.delete("/api/v1/session").want(http.StatusOK)); out.Address != "" {
		t.Errorf("sent to %q, which does not answer", out.Address)
	}
}
