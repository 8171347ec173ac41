package auth_test

import (
	"reflect"
	"strings"
	"testing"

	"konklave/access"
	"konklave/auth"
)

func TestRulesGiveTheRolesOfEveryRuleThatFits(t *testing.T) {
	t.Parallel()
	rules := auth.Rules{
		{Place: "k:1", Group: "cn=staff,dc=example", Roles: []access.Role{access.RoleUser}},
		{Place: "k:2", Attribute: "department", Value: "IT", Roles: []access.Role{access.RoleUser, access.RoleOperator}},
		{Place: "k:3", Group: "cn=admins,dc=example", Roles: []access.Role{access.RoleOperator}},
	}
	for name, c := range map[string]struct {
		id    auth.ProviderIdentity
		roles []access.Role
	}{
		"nobody":                   {auth.ProviderIdentity{}, nil},
		"group":                    {auth.ProviderIdentity{Groups: []string{"cn=staff,dc=example"}}, []access.Role{access.RoleUser}},
		"group in capitals":        {auth.ProviderIdentity{Groups: []string{"CN=Staff,DC=example"}}, []access.Role{access.RoleUser}},
		"part of a group":          {auth.ProviderIdentity{Groups: []string{"cn=staff"}}, nil},
		"more than a group":        {auth.ProviderIdentity{Groups: []string{"cn=staff,dc=example,dc=org"}}, nil},
		"look-alike of a group":    {auth.ProviderIdentity{Groups: []string{"cn=\u017ftaff,dc=example"}}, nil},
		"attribute":                {auth.ProviderIdentity{Attributes: map[string][]string{"department": {"x", "IT"}}}, []access.Role{access.RoleOperator, access.RoleUser}},
		"attribute in other case":  {auth.ProviderIdentity{Attributes: map[string][]string{"department": {"it"}}}, nil},
		"attribute of other name":  {auth.ProviderIdentity{Attributes: map[string][]string{"Department": {"IT"}}}, nil},
		"group that is a value":    {auth.ProviderIdentity{Groups: []string{"IT"}}, nil},
		"two rules for one role":   {auth.ProviderIdentity{Groups: []string{"cn=staff,dc=example", "cn=admins,dc=example"}}, []access.Role{access.RoleOperator, access.RoleUser}},
		"attribute without values": {auth.ProviderIdentity{Attributes: map[string][]string{"department": nil}}, nil},
	} {
		if got := rules.Assign(c.id).Roles; !reflect.DeepEqual(got, c.roles) {
			t.Errorf("%s: roles %v, want %v", name, got, c.roles)
		}
	}
}

func TestAssignmentSaysWhichRulesFit(t *testing.T) {
	t.Parallel()
	rules := auth.Rules{
		{Place: "k:1", Everybody: true, Roles: []access.Role{access.RoleUser}},
		{Place: "k:2", Group: "a", Roles: []access.Role{access.RoleOperator}},
		{Place: "k:3", Group: "c", Roles: []access.Role{access.RoleAuditor}},
		{Place: "k:4", Group: "b", Roles: []access.Role{access.RoleOperator}},
	}
	got := rules.Assign(auth.ProviderIdentity{Groups: []string{"b", "a"}})
	if want := []string{"k:1", "k:2", "k:4"}; !reflect.DeepEqual(got.Because, want) {
		t.Errorf("because %v, want %v", got.Because, want)
	}
}

func TestRuleCheckNamesEveryMistake(t *testing.T) {
	t.Parallel()
	user := []access.Role{access.RoleUser}
	for name, c := range map[string]struct {
		rule auth.Rule
		want []string
	}{
		"right, group":       {auth.Rule{Group: "g", Roles: user}, nil},
		"right, attribute":   {auth.Rule{Attribute: "a", Value: "v", Roles: user}, nil},
		"right, everybody":   {auth.Rule{Everybody: true, Roles: user}, nil},
		"no condition":       {auth.Rule{Roles: user}, []string{"exactly one"}},
		"two conditions":     {auth.Rule{Everybody: true, Group: "g", Roles: user}, []string{"exactly one"}},
		"no value":           {auth.Rule{Attribute: "a", Roles: user}, []string{"go together"}},
		"value alone":        {auth.Rule{Group: "g", Value: "v", Roles: user}, []string{"go together"}},
		"no role":            {auth.Rule{Group: "g"}, []string{"role.invalid"}},
		"all that fit":       {auth.Rule{Group: "g", Roles: access.Administrator.List()}, nil},
		"roles that do not":  {auth.Rule{Group: "g", Roles: []access.Role{access.RoleOperator, access.RoleAuditor}}, []string{"role.conflict"}},
		"role of conference": {auth.Rule{Group: "g", Roles: []access.Role{access.RoleHost}}, []string{`the roles ["host"] cannot be given: role.invalid`}},
		"role twice":         {auth.Rule{Group: "g", Roles: []access.Role{access.RoleUser, access.RoleUser}}, []string{`["user" "user"]`}},
		"everything at once": {auth.Rule{Value: "v", Roles: []access.Role{"god"}}, []string{"exactly one", "go together", `"god"`}},
	} {
		c.rule.Place = "konklave.yaml:7"
		got := c.rule.Check()
		if len(got) != len(c.want) {
			t.Errorf("%s: mistakes %v, want %d", name, got, len(c.want))
			continue
		}
		for i, part := range c.want {
			if !strings.Contains(got[i].Error(), part) || !strings.HasPrefix(got[i].Error(), "konklave.yaml:7: ") {
				t.Errorf("%s: %q lacks %q or the place", name, got[i], part)
			}
		}
	}
}
