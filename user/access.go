package user

import (
	"context"
	"time"

	"konklave/access"
	"konklave/audit"
)

// AccessChange is an account that may do something else from now on.
type AccessChange struct {
	User    User
	SignOut bool // all its sessions end
	Decides bool // whether the person comes in is decided by this, whatever an identity provider said before
	Entry   func(sessionsEnded int) audit.Entry
}

// Assign gives an account these roles in place of those it had. When one is taken away, everything ends that the person is
// signed in with. Faults: access, user.unknown, user.last_administrator, role.invalid, role.conflict, role.own,
// access.approval_required.
func (s *Service) Assign(ctx context.Context, actor access.Actor, id string, roles ...access.Role) (User, error) {
	assigned, err := access.RolesOf(roles...)
	if err != nil {
		return User{}, err
	}
	return s.changeAccess(ctx, actor, access.RoleAssign, id, func(u User) (AccessChange, error) {
		if s.needsSecond(actor, u.Roles, assigned) {
			return AccessChange{}, access.ErrApprovalRequired
		}
		return Reassign(audit.Origin{At: s.now(), Actor: actor}, u, assigned), nil
	})
}

// needsSecond reports whether the actor may not go from some roles to others without a second person. Whoever has the server
// needs none: the log says that it was done there.
func (s *Service) needsSecond(actor access.Actor, before, after access.Roles) bool {
	return s.second && actor.Kind != access.KindSystem && after.Guarded(before)
}

// Reassign is the change that gives an account roles in place of those it has.
func Reassign(o audit.Origin, u User, roles access.Roles) AccessChange {
	before := u.Roles
	u.Roles = roles
	return AccessChange{User: u, SignOut: before.Without(roles), Entry: func(ended int) audit.Entry {
		return audit.RolesAssigned(o, u.ID, before, roles, ended)
	}}
}

// Disable keeps a person out: nobody signs in to the account, its API tokens are not valid, and everything ends that the
// person is signed in with. Faults: access, user.unknown, user.last_administrator, role.own.
func (s *Service) Disable(ctx context.Context, actor access.Actor, id string) (User, error) {
	return s.changeAccess(ctx, actor, access.UserDisable, id, func(u User) (AccessChange, error) {
		if !u.Disabled() {
			u.DisabledAt = s.now().UTC().Truncate(time.Millisecond)
		}
		return AccessChange{User: u, SignOut: true, Decides: true, Entry: func(ended int) audit.Entry {
			return audit.UserDisabled(audit.Origin{At: s.now(), Actor: actor}, u.ID, ended)
		}}, nil
	})
}

// Enable lets a person in again. Faults: access, user.unknown, role.own.
func (s *Service) Enable(ctx context.Context, actor access.Actor, id string) (User, error) {
	return s.changeAccess(ctx, actor, access.UserEnable, id, func(u User) (AccessChange, error) {
		u.DisabledAt = time.Time{}
		return AccessChange{User: u, Decides: true, Entry: func(int) audit.Entry {
			return audit.UserEnabled(audit.Origin{At: s.now(), Actor: actor}, u.ID)
		}}, nil
	})
}

// changeAccess decides by what the actor may at the moment of the change: of two who take each other's roles away, one does.
func (s *Service) changeAccess(ctx context.Context, actor access.Actor, action access.Action, id string, change func(User) (AccessChange, error)) (User, error) {
	return s.store.ChangeAccess(ctx, actor.Tenant, id, actor.UserID, func(u, by User) (AccessChange, error) {
		now := actor
		if actor.UserID != "" {
			now.Roles = by.Actor().Roles
		}
		switch err := access.Decide(now, action, access.Object{Kind: "user", ID: u.ID, Tenant: u.Tenant}).Err(); {
		case err != nil:
			return AccessChange{}, err
		case by.Disabled():
			return AccessChange{}, access.ErrDenied
		case u.ID == actor.UserID:
			return AccessChange{}, ErrOwnAccess
		}
		return change(u)
	})
}
