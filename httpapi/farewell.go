package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

// signedOffWord is the parameter of a provider's answer to a sign-out that began here; every other message says that sessions are
// over that it ended itself.
const signedOffWord = "SAMLResponse"

// FarewellPath is where a provider says that sessions are over, and where it sends browsers after a sign-out that began here.
func FarewellPath(provider string) string { return pathOf(provider) + "/logout" }

func (a *API) addFarewells() {
	word := Route{
		Path: providerPath + "/logout", Tag: "Session", Action: access.ProviderFarewell, Nobody: true, Return: true, Status: http.StatusOK,
		Audits: []audit.Kind{audit.KindSessionEnded}, Codes: []fault.Code{"auth.provider_unknown", "auth.farewell_refused", "auth.provider_unavailable"},
	}
	get, post := word, word
	get.Method, get.ID = http.MethodGet, "leaveByProvider"
	get.Summary = "Single logout of SAML 2.0: the provider's word by which sessions end, or its answer to a sign-out that began here; leads the browser on"
	add(a, get, func(ctx context.Context, in *addressAnswer) (*farewell, error) {
		return a.farewell(ctx, in.Provider, nil)
	})
	post.Method, post.ID = http.MethodPost, "endByProvider"
	post.Summary = "Back-channel logout of OpenID Connect, and single logout of SAML 2.0 by a form: sessions end of which the provider says so"
	add(a, post, func(ctx context.Context, in *formAnswer) (*farewell, error) {
		form, err := url.ParseQuery(string(in.RawBody))
		if err != nil {
			form = url.Values{} // the provider's protocol misses everything in it
		}
		return a.farewell(ctx, in.Provider, form)
	})
}

// farewell is the answer to a provider, or to the browser that brought its word.
type farewell struct {
	Status    int
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Location  string        `header:"Location"`
}

func (a *API) farewell(ctx context.Context, provider string, form url.Values) (*farewell, error) {
	who := callerOf(ctx)
	query, err := url.ParseQuery(who.query)
	if err != nil {
		query = nil // as with the form
	}
	word := auth.Reply{Query: query, RawQuery: who.query, Form: form}
	if query.Has(signedOffWord) || form.Has(signedOffWord) {
		return a.signedOff(ctx, provider, word, who.departure), nil
	}
	answer, err := a.federation.SignedOut(ctx, access.Nobody(), provider, word)
	if err != nil {
		return nil, err
	}
	if answer == "" {
		return &farewell{Status: http.StatusOK}, nil
	}
	return &farewell{Status: http.StatusSeeOther, Location: answer}, nil
}

// signedOff leads on after a sign-out that began here. What went wrong is told by the sign-in page.
func (a *API) signedOff(ctx context.Context, provider string, word auth.Reply, cookie string) *farewell {
	led := &farewell{Status: http.StatusSeeOther, SetCookie: []http.Cookie{providerCookie("", -1)}, Location: "/"}
	if err := a.federation.SignedOff(ctx, provider, word, cookie); err != nil {
		p := problem(ctx, a.log, err)
		led.Location = signInPage + "?" + url.Values{"problem": {string(p.Code)}, "id": {p.ID}}.Encode()
	}
	return led
}
