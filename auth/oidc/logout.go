package oidc

import (
	"context"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/auth"
)

// logoutEvent is what a logout token says has happened (OpenID Connect Back-Channel Logout 1.0 section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Logout says where the browser ends its session at the provider (OpenID Connect RP-Initiated Logout 1.0), after which it is sent
// to Parts.Back. Nothing is kept: how it comes back says nothing. It fails with auth.ErrProviderUnavailable.
func (p *Provider) Logout(ctx context.Context, id auth.ProviderIdentity) (auth.Redirection, error) {
	m, err := p.discover(ctx)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	h, err := decodeHint(id.Hint)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	if m.EndSession == "" {
		return auth.Redirection{}, nil
	}
	address, err := url.Parse(m.EndSession)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	query := address.Query()
	query.Set("id_token_hint", h.IDToken)
	query.Set("client_id", p.settings.ClientID)
	query.Set("post_logout_redirect_uri", p.back)
	address.RawQuery = query.Encode()
	return auth.Redirection{Address: address.String()}, nil
}

// LoggedOff refuses: browsers come back to Parts.Back, with nothing to be taken.
func (p *Provider) LoggedOff(context.Context, auth.Reply, []byte) error {
	return auth.ErrProviderRefused.Because(auth.ReasonState)
}

// LoggedOut takes the form that the provider posts to the address for back-channel logout and returns whose sessions are
// over. It fails with auth.ErrProviderRefused, whose cause is an auth.Reason, or with auth.ErrProviderUnavailable.
func (p *Provider) LoggedOut(ctx context.Context, a auth.Reply) (auth.Farewell, error) {
	ended, err := p.loggedOut(ctx, a.Form)
	if err != nil {
		return auth.Farewell{}, p.refusal(ctx, err, auth.ErrProviderRefused)
	}
	return auth.Farewell{Sessions: []auth.EndedSessions{ended}}, nil
}

func (p *Provider) loggedOut(ctx context.Context, form url.Values) (auth.EndedSessions, error) {
	if len(form["logout_token"]) != 1 {
		return auth.EndedSessions{}, auth.ReasonMalformed
	}
	m, err := p.discover(ctx)
	if err != nil {
		return auth.EndedSessions{}, err
	}
	c, err := p.verified(ctx, m, form.Get("logout_token"), "logout+jwt")
	if err != nil {
		return auth.EndedSessions{}, err
	}
	_, nonce := c.everything["nonce"]
	switch {
	case nonce, !saysLogout(c.Events), c.TokenID == "" || len(c.TokenID) > MaxCodeBytes:
		return auth.EndedSessions{}, auth.ReasonMalformed
	case c.Subject == "" && c.Session == "", c.Subject != "" && !subjectShape(c.Subject):
		return auth.EndedSessions{}, auth.ReasonSubject
	}
	first, err := p.once.UseOnce(ctx, "oidc.logout", p.settings.ID+" "+c.TokenID, c.IssuedAt.time().Add(MaxProofAge+2*ClockSkew))
	if err != nil {
		return auth.EndedSessions{}, err
	}
	if !first {
		return auth.EndedSessions{}, auth.ReasonReplay
	}
	ended := auth.EndedSessions{Provider: p.settings.ID, Session: c.Session}
	if c.Subject != "" {
		ended.Subject = strings.Join([]string{p.settings.Issuer, c.Subject}, " ")
	}
	return ended, nil
}

// saysLogout reports whether the events have the member for logout, which is an object.
func saysLogout(events jsontext.Value) bool {
	var members map[string]jsontext.Value
	return events.Kind() == '{' && json.Unmarshal(events, &members) == nil && members[logoutEvent].Kind() == '{'
}
