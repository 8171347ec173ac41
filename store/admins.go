package store

import (
	"context"

	"konklave/access"
	"konklave/store/sqlgen"
	"konklave/user"
)

// keepingAdmins does what changes an account. It fails with user.ErrLastAdmin when that would take away the last administrator who
// can be used, or the last of them whom no identity provider decides about: a directory that is away could leave nobody.
func keepingAdmins(ctx context.Context, q *sqlgen.Queries, before, after user.User, do func() error) error {
	if !administers(before) || administers(after) {
		return do()
	}
	if err := q.LockSetting(ctx, settingSetUp); err != nil { // of two who take each other's rights away, one does
		return err
	}
	had, err := adminsOf(ctx, q, before.Tenant)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	has, err := adminsOf(ctx, q, before.Tenant)
	if err == nil && (had.any && !has.any || had.local && !has.local) {
		err = user.ErrLastAdmin
	}
	return err
}

// administers reports whether an account can be used to make others.
func administers(u user.User) bool { return u.Roles.Has(access.RoleUserAdmin) && !u.Disabled() }

// admins says whether there are administrators who can be used, and whether one has a password here.
type admins struct{ any, local bool }

func adminsOf(ctx context.Context, q *sqlgen.Queries, tenant string) (a admins, err error) {
	if a.any, err = q.HasLivingAdmin(ctx, tenant); err != nil {
		return a, err
	}
	a.local, err = q.HasLocalAdmin(ctx, tenant)
	return a, err
}

// tellWhenNobodyAdministers has it told when a provider's word, or an erasure that is done again, has changed the last administrator
// who could be used. It counts all the same: whoever is gone there is gone here.
func tellWhenNobodyAdministers(ctx context.Context, q *sqlgen.Queries, before, after user.User) error {
	if !administers(before) || administers(after) {
		return nil
	}
	left, err := q.HasLivingAdmin(ctx, before.Tenant)
	if err == nil && !left {
		toTellOfNobody(ctx)
	}
	return err
}
