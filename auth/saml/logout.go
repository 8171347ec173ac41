package saml

import (
	"context"
	"net/url"

	"github.com/beevik/etree"

	"konklave/auth"
)

// Logout says where to send the browser to end its session at the provider; without an address when the provider has no
// single logout. It fails with auth.ErrProviderUnavailable.
func (p *Provider) Logout(ctx context.Context, id auth.ProviderIdentity) (auth.Redirection, error) {
	m, err := p.source.metadata(ctx)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	h, err := decodeHint(id.Hint)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	if m.logout == "" {
		return auth.Redirection{}, nil
	}
	s := p.newState(purposeLogout)
	address, err := p.signedRedirect(m.logout, "SAMLRequest", p.logoutRequest(s, m.logout, h), s.Relay)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	return s.redirection(address), nil
}

// LoggedOff takes the answer to Logout. It fails with auth.ErrProviderRefused when it is not one, or says that the
// provider did not end its session everywhere (auth.ReasonDenied).
func (p *Provider) LoggedOff(ctx context.Context, a auth.Reply, kept []byte) error {
	err := p.loggedOff(ctx, a, kept)
	if err != nil {
		return p.refusal(ctx, err)
	}
	return nil
}

func (p *Provider) loggedOff(ctx context.Context, a auth.Reply, kept []byte) error {
	s, err := p.takeState(kept, purposeLogout, values(a).Get("RelayState"))
	if err != nil {
		return err
	}
	el, err := p.protocolMessage(ctx, a, "SAMLResponse", "LogoutResponse")
	if err != nil {
		return err
	}
	status := child(child(el, nsProtocol, "Status"), nsProtocol, "StatusCode")
	switch {
	case el.SelectAttrValue("InResponseTo", "") != s.Request:
		return auth.ReasonState
	case status == nil || status.SelectAttrValue("Value", "") != statusSuccess:
		return auth.ReasonDenied
	}
	return p.once(ctx, "saml.request", s.Request, s.Begun.Add(StateLifetime))
}

// LoggedOut takes a request of the provider to end sessions. It fails with auth.ErrProviderRefused, whose cause is an
// auth.Reason, or with auth.ErrProviderUnavailable.
func (p *Provider) LoggedOut(ctx context.Context, a auth.Reply) (auth.Farewell, error) {
	ended, err := p.loggedOut(ctx, a)
	if err != nil {
		return auth.Farewell{}, p.refusal(ctx, err)
	}
	return ended, nil
}

func (p *Provider) loggedOut(ctx context.Context, a auth.Reply) (auth.Farewell, error) {
	el, err := p.protocolMessage(ctx, a, "SAMLRequest", "LogoutRequest")
	if err != nil {
		return auth.Farewell{}, err
	}
	if _, _, err := p.within(el); err != nil {
		return auth.Farewell{}, err
	}
	name, err := p.readNameID(el)
	if err != nil {
		return auth.Farewell{}, err
	}
	subject := ""
	if p.settings.SubjectAttribute == "" {
		subject = p.subjectOf(name.Value)
	}
	var ended auth.Farewell
	for _, index := range children(el, nsProtocol, "SessionIndex") {
		session, ok := text(index)
		if !ok || session == "" {
			return auth.Farewell{}, auth.ReasonMalformed
		}
		ended.Sessions = append(ended.Sessions, auth.EndedSessions{Provider: p.settings.ID, Subject: subject, Session: session})
	}
	if len(ended.Sessions) == 0 {
		if subject == "" {
			return auth.Farewell{}, auth.ReasonSubject
		}
		ended.Sessions = []auth.EndedSessions{{Provider: p.settings.ID, Subject: subject}}
	}
	request := el.SelectAttrValue("ID", "")
	if err := p.once(ctx, "saml.logout", request, p.parts.Now().Add(MaxMessageAge+2*ClockSkew)); err != nil {
		return auth.Farewell{}, err
	}
	m, err := p.source.metadata(ctx)
	if err != nil {
		return auth.Farewell{}, err
	}
	if m.logoutAnswer != "" {
		ended.Answer, err = p.signedRedirect(m.logoutAnswer, "SAMLResponse", p.logoutResponse(m.logoutAnswer, request), values(a).Get("RelayState"))
	}
	return ended, err
}

// values are the parameters that carry a message.
func values(a auth.Reply) url.Values {
	if a.Form != nil {
		return a.Form
	}
	return a.Query
}

// protocolMessage returns a message of single logout that the provider signed for us, now: by its own signature in a
// form, by that of the address otherwise.
func (p *Provider) protocolMessage(ctx context.Context, a auth.Reply, parameter, kind string) (*etree.Element, error) {
	if a.Form == nil { // what the signature is over, and nothing else
		query, err := url.ParseQuery(a.RawQuery)
		if err != nil {
			return nil, auth.ReasonMalformed
		}
		a.Query = query
	}
	given := values(a)
	if len(given[parameter]) != 1 || len(given["RelayState"]) > 1 {
		return nil, auth.ReasonMalformed
	}
	decode := inflate
	if a.Form != nil {
		decode = decodePost
	}
	el, err := decode(given.Get(parameter))
	if err != nil {
		return nil, err
	}
	if err := p.source.withKeys(ctx, func(trusted keys) error {
		if a.Form == nil {
			return verifyRedirect(a.RawQuery, parameter, trusted)
		}
		if err := checkPlaces(el); err != nil {
			return err
		}
		covered, err := verify(el, trusted)
		if err == nil {
			el = covered
		}
		return err
	}); err != nil {
		return nil, err
	}
	switch {
	case !is(el, nsProtocol, kind), el.SelectAttrValue("Version", "") != version, el.SelectAttrValue("ID", "") == "":
		return nil, auth.ReasonMalformed
	case el.SelectAttrValue("Destination", "") != p.parts.Logout:
		return nil, auth.ReasonAudience
	case !p.issued(el):
		return nil, auth.ReasonIssuer
	}
	return el, p.fresh(el)
}
