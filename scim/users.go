package scim

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/user"
)

// removedDomain is where the address of a removed person is, so that the real one is free for somebody else (RFC 6761).
const removedDomain = "@removed.invalid"

// Found is a person with the groups that the person is in.
type Found struct {
	Person Person
	Groups []Group
}

// CreateUser adds a person, who signs in at the identity provider and has no password. Somebody who was removed, or who came by
// signing in, gets the same account again; nobody ever gets one because of an e-mail address. Faults: access, scim.off, scim.value, scim.taken,
// scim.roles_conflict.
func (s *Service) CreateUser(ctx context.Context, actor access.Actor, resource Object) (Found, error) {
	var id string
	err := s.change(ctx, actor, func(ctx context.Context, w *work) (err error) {
		id, err = w.createUser(ctx, resource)
		return err
	})
	if err != nil {
		return Found{}, err
	}
	return s.found(ctx, actor.Tenant, id)
}

func (w *work) createUser(ctx context.Context, resource Object) (id string, err error) {
	s, at, tenant := w.service, w.origin.At, w.origin.Actor.Tenant
	said, _, err := Person{Active: true}.say(resource)
	if err != nil {
		return "", err
	}
	subject := s.provider.Subject(said.ExternalID)
	there, known, err := w.Linked(ctx, s.provider.ID, subject)
	if err != nil {
		return "", err
	}
	p, entry := there, audit.UserProvisioned
	switch {
	case known && there.ExternalID != "" && there.RemovedAt.IsZero():
		return "", says(ErrTaken, "There is a user with this externalId already.")
	case !known:
		p.Account = user.User{ID: strings.ToLower(rand.Text()), Tenant: tenant, Language: user.DefaultLanguage, CreatedAt: at}
	}
	p.ExternalID, p.UserName, p.Said, p.Active, p.RemovedAt = said.ExternalID, said.UserName, said.Said, said.Active, time.Time{}
	p.CreatedAt, p.ChangedAt, p.Version = at, at, w.Version()
	if err := p.settleAccount(Person{}); err != nil {
		return "", err
	}
	if known {
		if err := w.Record(ctx, entry(w.origin, p.Account.ID, s.provider.ID)); err != nil {
			return "", err
		}
		return p.Account.ID, w.reviewed(ctx, p, there.Account)
	}
	return p.Account.ID, w.addUser(ctx, p, subject)
}

// addUser adds somebody who has no account yet.
func (w *work) addUser(ctx context.Context, p Person, subject string) error {
	v, err := w.service.judge(p, nil)
	if err != nil {
		return conflicting(v.because)
	}
	p = p.settled(v, w.origin.At)
	if err := w.AddAccount(ctx, p, w.service.provider.ID, subject); err != nil {
		return err
	}
	if err := w.Record(ctx,
		audit.UserCreated(w.origin, p.Account.ID, p.Account.Roles), audit.UserProvisioned(w.origin, p.Account.ID, w.service.provider.ID)); err != nil {
		return err
	}
	return w.settle(ctx, p, v, user.User{})
}

// ReplaceUser gives a person the attributes of the resource in place of those before. Match is the If-Match header, or empty.
// Faults: those of CreateUser, scim.unknown, scim.version, scim.mutability, scim.last_administrator, role.own.
func (s *Service) ReplaceUser(ctx context.Context, actor access.Actor, id, match string, resource Object) (Found, error) {
	return s.changeUser(ctx, actor, id, match, func(Object) (Object, error) { return resource, nil })
}

// PatchUser changes some attributes of a person. Faults: those of ReplaceUser, scim.no_target.
func (s *Service) PatchUser(ctx context.Context, actor access.Actor, id, match string, steps []Operation) (Found, error) {
	return s.changeUser(ctx, actor, id, match, func(before Object) (Object, error) {
		after, err := s.users.Patch(before, steps)
		if err == nil && after["externalId"] == nil {
			return nil, says(ErrMutability, "externalId stays.")
		}
		return after, err
	})
}

func (s *Service) changeUser(ctx context.Context, actor access.Actor, id, match string, change func(Object) (Object, error)) (Found, error) {
	err := s.change(ctx, actor, func(ctx context.Context, w *work) error {
		p, err := w.Person(ctx, id)
		if err != nil {
			return err
		}
		if err := checkVersion(match, p.Version); err != nil {
			return err
		}
		after, err := change(p.attributes())
		if err != nil {
			return err
		}
		said, fields, err := p.say(after)
		if err != nil || len(fields) == 0 {
			return err
		}
		said.ChangedAt = w.origin.At
		if err := w.Record(ctx, audit.ProfileChanged(w.origin, id, fields)); err != nil {
			return err
		}
		return w.reviewed(ctx, said, p.Account)
	})
	if err != nil {
		return Found{}, err
	}
	return s.found(ctx, actor.Tenant, id)
}

// DeleteUser removes a person from provisioning: the account is disabled for good, everything ends that the person is signed in
// with, what was said is forgotten, and the e-mail address is free again. Meetings and the audit log keep the account. Faults:
// access, scim.off, scim.unknown, scim.version, scim.last_administrator, role.own.
func (s *Service) DeleteUser(ctx context.Context, actor access.Actor, id, match string) error {
	return s.change(ctx, actor, func(ctx context.Context, w *work) error {
		p, err := w.Person(ctx, id)
		if err != nil {
			return err
		}
		if err := checkVersion(match, p.Version); err != nil {
			return err
		}
		if err := w.LeaveAll(ctx, id); err != nil {
			return err
		}
		p.Active = false
		p = p.settled(verdict{roles: access.Ordinary}, w.origin.At)
		p.RemovedAt, p.Said, p.UserName, p.Version = w.origin.At, Object{}, "", w.Version()
		p.Account.Email = p.Account.ID + removedDomain
		if err := w.PutPerson(ctx, p); err != nil {
			return err
		}
		if err := w.Forget(ctx, id); err != nil {
			return err
		}
		ended, err := w.SignOut(ctx, id)
		if err != nil {
			return err
		}
		return w.Record(ctx, audit.UserRemoved(w.origin, id, s.provider.ID, ended))
	})
}

// User returns one person. Faults: access, scim.off, scim.unknown.
func (s *Service) User(ctx context.Context, actor access.Actor, id string) (Found, error) {
	if err := s.allow(actor, access.ScimRead); err != nil {
		return Found{}, err
	}
	return s.found(ctx, actor.Tenant, id)
}

func (s *Service) found(ctx context.Context, tenant, id string) (Found, error) {
	people, err := s.store.Provisioned(ctx, tenant, Narrow{ByID, id}, 0, 1)
	if err != nil {
		return Found{}, err
	}
	if len(people) == 0 {
		return Found{}, ErrUnknown
	}
	groups, err := s.store.GroupsOf(ctx, tenant, id)
	return Found{people[0], groups}, err
}
