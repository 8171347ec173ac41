package leaf

import (
	"encoding/base64"
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
// other, so that it is signed with the next checkpoint; and the signer has signed it by itself, with the key of the log: so nobody
// who may only write to the database can make one. The leaves of what was removed stay, and each of them must fit it.
type Certificate struct {
	Start, End int64          // the indexes of the leaves that it may concern: Start and what follows, without End
	Category   audit.Category // only leaves of this category; never CategoryLog
	Before     time.Time      // only leaves that are older; at least Floor before At
	Scope      Scope
	Policy     string    // by which rule, for example "retention.security=6 months"
	Reason     string    // why, in the words of whoever decided it
	At         time.Time // when the signer made it
	Log        string    // whose signer: the origin of the log
	Signature  string    // over Text, with the key of that log, as checkpoint.Statement writes it
}

// Limits of a certificate, in bytes.
const (
	PolicyMax    = 200
	ReasonMax    = 1000
	LogMax       = 200
	signatureLen = 92 // in base64: four bytes of key id and 64 of signature
)

// For how many days, at least, content stays whatever is configured. No certificate covers what is younger.
const (
	MinSecurityDays = 90 // less would help whoever wants traces to be gone
	MinDays         = 7  // of the other categories
)

// Floor is how long content of a category stays at least.
func Floor(c audit.Category) time.Duration {
	const day = 24 * time.Hour
	if c == audit.CategorySecurity {
		return MinSecurityDays * day
	}
	return MinDays * day
}

type certificateText struct {
	Before    int64          `json:"before"`
	Category  audit.Category `json:"category"`
	End       int64          `json:"end"`
	Log       string         `json:"log"`
	Policy    string         `json:"policy"`
	Reason    string         `json:"reason"`
	Scope     Scope          `json:"scope"`
	Signature string         `json:"signature,omitzero"`
	Start     int64          `json:"start"`
}

// NewCertificate returns the leaf and the body of a certificate that was signed. It fails with ErrMalformed when the certificate
// says something that no certificate may, or has no signature.
func NewCertificate(c Certificate) (Leaf, []byte, error) {
	if err := c.signed(); err != nil {
		return Leaf{}, nil, err
	}
	body, err := Body{Entry: audit.Record{At: c.At}, Certificate: &c}.Encode()
	if err != nil {
		return Leaf{}, nil, err
	}
	return New(c.At, audit.CategoryLog, body), body, nil
}

// Text is what the signer signs: a first line that no checkpoint has, and what the certificate says, in canonical JSON. It fails
// with ErrMalformed when the certificate says something that no certificate may.
func (c Certificate) Text() (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	said := c.text()
	said.Signature = ""
	text := canonical(struct {
		At          int64            `json:"at"`
		Certificate *certificateText `json:"certificate"`
	}{c.At.UnixMilli(), said})
	return certificateHead + string(text) + "\n", nil
}

// certificateHead begins what is signed.
const certificateHead = "konklave certificate/v1\n"

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
	case c.Log == "" || len(c.Log) > LogMax:
		return fmt.Errorf("%w: the log of a certificate", ErrMalformed)
	case !c.At.Equal(c.At.Truncate(time.Millisecond)) || !c.Before.Equal(c.Before.Truncate(time.Millisecond)):
		return fmt.Errorf("%w: the times of a certificate are not in whole milliseconds", ErrMalformed)
	case c.Before.After(c.At.Add(-Floor(c.Category))):
		return fmt.Errorf("%w: a certificate for what must stay longer", ErrMalformed)
	}
	return nil
}

func (c Certificate) signed() error {
	raw, err := base64.StdEncoding.Strict().DecodeString(c.Signature)
	if err != nil || len(c.Signature) != signatureLen || base64.StdEncoding.EncodeToString(raw) != c.Signature {
		return fmt.Errorf("%w: the signature of a certificate", ErrMalformed)
	}
	return c.check()
}

func (c Certificate) text() *certificateText {
	return &certificateText{c.Before.UnixMilli(), c.Category, c.End, c.Log, c.Policy, c.Reason, c.Scope, c.Signature, c.Start}
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

func (t certificateText) certificate(at time.Time) (Certificate, error) {
	c := Certificate{t.Start, t.End, t.Category, time.UnixMilli(t.Before).UTC(), t.Scope, t.Policy, t.Reason, at, t.Log, t.Signature}
	return c, c.signed()
}
