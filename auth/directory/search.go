package directory

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"konklave/auth"
	"konklave/auth/settings"
)

// nothing asks for entries without their attributes (RFC 4511 section 4.5.1.8).
func nothing() []string { return []string{"1.1"} }

// find returns the DN of the one person of that name, or why there is none.
func (s *session) find(name string) (dn string, refused auth.Reason, err error) {
	var alternatives strings.Builder
	for _, attribute := range s.directory.settings.LoginAttributes {
		fmt.Fprintf(&alternatives, "(%s=%s)", attribute, ldap.EscapeFilter(name))
	}
	entry, err := s.one("(|"+alternatives.String()+")", nothing())
	if errors.As(err, &refused) {
		return "", refused, nil
	}
	if err != nil {
		return "", "", err
	}
	return entry.DN, "", nil
}

// one returns the one person below the base who fulfils the filter; it fails with auth.ReasonUnknown or
// auth.ReasonAmbiguous.
func (s *session) one(filter string, attributes []string) (*ldap.Entry, error) {
	config := s.directory.settings
	found, err := s.search(config.Base, ldap.ScopeWholeSubtree, "(&"+config.Filter+filter+")", attributes, 1)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, auth.ReasonUnknown
	case len(found) > 1:
		return nil, auth.ReasonAmbiguous
	}
	return found[0], nil
}

// read returns the person with that DN, if the filter of people still lets it through.
func (s *session) read(dn string) (*ldap.Entry, error) {
	found, err := s.search(dn, ldap.ScopeBaseObject, s.directory.settings.Filter, s.directory.wanted(), 1)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) || err == nil && len(found) != 1 {
		return nil, auth.ReasonUnknown
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// search returns the entries page by page; when there are more than most, at least one more than that.
func (s *session) search(base string, scope int, filter string, attributes []string, most int) ([]*ldap.Entry, error) {
	paging := ldap.NewControlPaging(uint32(min(most+1, PageSize)))
	var all []*ldap.Entry
	for {
		left := max(time.Until(s.deadline), 0)
		request := ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, int(left/time.Second)+1, false, filter, attributes, []ldap.Control{paging})
		result, err := s.Search(request)
		if err != nil {
			return nil, err
		}
		all = append(all, result.Entries...)
		if len(all) > most {
			return all, nil
		}
		answer, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(answer.Cookie) == 0 {
			return all, nil
		}
		paging.SetCookie(answer.Cookie)
	}
}

// groups collects the groups of a person, nested ones too, each once.
type groups struct {
	*session
	known map[string]bool // by canonical DN in lower case
	names []string        // canonical DNs
}

// add takes a group and reports whether it is new.
func (g *groups) add(dn string) (bool, error) {
	name, err := settings.CanonicalDN(dn)
	if err != nil {
		return false, fmt.Errorf("the server names a group by what is no DN: %w", err)
	}
	key := strings.ToLower(name)
	if g.known[key] {
		return false, nil
	}
	if len(g.names) == MaxGroups {
		return false, auth.ReasonTooLarge
	}
	g.known[key] = true
	g.names = append(g.names, name)
	return true, nil
}

// groupsOf returns the canonical DNs of all groups of the person; it fails with auth.ReasonTooLarge above MaxGroups.
func (s *session) groupsOf(person *ldap.Entry) ([]string, error) {
	g := &groups{session: s, known: map[string]bool{}}
	config := s.directory.settings
	var err error
	switch {
	case config.Kind == settings.ActiveDirectory:
		base := config.GroupBase
		if base == "" {
			base = config.Base
		}
		// The server follows the nesting itself (LDAP_MATCHING_RULE_IN_CHAIN).
		_, err = g.level(base, "(member:1.2.840.113556.1.4.1941:="+ldap.EscapeFilter(person.DN)+")")
	case config.GroupBase != "":
		err = g.upwards(person)
	default:
		err = g.named(person)
	}
	return g.names, err
}

// level adds the groups that fulfil the filter and returns the new ones.
func (g *groups) level(base, filter string) ([]string, error) {
	found, err := g.search(base, ldap.ScopeWholeSubtree, filter, nothing(), MaxGroups)
	if err != nil {
		return nil, err
	}
	var fresh []string
	for _, entry := range found {
		added, err := g.add(entry.DN)
		if err != nil {
			return nil, err
		}
		if added {
			fresh = append(fresh, entry.DN)
		}
	}
	return fresh, nil
}

// membersAtOnce is how many members one search asks the groups of.
const membersAtOnce = 50

// upwards asks for the groups of which the person is a member, then for the groups of those, and so on.
func (g *groups) upwards(person *ldap.Entry) error {
	base := g.directory.settings.GroupBase
	next := []string{person.DN}
	posix := ""
	if uid := person.GetEqualFoldAttributeValue("uid"); uid != "" {
		posix = "(memberUid=" + ldap.EscapeFilter(uid) + ")"
	}
	for len(next) > 0 {
		now := next[:min(len(next), membersAtOnce)]
		next = next[len(now):]
		filter := "(|" + posix
		for _, dn := range now {
			filter += "(member=" + ldap.EscapeFilter(dn) + ")(uniqueMember=" + ldap.EscapeFilter(dn) + ")"
		}
		posix = ""
		fresh, err := g.level(base, filter+")")
		if err != nil {
			return err
		}
		next = append(next, fresh...)
	}
	return nil
}

// named follows the memberOf attributes of the person and of the groups.
func (g *groups) named(person *ldap.Entry) error {
	next := person.GetEqualFoldAttributeValues("memberOf")
	for len(next) > 0 {
		dn := next[0]
		next = next[1:]
		added, err := g.add(dn)
		if err != nil {
			return err
		}
		if !added {
			continue
		}
		found, err := g.search(dn, ldap.ScopeBaseObject, "(objectClass=*)", []string{"memberOf"}, 1)
		if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			continue
		}
		if err != nil {
			return err
		}
		for _, group := range found {
			next = append(next, group.GetEqualFoldAttributeValues("memberOf")...)
		}
	}
	return nil
}
