package access

import (
	"slices"
	"strings"

	"konklave/fault"
)

// Role is what an actor is, in the organisation or in a conference.
type Role string

// The roles of accounts in the organisation.
const (
	RoleUser            Role = "user"             // holds meetings of his own
	RoleMeetingManager  Role = "meeting_manager"  // looks after the meetings of others
	RoleOperator        Role = "operator"         // runs the installation; sees nothing of what is said
	RoleUserAdmin       Role = "user_admin"       // makes accounts, disables them, assigns roles
	RoleSecurityOfficer Role = "security_officer" // looks after incidents; may disable accounts
	RoleAuditor         Role = "auditor"          // reads what was done; does nothing
)

// The roles in a conference.
const (
	RoleHost        Role = "host"
	RoleModerator   Role = "moderator"
	RoleParticipant Role = "participant"
)

// accountRoles are the roles that an account may hold, in the order in which they are kept.
var accountRoles = [...]Role{RoleUser, RoleMeetingManager, RoleOperator, RoleUserAdmin, RoleSecurityOfficer, RoleAuditor}

// AccountRoles returns the roles that an account may hold.
func AccountRoles() []Role { return slices.Clone(accountRoles[:]) }

// apart are the roles that nobody holds together: whoever could do something does not judge the record of it.
var apart = [...][2]Role{
	{RoleOperator, RoleAuditor},
	{RoleUserAdmin, RoleAuditor},
	{RoleSecurityOfficer, RoleAuditor},
	{RoleOperator, RoleSecurityOfficer},
}

// The faults of roles.
var (
	ErrRoleInvalid  = fault.New(fault.KindInvalid, "role.invalid", "An account has one or more of the roles user, meeting_manager, operator, user_admin, security_officer and auditor, each once.").At("/roles")
	ErrRoleConflict = fault.New(fault.KindConflict, "role.conflict", "One person may not hold these roles together: an auditor is neither operator, user administrator nor security officer, and a security officer is not the operator.").At("/roles")
)

// Roles are the roles of an account as they are kept: in the order of AccountRoles, with one space between them.
type Roles string

// What most accounts hold.
const (
	Ordinary      Roles = "user"
	Administrator Roles = "user meeting_manager operator user_admin" // who sets an installation up
)

// RolesOf returns the roles as they are kept. Faults: role.invalid when there is none, or one that an account cannot hold, or
// one twice; role.conflict when nobody may hold them together.
func RolesOf(roles ...Role) (Roles, error) {
	var kept []string
	for _, r := range accountRoles {
		if slices.Contains(roles, r) {
			kept = append(kept, string(r))
		}
	}
	if len(kept) == 0 || len(kept) != len(roles) {
		return "", ErrRoleInvalid
	}
	all := Roles(strings.Join(kept, " "))
	return all, all.Check()
}

// List returns each role.
func (rs Roles) List() []Role {
	list := []Role{}
	for word := range strings.FieldsSeq(string(rs)) {
		list = append(list, Role(word))
	}
	return list
}

// Has reports whether the role is one of them.
func (rs Roles) Has(r Role) bool { return slices.Contains(rs.List(), r) }

// Without reports whether a role of these is missing in the others.
func (rs Roles) Without(others Roles) bool {
	return slices.ContainsFunc(rs.List(), func(r Role) bool { return !others.Has(r) })
}

// Check fails with role.conflict when nobody may hold these roles together.
func (rs Roles) Check() error {
	for _, pair := range apart {
		if rs.Has(pair[0]) && rs.Has(pair[1]) {
			return ErrRoleConflict
		}
	}
	return nil
}
