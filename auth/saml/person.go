package saml

import (
	"errors"
	"strings"

	"github.com/beevik/etree"
	"github.com/go-json-experiment/json"

	"konklave/auth"
)

// nameID is the provider's name for a person, as it has to be said again at logout.
type nameID struct {
	Value, Format, Qualifier, ForUs string
}

// readNameID reads the name of a person. What is qualified has to be the provider's name for us.
func (p *Provider) readNameID(parent *etree.Element) (nameID, error) {
	el := child(parent, nsAssertion, "NameID")
	value, ok := text(el)
	if !ok || value == "" || len(value) > MaxSubject {
		return nameID{}, auth.ReasonSubject
	}
	n := nameID{
		Value: value, Format: el.SelectAttrValue("Format", ""),
		Qualifier: el.SelectAttrValue("NameQualifier", ""), ForUs: el.SelectAttrValue("SPNameQualifier", ""),
	}
	if n.Format == formatPersistent && (n.Qualifier != "" && n.Qualifier != p.settings.EntityID || n.ForUs != "" && n.ForUs != p.parts.EntityID) {
		return nameID{}, auth.ReasonSubject
	}
	return n, nil
}

// hint is kept of a sign-in for Logout.
type hint struct {
	Name    nameID
	Session string
}

func (h hint) encode() auth.Hint {
	text, _ := json.Marshal(h) // cannot fail for these types
	return text
}

func decodeHint(text auth.Hint) (hint, error) {
	var h hint
	if err := json.Unmarshal(text, &h, json.RejectUnknownMembers(true)); err != nil {
		return hint{}, errors.New("what was kept of the sign-in cannot be read")
	}
	return h, nil
}

// identity makes an identity of a checked assertion.
func (p *Provider) identity(el *etree.Element) (auth.ProviderIdentity, error) {
	name, err := p.readNameID(child(el, nsAssertion, "Subject"))
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	told := attributesOf(el)
	first := func(attribute string) string {
		if values := told[attribute]; attribute != "" && len(values) > 0 {
			return values[0]
		}
		return ""
	}
	subject := name.Value
	if p.settings.SubjectAttribute != "" {
		values := told[p.settings.SubjectAttribute]
		if len(values) != 1 || values[0] == "" || len(values[0]) > MaxSubject {
			return auth.ProviderIdentity{}, auth.ReasonSubject
		}
		subject = values[0]
	} else if name.Format != formatPersistent {
		return auth.ProviderIdentity{}, auth.ReasonSubject
	}
	statement := child(el, nsAssertion, "AuthnStatement")
	at, _, _ := moment(statement, "AuthnInstant") // checkAuthentication read it
	session := statement.SelectAttrValue("SessionIndex", "")
	id := auth.ProviderIdentity{
		Provider: p.settings.ID, Subject: p.subjectOf(subject), Name: first(p.settings.NameAttribute), Email: first(p.settings.EmailAttribute),
		Attributes: map[string][]string{}, Context: contextOf(statement), SignedInAt: at, Session: session,
		Hint: hint{Name: name, Session: session}.encode(), AskAgain: p.parts.Now().Add(p.settings.Review),
	}
	if p.settings.GroupsAttribute != "" {
		id.Groups = told[p.settings.GroupsAttribute]
	}
	if len(id.Groups) > MaxGroups {
		return auth.ProviderIdentity{}, auth.ReasonTooLarge
	}
	for _, wanted := range p.settings.Attributes {
		if values := told[wanted]; len(values) > 0 {
			id.Attributes[wanted] = values
		}
	}
	return id, nil
}

// attributesOf are the values that are plain texts, by the names of the attributes.
func attributesOf(el *etree.Element) map[string][]string {
	told := map[string][]string{}
	for _, statement := range children(el, nsAssertion, "AttributeStatement") {
		for _, a := range children(statement, nsAssertion, "Attribute") {
			name := a.SelectAttrValue("Name", "")
			for _, v := range children(a, nsAssertion, "AttributeValue") {
				if value, ok := text(v); ok && strings.TrimSpace(value) != "" {
					told[name] = append(told[name], value)
				}
			}
		}
	}
	return told
}
