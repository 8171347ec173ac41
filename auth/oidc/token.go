package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/auth"
)

// claims are those of an ID token or a logout token that are checked; the rest is kept for attributes.
type claims struct {
	Issuer     string         `json:"iss"`
	Subject    string         `json:"sub"`
	Audience   audience       `json:"aud"`
	Authorized string         `json:"azp"`
	Expires    numericDate    `json:"exp"`
	IssuedAt   numericDate    `json:"iat"`
	NotBefore  numericDate    `json:"nbf"`
	AuthTime   numericDate    `json:"auth_time"`
	Nonce      string         `json:"nonce"`
	AccessHash string         `json:"at_hash"`
	Session    string         `json:"sid"`
	Context    string         `json:"acr"`
	Methods    []string       `json:"amr"`
	TokenID    string         `json:"jti"`
	Events     jsontext.Value `json:"events"`
	everything map[string]jsontext.Value
}

// audience is one text or several.
type audience []string

// UnmarshalJSON takes a text for a list of one.
func (a *audience) UnmarshalJSON(text []byte) error {
	if jsontext.Value(text).Kind() == '"' {
		*a = make(audience, 1)
		return json.Unmarshal(text, &(*a)[0])
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// numericDate is seconds since 1970 (RFC 7519 section 2); zero when absent.
type numericDate float64

const latest = 253402300799 // seconds: the end of the year 9999

func (d numericDate) plausible() bool { return d > 0 && d <= latest }

func (d numericDate) time() time.Time {
	whole, part := math.Modf(float64(d))
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

// verified returns the claims of a token that the provider signed for us, now.
func (p *Provider) verified(ctx context.Context, m *metadata, raw, kind string) (claims, error) {
	if raw == "" {
		return claims{}, auth.ReasonMalformed
	}
	if len(raw) > MaxTokenBytes {
		return claims{}, auth.ReasonTooLarge
	}
	if err := checkHeader(raw, kind, m.Algorithms); err != nil {
		return claims{}, err
	}
	payload, err := m.keySet.VerifySignature(ctx, raw)
	if err != nil {
		return claims{}, auth.ReasonSignature
	}
	var c claims
	if json.Unmarshal(payload, &c) != nil || json.Unmarshal(payload, &c.everything) != nil {
		return claims{}, auth.ReasonMalformed
	}
	return c, p.checkClaims(c)
}

// checkHeader holds the header against the algorithms that we and the provider allow, and the kind of token against its
// "typ", where it says one. Keys or addresses of keys in the header are not looked at.
func checkHeader(raw, kind string, offered []string) error {
	first, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	var header struct {
		Algorithm string         `json:"alg"`
		Type      string         `json:"typ"`
		Critical  jsontext.Value `json:"crit"`
	}
	if err != nil || json.Unmarshal(text, &header) != nil || header.Critical != nil {
		return auth.ReasonMalformed
	}
	if !slices.Contains(algorithms(), header.Algorithm) || len(offered) > 0 && !slices.Contains(offered, header.Algorithm) {
		return auth.ReasonAlgorithm
	}
	if header.Type != "" && !strings.EqualFold(header.Type, "JWT") && !strings.EqualFold(header.Type, kind) {
		return auth.ReasonMalformed
	}
	return nil
}

// checkClaims holds what all tokens have against us and the time.
func (p *Provider) checkClaims(c claims) error {
	now := p.now()
	switch {
	case c.Issuer != p.settings.Issuer:
		return auth.ReasonIssuer
	case !slices.Contains(c.Audience, p.settings.ClientID), len(c.Audience) > 1 && c.Authorized == "", c.Authorized != "" && c.Authorized != p.settings.ClientID:
		return auth.ReasonAudience
	case !c.IssuedAt.plausible(), !c.Expires.plausible(), c.NotBefore != 0 && !c.NotBefore.plausible():
		return auth.ReasonMalformed
	case !now.Before(c.Expires.time().Add(ClockSkew)), now.Sub(c.IssuedAt.time()) > MaxProofAge+ClockSkew:
		return auth.ReasonExpired
	case c.IssuedAt.time().Sub(now) > ClockSkew, c.NotBefore != 0 && c.NotBefore.time().Sub(now) > ClockSkew:
		return auth.ReasonEarly
	}
	return nil
}

// idToken verifies an ID token that came with an access token (OpenID Connect Core 1.0 section 3.1.3.7).
func (p *Provider) idToken(ctx context.Context, m *metadata, raw, access string) (claims, error) {
	c, err := p.verified(ctx, m, raw, "JWT")
	if err != nil {
		return claims{}, err
	}
	switch {
	case c.Events != nil: // a logout token
		return claims{}, auth.ReasonMalformed
	case !subjectShape(c.Subject):
		return claims{}, auth.ReasonSubject
	case c.AccessHash != "" && !equal(c.AccessHash, leftHalf(raw, access)):
		return claims{}, auth.ReasonSignature
	}
	return c, nil
}

func subjectShape(subject string) bool {
	return subject != "" && len(subject) <= MaxSubject && !strings.ContainsFunc(subject, func(c rune) bool { return c < ' ' || c > '~' })
}

// leftHalf is what at_hash has to be: the left half of the access token's hash, by the hash of the signature.
func leftHalf(raw, access string) string {
	first, _, _ := strings.Cut(raw, ".")
	text, _ := base64.RawURLEncoding.DecodeString(first) // checkHeader read it
	var header struct {
		Algorithm string `json:"alg"`
	}
	_ = json.Unmarshal(text, &header)
	var h hash.Hash
	switch {
	case strings.HasSuffix(header.Algorithm, "256"):
		h = sha256.New()
	case strings.HasSuffix(header.Algorithm, "384"):
		h = sha512.New384()
	default:
		h = sha512.New()
	}
	h.Write([]byte(access))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
