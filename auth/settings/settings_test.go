package settings_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/auth/settings"
)

const complete = `providers:
  - id: amt
    label: Stadtverwaltung
    servers: [ldaps://ldap1.example.org, ldap://ldap2.example.org:3890]
    bind-dn: cn=service,dc=example,dc=org
    bind-password-file: /etc/konklave/ldap-password
    base: dc=example,dc=org
    group-base: ou=groups,dc=example,dc=org
    review: 5m
    attributes: [employeeType]
    rules:
      - everybody: true
        roles: [user]
      - group: "CN=Admins , OU=groups,DC=example,DC=org"
        roles: [user_admin]
      - attribute: employeeType
        value: IT
        roles: [operator, user]
    kind: ldap
  - id: ad
    label: Kreis
    kind: active-directory
    servers: [ldaps://dc1.example.org]
    roots: /etc/konklave/ad.pem
    bind-dn: cn=service,dc=kreis
    bind-password-file: /etc/konklave/ad-password
    base: dc=kreis
    rules: [{everybody: true, roles: [user]}]
  - id: land
    label: Landesportal
    kind: oidc
    issuer: https://login.example.org/
    client-id: konklave
    client-secret-file: /etc/konklave/oidc-secret
    groups-claim: groups
    contexts: ["urn:high"]
    rules: [{group: staff, roles: [user]}]
  - id: bund
    label: Bundesportal
    kind: saml
    entity-id: https://idp.example.org/metadata
    metadata: https://idp.example.org/metadata
    metadata-certificate-file: /etc/konklave/federation.pem
    key-file: /etc/konklave/saml.key
    certificate-file: /etc/konklave/saml.pem
    groups-attribute: groups
    rules: [{group: staff, roles: [user]}]
`

func TestParseReadsEveryProvider(t *testing.T) {
	t.Parallel()
	got, err := settings.Parse("konklave.yaml", []byte(complete))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Directories) != 2 || len(got.OpenID) != 1 || len(got.SAML) != 1 {
		t.Fatalf("%+v", got)
	}
	amt, ad := got.Directories[0], got.Directories[1]
	if amt.Kind != settings.LDAP || amt.Filter != "(objectClass=person)" || amt.NameAttribute != "cn" || amt.Review != 5*time.Minute || amt.Place != "konklave.yaml:2" || !reflect.DeepEqual(amt.LoginAttributes, []string{"uid", "mail"}) {
		t.Errorf("%+v", amt)
	}
	want := auth.Rule{Place: "konklave.yaml:14", Group: "cn=Admins,ou=groups,dc=example,dc=org", Roles: []access.Role{access.RoleUserAdmin}}
	if !reflect.DeepEqual(amt.Rules[1], want) {
		t.Errorf("rule %+v, want %+v", amt.Rules[1], want)
	}
	if ad.Kind != settings.ActiveDirectory || ad.Review != settings.DefaultReview || ad.LoginAttributes[0] != "sAMAccountName" {
		t.Errorf("%+v", ad)
	}
	if o := got.OpenID[0]; !reflect.DeepEqual(o.Scopes, []string{"profile", "email"}) || o.GroupsClaim != "groups" || o.Contexts[0] != "urn:high" {
		t.Errorf("%+v", o)
	}
	if s := got.SAML[0]; s.KeyFile != "/etc/konklave/saml.key" || s.MetadataCertFile == "" || s.Review != settings.DefaultSAMLReview || s.Position != 3 {
		t.Errorf("%+v", s)
	}
}

func TestParseOfNothing(t *testing.T) {
	t.Parallel()
	got, err := settings.Parse("f", nil)
	if err != nil || !reflect.DeepEqual(got, settings.Identity{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseNamesEachMistakeWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"review: 5m", "review: 5", "f:9: review must be a time such as 15m"},
		{"review: 5m", "review: 9s", "f:9: review is 9s, but must be a time from 10s to 24h0m0s"},
		{"review: 5m", "review: 24h1s", "f:9: review is 24h1s"},
		{"review: 5m", "reviews: 5m", `f:9: "reviews" is not a setting of a directory`},
		{"review: 5m", "base: dc=x", "f:9: base is set twice, first in line 7"},
		{"review: 5m", "review:", "f:9: review must be a time"},
		{"label: Stadtverwaltung", "label: 5", "f:3: label must be a text"},
		{"label: Stadtverwaltung", `label: "a\nb"`, "f:3: label must be one line"},
		{"label: Stadtverwaltung", "label: " + strings.Repeat("x", settings.MaxLabelBytes+1), "label must have 1 to 100 bytes"},
		{"label: Stadtverwaltung", "label: " + strings.Repeat("x", settings.MaxTextBytes+1), "f:3: label must have 1 to 4096 bytes"},
		{"id: amt", "id: Amt", `f:2: id is "Amt"`},
		{"id: amt", "id: ad", `the id "ad" is taken, by the provider at f:2`},
		{"everybody: true", "everybody: yes please", "f:12: everybody must be true or false"},
		{"everybody: true", "group: 'staff'", `f:12: the group "staff" must be the distinguished name`},
		{"roles: [user]\n      - group", "roles: [host]\n      - group", `f:12: the roles ["host"] cannot be given`},
		{"roles: [operator, user]", "roles: [operator, auditor]", "may not hold these roles together"},
		{"attribute: employeeType", "attribute: title", `the attribute "title" is not in the provider's list`},
		{"kind: active-directory", "kind: ad", `kind is "ad", but must be one of [ldap active-directory oidc saml]`},
		{"    kind: ldap\n", "", "f:2: a provider needs a kind"},
		{"    kind: ldap\n", "    kind: ldap\n    kind: oidc\n", "kind is set twice"},
		{"    kind: oidc\n", "    kind: oidc\n    base: dc=x\n", `"base" is not a setting of an OpenID provider`},
		{"  - id: land", "  - land\n  - id: land", "a provider must hold keys and values"},
		{"ldaps://dc1.example.org", "https://dc1.example.org", "must be ldaps://host or ldap://host"},
		{"ldaps://dc1.example.org", "ldaps://user@dc1.example.org", "must be ldaps://host or ldap://host"},
		{"    bind-dn: cn=service,dc=kreis\n", "", "never anonymously"},
		{"base: dc=kreis", "base: kreis", `base is "kreis", which is not a distinguished name`},
		{"base: dc=kreis", "base: dc=kreis\n    filter: (objectClass", "is not a filter"},
		{"base: dc=kreis", "base: dc=kreis\n    login-attributes: ['uid)(']", "cannot be the name of an attribute"},
		{"issuer: https://login.example.org/", "issuer: http://login.example.org/", "must be an address that begins with https://"},
		{"client-id: konklave", "client-id: konklave\n    scopes: [openid]", `"openid" cannot be a scope here`},
		{"metadata: https://idp", "metadata: http://idp", "metadata is \"http://idp"},
		{"    rules: [{group: staff, roles: [user]}]\n  - id: bund", "  - id: bund", "there are no rules"},
		{"rules: [{group: staff, roles: [user]}]\n  - id: bund", "rules: {}\n  - id: bund", "rules must be a list"},
		{"providers:", "provider:", `"provider" is not a setting of identity`},
		{"providers:", "providers: &x", ""},
		{"    label: Landesportal", "    label: *x", "is not valid YAML: yaml: unknown anchor"},
		{"providers:", "providers: []\n---\nproviders:", "must hold one YAML document only"},
		{"attributes: [employeeType]", "attributes: [employeeType, employeeType]", `attributes has "employeeType" twice`},
	} {
		text := strings.Replace(complete, c.old, c.new, 1)
		if text == complete {
			t.Fatalf("%q is not in the example", c.old)
		}
		_, err := settings.Parse("f", []byte(text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %q", c.new, err, c.want)
		}
	}
}

func TestListsHaveALimit(t *testing.T) {
	t.Parallel()
	for number, right := range map[int]bool{settings.MaxServers: true, settings.MaxServers + 1: false} {
		var servers []string
		for i := range number {
			servers = append(servers, fmt.Sprintf("ldaps://s%d.example.org", i))
		}
		text := strings.Replace(complete, "[ldaps://dc1.example.org]", "["+strings.Join(servers, ", ")+"]", 1)
		if _, err := settings.Parse("f", []byte(text)); (err == nil) != right {
			t.Errorf("%d servers: %v", number, err)
		}
	}
	for number, right := range map[int]bool{settings.MaxRules: true, settings.MaxRules + 1: false} {
		text := strings.Replace(complete, "rules: [{everybody: true, roles: [user]}]", "rules:"+strings.Repeat("\n      - {everybody: true, roles: [user]}", number), 1)
		if _, err := settings.Parse("f", []byte(text)); (err == nil) != right {
			t.Errorf("%d rules: %v", number, err)
		}
	}
	for number, right := range map[int]bool{settings.MaxProviders: true, settings.MaxProviders + 1: false} {
		text := "providers:\n"
		for i := range number {
			text += fmt.Sprintf("  - {kind: saml, id: s%d, label: x, entity-id: x, metadata: x, key-file: x, certificate-file: x, rules: [{everybody: true, roles: [user]}]}\n", i)
		}
		if _, err := settings.Parse("f", []byte(text)); (err == nil) != right {
			t.Errorf("%d providers: %v", number, err)
		}
	}
}
