package config

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteExample writes a file with every setting explained and commented out, at its default.
func WriteExample(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Configuration of Konklave. Every setting is shown with its default; remove the # to change it.\n" +
		"# Environment variables (KONKLAVE_…) win over this file, flags win over both.\n")
	group := ""
	for _, s := range Settings() {
		name := s.Key
		indent := ""
		if g, rest, ok := strings.Cut(s.Key, "."); ok {
			name, indent = rest, "  "
			if g != group {
				fmt.Fprintf(&b, "\n#%s:\n", g)
				group = g
			} else {
				b.WriteString("\n")
			}
		} else {
			b.WriteString("\n")
		}
		for line := range strings.SplitSeq(s.Doc, "\n") {
			fmt.Fprintf(&b, "# %s%s\n", indent, line)
		}
		fmt.Fprintf(&b, "# %s%s  %s\n", indent, s.Env(), s.Flag())
		fmt.Fprintf(&b, "#%s%s: %s\n", indent, name, yamlText(s.Show(Default())))
	}
	b.WriteString(identityExample)
	_, err := io.WriteString(w, b.String())
	return err
}

// identityExample shows each kind of identity provider; the setting itself is commented out at its default, as all are.
const identityExample = `
#identity:
#   Where people have accounts already. In this file alone: there is no variable and no flag.
#   Everybody gets the roles of every rule that fits: user, meeting_manager, operator, user_admin, security_officer, auditor.
#   Nobody comes in without a role, or with roles that one person may not hold together. Roles are given anew at each sign-in.
#   An account belongs to the provider and what that calls the person, never to an e-mail address.
#   review is how often the provider is asked again (default 15m); for saml, which cannot be asked, how long a session lasts (8h).
#   attributes are handed to the rules. roots are the CA certificates (PEM) of its servers, if not those of the system.
#   Sign-in at oidc comes back to PUBLIC-URL/api/v1/providers/ID/return; for saml PUBLIC-URL/api/v1/providers/ID/metadata says all.
#  providers: []
#    - id: amt                                    # in addresses and in the database, so it stays
#      kind: ldap                                 # or active-directory
#      label: Stadtverwaltung                     # on the sign-in page
#      servers: [ldaps://ldap1.example.org, ldap://ldap2.example.org]  # ldap:// is raised to TLS
#      bind-dn: cn=konklave,ou=services,dc=example,dc=org
#      bind-password-file: /etc/konklave/ldap-password
#      base: ou=people,dc=example,dc=org
#      group-base: ou=groups,dc=example,dc=org
#      rules:
#        - everybody: true
#          roles: [user]
#        - group: cn=it,ou=groups,dc=example,dc=org
#          roles: [operator, user_admin]
#    - id: land
#      kind: oidc
#      label: Landesportal
#      issuer: https://login.example.org/
#      client-id: konklave
#      client-secret-file: /etc/konklave/oidc-secret
#      groups-claim: groups
#      rules: [{group: staff, roles: [user]}]
#    - id: bund
#      kind: saml
#      label: Bundesportal
#      entity-id: https://idp.example.org/metadata
#      metadata: https://idp.example.org/metadata  # or a file
#      metadata-certificate-file: /etc/konklave/federation.pem
#      key-file: /etc/konklave/saml.key
#      certificate-file: /etc/konklave/saml.pem
#      name-attribute: displayName
#      email-attribute: mail
#      attributes: [eduPersonAffiliation]
#      rules: [{attribute: eduPersonAffiliation, value: employee, roles: [user]}]
`

// yamlText is a setting's text as YAML; an address list becomes a list.
func yamlText(text string) string {
	if text == "" {
		return `""`
	}
	return text
}

// WriteShow writes the effective values with their sources as a table, secrets masked.
func (l Loaded) WriteShow(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range Settings() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Key, yamlText(s.Show(l.Config)), l.Sources[s.Key])
	}
	var ids []string
	for _, p := range l.Identity.Providers() {
		ids = append(ids, p.ID)
	}
	fmt.Fprintf(t, "%s\t[%s]\t%s\n", keyProviders, strings.Join(ids, ", "), l.Sources[keyProviders])
	return t.Flush()
}
