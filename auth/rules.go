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
	Roles   []access.Role // sorted, each once; empty when no rule fits, which means no access
	Because []string      // the places of the rules that fit, in their order
}

// Assign applies the rules to an identity. Whether the roles may be held together is decided by who assigns them, with
// Because to say which rules contradict.
func (r Rules) Assign(id ProviderIdentity) Assignment {
	var a Assignment
	for _, rule := range r {
		if !rule.fits(id) {
			continue
		}
		a.Roles, a.Because = append(a.Roles, rule.Roles...), append(a.Because, rule.Place)
	}
	slices.Sort(a.Roles)
	a.Roles = slices.Compact(a.Roles)
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

// Check returns every mistake of the rule.
func (r Rule) Check() []error {
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
	if _, err := access.RolesOf(r.Roles...); err != nil {
		wrong("the roles %q cannot be given: %w", r.Roles, err)
	}
	return mistakes
}
