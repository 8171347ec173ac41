package access

import "konklave/fault"

// ErrApprovalRequired is the fault of what needs a second person, and has none yet.
var ErrApprovalRequired = fault.New(fault.KindDenied, "access.approval_required", "A second person must agree to this first. Please ask for an approval.")

// seconds names what needs a second person, and what that person must be allowed to do.
var seconds = [...]struct{ act, approve Action }{
	{RoleAssign, RoleApprove}, // when it gives a guarded role
	{AuditExport, ExportApprove},
	{RetentionShorten, RetentionApprove},
}

// ApprovedBy is what a second person must be allowed to do to agree to this; empty when none is needed.
func (a Action) ApprovedBy() Action {
	for _, s := range seconds {
		if s.act == a {
			return s.approve
		}
	}
	return ""
}

// guarded are the roles that nobody gives alone.
var guarded = [...]Role{RoleOperator, RoleUserAdmin, RoleSecurityOfficer, RoleAuditor}

// Guarded reports whether these roles have one that nobody gives alone and that those before had not.
func (rs Roles) Guarded(before Roles) bool {
	for _, r := range guarded {
		if rs.Has(r) && !before.Has(r) {
			return true
		}
	}
	return false
}
