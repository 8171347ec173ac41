package leaf

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/audit"
)

// Scope is how much a certificate lets go.
type Scope string

// The scopes.
const (
	ScopePersonal Scope = "personal" // the sealed personal parts
	ScopeEntry    Scope = "entry"    // the body and the sealed personal parts
)

// Certificate says that content was removed from the log because its retention was over. It is a leaf of CategoryLog like any
// other, so that it is signed with the next checkpoint. The leaves of what was removed stay, and each of them must fit it.
type Certificate struct {
	Start, End int64          // the indexes of the leaves that it may concern: Start and what follows, without End
	Category   audit.Category // only leaves of this category; never CategoryLog
	Before     time.Time      // only leaves that are older
	Scope      Scope
	Policy     string // by which rule, for example "retention.security=6 months"
	Reason     string // why, in the words of whoever decided it
}

// Limits of a certificate, in bytes.
const (
	PolicyMax = 200
	ReasonMax = 1000
)

type certificateText struct {
	Before   int64          `json:"before"`
	Category audit.Category `json:"category"`
	End      int64          `json:"end"`
	Policy   string         `json:"policy"`
	Reason   string         `json:"reason"`
	Scope    Scope          `json:"scope"`
	Start    int64          `json:"start"`
}

// NewCertificate returns the leaf and the body of a certificate that is made at this time. It fails with ErrMalformed when
// the certificate says something that no certificate may.
func NewCertificate(at time.Time, c Certificate) (Leaf, []byte, error) {
	c.Before = c.Before.UTC().Truncate(time.Millisecond)
	if err := c.check(); err != nil {
		return Leaf{}, nil, err
	}
	body, err := Body{Entry: audit.Record{At: at}, Certificate: &c}.Encode()
	if err != nil {
		return Leaf{}, nil, err
	}
	return New(at, audit.CategoryLog, body), body, nil
}

// Covers reports whether the content of a leaf may be missing: its body too when scope is ScopeEntry, else its personal parts.
func (c Certificate) Covers(index int64, l Leaf, scope Scope) bool {
	return index >= c.Start && index < c.End && l.Category == c.Category && l.Category != audit.CategoryLog && l.At.Before(c.Before) &&
		(c.Scope == ScopeEntry || scope == ScopePersonal)
}

func (c Certificate) check() error {
	switch {
	case c.Start < 0 || c.End <= c.Start:
		return fmt.Errorf("%w: the range of a certificate is empty", ErrMalformed)
	case c.Category == "" || c.Category == audit.CategoryLog:
		return fmt.Errorf("%w: a certificate for category %q", ErrMalformed, c.Category)
	case c.Scope != ScopePersonal && c.Scope != ScopeEntry:
		return fmt.Errorf("%w: a certificate with scope %q", ErrMalformed, c.Scope)
	case c.Policy == "" || len(c.Policy) > PolicyMax || c.Reason == "" || len(c.Reason) > ReasonMax:
		return fmt.Errorf("%w: policy or reason of a certificate", ErrMalformed)
	}
	return nil
}

func (c Certificate) text() *certificateText {
	return &certificateText{c.Before.UnixMilli(), c.Category, c.End, c.Policy, c.Reason, c.Scope, c.Start}
}

type certificateDetails struct {
	Before   string         `json:"before"`
	Category audit.Category `json:"category"`
	End      int64          `json:"end"`
	Policy   string         `json:"policy"`
	Reason   string         `json:"reason"`
	Scope    Scope          `json:"scope"`
	Start    int64          `json:"start"`
}

// Details returns the certificate as the details of an entry.
func (c Certificate) Details() string {
	const milliseconds = "2006-01-02T15:04:05.000Z07:00"
	text, err := json.Marshal(certificateDetails{c.Before.Format(milliseconds), c.Category, c.End, c.Policy, c.Reason, c.Scope, c.Start})
	if err != nil {
		panic("leaf: " + err.Error()) // what was decoded encodes
	}
	return string(text)
}

func (t certificateText) certificate() (Certificate, error) {
	c := Certificate{t.Start, t.End, t.Category, time.UnixMilli(t.Before).UTC(), t.Scope, t.Policy, t.Reason}
	return c, c.check()
}
