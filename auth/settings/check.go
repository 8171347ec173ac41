package settings

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// MaxLabelBytes is the longest name of a provider on the sign-in page.
const MaxLabelBytes = 100

var (
	idShape        = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
	attributeShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.;-]{0,127}$`) // of LDAP: a name or an OID, with options (RFC 4512)
)

// CanonicalDN returns a distinguished name in one spelling, so that equal ones are equal texts apart from the case of
// letters: no spaces around the separators, one way of escaping (RFC 4514).
func CanonicalDN(dn string) (string, error) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return "", err
	}
	return parsed.String(), nil
}

// complete fills in what was not said.
func (d *Directory) complete() {
	fill := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	logins := []string{"uid", "mail"}
	filter, name := "(objectClass=person)", "cn"
	if d.Kind == ActiveDirectory {
		logins = []string{"sAMAccountName", "userPrincipalName", "mail"}
		filter, name = "(&(objectCategory=person)(objectClass=user))", "displayName"
	}
	if d.LoginAttributes == nil {
		d.LoginAttributes = logins
	}
	fill(&d.Filter, filter)
	fill(&d.NameAttribute, name)
	fill(&d.EmailAttribute, "mail")
	for i, rule := range d.Rules {
		if dn, err := CanonicalDN(rule.Group); err == nil && rule.Group != "" {
			d.Rules[i].Group = dn
		}
	}
}

// checker collects the mistakes of one provider.
type checker struct {
	place    string
	mistakes []error
}

func (c *checker) that(ok bool, format string, args ...any) {
	if !ok {
		c.mistakes = append(c.mistakes, fmt.Errorf("%s: %s", c.place, fmt.Sprintf(format, args...)))
	}
}

// contradictions returns what is missing or does not fit together.
func (i Identity) contradictions() []error {
	seen := map[string]string{}
	var mistakes []error
	check := func(p Provider, own func(*checker)) {
		c := checker{place: p.Place}
		c.provider(p)
		if first, taken := seen[p.ID]; taken && p.ID != "" {
			c.that(false, "the id %q is taken, by the provider at %s", p.ID, first)
		}
		seen[p.ID] = p.Place
		own(&c)
		mistakes = append(mistakes, c.mistakes...)
	}
	for _, d := range i.Directories {
		check(d.Provider, func(c *checker) { c.directory(d) })
	}
	for _, o := range i.OpenID {
		check(o.Provider, func(c *checker) { c.openID(o) })
	}
	for _, s := range i.SAML {
		check(s.Provider, func(c *checker) { c.saml(s) })
	}
	return mistakes
}

func (c *checker) provider(p Provider) {
	c.that(idShape.MatchString(p.ID), "id is %q, but must be 1 to 32 lower-case letters, digits and inner dashes", p.ID)
	c.that(p.Label != "" && len(p.Label) <= MaxLabelBytes, "label must have 1 to %d bytes", MaxLabelBytes)
	c.that(len(p.Rules) > 0, "there are no rules, so nobody could sign in; give at least the role user to everybody")
	for _, rule := range p.Rules {
		c.mistakes = append(c.mistakes, rule.Check()...)
		ruled := checker{place: rule.Place}
		ruled.that(rule.Attribute == "" || slices.Contains(p.Attributes, rule.Attribute), "the attribute %q is not in the provider's list of attributes", rule.Attribute)
		c.mistakes = append(c.mistakes, ruled.mistakes...)
	}
}

func (c *checker) directory(d Directory) {
	c.that(len(d.Servers) > 0, "servers must name at least one server")
	for _, server := range d.Servers {
		u, err := url.Parse(server)
		c.that(err == nil && (u.Scheme == "ldaps" || u.Scheme == "ldap") && u.Hostname() != "" && u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == "",
			"the server %q must be ldaps://host or ldap://host, with or without a port", server)
	}
	c.that(d.BindDN != "" && d.BindPasswordFile != "", "bind-dn and bind-password-file are missing: people are looked up by a service account, never anonymously")
	c.that(d.Base != "", "base is missing")
	for key, dn := range map[string]string{"base": d.Base, "group-base": d.GroupBase} {
		_, err := ldap.ParseDN(dn)
		c.that(err == nil, "%s is %q, which is not a distinguished name", key, dn)
	}
	_, err := ldap.CompileFilter(d.Filter)
	c.that(err == nil, "filter is %q, which is not a filter", d.Filter)
	c.that(len(d.LoginAttributes) > 0, "login-attributes must name at least one attribute")
	for _, name := range slices.Concat(d.LoginAttributes, d.Attributes, []string{d.NameAttribute, d.EmailAttribute}) {
		c.that(attributeShape.MatchString(name), "%q cannot be the name of an attribute", name)
	}
	for _, rule := range d.Rules {
		_, err := CanonicalDN(rule.Group)
		ruled := checker{place: rule.Place}
		ruled.that(err == nil, "the group %q must be the distinguished name of a group", rule.Group)
		c.mistakes = append(c.mistakes, ruled.mistakes...)
	}
}

func (c *checker) openID(o OpenID) {
	c.that(secureAddress(o.Issuer), "issuer is %q, but must be an address that begins with https://, without query and fragment", o.Issuer)
	c.that(o.ClientID != "", "client-id is missing")
	c.that(o.ClientSecretFile != "", "client-secret-file is missing")
	for _, scope := range o.Scopes {
		c.that(scope != "openid" && !strings.ContainsAny(scope, " \"\\"), "%q cannot be a scope here (openid is always asked for)", scope)
	}
}

func (c *checker) saml(s SAML) {
	c.that(s.EntityID != "", "entity-id is missing")
	remote := strings.Contains(s.Metadata, "://")
	c.that(s.Metadata != "" && (!remote || secureAddress(s.Metadata)), "metadata is %q, but must be a file or an address that begins with https://", s.Metadata)
	c.that(s.KeyFile != "" && s.CertFile != "", "key-file and certificate-file are missing: requests are signed, and assertions encrypted for us")
}

func secureAddress(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}
