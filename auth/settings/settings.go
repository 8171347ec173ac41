// Package settings is what an operator says about identity providers: read strictly from YAML, every mistake reported at
// once with its place. The adapters (directory, oidc, saml) take these types as they are.
package settings

import (
	"slices"
	"strings"
	"time"

	"konklave/auth"
)

// Limits of what can be configured.
const (
	MaxProviders  = 32
	MaxRules      = 1000             // of one provider
	MaxServers    = 16               // of one directory
	MaxTextBytes  = 4096             // of one value
	MinReview     = 10 * time.Second // between two questions about the same person
	MaxReview     = 24 * time.Hour   // so long somebody who was removed can stay at most
	DefaultReview = 15 * time.Minute

	// DefaultSAMLReview is long, because SAML has no question about somebody who is not there: the person signs in again.
	DefaultSAMLReview = 8 * time.Hour
)

// Identity is all providers of an installation, several of each kind.
type Identity struct {
	Directories []Directory
	OpenID      []OpenID
	SAML        []SAML
}

// Providers returns what all of them have in common, in the order of the list.
func (i Identity) Providers() []Provider {
	all := make([]Provider, len(i.Directories)+len(i.OpenID)+len(i.SAML))
	for _, d := range i.Directories {
		all[d.Position] = d.Provider
	}
	for _, o := range i.OpenID {
		all[o.Position] = o.Provider
	}
	for _, s := range i.SAML {
		all[s.Position] = s.Provider
	}
	return all
}

// Files are the files that the providers are set up with, those that are named.
func (i Identity) Files() []string {
	var named []string
	for _, p := range i.Providers() {
		named = append(named, p.Roots)
	}
	for _, d := range i.Directories {
		named = append(named, d.BindPasswordFile)
	}
	for _, o := range i.OpenID {
		named = append(named, o.ClientSecretFile)
	}
	for _, s := range i.SAML {
		named = append(named, s.KeyFile, s.CertFile, s.MetadataCertFile)
		if !strings.Contains(s.Metadata, "://") {
			named = append(named, s.Metadata)
		}
	}
	return slices.DeleteFunc(named, func(name string) bool { return name == "" })
}

// Provider is what every kind of provider has.
type Provider struct {
	ID     string        // lower-case letters, digits and dashes; in addresses and in the database, so it stays
	Label  string        // as people see it on the sign-in page
	Roots  string        // file with CA certificates (PEM) that its servers are trusted by; empty for the system's
	Review time.Duration // how often it is asked again about each person, or the person has to sign in again
	Rules  auth.Rules
	// Attributes are handed to the rules, by the provider's names.
	Attributes []string
	Place      string // where it is configured, "konklave.yaml:12"
	Position   int    // in the list, from 0
}

// Kind is what a provider speaks.
type Kind string

// The kinds. The first two are dialects of LDAP.
const (
	LDAP            Kind = "ldap"
	ActiveDirectory Kind = "active-directory"
	OIDC            Kind = "oidc"
	SAML2           Kind = "saml"
)

// Directory is an LDAP server or an Active Directory, with its replicas.
type Directory struct {
	Provider
	Kind             Kind
	Servers          []string // ldaps://host[:port], or ldap://host[:port] which is raised to TLS by StartTLS; in the order of preference
	BindDN           string   // the service account that searches; never empty
	BindPasswordFile string   // its password, a trailing line end is not part of it
	Base             string   // DN below which people are
	Filter           string   // that people fulfil
	LoginAttributes  []string // one of which is what people type
	NameAttribute    string
	EmailAttribute   string
	GroupBase        string // DN below which groups are; empty for the groups that memberOf names
}

// OpenID is an OpenID provider and this installation as its client.
type OpenID struct {
	Provider
	Issuer           string // exactly as the provider names itself
	ClientID         string
	ClientSecretFile string
	Scopes           []string // beside openid
	GroupsClaim      string   // name of the claim with the groups; empty for none
	Contexts         []string // "acr" values that are asked for, and one of which is required; empty for any
}

// SAML is a SAML 2.0 identity provider and this installation as its service provider.
type SAML struct {
	Provider
	EntityID         string // of the identity provider
	Metadata         string // file, or https:// address, of its metadata
	MetadataCertFile string // certificate (PEM) that signs the metadata; may be empty for a file
	KeyFile          string // our RSA key (PEM), for signing and for decryption
	CertFile         string // our certificate (PEM), published in our metadata
	SubjectAttribute string // attribute that names the person for ever; empty for the persistent NameID
	NameAttribute    string
	EmailAttribute   string
	GroupsAttribute  string
	Contexts         []string // AuthnContextClassRef values that are asked for, and one of which is required
}
