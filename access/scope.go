package access

import (
	"slices"
	"strings"

	"konklave/fault"
)

// Scope is something that a machine may do, in a word that a person understands.
type Scope string

// The scopes. What each opens is in the table.
const (
	MeetingsRead    Scope = "meetings.read"    // see every meeting
	MeetingsWrite   Scope = "meetings.write"   // change and delete every meeting
	ConferencesRead Scope = "conferences.read" // see which conferences run
	UsersRead       Scope = "users.read"       // see the accounts
	UsersProvision  Scope = "users.provision"  // keep accounts and groups as an identity management system has them
	FindingsRead    Scope = "findings.read"    // see what was noticed
	AuditReads      Scope = "audit.read"       // read the audit log
	AuditCosigns    Scope = "audit.cosign"     // follow the audit log as its witness, and cosign it
)

// standsFor is the role whose power comes with a scope, in the order in which scopes are kept; none comes with "".
var standsFor = [...]struct {
	scope Scope
	role  Role
}{
	{MeetingsRead, RoleMeetingManager},
	{MeetingsWrite, RoleMeetingManager},
	{ConferencesRead, RoleOperator},
	{UsersRead, RoleUserAdmin},
	{UsersProvision, RoleUserAdmin},
	{FindingsRead, RoleSecurityOfficer},
	{AuditReads, RoleAuditor},
	{AuditCosigns, ""}, // sizes and hashes tell nothing, and a cosignature is made with a key of its own
}

// The faults of scopes.
var (
	ErrScopeInvalid  = fault.New(fault.KindInvalid, "scope.invalid", "A machine has one or more of the known scopes, each once.").At("/scopes")
	ErrScopeConflict = fault.New(fault.KindConflict, "scope.conflict", "These scopes give what one person, or one machine, may not have together: who reads the audit log does nothing else that is in it, and who sees findings does not run the installation.").At("/scopes")
	ErrScopeBeyond   = fault.New(fault.KindDenied, "scope.beyond", "You would hold the secret of this machine, and with your roles you may not have what its scopes give. Somebody with access to the server can add it with `konklave machine add`.").At("/scopes")
)

// Scopes returns all scopes.
func Scopes() []Scope {
	all := make([]Scope, len(standsFor))
	for i, s := range standsFor {
		all[i] = s.scope
	}
	return all
}

// Opened returns the actions that a scope opens, in the order of the table.
func Opened(s Scope) []Action {
	var opened []Action
	for i := range table {
		if slices.Contains(table[i].scopes, s) {
			opened = append(opened, table[i].action)
		}
	}
	return opened
}

// Opening returns the scopes any of which opens an action.
func Opening(a Action) []Scope {
	r, known := find(a)
	if !known {
		return nil
	}
	return slices.Clone(r.scopes)
}

// ScopesOf returns the scopes of a machine as they are kept: in the order of Scopes. Faults: scope.invalid when there is none, or
// one that is not known, or one twice; scope.conflict when they give what nobody may have together.
func ScopesOf(scopes ...Scope) ([]Scope, error) {
	var kept []Scope
	for _, s := range standsFor {
		if slices.Contains(scopes, s.scope) {
			kept = append(kept, s.scope)
		}
	}
	if len(kept) == 0 || len(kept) != len(scopes) {
		return nil, ErrScopeInvalid
	}
	if rolesBehind(kept).Check() != nil {
		return nil, ErrScopeConflict
	}
	return kept, nil
}

// MayGive fails with scope.beyond when the actor may not have himself what the scopes give, because of a role that he has, or when
// they would let him give roles without anybody else.
// The system may give everything: whoever is there has the database.
func MayGive(giver Actor, scopes ...Scope) error {
	if giver.Kind == KindSystem {
		return nil
	}
	if slices.Contains(scopes, UsersProvision) {
		return ErrScopeBeyond // what it says of groups gives roles, and nobody else is asked then
	}
	words := make([]string, 0, len(giver.Roles)+1)
	for _, r := range giver.Roles {
		words = append(words, string(r))
	}
	words = append(words, string(rolesBehind(scopes)))
	if Roles(strings.Join(words, " ")).Check() != nil {
		return ErrScopeBeyond
	}
	return nil
}

// rolesBehind are the roles whose power the scopes give.
func rolesBehind(scopes []Scope) Roles {
	var words []string
	for _, s := range standsFor {
		if slices.Contains(scopes, s.scope) {
			words = append(words, string(s.role))
		}
	}
	return Roles(strings.Join(words, " "))
}

// in is the cell of the table for these scopes.
func in(scopes ...Scope) []Scope { return scopes }
