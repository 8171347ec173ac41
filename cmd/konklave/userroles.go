package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/user"
)

// UserRolesCmd gives an account roles in place of those it has. Whoever has the machine needs no second person for it.
type UserRolesCmd struct {
	keyPlace
	Email string   `required:"" help:"E-mail address of the account." placeholder:"ADDRESS"`
	Role  []string `required:"" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor,admin" help:"What the account may do from now on: user, meeting_manager, operator, user_admin, security_officer, auditor, several with commas; admin is short for the first four."`
}

// Run assigns the roles and says what was done.
func (cmd *UserRolesCmd) Run(ctx context.Context, std streams) (err error) {
	db, _, err := cmd.unlock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	email, err := user.CleanEmail(cmd.Email)
	if err != nil {
		return readable(err)
	}
	owner, err := db.Credential(ctx, access.DefaultTenant, email)
	if err != nil {
		return readable(err)
	}
	u, err := user.NewService(db, auth.NewPasswords(1), time.Now).Assign(ctx, operator(), owner.User.ID, rolesOf(cmd.Role)...)
	if err != nil {
		return readable(err)
	}
	fmt.Fprintf(std.out, "%s has the roles %s.\n", u.Email, commas(u.Roles))
	if u.Roles.Guarded(owner.User.Roles) {
		fmt.Fprintln(std.out, withoutSecond)
	}
	return nil
}

// withoutSecond is said where in the browser a second person would have had to agree.
const withoutSecond = "No second person was asked; the audit log says that this was done on the command line."
