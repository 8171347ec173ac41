package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"konklave/finding"
)

// When a secret that is good for nothing any more is seen again.
const (
	// ReuseGrace is how long after its end a secret may still be under way: in another tab, in a program that was just told.
	ReuseGrace = 60 * time.Second
	// RetiredMemory is how long a retired secret is recognised.
	RetiredMemory = 30 * 24 * time.Hour
	// ReuseQuiet is between two findings about one secret.
	ReuseQuiet = 24 * time.Hour
)

// RetiredKind says what a secret was good for.
type RetiredKind string

// The kinds of retired secrets.
const (
	RetiredSession RetiredKind = "session" // signed out, or replaced by the next sign-in in the same browser
	RetiredToken   RetiredKind = "token"   // revoked
	RetiredDevice  RetiredKind = "device"  // of a browser that got another one
	RetiredAccess  RetiredKind = "access"  // of a machine that was removed, or whose secret was
)

// Retired is a secret that is good for nothing any more.
type Retired struct {
	Kind      RetiredKind
	Tenant    string
	UserID    string
	SignIn    string // the session or API token that it proved, or the machine
	Entry     string // id of the audit entry about its end
	RetiredAt time.Time
}

// ReuseStore recognises retired secrets.
type ReuseStore interface {
	// Retired returns what is known of a secret; false when nothing is.
	Retired(ctx context.Context, secret Hash) (Retired, bool, error)
	// KeepFinding stores a finding, unless one of the same kind and topic is too new.
	KeepFinding(ctx context.Context, f finding.Finding) error
}

// Reuse finds secrets that are shown again though they are good for nothing any more. It is asked only about what was refused.
type Reuse struct {
	store ReuseStore
	now   func() time.Time
}

// NewReuse returns a Reuse that takes the time from now.
func NewReuse(store ReuseStore, now func() time.Time) *Reuse { return &Reuse{store, now} }

// Refused looks at why somebody was refused: when it is because of a session, an API token or an access token that is not valid, it looks whether that
// one was retired, and keeps a finding. It returns the refusal, joined with what went wrong.
func (r *Reuse) Refused(ctx context.Context, refusal error, secret, address, agent string) error {
	if !errors.Is(refusal, ErrSessionInvalid) && !errors.Is(refusal, ErrTokenInvalid) {
		return refusal
	}
	hash, ok := hashSecret(strings.TrimPrefix(strings.TrimPrefix(secret, TokenPrefix), AccessTokenPrefix))
	if !ok {
		return refusal
	}
	was, retired, err := r.store.Retired(ctx, hash)
	if err != nil {
		return err
	}
	now := wholeMillis(r.now())
	if !retired || now.Sub(was.RetiredAt) < ReuseGrace {
		return refusal
	}
	if err := r.store.KeepFinding(ctx, Reused(was, now, shortSource(address), shortUserAgent(agent))); err != nil {
		return err
	}
	return refusal
}

// Reused is the finding of a retired secret that was shown from a network, in what calls itself agent.
func Reused(was Retired, now time.Time, source, agent string) finding.Finding {
	evidence := finding.Evidence{Sources: []string{source}, Agent: agent}
	if was.Entry != "" {
		evidence.Entries = []string{was.Entry}
	}
	kind, topic := finding.SessionReused, was.SignIn
	switch was.Kind {
	case RetiredSession:
		evidence.Sessions = []string{was.SignIn}
	case RetiredToken:
		kind, evidence.Token = finding.TokenReused, was.SignIn
	case RetiredAccess:
		kind, evidence.Machine = finding.AccessReused, was.SignIn
	case RetiredDevice:
		kind, topic = finding.BrowserReused, was.UserID
	}
	return finding.New(was.Tenant, now, kind, was.UserID, topic, ReuseQuiet, evidence)
}
