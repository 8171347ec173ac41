package scim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/user"
)

// The reasons for which somebody is kept out whom provisioning wants to come in.
const (
	reasonNoRole   = "no_role"
	reasonConflict = "roles_conflict"
)

// verdict is what the rules give to somebody.
type verdict struct {
	roles   access.Roles // access.Ordinary when nobody comes in with them
	out     string       // the reason for which the person stays out; empty when there is none
	because []string     // the places of the rules
}

// judge applies the rules. It fails with access.ErrRoleConflict, and the verdict for that case.
func (s *Service) judge(p Person, groups []Group) (verdict, error) {
	given := s.provider.Rules.Assign(p.identity(s.provider.ID, groups))
	if len(given.Roles) == 0 {
		return verdict{roles: access.Ordinary, out: reasonNoRole}, nil
	}
	roles, err := access.RolesOf(given.Roles...)
	if errors.Is(err, access.ErrRoleConflict) {
		return verdict{roles: access.Ordinary, out: reasonConflict, because: given.Because}, err
	}
	return verdict{roles: roles, because: given.Because}, err
}

// settled is the person with the roles of the verdict, in or out as it and Active say. An account that an administrator has
// disabled stays so.
func (p Person) settled(v verdict, at time.Time) Person {
	p.Account.Roles = v.roles
	if p.Active && v.out == "" {
		if p.Account.DisabledAt.Equal(p.BarredAt) {
			p.Account.DisabledAt = time.Time{}
		}
		p.BarredAt = time.Time{}
		return p
	}
	switch {
	case !p.Account.Disabled():
		p.Account.DisabledAt, p.BarredAt = at, at
	case p.BarredAt.IsZero() && p.Account.DisabledAt.Equal(at):
		p.BarredAt = at.Add(time.Millisecond) // not the same: somebody else has disabled the account
	case p.BarredAt.IsZero():
		p.BarredAt = at
	}
	return p
}

// settle stores the person with what follows from the groups, ends what must end, and writes what changed of the account. Before
// is the account as it was; one without an id is new.
func (w *work) settle(ctx context.Context, p Person, v verdict, before user.User) error {
	p = p.settled(v, w.origin.At)
	now := p.Account
	shut, lost := now.Disabled() && !before.Disabled() && before.ID != "", before.ID != "" && before.Roles.Without(now.Roles)
	if err := w.PutPerson(ctx, p); err != nil {
		return err
	}
	ended := 0
	if shut || lost {
		var err error
		if ended, err = w.SignOut(ctx, now.ID); err != nil {
			return err
		}
	}
	return w.Record(ctx, w.told(p, v, before, ended)...)
}

// told are the entries about what is different of the account.
func (w *work) told(p Person, v verdict, before user.User, ended int) []audit.Entry {
	var entries []audit.Entry
	now, provider := p.Account, w.service.provider.ID
	if before.ID != "" && before.Roles != now.Roles {
		entries = append(entries, audit.RolesGiven(w.origin, now.ID, before.Roles, now.Roles, ended, provider, v.because))
	}
	switch {
	case now.Disabled() == before.Disabled():
	case !now.Disabled():
		entries = append(entries, audit.UserEnabled(w.origin, now.ID))
	case !p.Active:
		entries = append(entries, audit.UserDisabled(w.origin, now.ID, ended))
	default:
		entries = append(entries, audit.IdentityBarred(w.origin, now.ID, provider, v.out, ended, v.because))
	}
	return entries
}

// review settles somebody whose groups have changed.
func (w *work) review(ctx context.Context, userID string) error {
	p, err := w.Person(ctx, userID)
	if err != nil {
		return err
	}
	return w.reviewed(ctx, p, p.Account)
}

// reviewed applies the rules to the person and settles it. It fails with ErrRolesConflict.
func (w *work) reviewed(ctx context.Context, p Person, before user.User) error {
	groups, err := w.GroupsOf(ctx, p.Account.ID)
	if err != nil {
		return err
	}
	v, err := w.service.judge(p, groups)
	if errors.Is(err, access.ErrRoleConflict) {
		return conflicting(v.because)
	}
	if err != nil {
		return err
	}
	p.Version = w.Version()
	return w.settle(ctx, p, v, before)
}

// reconcileActor is who acts when the rules of the configuration are other ones than before.
const reconcileActor = "scim"

// Reconcile applies the rules to everybody anew, after they may have changed. Who would get roles that nobody may hold together
// stays out. It returns how many people it changed something for; the error names everybody for whom that was refused.
func (s *Service) Reconcile(ctx context.Context) (changed int, err error) {
	if s.provider.ID == "" {
		return 0, nil
	}
	actor := access.System(reconcileActor)
	var refused []error
	for first := 0; ; first += scanBatch {
		people, err := s.store.Provisioned(ctx, actor.Tenant, Narrow{}, first, scanBatch)
		if err != nil {
			return changed, errors.Join(append(refused, err)...)
		}
		for _, p := range people {
			did, err := s.reconcile(ctx, actor, p)
			if did {
				changed++
			}
			if err == nil {
				continue
			}
			refused = append(refused, fmt.Errorf("account %s: %w", p.Account.ID, err))
			if kind := fault.As(err).Kind; kind == fault.KindInternal || kind == fault.KindUnavailable {
				return changed, errors.Join(refused...) // nobody else's would be stored either
			}
		}
		if len(people) < scanBatch {
			return changed, errors.Join(refused...)
		}
	}
}

func (s *Service) reconcile(ctx context.Context, actor access.Actor, p Person) (changed bool, err error) {
	groups, err := s.store.GroupsOf(ctx, actor.Tenant, p.Account.ID)
	if err != nil {
		return false, err
	}
	if v, _ := s.judge(p, groups); p.settled(v, s.now()).Account == p.Account { // a conflict keeps the person out
		return false, nil
	}
	err = s.change(ctx, actor, func(ctx context.Context, w *work) error {
		now, err := w.Person(ctx, p.Account.ID)
		if errors.Is(err, ErrUnknown) {
			return nil
		}
		if err != nil {
			return err
		}
		groups, err := w.GroupsOf(ctx, p.Account.ID)
		if err != nil {
			return err
		}
		v, err := s.judge(now, groups)
		if err != nil && !errors.Is(err, access.ErrRoleConflict) {
			return err
		}
		return w.settle(ctx, now, v, now.Account)
	})
	return err == nil, err
}
