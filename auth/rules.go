package auth

import (
	"fmt"
	"slices"
	"strings"

	"konklave/access"
)

// Rule gives roles to whom a provider says something of. Exactly one of Everybody, Group and Attribute is set.
type Rule struct {
	Place     string // where it is written, "konklave.yaml:12"; for messages
	Everybody bool
	Group     string // whole name of a group; for a directory its DN in the form of CanonicalDN
	Attribute string // name of an attribute, with the Value that it has to have among its values
	Value     string
	Roles     []access.Role
}

// Rules are all rules of one provider. Their order means nothing: everybody gets the roles of every rule that fits.
type Rules []Rule

// Assignment is what the rules give to one person.
type Assignment struct {
	Roles   []access.Role            // sorted, each once; empty when no rule fits, which means no access
	Because map[access.Role][]string // for each role the places of the rules that gave it, in their order
}

// Assign applies the rules to an identity. Whether the roles may be held together is decided by who assigns them, with
// Because to say which rules contradict.
func (r Rules) Assign(id ProviderIdentity) Assignment {
	a := Assignment{Because: map[access.Role][]string{}}
	for _, rule := range r {
		if !rule.fits(id) {
			continue
		}
		for _, role := range rule.Roles {
			a.Because[role] = append(a.Because[role], rule.Place)
		}
	}
	for role := range a.Because {
		a.Roles = append(a.Roles, role)
	}
	slices.Sort(a.Roles)
	return a
}

// fits compares exactly, apart from the case of ASCII letters in the names of groups: a group of another alphabet that
// folds to the same letters is another group.
func (r Rule) fits(id ProviderIdentity) bool {
	switch {
	case r.Everybody:
		return true
	case r.Group != "":
		return slices.ContainsFunc(id.Groups, func(g string) bool { return asciiLower(g) == asciiLower(r.Group) })
	case r.Attribute != "":
		return slices.Contains(id.Attributes[r.Attribute], r.Value)
	}
	return false
}

func asciiLower(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + ('a' - 'A')
		}
		return c
	}, s)
}

// Check returns every mistake of the rule; assignable are the roles that rules may give.
func (r Rule) Check(assignable []access.Role) []error {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%s: "+format, append([]any{r.Place}, args...)...))
	}
	conditions := 0
	for _, set := range []bool{r.Everybody, r.Group != "", r.Attribute != ""} {
		if set {
			conditions++
		}
	}
	if conditions != 1 {
		wrong("a rule needs exactly one of everybody, group, attribute; it has %d", conditions)
	}
	if (r.Attribute == "") != (r.Value == "") {
		wrong("attribute and value go together: set both or neither")
	}
	if len(r.Roles) == 0 {
		wrong("a rule needs at least one role")
	}
	for i, role := range r.Roles {
		if !slices.Contains(assignable, role) {
			wrong("%q is not a role that can be given; these are: %s", role, roleNames(assignable))
		}
		if slices.Contains(r.Roles[:i], role) {
			wrong("the role %q stands there twice", role)
		}
	}
	return mistakes
}

func roleNames(roles []access.Role) string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}
