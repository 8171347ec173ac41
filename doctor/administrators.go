package doctor

import (
	"context"
	"slices"

	"konklave/access"
	"konklave/config"
	"konklave/store"
	"konklave/user"
)

// administrators looks whether somebody is left who can administer accounts.
func administrators(ctx context.Context, c config.Config) []Finding {
	const seeDatabase = "See the finding for the database."
	db, err := store.Open(ctx, c.DSN(), store.Options{AsIs: true})
	if err != nil {
		return []Finding{unknown(seeDatabase, "Whether somebody administers accounts cannot be told: the database cannot be opened.")}
	}
	defer db.Close()
	needed, err := db.SetupNeeded(ctx, access.DefaultTenant)
	if err != nil {
		return []Finding{unknown(seeDatabase, "Whether somebody administers accounts cannot be told (%v).", cause(err))}
	}
	staff, err := db.Staff(ctx, access.DefaultTenant)
	if err != nil {
		return []Finding{unknown(seeDatabase, "Whether somebody administers accounts cannot be told (%v).", cause(err))}
	}
	return []Finding{judgeAdministrators(needed, staff)}
}

// judgeAdministrators says what follows from who is there; staff are accounts that can be used.
func judgeAdministrators(setupNeeded bool, staff []user.User) Finding {
	some := slices.ContainsFunc(staff, func(u user.User) bool { return u.Roles.Has(access.RoleUserAdmin) })
	switch {
	case some:
		return good("There is a user administrator.")
	case setupNeeded:
		return advice("Open the set-up link that the server prints when it starts.", "The first administrator has not been made yet.")
	}
	return failed("On this machine: `konklave user roles --email … --role user,user_admin`, or `konklave user add` for a new account.",
		"Nobody is left who can administer accounts: the last user administrator was disabled, or lost the role by what an identity provider says.")
}
