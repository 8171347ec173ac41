// Package scim lets an identity management system keep people and groups here by itself: SCIM 2.0, RFC 7642 to 7644.
//
// Its pure part knows the schemas, filters, paths and changes of the protocol; [Service] is what follows for accounts. It knows
// no SQL and no HTTP.
package scim

import "konklave/fault"

// The faults of requests. Type gives each its name of RFC 7644, section 3.12.
var (
	ErrOff           = fault.New(fault.KindNotFound, "scim.off", "Provisioning is not set up here. An administrator sets scim.provider in the configuration.")
	ErrUnknown       = fault.New(fault.KindNotFound, "scim.unknown", "There is no such resource.")
	ErrSyntax        = fault.New(fault.KindInvalid, "scim.syntax", "The body of the request is not what the schemas say.")
	ErrFilter        = fault.New(fault.KindInvalid, "scim.filter", "The filter is not understood.")
	ErrPath          = fault.New(fault.KindInvalid, "scim.path", "The path of an attribute is not understood.")
	ErrNoTarget      = fault.New(fault.KindInvalid, "scim.no_target", "The path fits no value.")
	ErrValue         = fault.New(fault.KindInvalid, "scim.value", "A required value is missing, or a value does not fit its attribute.")
	ErrMember        = says(ErrValue, "A member is no user that is provisioned here.")
	ErrMutability    = fault.New(fault.KindInvalid, "scim.mutability", "An attribute cannot be changed.")
	ErrTooMany       = fault.New(fault.KindInvalid, "scim.too_many", "The request asks for more than is answered at once.")
	ErrTaken         = fault.New(fault.KindConflict, "scim.taken", "Another resource has this value, which must be unique.")
	ErrVersion       = fault.New(fault.KindConflict, "scim.version", "The resource has been changed in between. Please read it again.")
	ErrLastAdmin     = fault.New(fault.KindConflict, "scim.last_administrator", "This would leave nobody who can administer accounts.")
	ErrRolesConflict = fault.New(fault.KindConflict, "scim.roles_conflict", "The groups would give a person roles that nobody may hold together.")
)

// Type is the scimType of a fault (RFC 7644, table 9), empty where the standard has none.
func Type(code fault.Code) string {
	switch code {
	case ErrSyntax.Code:
		return "invalidSyntax"
	case ErrFilter.Code:
		return "invalidFilter"
	case ErrPath.Code:
		return "invalidPath"
	case ErrNoTarget.Code:
		return "noTarget"
	case ErrValue.Code:
		return "invalidValue"
	case ErrMutability.Code:
		return "mutability"
	case ErrTooMany.Code:
		return "tooMany"
	case ErrTaken.Code:
		return "uniqueness"
	}
	return ""
}

// says gives a fault words of its own.
func says(f *fault.Fault, format string, args ...any) *fault.Fault {
	return fault.Newf(f.Kind, f.Code, format, args...)
}
