package audit

import (
	"time"

	"konklave/access"
)

type rolesDetails struct {
	Roles []access.Role `json:"roles"`
}

// SetupCompleted says that the first administrator was created with the set-up link.
func SetupCompleted(o Origin, userID string) Entry {
	return newEntry(o, KindSetupCompleted, OutcomeSuccess, "user", userID, rolesDetails{Roles: access.Administrator.List()})
}

// RecoveryKeyMade says that a recovery key was made, by its public half; it takes the place of an earlier one.
func RecoveryKeyMade(o Origin, recipient string) Entry {
	return newEntry(o, KindRecoveryKeyMade, OutcomeSuccess, "recovery_key", recipient, nothing{})
}

// UserCreated says that an account was created with these roles.
func UserCreated(o Origin, userID string, roles access.Roles) Entry {
	return newEntry(o, KindUserCreated, OutcomeSuccess, "user", userID, rolesDetails{Roles: roles.List()})
}

type assignmentDetails struct {
	Because       []string      `json:"because,omitempty"`
	Provider      string        `json:"provider,omitzero"`
	Before        []access.Role `json:"before"`
	After         []access.Role `json:"after"`
	SessionsEnded int           `json:"sessionsEnded"`
}

// RolesAssigned says which roles an account had and has, and how many sessions that ended.
func RolesAssigned(o Origin, userID string, before, after access.Roles, sessionsEnded int) Entry {
	d := assignmentDetails{Before: before.List(), After: after.List(), SessionsEnded: sessionsEnded}
	return newEntry(o, KindRolesAssigned, OutcomeSuccess, "user", userID, d)
}

// RolesGiven is RolesAssigned where not a person but the rules for an identity provider gave the roles; because is where those
// rules are written.
func RolesGiven(o Origin, userID string, before, after access.Roles, sessionsEnded int, provider string, because []string) Entry {
	d := assignmentDetails{Before: before.List(), After: after.List(), SessionsEnded: sessionsEnded, Provider: provider, Because: because}
	return newEntry(o, KindRolesAssigned, OutcomeSuccess, "user", userID, d)
}

// UserDisabled says that an account may not be used any more, and how many sessions that ended.
func UserDisabled(o Origin, userID string, sessionsEnded int) Entry {
	return newEntry(o, KindUserDisabled, OutcomeSuccess, "user", userID, sessionsEndedDetails{SessionsEnded: sessionsEnded})
}

// UserEnabled says that an account may be used again.
func UserEnabled(o Origin, userID string) Entry {
	return newEntry(o, KindUserEnabled, OutcomeSuccess, "user", userID, nothing{})
}

// UserErased says that a person was erased, under a pseudonym alone, and how many sessions that ended.
func UserErased(o Origin, pseudonym string, sessionsEnded int) Entry {
	return newEntry(o, KindUserErased, OutcomeSuccess, "user", pseudonym, sessionsEndedDetails{SessionsEnded: sessionsEnded})
}

type fieldsDetails struct {
	Fields []string `json:"fields"`
}

// ProfileChanged says which fields of an account were changed, not to what.
func ProfileChanged(o Origin, userID string, fields []string) Entry {
	return newEntry(o, KindProfileChanged, OutcomeSuccess, "user", userID, fieldsDetails{Fields: fields})
}

type sessionsEndedDetails struct {
	SessionsEnded int `json:"sessionsEnded"`
}

// PasswordChanged says that an account has a new password, and how many other sessions that ended.
func PasswordChanged(o Origin, userID string, sessionsEnded int) Entry {
	return newEntry(o, KindPasswordChanged, OutcomeSuccess, "user", userID, sessionsEndedDetails{SessionsEnded: sessionsEnded})
}

type sourceDetails struct {
	Source string `json:"source"`
}

// SessionStarted says that somebody signed in from source, a shortened network address.
func SessionStarted(o Origin, sessionID, source string) Entry {
	return newEntry(o, KindSessionStarted, OutcomeSuccess, "session", sessionID, sourceDetails{Source: source})
}

// FailureReason says why a proof of identity was not accepted. The person who tried is not told.
type FailureReason string

// The reasons.
const (
	FailureUnknown  FailureReason = "unknown_account"
	FailurePassword FailureReason = "wrong_password"
	FailureDisabled FailureReason = "disabled_account"
	FailureRoles    FailureReason = "roles_conflict"
	FailureFactor   FailureReason = "wrong_factor"
)

type failureDetails struct {
	Reason FailureReason `json:"reason"`
	Source string        `json:"source"`
}

// SessionFailed says that a sign-in, or a password asked for again, failed. userID is empty for an unknown account.
func SessionFailed(o Origin, userID string, reason FailureReason, source string) Entry {
	return newEntry(o, KindSessionFailed, OutcomeFailure, "user", userID, failureDetails{Reason: reason, Source: source})
}

type providerDetails struct {
	Provider string `json:"provider"`
}

// IdentityLinked says that an account was made for somebody for whom the identity provider vouches.
func IdentityLinked(o Origin, userID, provider string) Entry {
	return newEntry(o, KindIdentityLinked, OutcomeSuccess, "user", userID, providerDetails{Provider: provider})
}

// IdentityReturned says that an account may be used again, because the identity provider vouches for the person anew.
func IdentityReturned(o Origin, userID, provider string) Entry {
	return newEntry(o, KindIdentityReturned, OutcomeSuccess, "user", userID, providerDetails{Provider: provider})
}

type barredDetails struct {
	Because       []string `json:"because,omitempty"`
	Provider      string   `json:"provider"`
	Reason        string   `json:"reason"`
	SessionsEnded int      `json:"sessionsEnded"`
}

// IdentityBarred says that the sessions of an account ended because its identity provider does not vouch for the person any
// more. The reason is one of a closed list; because is where the rules are written that are the reason, if they are.
func IdentityBarred(o Origin, userID, provider, reason string, sessionsEnded int, because []string) Entry {
	d := barredDetails{Provider: provider, Reason: reason, SessionsEnded: sessionsEnded, Because: because}
	return newEntry(o, KindIdentityBarred, OutcomeSuccess, "user", userID, d)
}

type refusedDetails struct {
	Because  []string `json:"because,omitempty"`
	Provider string   `json:"provider"`
	Reason   string   `json:"reason"`
	Source   string   `json:"source"`
}

// ProviderRefused says that a sign-in at an identity provider was not accepted. The reason is one of a closed list; because is
// where the rules are written that are the reason, if they are.
func ProviderRefused(o Origin, provider, reason, source string, because []string) Entry {
	d := refusedDetails{Provider: provider, Reason: reason, Source: source, Because: because}
	return newEntry(o, KindProviderRefused, OutcomeFailure, "provider", provider, d)
}

// LockScope says what a lock covers.
type LockScope string

// The scopes, from the first to be reached to the last.
const (
	LockAccountSource LockScope = "account_source" // this account from this source
	LockAccount       LockScope = "account"        // this account from everywhere but its known devices
	LockSource        LockScope = "source"         // every account from this source
)

type lockDetails struct {
	Scope  LockScope `json:"scope"`
	Source string    `json:"source"`
	Until  string    `json:"until"`
}

// SessionLocked says that too many sign-ins failed and that none is tried again before until. userID is empty for an
// unknown account.
func SessionLocked(o Origin, userID string, scope LockScope, source string, until time.Time) Entry {
	d := lockDetails{Scope: scope, Source: source, Until: instant(until)}
	return newEntry(o, KindSessionLocked, OutcomeFailure, "user", userID, d)
}

type reasonDetails struct {
	Reason string `json:"reason"`
}

// SessionEndReason says why a session was ended before its time.
type SessionEndReason string

// The reasons. Sessions that expire leave no entry.
const (
	SessionSignedOut  SessionEndReason = "signed_out"
	SessionRevoked    SessionEndReason = "revoked"
	SessionElsewhere  SessionEndReason = "signed_out_elsewhere" // at the identity provider
	SessionSuperseded SessionEndReason = "superseded"           // by a newer one: of more than an account may have, or in the same browser
)

// SessionEnded says that a session was ended before it expired.
func SessionEnded(o Origin, sessionID string, reason SessionEndReason) Entry {
	return newEntry(o, KindSessionEnded, OutcomeSuccess, "session", sessionID, reasonDetails{Reason: string(reason)})
}

// SignedOut reports whether the entry says that somebody signed out.
func (e Entry) SignedOut() bool {
	return e.record.Kind == KindSessionEnded && e.record.Details == `{"reason":"`+string(SessionSignedOut)+`"}`
}

type expiryDetails struct {
	ExpiresAt string `json:"expiresAt"`
}

// TokenCreated says that an API token was created that is valid until expiresAt.
func TokenCreated(o Origin, tokenID string, expiresAt time.Time) Entry {
	return newEntry(o, KindTokenCreated, OutcomeSuccess, "token", tokenID, expiryDetails{ExpiresAt: instant(expiresAt)})
}

// TokenRevoked says that an API token was revoked.
func TokenRevoked(o Origin, tokenID string) Entry {
	return newEntry(o, KindTokenRevoked, OutcomeSuccess, "token", tokenID, nothing{})
}
