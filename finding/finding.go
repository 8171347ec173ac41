// Package finding holds what somebody who guards an installation should look at: typed, with the evidence, so that it can be
// read by a person and handed to an alarm.
package finding

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// Lifetime is how long a finding is kept.
const Lifetime = 180 * 24 * time.Hour

// Kind says what was noticed; it is stable and dotted.
type Kind string

// All kinds.
const (
	SignInLocked     Kind = "sign_in.locked"      // too many proofs of identity failed
	SignInSpray      Kind = "sign_in.spray"       // one network tries many accounts
	TicketGuessing   Kind = "ticket.guessing"     // a conference is shown many tickets that nobody issued
	NewBrowser       Kind = "browser.new"         // an account is used in a browser in which it was not before
	PasskeyCopied    Kind = "passkey.copied"      // a passkey has counted backwards: there may be two of it
	NewCountry       Kind = "country.new"         // an account is used from a country from which it was not before
	ImpossibleTravel Kind = "travel.impossible"   // an account is used at two places between which nobody gets so fast
	SessionReused    Kind = "session.reused"      // the secret of a session is shown that was signed out or replaced: somebody has a copy
	BrowserReused    Kind = "browser.reused"      // what a browser was known by is shown, though that browser has another by now
	TokenReused      Kind = "api_token.reused"    // an API token is used that was revoked
	AccessReused     Kind = "access_token.reused" // an access token of a machine is used that ended with its machine or secret
	TrafficSpike     Kind = "traffic.spike"       // an account or a network asks far more than it usually does
	AdminBurst       Kind = "admin.burst"         // somebody, or a machine, disables many accounts, or gives many roles, within minutes
	AdminNetwork     Kind = "admin.network"       // an administrator signs in from a network that he or she never used
	AdminHour        Kind = "admin.hour"          // an administrator acts at an hour at which he or she never does
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{
		SignInLocked, SignInSpray, TicketGuessing, NewBrowser, PasskeyCopied, NewCountry, ImpossibleTravel,
		SessionReused, BrowserReused, TokenReused, AccessReused, TrafficSpike, AdminBurst, AdminNetwork, AdminHour,
	}
}

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
	case SignInSpray, PasskeyCopied, SessionReused, ImpossibleTravel, AdminBurst:
		return Alarm
	case SignInLocked, TicketGuessing, BrowserReused, TokenReused, AccessReused, TrafficSpike, AdminNetwork:
		return Warning
	default:
		return Notice
	}
}

// State says what becomes of a finding.
type State string

// The states.
const (
	Open   State = "open"   // nobody has looked yet
	Taken  State = "taken"  // somebody looks into it
	Closed State = "closed" // somebody has said what it was
)

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

	State     State
	Note      string    // what somebody wrote who has closed it
	HandledBy string    // the account that gave it its state; empty while it is open
	HandledAt time.Time // zero while it is open
}

// Version names what a finding is like now: it is another one after each change.
func (f Finding) Version() string {
	if f.HandledAt.IsZero() {
		return string(f.State)
	}
	return string(f.State) + "@" + strconv.FormatInt(f.HandledAt.UnixMilli(), 10)
}

// New makes a finding of a kind at a time.
func New(tenant string, at time.Time, kind Kind, userID, topic string, quiet time.Duration, e Evidence) Finding {
	return Finding{
		ID: strings.ToLower(rand.Text()), Tenant: tenant, At: at.UTC().Truncate(time.Millisecond), Kind: kind, UserID: userID,
		Topic: topic, Quiet: quiet, Evidence: e, State: Open,
	}
}

// From gives the finding the id that follows from its kind and what it was made of, so that whoever makes it of that again, or
// beside others, makes the same one.
func (f Finding) From(cause string) Finding {
	sum := sha256.Sum256([]byte(string(f.Kind) + "\x00" + f.Topic + "\x00" + cause))
	f.ID = strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
	return f
}

// MaxEvidence is how many entries and sources of a finding are kept, the newest of them.
const MaxEvidence = 200

// Evidence is what a finding rests on. What does not apply is empty.
type Evidence struct {
	Entries    []string `json:"entries,omitempty"`    // ids of audit entries, the newest first, at most MaxEvidence
	Sources    []string `json:"sources,omitempty"`    // networks, or known browsers ("device:" and a hash), at most MaxEvidence
	Sessions   []string `json:"sessions,omitempty"`   // ids of sessions
	Failures   int      `json:"failures,omitzero"`    // how many proofs failed
	Accounts   int      `json:"accounts,omitzero"`    // how many accounts were tried
	Scope      string   `json:"scope,omitempty"`      // what is locked, as audit.LockScope says
	Until      string   `json:"until,omitempty"`      // when the lock ends by itself, RFC 3339 in UTC
	Conference string   `json:"conference,omitempty"` // which one
	Agent      string   `json:"agent,omitempty"`      // what the browser says it is, shortened
	Token      string   `json:"token,omitempty"`      // id of an API token
	Machine    string   `json:"machine,omitempty"`    // id of a machine
	Countries  []string `json:"countries,omitempty"`  // ISO 3166 codes: where it was used now, and where before
	Kilometres int      `json:"kilometres,omitzero"`  // at least so far between the two
	Minutes    int      `json:"minutes,omitzero"`     // in so much time
	Acts       int      `json:"acts,omitzero"`        // how many acts
	Requests   int      `json:"requests,omitzero"`    // how many requests in one minute
	Usual      int      `json:"usual,omitzero"`       // how many there usually are
	Hour       string   `json:"hour,omitempty"`       // the hour of the day in UTC, as 14:00
}

// Message is what the line of the log says that tells of a new finding; it is stable.
const Message = "security finding"
