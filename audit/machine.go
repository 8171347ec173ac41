package audit

import (
	"time"

	"konklave/access"
)

type machineDetails struct {
	ExpiresAt string         `json:"expiresAt,omitempty"` // absent when it does not expire
	Networks  []string       `json:"networks"`            // from which alone it may come; empty for everywhere
	Scopes    []access.Scope `json:"scopes"`
}

// MachineAdded says that a machine with these scopes was added, which expires at a time unless that is zero.
func MachineAdded(o Origin, machineID string, scopes []access.Scope, networks []string, expiresAt time.Time) Entry {
	d := machineDetails{Networks: networks, Scopes: scopes}
	if !expiresAt.IsZero() {
		d.ExpiresAt = instant(expiresAt)
	}
	return newEntry(o, KindMachineAdded, OutcomeSuccess, "machine", machineID, d)
}

type rotationDetails struct {
	Until string `json:"until"`
}

// MachineRotated says that a machine has a new secret, and until when the one before it is good as well.
func MachineRotated(o Origin, machineID string, until time.Time) Entry {
	return newEntry(o, KindMachineRotated, OutcomeSuccess, "machine", machineID, rotationDetails{Until: instant(until)})
}

type tokensEndedDetails struct {
	TokensEnded int `json:"tokensEnded"`
}

// MachineRemoved says that a machine was removed, and how many access tokens ended with it.
func MachineRemoved(o Origin, machineID string, tokensEnded int) Entry {
	return newEntry(o, KindMachineRemoved, OutcomeSuccess, "machine", machineID, tokensEndedDetails{TokensEnded: tokensEnded})
}

type issueDetails struct {
	ExpiresAt string         `json:"expiresAt"`
	Scopes    []access.Scope `json:"scopes"`
	Source    string         `json:"source"`
}

// AccessTokenIssued says that a machine, which is the actor, was given an access token; source is its shortened network address.
func AccessTokenIssued(o Origin, tokenID string, scopes []access.Scope, source string, expiresAt time.Time) Entry {
	d := issueDetails{ExpiresAt: instant(expiresAt), Scopes: scopes, Source: source}
	return newEntry(o, KindAccessTokenIssued, OutcomeSuccess, "access_token", tokenID, d)
}

// The reasons why a machine is refused an access token, beside FailureUnknown.
const (
	FailureSecret  FailureReason = "wrong_secret"
	FailureExpired FailureReason = "expired"
	FailureNetwork FailureReason = "network"
	FailureScope   FailureReason = "scope"
)

// AccessTokenRefused says that an access token was asked for and not given. machineID is empty when there is no such machine.
func AccessTokenRefused(o Origin, machineID string, reason FailureReason, source string) Entry {
	return newEntry(o, KindAccessTokenRefused, OutcomeFailure, "machine", machineID, failureDetails{Reason: reason, Source: source})
}

// NetworkDenied says that the actor came from a network that its roles, or its machine, are not open to. signIn is the session or
// token that was shown, or empty; the next denials from there leave no entry for a while.
func NetworkDenied(o Origin, signIn, source string) Entry {
	return newEntry(o, KindNetworkDenied, OutcomeFailure, "sign_in", signIn, sourceDetails{Source: source})
}
