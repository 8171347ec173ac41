package app

import (
	"net/netip"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/config"
	"konklave/store"
)

// roleNetworks is from where those who hold a role may come.
func roleNetworks(c config.Networks, db *store.Store, now func() time.Time) *auth.Networks {
	return auth.NewNetworks(map[access.Role][]netip.Prefix{
		access.RoleUser: c.User, access.RoleMeetingManager: c.MeetingManager, access.RoleOperator: c.Operator,
		access.RoleUserAdmin: c.UserAdmin, access.RoleSecurityOfficer: c.SecurityOfficer, access.RoleAuditor: c.Auditor,
	}, db, now)
}
