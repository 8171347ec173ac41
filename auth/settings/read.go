package settings

import (
	"bytes"
	"errors"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"konklave/access"
	"konklave/auth"
)

// maxListed is how many texts a list of scopes, attributes or contexts may have.
const maxListed = 100

// Parse reads a document whose top level is that of Read; file is its name in messages.
func Parse(file string, data []byte) (Identity, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return Identity{}, nil
	case err != nil:
		return Identity{}, errors.New(file + " is not valid YAML: " + err.Error())
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Identity{}, errors.New(file + " must hold one YAML document only")
	}
	return Read(file, document.Content[0])
}

// Read reads the list providers of a mapping. The error joins one error for each mistake.
func Read(file string, n *yaml.Node) (Identity, error) {
	r := &reader{file: file}
	var all Identity
	r.mapping("identity", n, fields{
		"providers": func(key string, n *yaml.Node) {
			r.items(key, n, MaxProviders, func(n *yaml.Node) { r.add(&all, n) })
		},
	})
	r.mistakes = append(r.mistakes, all.contradictions()...)
	return all, errors.Join(r.mistakes...)
}

// add reads one provider, of which its kind says what else is there.
func (r *reader) add(all *Identity, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "a provider must hold keys and values")
		return
	}
	var kind Kind
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == "kind" {
			choice(r, &kind, LDAP, ActiveDirectory, OIDC, SAML2)("kind", n.Content[i+1])
			break
		}
	}
	position := len(all.Directories) + len(all.OpenID) + len(all.SAML)
	switch kind {
	case LDAP, ActiveDirectory:
		d := r.directory(n)
		d.Position = position
		all.Directories = append(all.Directories, d)
	case OIDC:
		o := r.openID(n)
		o.Position = position
		all.OpenID = append(all.OpenID, o)
	case SAML2:
		s := r.saml(n)
		s.Position = position
		all.SAML = append(all.SAML, s)
	default:
		r.wrong(n, "a provider needs a kind: ldap, active-directory, oidc or saml")
	}
}

// provider returns the keys that every kind has, together with those of one.
func (r *reader) provider(p *Provider, n *yaml.Node, review time.Duration, own fields) fields {
	*p = Provider{Place: r.place(n), Review: review}
	own["kind"] = r.text(new(string)) // was read before the others
	own["id"] = r.text(&p.ID)
	own["label"] = r.text(&p.Label)
	own["roots"] = r.text(&p.Roots)
	own["review"] = r.duration(&p.Review, MinReview, MaxReview)
	own["attributes"] = r.texts(&p.Attributes, maxListed)
	own["rules"] = func(key string, n *yaml.Node) {
		r.items(key, n, MaxRules, func(n *yaml.Node) { p.Rules = append(p.Rules, r.rule(n)) })
	}
	return own
}

func (r *reader) rule(n *yaml.Node) auth.Rule {
	rule := auth.Rule{Place: r.place(n)}
	r.mapping("a rule", n, fields{
		"everybody": r.truth(&rule.Everybody),
		"group":     r.text(&rule.Group),
		"attribute": r.text(&rule.Attribute),
		"value":     r.text(&rule.Value),
		"roles": func(key string, n *yaml.Node) {
			r.items(key, n, maxListed, func(n *yaml.Node) {
				var role string
				r.text(&role)(key, n)
				rule.Roles = append(rule.Roles, access.Role(role))
			})
		},
	})
	return rule
}

func (r *reader) directory(n *yaml.Node) Directory {
	var d Directory
	keys := r.provider(&d.Provider, n, DefaultReview, fields{
		"servers":            r.texts(&d.Servers, MaxServers),
		"bind-dn":            r.text(&d.BindDN),
		"bind-password-file": r.text(&d.BindPasswordFile),
		"base":               r.text(&d.Base),
		"filter":             r.text(&d.Filter),
		"login-attributes":   r.texts(&d.LoginAttributes, maxListed),
		"name-attribute":     r.text(&d.NameAttribute),
		"email-attribute":    r.text(&d.EmailAttribute),
		"group-base":         r.text(&d.GroupBase),
	})
	keys["kind"] = choice(r, &d.Kind, LDAP, ActiveDirectory)
	r.mapping("a directory", n, keys)
	d.complete()
	return d
}

func (r *reader) openID(n *yaml.Node) OpenID {
	var o OpenID
	r.mapping("an OpenID provider", n, r.provider(&o.Provider, n, DefaultReview, fields{
		"issuer":             r.text(&o.Issuer),
		"client-id":          r.text(&o.ClientID),
		"client-secret-file": r.text(&o.ClientSecretFile),
		"scopes":             r.texts(&o.Scopes, maxListed),
		"groups-claim":       r.text(&o.GroupsClaim),
		"contexts":           r.texts(&o.Contexts, maxListed),
	}))
	if o.Scopes == nil {
		o.Scopes = []string{"profile", "email"}
	}
	return o
}

func (r *reader) saml(n *yaml.Node) SAML {
	var s SAML
	r.mapping("a SAML provider", n, r.provider(&s.Provider, n, DefaultSAMLReview, fields{
		"entity-id":                 r.text(&s.EntityID),
		"metadata":                  r.text(&s.Metadata),
		"metadata-certificate-file": r.text(&s.MetadataCertFile),
		"key-file":                  r.text(&s.KeyFile),
		"certificate-file":          r.text(&s.CertFile),
		"subject-attribute":         r.text(&s.SubjectAttribute),
		"name-attribute":            r.text(&s.NameAttribute),
		"email-attribute":           r.text(&s.EmailAttribute),
		"groups-attribute":          r.text(&s.GroupsAttribute),
		"contexts":                  r.texts(&s.Contexts, maxListed),
	}))
	return s
}
