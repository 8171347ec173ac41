package privacy

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/auth"
)

// OwnData is what the database holds about a person and may be given to that person, but for the audit log and what was said in
// conferences: no secrets, and nothing about others. Of each list the newest MaxRows are there.
type OwnData struct {
	Profile     OwnProfile
	Sessions    []OwnSession
	Browsers    []OwnBrowser
	Tokens      []OwnToken
	Factors     []OwnFactor
	Codes       int64 // recovery codes that are left
	Links       []auth.Link
	Provisioned *OwnProvisioning // nil when no identity management system keeps the account
	Groups      []string         // names of those that it says the account is in
	Meetings    []OwnMeeting
	Tickets     []OwnTicket
	Admissions  []OwnAdmission
	Findings    []OwnFinding
	Habits      []OwnHabit
	Approvals   []OwnApproval
	Retired     []OwnRetired
	Cut         bool // a list was longer
}

// part is one member of an export.
type part struct {
	name  string
	value any
}

// The parts that are written entry by entry.
const (
	partConferences = "conferences"
	partLog         = "log"
)

// parts lists what of an export is at hand at once.
func (d OwnData) parts(links []OwnLink) []part {
	return []part{
		{"profile", d.Profile}, {"sessions", d.Sessions}, {"browsers", d.Browsers}, {"tokens", d.Tokens}, {"factors", d.Factors},
		{"recoveryCodes", d.Codes}, {"identities", links}, {"provisioned", d.Provisioned}, {"groups", d.Groups}, {"meetings", d.Meetings},
		{"tickets", d.Tickets}, {"admissions", d.Admissions}, {"findings", d.Findings}, {"habits", d.Habits}, {"approvals", d.Approvals},
		{"retired", d.Retired},
	}
}

// Parts returns the names of the parts of an export, each of which is named by one table at least.
func Parts() []string {
	var names []string
	for _, p := range (OwnData{}).parts(nil) {
		names = append(names, p.name)
	}
	return append(names, partLog, partConferences)
}

// OwnProfile is the account.
type OwnProfile struct {
	ID         string        `json:"id"`
	Email      string        `json:"email"`
	Name       string        `json:"name"`
	Language   string        `json:"language"`
	Roles      []access.Role `json:"roles"`
	Password   bool          `json:"password"` // whether there is one
	CreatedAt  time.Time     `json:"createdAt"`
	DisabledAt time.Time     `json:"disabledAt,omitzero"`
}

// OwnSession is one browser in which the person is signed in.
type OwnSession struct {
	ID        string             `json:"id"`
	CreatedAt time.Time          `json:"createdAt"`
	SeenAt    time.Time          `json:"seenAt"`
	ExpiresAt time.Time          `json:"expiresAt"`
	ProvedAt  time.Time          `json:"provedAt,omitzero"` // when the person proved once more who it is
	UserAgent string             `json:"userAgent"`
	Source    string             `json:"source"`
	From      OwnProviderSession `json:"from,omitzero"`
}

// OwnProviderSession is the session of an identity provider that a session came from.
type OwnProviderSession struct {
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
	Session  string `json:"session,omitempty"`
}

// OwnBrowser is one in which the person has signed in.
type OwnBrowser struct {
	KnownUntil time.Time `json:"knownUntil"`
}

// OwnToken is an API token, without its secret.
type OwnToken struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	UsedAt    time.Time `json:"usedAt,omitzero"`
}

// OwnFactor is a second factor, without its secret.
type OwnFactor struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
	UsedAt    time.Time `json:"usedAt,omitzero"`
}

// OwnLink says what an identity provider calls the account, and what it said the last time.
type OwnLink struct {
	Provider string    `json:"provider"`
	Subject  string    `json:"subject"`
	LinkedAt time.Time `json:"linkedAt"`
	AskAt    time.Time `json:"askAt,omitzero"`
	GoneAt   time.Time `json:"goneAt,omitzero"`
	Said     *OwnSaid  `json:"said"` // null when it cannot be opened
}

// OwnSaid is what an identity provider said, without what this server signs out or asks again with.
type OwnSaid struct {
	Name       string              `json:"name,omitempty"`
	Email      string              `json:"email,omitempty"`
	Verified   bool                `json:"emailVerified"`
	Groups     []string            `json:"groups,omitempty"`
	Attributes map[string][]string `json:"attributes,omitempty"`
	Methods    []string            `json:"methods,omitempty"`
	Context    string              `json:"context,omitempty"`
	SignedInAt time.Time           `json:"signedInAt,omitzero"`
}

// OwnProvisioning is what an identity management system said.
type OwnProvisioning struct {
	ExternalID string         `json:"externalId"`
	UserName   string         `json:"userName,omitempty"`
	Active     bool           `json:"active"`
	Said       jsontext.Value `json:"said,omitempty"`
	CreatedAt  time.Time      `json:"createdAt"`
	ChangedAt  time.Time      `json:"changedAt"`
	BarredAt   time.Time      `json:"barredAt,omitzero"`
	RemovedAt  time.Time      `json:"removedAt,omitzero"`
}

// OwnMeeting is a meeting of the person.
type OwnMeeting struct {
	ID            string    `json:"id"`
	Title         string    `json:"title"`
	Link          string    `json:"link"`
	GuestsAllowed bool      `json:"guestsAllowed"`
	CreatedAt     time.Time `json:"createdAt"`
	ChangedAt     time.Time `json:"changedAt"`
	DeletedAt     time.Time `json:"deletedAt,omitzero"`
}

// OwnTicket let the person into a conference.
type OwnTicket struct {
	Conference string    `json:"conference"`
	Meeting    string    `json:"meeting"`
	Name       string    `json:"name"`
	Role       string    `json:"role"`
	ExpiresAt  time.Time `json:"expiresAt"`
	UsedAt     time.Time `json:"usedAt,omitzero"`
}

// OwnAdmission says in which conference the person is, by which session or token.
type OwnAdmission struct {
	Conference string `json:"conference"`
	SignIn     string `json:"signIn"`
}

// OwnFinding is something that was noticed.
type OwnFinding struct {
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
}

// OwnHabit is something usual, as finding.Habit.
type OwnHabit struct {
	Aspect  string    `json:"aspect"`
	Value   string    `json:"value"`
	Mark    string    `json:"mark,omitempty"`
	Times   int64     `json:"times"`
	FirstAt time.Time `json:"firstAt"`
	LastAt  time.Time `json:"lastAt"`
}

// OwnApproval is a request for a second person in which the person has a part. What another one wrote, and what was to be done to
// another's account, is missing.
type OwnApproval struct {
	ID          string         `json:"id"`
	Action      string         `json:"action"`
	State       string         `json:"state"`
	Asked       bool           `json:"asked"`   // the person asked for it
	About       bool           `json:"about"`   // it was to be done to the person's account
	Decided     bool           `json:"decided"` // the person decided
	Parameters  jsontext.Value `json:"parameters,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Note        string         `json:"note,omitempty"`
	RequestedAt time.Time      `json:"requestedAt"`
	DecidedAt   time.Time      `json:"decidedAt,omitzero"`
	UsedAt      time.Time      `json:"usedAt,omitzero"`
}

// OwnRetired is a session, token or mark of a browser that is over and must not be shown again.
type OwnRetired struct {
	Kind   string    `json:"kind"`
	SignIn string    `json:"signIn,omitempty"`
	At     time.Time `json:"at"`
}

// OwnEvent is what the person did in a conference.
type OwnEvent struct {
	Conference string    `json:"conference"`
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"`
	Name       string    `json:"name,omitempty"` // under which the person came
	Text       string    `json:"text,omitempty"` // that the person wrote
}

// OwnLogEntry is an entry of the audit log with what it tells about the person; what it tells about others is missing.
type OwnLogEntry struct {
	Number  int64          `json:"number"`
	At      time.Time      `json:"at"`
	Kind    string         `json:"kind"`
	Outcome string         `json:"outcome"`
	Mine    bool           `json:"mine"` // whether the person did it
	Object  string         `json:"object"`
	ID      string         `json:"objectId,omitempty"`
	Details jsontext.Value `json:"details"`
}
