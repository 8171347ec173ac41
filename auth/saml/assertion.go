package saml

import (
	"slices"
	"time"

	"github.com/beevik/etree"

	"konklave/auth"
)

// The names that a provider's word is made of.
const (
	statusSuccess    = "urn:oasis:names:tc:SAML:2.0:status:Success"
	methodBearer     = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	formatPersistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatEntity     = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
	version          = "2.0"
)

// assertion is what was proved: the element is covered by a signature, the response only when it was signed itself.
type assertion struct {
	response *etree.Element
	element  *etree.Element
}

// proved returns the one assertion of a response, as a signature of the provider covers it.
func (p *Provider) proved(root *etree.Element, trusted keys) (assertion, error) {
	if !is(root, nsProtocol, "Response") {
		return assertion{}, auth.ReasonMalformed
	}
	if err := checkPlaces(root); err != nil {
		return assertion{}, err
	}
	whole := signed(root)
	if whole {
		covered, err := verify(root, trusted)
		if err != nil {
			return assertion{}, err
		}
		root = covered
	}
	clear, sealed := children(root, nsAssertion, "Assertion"), children(root, nsAssertion, "EncryptedAssertion")
	if status := child(child(root, nsProtocol, "Status"), nsProtocol, "StatusCode"); status == nil || status.SelectAttrValue("Value", "") != statusSuccess {
		return assertion{}, auth.ReasonDenied
	}
	if len(clear)+len(sealed) != 1 {
		return assertion{}, auth.ReasonSignature
	}
	if len(sealed) == 1 {
		opened, err := p.decrypt(sealed[0])
		if err != nil {
			return assertion{}, err
		}
		if err := checkPlaces(opened); err != nil || !is(opened, nsAssertion, "Assertion") {
			return assertion{}, auth.ReasonSignature
		}
		clear = []*etree.Element{opened}
	}
	element := clear[0]
	if signed(element) {
		covered, err := verify(element, trusted)
		if err != nil {
			return assertion{}, err
		}
		element = covered
	} else if !whole {
		return assertion{}, auth.ReasonSignature
	}
	return assertion{response: root, element: element}, nil
}

// checkResponse holds the envelope against our request (SAML profiles section 4.1.4.3).
func (p *Provider) checkResponse(el *etree.Element, request string) error {
	switch {
	case el.SelectAttrValue("Version", "") != version:
		return auth.ReasonMalformed
	case el.SelectAttrValue("InResponseTo", "") != request:
		return auth.ReasonState
	case el.SelectAttrValue("Destination", p.parts.Consumer) != p.parts.Consumer:
		return auth.ReasonAudience
	case len(children(el, nsAssertion, "Issuer")) > 0 && !p.issued(el):
		return auth.ReasonIssuer
	}
	return p.fresh(el)
}

// issued reports whether the element names the provider as its issuer.
func (p *Provider) issued(el *etree.Element) bool {
	issuer := child(el, nsAssertion, "Issuer")
	name, ok := text(issuer)
	return ok && name == p.settings.EntityID && issuer.SelectAttrValue("Format", formatEntity) == formatEntity
}

// fresh holds the time of issue against now.
func (p *Provider) fresh(el *etree.Element) error {
	at, there, ok := moment(el, "IssueInstant")
	now := p.parts.Now()
	switch {
	case !there || !ok:
		return auth.ReasonMalformed
	case at.Sub(now) > ClockSkew:
		return auth.ReasonEarly
	case now.Sub(at) > MaxMessageAge+ClockSkew:
		return auth.ReasonExpired
	}
	return nil
}

// within holds NotBefore and NotOnOrAfter of an element against now.
func (p *Provider) within(el *etree.Element) (ends time.Time, ended bool, err error) {
	begins, begun, okBegin := moment(el, "NotBefore")
	ends, ended, okEnd := moment(el, "NotOnOrAfter")
	now := p.parts.Now()
	switch {
	case !okBegin || !okEnd:
		return time.Time{}, false, auth.ReasonMalformed
	case begun && begins.Sub(now) > ClockSkew:
		return time.Time{}, false, auth.ReasonEarly
	case ended && !now.Before(ends.Add(ClockSkew)):
		return time.Time{}, false, auth.ReasonExpired
	}
	return ends, ended, nil
}

// checkAssertion holds every condition of an assertion against us, our request and the time, and returns when it ends.
func (p *Provider) checkAssertion(el *etree.Element, s state) (ends time.Time, err error) {
	switch {
	case el.SelectAttrValue("Version", "") != version || el.SelectAttrValue("ID", "") == "":
		return time.Time{}, auth.ReasonMalformed
	case !p.issued(el):
		return time.Time{}, auth.ReasonIssuer
	}
	if err := p.fresh(el); err != nil {
		return time.Time{}, err
	}
	if err := p.checkConditions(child(el, nsAssertion, "Conditions")); err != nil {
		return time.Time{}, err
	}
	if err := p.checkAuthentication(el, s); err != nil {
		return time.Time{}, err
	}
	return p.checkConfirmation(child(el, nsAssertion, "Subject"), s.Request)
}

// checkConditions refuses conditions that it does not know (SAML core section 2.5.1).
func (p *Provider) checkConditions(el *etree.Element) error {
	if el == nil {
		return auth.ReasonAudience
	}
	if _, _, err := p.within(el); err != nil {
		return err
	}
	restricted := false
	for _, c := range el.ChildElements() {
		switch {
		case is(c, nsAssertion, "AudienceRestriction"):
			restricted = true
			if !slices.ContainsFunc(children(c, nsAssertion, "Audience"), func(a *etree.Element) bool {
				name, ok := text(a)
				return ok && name == p.parts.EntityID
			}) {
				return auth.ReasonAudience
			}
		case is(c, nsAssertion, "OneTimeUse"), is(c, nsAssertion, "ProxyRestriction"):
		default:
			return auth.ReasonMalformed
		}
	}
	if !restricted {
		return auth.ReasonAudience
	}
	return nil
}

// checkAuthentication holds against our wishes how and when the person proved who they are.
func (p *Provider) checkAuthentication(el *etree.Element, s state) error {
	statement := child(el, nsAssertion, "AuthnStatement")
	if statement == nil {
		return auth.ReasonMalformed
	}
	at, there, ok := moment(statement, "AuthnInstant")
	ends, ending, okEnd := moment(statement, "SessionNotOnOrAfter")
	now := p.parts.Now()
	switch {
	case !there || !ok || !okEnd:
		return auth.ReasonMalformed
	case at.Sub(now) > ClockSkew:
		return auth.ReasonEarly
	case ending && !now.Before(ends.Add(ClockSkew)):
		return auth.ReasonExpired
	case s.Again && at.Before(s.Begun.Add(-ClockSkew)):
		return auth.ReasonStale
	case len(p.settings.Contexts) > 0 && !slices.Contains(p.settings.Contexts, contextOf(statement)):
		return auth.ReasonContext
	}
	return nil
}

func contextOf(statement *etree.Element) string {
	class, _ := text(child(child(statement, nsAssertion, "AuthnContext"), nsAssertion, "AuthnContextClassRef"))
	return class
}

// checkConfirmation wants one bearer confirmation that is for us, for our request, and has an end.
func (p *Provider) checkConfirmation(subject *etree.Element, request string) (ends time.Time, err error) {
	if subject == nil {
		return time.Time{}, auth.ReasonSubject
	}
	failed := error(auth.ReasonSubject)
	for _, c := range children(subject, nsAssertion, "SubjectConfirmation") {
		data := child(c, nsAssertion, "SubjectConfirmationData")
		if c.SelectAttrValue("Method", "") != methodBearer || data == nil {
			continue
		}
		ends, ending, err := p.within(data)
		switch {
		case err != nil:
			failed = err
		case !ending:
			failed = auth.ReasonExpired
		case data.SelectAttrValue("Recipient", "") != p.parts.Consumer:
			failed = auth.ReasonAudience
		case data.SelectAttrValue("InResponseTo", "") != request:
			failed = auth.ReasonState
		default:
			return ends, nil
		}
	}
	return time.Time{}, failed
}
