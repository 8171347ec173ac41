// Package access decides who may do what: a pure table from (actor, action, object) to allow, or deny with a reason.
//
// It knows no storage and no transport. Every mutating route and every conference command names an Action of this table;
// one that names none does not pass the build's check.
package access

import (
	"slices"

	"konklave/fault"
)

// ErrDenied is the fault of an actor who is known and may not.
var ErrDenied = fault.New(fault.KindDenied, "access.denied", "You may not do this. If you should, ask the person who organises the meeting or your administrator.")

// ErrSignInRequired is the fault of an actor who has no account session for something that needs one.
var ErrSignInRequired = fault.New(fault.KindUnauthenticated, "access.signin_required", "Please sign in first.")

// Decision is the answer of the table.
type Decision struct {
	Allowed bool
	Reason  string // why it was denied, for the log and the audit entry; empty when allowed

	signIn bool // an account could be allowed where this actor is not
}

// Err returns nil when allowed, else ErrSignInRequired or ErrDenied with the reason as hidden cause.
func (d Decision) Err() error {
	switch {
	case d.Allowed:
		return nil
	case d.signIn:
		return ErrSignInRequired.Because(reason(d.Reason))
	default:
		return ErrDenied.Because(reason(d.Reason))
	}
}

type reason string

func (r reason) Error() string { return string(r) }

// Decide looks the actor up in the table. What the table does not allow is denied.
func Decide(actor Actor, action Action, object Object) Decision {
	r, known := find(action)
	if !known {
		return Decision{Reason: "no such action: " + string(action)}
	}
	if object.Tenant != "" && object.Tenant != actor.Tenant {
		return Decision{Reason: string(action) + " on an object of another organisation"}
	}
	if actor.Kind == KindToken && r.manner&token == 0 {
		return Decision{Reason: string(action) + " is not for API tokens"}
	}
	if actor.Kind == KindMachine && !r.open(actor.Scopes) {
		return Decision{Reason: string(action) + " is outside the scopes of the machine"}
	}
	switch r.reach(actor) {
	case every:
		return Decision{Allowed: true}
	case own:
		if actor.owner() != "" && object.OwnerID == actor.owner() {
			return Decision{Allowed: true}
		}
		return Decision{Reason: string(action) + " only on own objects"}
	default:
		stranger := actor.Kind == KindAnonymous || actor.Kind == KindGuest && len(actor.Roles) == 0
		return Decision{
			Reason: string(action) + " is not for " + string(actor.Kind),
			signIn: stranger && r.accounts() > none,
		}
	}
}

// reach is the farthest that any column which fits the actor goes.
func (r *rule) reach(actor Actor) reach {
	far := none
	switch actor.Kind {
	case KindAnonymous:
		far = r.anonymous
	case KindWorker:
		far = r.worker
	case KindSystem:
		far = r.system
	case KindMachine:
		if r.open(actor.Scopes) {
			far = every
		}
	case KindGuest:
		far = max(r.guest, r.seat(actor))
	case KindAccount, KindToken:
		far = max(r.account, r.seat(actor))
		for _, role := range actor.Roles {
			far = max(far, r.of(role))
		}
	}
	return far
}

// open reports whether one of the scopes opens the action.
func (r *rule) open(scopes []Scope) bool {
	return slices.ContainsFunc(scopes, func(s Scope) bool { return slices.Contains(r.scopes, s) })
}

// seat is the reach of the actor's role in a conference.
func (r *rule) seat(actor Actor) reach {
	far := none
	for _, role := range [...]Role{RoleParticipant, RoleModerator, RoleHost} {
		if actor.Has(role) {
			far = max(far, r.of(role))
		}
	}
	return far
}

// accounts is the farthest that an account can go.
func (r *rule) accounts() reach {
	far := r.account
	for _, role := range accountRoles {
		far = max(far, r.of(role))
	}
	return far
}

// of is the reach of a role.
func (r *rule) of(role Role) reach {
	switch role {
	case RoleUser:
		return r.user
	case RoleMeetingManager:
		return r.manager
	case RoleOperator:
		return r.operator
	case RoleUserAdmin:
		return r.userAdmin
	case RoleSecurityOfficer:
		return r.security
	case RoleAuditor:
		return r.auditor
	case RoleHost:
		return r.host
	case RoleModerator:
		return r.moderator
	case RoleParticipant:
		return r.participant
	}
	return none
}
