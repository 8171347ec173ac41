package auth

import (
	"context"
	"errors"
	"slices"

	"konklave/access"
)

// ErrNoAdmission is that nobody was admitted to a session under a sign-in: it is a guest's, or over.
var ErrNoAdmission = errors.New("auth: nobody was admitted to this session under a sign-in")

// Place is from where somebody is in a conference.
type Place struct {
	Conference, Session string // the session is named by the hash of its resume token
	Address             string // empty when it is not known
	Roles               []access.Role
}

// PlaceStore keeps from where people are in conferences.
type PlaceStore interface {
	// Admitted returns who was admitted to a session of a conference under a sign-in, as he is now; it fails with ErrNoAdmission.
	Admitted(ctx context.Context, conference, session string) (access.Actor, error)
	// PlaceAdmission keeps from which address a session is used; an empty one forgets it.
	PlaceAdmission(ctx context.Context, conference, session, address string) error
	// Places returns from where people are in live conferences under sign-ins.
	Places(ctx context.Context) ([]Place, error)
}

// Places holds those who are in conferences to the networks of their roles: when they come, when they come back, and while they are
// there.
type Places struct {
	store    PlaceStore
	networks *Networks
}

// NewPlaces returns Places for these networks.
func NewPlaces(store PlaceStore, networks *Networks) *Places { return &Places{store, networks} }

// Kept is what is kept of an address with a new session, until Arrive is told of it: nothing where no role has networks.
func (p *Places) Kept(address string) string {
	if !p.networks.any() {
		return ""
	}
	return address
}

// Arrive is told from which address a session of a conference is used from now on. It fails with ErrNetworkDenied, and records that,
// when a role of its person may not come from there. The address is kept of those alone whose roles have networks.
func (p *Places) Arrive(ctx context.Context, conference, session, address string) error {
	if !p.networks.any() {
		return nil
	}
	actor, err := p.store.Admitted(ctx, conference, session)
	if errors.Is(err, ErrNoAdmission) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.networks.Check(ctx, actor, address); err != nil {
		return err
	}
	if !p.networks.bind(actor.Roles) {
		address = ""
	}
	return p.store.PlaceAdmission(ctx, conference, session, address)
}

// Misplaced returns the sessions, by conference, whose people hold a role now that may not come from where they are, or from where is
// not known because none of their roles had networks when they came.
func (p *Places) Misplaced(ctx context.Context) (map[string][]string, error) {
	if !p.networks.any() {
		return nil, nil
	}
	places, err := p.store.Places(ctx)
	if err != nil {
		return nil, err
	}
	misplaced := map[string][]string{}
	for _, at := range places {
		if !p.networks.Open(at.Roles, at.Address) {
			misplaced[at.Conference] = append(misplaced[at.Conference], at.Session)
		}
	}
	return misplaced, nil
}

// any reports whether some role has networks.
func (n *Networks) any() bool {
	if n == nil {
		return false
	}
	for _, networks := range n.byRole {
		if len(networks) > 0 {
			return true
		}
	}
	return false
}

// bind reports whether one of the roles has networks.
func (n *Networks) bind(roles []access.Role) bool {
	return n != nil && slices.ContainsFunc(roles, func(r access.Role) bool { return len(n.byRole[r]) > 0 })
}
