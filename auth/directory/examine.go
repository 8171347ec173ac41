package directory

import (
	"context"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Health is what one server of a directory is like from here.
type Health struct {
	Server string
	Err    error         // it is not there, cannot be trusted, or refuses the service account; the rest is zero then
	Ends   time.Time     // when its certificate does
	Clock  bool          // it tells its time, as Active Directory does
	Ahead  time.Duration // by how much that is ahead of ours
	Base   error         // the base is not there, or may not be searched
	People bool          // somebody below the base fulfils the filter
}

// Examine asks each server what a sign-in needs of it, but for a person.
func (d *Directory) Examine(ctx context.Context) []Health {
	var all []Health
	for _, server := range d.settings.Servers {
		limited, cancel := context.WithTimeout(ctx, ConnectTimeout)
		all = append(all, d.examine(limited, server))
		cancel()
	}
	return all
}

func (d *Directory) examine(ctx context.Context, server string) Health {
	h := Health{Server: server}
	password, err := d.servicePassword()
	if err != nil {
		h.Err = err
		return h
	}
	s, err := d.open(ctx, server, d.settings.BindDN, password)
	if err != nil {
		h.Err = err
		return h
	}
	defer s.Close()
	if state, ok := s.TLSConnectionState(); ok && len(state.PeerCertificates) > 0 {
		h.Ends = state.PeerCertificates[0].NotAfter
	}
	if root, err := s.search("", ldap.ScopeBaseObject, "(objectClass=*)", []string{"currentTime"}, 1); err == nil && len(root) == 1 {
		if at, err := time.Parse("20060102150405Z0700", root[0].GetEqualFoldAttributeValue("currentTime")); err == nil {
			h.Clock, h.Ahead = true, at.Sub(d.now())
		}
	}
	if _, h.Base = s.search(d.settings.Base, ldap.ScopeBaseObject, "(objectClass=*)", nothing(), 1); h.Base != nil {
		return h
	}
	found, err := s.search(d.settings.Base, ldap.ScopeWholeSubtree, d.settings.Filter, nothing(), 1)
	h.People, h.Base = len(found) > 0, err
	return h
}
