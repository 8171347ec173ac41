package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/go-json-experiment/json"
)

// ChallengeLifetime is how long after it was begun something with a second factor can be finished.
const ChallengeLifetime = 5 * time.Minute

// Sealer seals small contents for a purpose that the associated data names.
type Sealer interface {
	Wrap(content, associated []byte) []byte
	Unwrap(blob, associated []byte) ([]byte, error)
}

// The purposes of a challenge.
const (
	forSecond   = "second"  // the factor after the password
	forSignIn   = "sign-in" // a passkey instead of the password
	forProof    = "proof"   // once more, within a session
	forApp      = "app"     // a new authenticator app
	forPasskey  = "passkey" // a new passkey
	challengeAD = "konklave challenge 1\x00"
	factorAD    = "konklave factor 1\x00"
)

// challenge is what the browser brings back, sealed, to finish what was begun: nothing is stored until then.
type challenge struct {
	ID      string `json:"id"`
	Expires int64  `json:"expires"` // milliseconds since 1970
	User    string `json:"user,omitzero"`
	Session string `json:"session,omitzero"`
	Proved  Proved `json:"proved,omitzero"`
	App     []byte `json:"app,omitzero"`     // secret of a new app
	Passkey []byte `json:"passkey,omitzero"` // state of WebAuthn
}

// Proved says that somebody proved who it is, by the password or at an identity provider, and under what conditions.
type Proved struct {
	User         string `json:"user,omitzero"`
	Account      string `json:"account,omitzero"`      // accountKey, loginKey or subjectKey
	PasswordHash string `json:"passwordHash,omitzero"` // empty where a provider proved it
	RenewedHash  string `json:"renewedHash,omitzero"`

	Until time.Time       `json:"until,omitzero"` // when the session ends at the latest; zero for its usual lifetime
	From  ProviderSession `json:"from,omitzero"`
}

func (f *Factors) seal(purpose string, c challenge) (string, error) {
	c.ID, c.Expires = newID(), f.now().Add(ChallengeLifetime).UnixMilli()
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(f.sealer.Wrap(text, []byte(challengeAD+purpose))), nil
}

// open returns a challenge that was made for the purpose and has not expired, and the use that it stands for; else ErrChallenge.
func (f *Factors) open(purpose, sealed string) (challenge, FactorUse, error) {
	blob, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return challenge{}, FactorUse{}, ErrChallenge
	}
	text, err := f.sealer.Unwrap(blob, []byte(challengeAD+purpose))
	if err != nil {
		return challenge{}, FactorUse{}, ErrChallenge.Because(err)
	}
	var c challenge
	if err := json.Unmarshal(text, &c, json.RejectUnknownMembers(true)); err != nil {
		return challenge{}, FactorUse{}, ErrChallenge.Because(err)
	}
	now := wholeMillis(f.now())
	left := time.UnixMilli(c.Expires).Sub(now)
	if left <= 0 || left > ChallengeLifetime { // the clock was put back
		return challenge{}, FactorUse{}, ErrChallenge
	}
	sum := sha256.Sum256([]byte(c.ID))
	return c, FactorUse{Challenge: sum[:], ChallengeExpires: time.UnixMilli(c.Expires).UTC(), At: now}, nil
}
