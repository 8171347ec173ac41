package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

// MaxNextBytes is the longest path to which a browser is led after a sign-in.
const MaxNextBytes = 1024

// signInPage is where the client tells what went wrong at a sign-in by redirection.
const signInPage = "/signin"

const providerPath = prefix + "/providers/{provider}"

// ReturnPath is where a provider sends browsers back to.
func ReturnPath(provider string) string { return pathOf(provider) + "/return" }

// MetadataPath is where a provider finds what it has to know of this installation.
func MetadataPath(provider string) string { return pathOf(provider) + "/metadata" }

func pathOf(provider string) string { return strings.Replace(providerPath, "{provider}", provider, 1) }

func (a *API) addProviders() {
	add(a, Route{
		Method: http.MethodGet, Path: providerPath + "/sign-in", ID: "leaveForProvider", Tag: "Session",
		Summary: "Where to send the browser to sign in at an identity provider; sets a cookie that is needed when it comes back",
		Codes:   []fault.Code{"auth.provider_unknown", "auth.provider_unavailable"},
	}, a.leaveForProvider)
	back := Route{
		Path: providerPath + "/return", Tag: "Session", Action: access.SessionStart, Nobody: true, Return: true, Status: http.StatusSeeOther,
		Audits: []audit.Kind{audit.KindUserCreated, audit.KindIdentityLinked, audit.KindIdentityReturned, audit.KindRolesAssigned, audit.KindSessionStarted},
	}
	get, post := back, back
	get.Method, get.ID = http.MethodGet, "returnFromProvider"
	get.Summary = "Where an identity provider sends the browser back to; begins a session and leads on, or to the sign-in page with the second factor that is wanted or the code of the error"
	add(a, get, a.returnWithAddress)
	post.Method, post.ID = http.MethodPost, "postFromProvider"
	post.Summary = "As with GET, for providers whose answer is a form"
	add(a, post, a.returnWithForm)
	add(a, Route{
		Method: http.MethodGet, Path: providerPath + "/metadata", ID: "getProviderMetadata", Tag: "Session",
		Summary: "What an identity provider has to know of this installation, as SAML 2.0 metadata", Codes: []fault.Code{"auth.provider_unknown"},
	}, a.getProviderMetadata)
}

// Provider is an identity provider as a way to sign in.
type Provider struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Asks  string `json:"asks" enum:"password,redirect" doc:"Name and password are sent with signIn, or the browser is sent to the provider's own page."`
}

func showProvider(e auth.Entrance) Provider {
	asks := "redirect"
	if e.Password != nil {
		asks = "password"
	}
	return Provider{ID: e.ID, Label: e.Label, Asks: asks}
}

// leaving is the request to sign in at a provider.
type leaving struct {
	Provider string `path:"provider"`
	Again    bool   `query:"again" doc:"The person has to prove anew who it is, even when still signed in at the provider."`
	Next     string `query:"next" doc:"The path of this site to which the browser is led after the sign-in."`
}

// Departure is where to send the browser.
type Departure struct {
	Address string `json:"address" format:"uri"`
}

type departed struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      Departure
}

func (a *API) leaveForProvider(ctx context.Context, in *leaving) (*departed, error) {
	d, err := a.federation.Depart(ctx, access.Nobody(), in.Provider, attemptOf(ctx, "", ""), auth.Wish{Again: in.Again}, localPath(in.Next))
	if err != nil {
		return nil, err
	}
	return &departed{SetCookie: []http.Cookie{providerCookie(d.Cookie, int(d.Expires.Sub(a.now()).Seconds()))}, Body: Departure{d.Address}}, nil
}

// providerCookie comes along when a page of the provider posts its answer. It is good for one answer of that provider.
func providerCookie(value string, maxAge int) http.Cookie {
	c := hostCookie(auth.ProviderCookie, value, maxAge)
	c.SameSite = http.SameSiteNoneMode
	return c
}

// addressAnswer is a provider's answer in the address.
type addressAnswer struct {
	Provider string `path:"provider"`
}

// formAnswer is a provider's answer in a form.
type formAnswer struct {
	Provider string `path:"provider"`
	RawBody  []byte `contentType:"application/x-www-form-urlencoded"`
}

// ledOn is the answer that leads the browser to another page.
type ledOn struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Location  string        `header:"Location"`
}

func (a *API) returnWithAddress(ctx context.Context, in *addressAnswer) (*ledOn, error) {
	return a.returned(ctx, in.Provider, nil), nil
}

func (a *API) returnWithForm(ctx context.Context, in *formAnswer) (*ledOn, error) {
	form, err := url.ParseQuery(string(in.RawBody))
	if err != nil {
		form = nil // the provider's protocol misses everything in it
	}
	return a.returned(ctx, in.Provider, form), nil
}

// returned begins the session and leads on. What went wrong is told by the sign-in page: the person has no other one here.
func (a *API) returned(ctx context.Context, provider string, form url.Values) *ledOn {
	who := callerOf(ctx)
	query, err := url.ParseQuery(who.query)
	if err != nil {
		query = nil // as with the form
	}
	answer := auth.Reply{Query: query, RawQuery: who.query, Form: form}
	begun, next, err := a.federation.Return(ctx, access.Nobody(), provider, answer, who.departure, attemptOf(ctx, "", ""))
	used, second := providerCookie("", -1), ""
	if err == nil && begun.Proved != nil {
		second, err = a.secondInAddress(ctx, *begun.Proved)
	}
	if err != nil {
		p := problem(ctx, a.log, err)
		told := url.Values{"problem": {string(p.Code)}, "id": {p.ID}}
		if next = localPath(next); next != "/" {
			told.Set("next", next)
		}
		return &ledOn{SetCookie: []http.Cookie{used}, Location: signInPage + "?" + told.Encode()}
	}
	if second != "" {
		return &ledOn{SetCookie: []http.Cookie{used}, Location: signInPage + "?" + url.Values{"next": {localPath(next)}}.Encode() + "#" + second}
	}
	return &ledOn{SetCookie: append(a.showSignedIn(begun).SetCookie, used), Location: localPath(next)}
}

// secondInAddress asks for a second factor in the fragment of the sign-in page's address, which no server is sent.
func (a *API) secondInAddress(ctx context.Context, p auth.Proved) (string, error) {
	wanted, err := a.wanted(ctx, p)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(wanted)
	return "second=" + base64.RawURLEncoding.EncodeToString(text), err
}

// localPath is the path of this site to which a wish leads; "/" for everything that is not plainly one.
func localPath(wish string) string {
	u, err := url.Parse(wish)
	if err != nil || len(wish) > MaxNextBytes || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.Contains(u.Path, "\\") || path.Clean(u.Path) != u.Path {
		return "/"
	}
	return u.EscapedPath()
}

type metadataOf struct {
	Provider string `path:"provider"`
}

type samlMetadata struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) getProviderMetadata(_ context.Context, in *metadataOf) (*samlMetadata, error) {
	describe, ok := a.metadata[in.Provider]
	if !ok {
		return nil, auth.ErrProviderUnknown
	}
	return &samlMetadata{ContentType: "application/samlmetadata+xml", Body: describe()}, nil
}
