// Package finding holds what somebody who guards an installation should look at: typed, with the evidence, so that it can be
// read by a person and handed to an alarm.
package finding

import (
	"crypto/rand"
	"strings"
	"time"
)

// Lifetime is how long a finding is kept.
const Lifetime = 180 * 24 * time.Hour

// Kind says what was noticed; it is stable and dotted.
type Kind string

// All kinds.
const (
	SignInLocked   Kind = "sign_in.locked"  // too many proofs of identity failed
	SignInSpray    Kind = "sign_in.spray"   // one network tries many accounts
	TicketGuessing Kind = "ticket.guessing" // a conference is shown many tickets that nobody issued
	NewBrowser     Kind = "browser.new"     // an account is used in a browser in which it was not before
	PasskeyCopied  Kind = "passkey.copied"  // a passkey has counted backwards: there may be two of it
)

// Severity says how soon somebody should look.
type Severity string

// The severities, from the lowest.
const (
	Notice  Severity = "notice"
	Warning Severity = "warning"
	Alarm   Severity = "alarm"
)

// Severity of a kind.
func (k Kind) Severity() Severity {
	switch k {
	case SignInSpray, PasskeyCopied:
		return Alarm
	case SignInLocked, TicketGuessing:
		return Warning
	default:
		return Notice
	}
}

// Finding is one thing that was noticed.
type Finding struct {
	ID       string
	Tenant   string
	At       time.Time // UTC, whole milliseconds
	Kind     Kind
	UserID   string        // the account it is about; empty where there is none, or an unknown one
	Topic    string        // what makes another finding of the kind the same one: a network, a conference, a session
	Quiet    time.Duration // another one of the same kind and topic is not kept so soon after; 0 keeps every one
	Evidence Evidence
}

// New makes a finding of a kind at a time.
func New(tenant string, at time.Time, kind Kind, userID, topic string, quiet time.Duration, e Evidence) Finding {
	return Finding{
		ID: strings.ToLower(rand.Text()), Tenant: tenant, At: at.UTC().Truncate(time.Millisecond), Kind: kind, UserID: userID,
		Topic: topic, Quiet: quiet, Evidence: e,
	}
}

// MaxEvidence is how many entries and sources of a finding are kept, the newest of them.
const MaxEvidence = 200

// Evidence is what a finding rests on. What does not apply is empty.
type Evidence struct {
	Entries    []string `json:"entries,omitempty"`    // ids of audit entries, the newest first, at most MaxEvidence
	Sources    []string `json:"sources,omitempty"`    // networks, or known browsers ("device:" and a hash), at most MaxEvidence
	Sessions   []string `json:"sessions,omitempty"`   // ids of sessions
	Failures   int      `json:"failures,omitempty"`   // how many proofs failed
	Accounts   int      `json:"accounts,omitempty"`   // how many accounts were tried
	Scope      string   `json:"scope,omitempty"`      // what is locked, as audit.LockScope says
	Until      string   `json:"until,omitempty"`      // when the lock ends by itself, RFC 3339 in UTC
	Conference string   `json:"conference,omitempty"` // which one
	Agent      string   `json:"agent,omitempty"`      // what the browser says it is, shortened
}
