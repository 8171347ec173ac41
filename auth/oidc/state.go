package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/oauth2"

	"konklave/auth"
)

// state is what has to be remembered between Begin and Finish.
type state struct {
	Provider string
	State    string    // comes back in the answer
	Nonce    string    // comes back in the ID token
	Verifier string    // of PKCE (RFC 7636)
	Begun    time.Time // whole seconds
	Again    bool      // the person has to prove it anew
}

func newState(provider string, now time.Time, again bool) state {
	return state{Provider: provider, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Begun: now.UTC().Truncate(time.Second), Again: again}
}

func (s state) encode() []byte {
	text, _ := json.Marshal(s) // cannot fail for these types
	return text
}

// takeState returns the state to which the answer belongs, and uses it up.
func (p *Provider) takeState(ctx context.Context, a auth.Reply, kept []byte) (state, error) {
	var s state
	if err := json.Unmarshal(kept, &s, json.RejectUnknownMembers(true)); err != nil || s.Provider != p.settings.ID {
		return state{}, auth.ReasonState
	}
	for _, name := range []string{"state", "code", "iss", "error"} {
		values := a.Query[name]
		if len(values) > 1 {
			return state{}, auth.ReasonMalformed
		}
		if len(values) == 1 && len(values[0]) > MaxCodeBytes {
			return state{}, auth.ReasonTooLarge
		}
	}
	if !equal(a.Query.Get("state"), s.State) {
		return state{}, auth.ReasonState
	}
	ends := s.Begun.Add(StateLifetime)
	if now := p.now(); !now.Before(ends) || now.Before(s.Begun) {
		return state{}, auth.ReasonExpired
	}
	sum := sha256.Sum256([]byte(s.State))
	first, err := p.once.UseOnce(ctx, "oidc.state", hex.EncodeToString(sum[:]), ends)
	if err != nil {
		return state{}, err
	}
	if !first {
		return state{}, auth.ReasonReplay
	}
	return s, nil
}

// equal compares secrets; nothing equals the empty one.
func equal(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
