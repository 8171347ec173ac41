// Package saml signs people in at a SAML 2.0 identity provider, as a service provider: requests by HTTP-Redirect, signed;
// responses by HTTP-POST; single logout by both, started from either side.
//
// A message with a document type, a comment or a processing instruction is refused before it is looked at. Only what a
// verified signature covers is read, out of what the verification returned. Algorithms are those of a short list.
package saml

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/auth"
	"konklave/auth/settings"
	"konklave/fault"
)

// The limits of a sign-in.
const (
	StateLifetime   = 10 * time.Minute // from Begin to Finish
	ClockSkew       = time.Minute      // by which the provider's clock may differ, both ways
	MaxMessageAge   = 10 * time.Minute // from the issue of a message to its arrival, beside ClockSkew
	MaxMessageBytes = 256 << 10        // of one message, decoded
	MaxDepth        = 40               // of elements within elements
	MaxElements     = 20000            // of one message
	MaxSubject      = 256              // bytes of the name of a person (SAML core section 8.3.7)
	MaxGroups       = 5000             // of one person
	MinKeyBits      = 2048             // of an RSA key
)

// Provider is one identity provider. It is safe for use by several goroutines.
type Provider struct {
	settings settings.SAML
	parts    Parts
	key      *rsa.PrivateKey
	cert     *x509.Certificate
	source   *source
	log      *slog.Logger
}

// SAML has no question about somebody who is not there, so a Provider is no auth.Reviewer: at AskAgain the browser is
// sent to Begin again, or the session ends.
var (
	_ auth.RedirectProvider = (*Provider)(nil)
	_ auth.Leaver           = (*Provider)(nil)
)

// Parts is what a Provider needs beside its settings. The addresses are absolute, and those of our metadata.
type Parts struct {
	EntityID string // our name, usually the address of our metadata
	Consumer string // where responses are posted to
	Logout   string // where messages of single logout come to, by GET and by POST; empty for none
	Once     auth.OnceStore
	Log      *slog.Logger
	Now      func() time.Time
}

// New returns the provider of the settings, which were read by settings.Read. It reads our key and certificate; the
// provider's metadata are read when they are first needed.
func New(s settings.SAML, p Parts) (*Provider, error) {
	key, cert, err := ownKey(s)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", s.ID, err)
	}
	log := p.Log.With("provider", s.ID)
	source, err := newSource(s, p.Now, log)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", s.ID, err)
	}
	return &Provider{settings: s, parts: p, key: key, cert: cert, source: source, log: log}, nil
}

func ownKey(s settings.SAML) (*rsa.PrivateKey, *x509.Certificate, error) {
	cert, err := readCertificate(s.CertFile)
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(s.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil, fmt.Errorf("%s holds no key (PEM)", s.KeyFile)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be read: %w", s.KeyFile, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < MinKeyBits {
		return nil, nil, fmt.Errorf("%s must hold an RSA key of at least %d bits", s.KeyFile, MinKeyBits)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("%s and %s do not belong together", s.KeyFile, s.CertFile)
	}
	return key, cert, nil
}

func readCertificate(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate (PEM)", file)
	}
	return x509.ParseCertificate(block.Bytes)
}

// ID is the name of the provider in the configuration.
func (p *Provider) ID() string { return p.settings.ID }

// state is what has to be remembered between Begin and Finish, or between Logout and LoggedOff.
type state struct {
	Provider string
	Purpose  string
	Request  string    // ID of our request
	Relay    string    // comes back beside the response
	Begun    time.Time // whole seconds
	Again    bool      // the person has to prove it anew
}

// The purposes of a state.
const (
	purposeSignIn = "sign-in"
	purposeLogout = "logout"
)

func (p *Provider) newState(purpose string) state {
	return state{
		Provider: p.settings.ID, Purpose: purpose, Request: newID(), Relay: rand.Text(),
		Begun: p.parts.Now().UTC().Truncate(time.Second),
	}
}

func (s state) redirection(address string) auth.Redirection {
	text, _ := json.Marshal(s) // cannot fail for these types
	return auth.Redirection{Address: address, State: text, Expires: s.Begun.Add(StateLifetime)}
}

// newID is a name for a message, which must not begin with a digit (xs:ID).
func newID() string { return "_" + rand.Text() }

// takeState returns the state to which the answer belongs.
func (p *Provider) takeState(kept []byte, purpose, relay string) (state, error) {
	var s state
	if err := json.Unmarshal(kept, &s, json.RejectUnknownMembers(true)); err != nil || s.Provider != p.settings.ID || s.Purpose != purpose {
		return state{}, auth.ReasonState
	}
	if !equal(relay, s.Relay) {
		return state{}, auth.ReasonState
	}
	if now := p.parts.Now(); !now.Before(s.Begun.Add(StateLifetime)) || now.Before(s.Begun) {
		return state{}, auth.ReasonExpired
	}
	return s, nil
}

// once fails with auth.ReasonReplay when the id was shown before.
func (p *Provider) once(ctx context.Context, kind, id string, until time.Time) error {
	first, err := p.parts.Once.UseOnce(ctx, kind, p.settings.ID+" "+id, until)
	if err == nil && !first {
		return auth.ReasonReplay
	}
	return err
}

// Begin says where to send the browser: a signed request.
func (p *Provider) Begin(ctx context.Context, w auth.Wish) (auth.Redirection, error) {
	m, err := p.source.metadata(ctx)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	s := p.newState(purposeSignIn)
	s.Again = w.Again
	address, err := p.signedRedirect(m.signOn, "SAMLRequest", p.authnRequest(s, m.signOn), s.Relay)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	return s.redirection(address), nil
}

// Finish proves who comes back with a response in the form. It fails with auth.ErrProviderRefused, whose cause is an
// auth.Reason, or with auth.ErrProviderUnavailable.
func (p *Provider) Finish(ctx context.Context, a auth.Reply, kept []byte) (auth.ProviderIdentity, error) {
	id, err := p.finish(ctx, a, kept)
	if err != nil {
		return auth.ProviderIdentity{}, p.refusal(ctx, err)
	}
	return id, nil
}

func (p *Provider) finish(ctx context.Context, a auth.Reply, kept []byte) (auth.ProviderIdentity, error) {
	if len(a.Form["SAMLResponse"]) != 1 || len(a.Form["RelayState"]) != 1 {
		return auth.ProviderIdentity{}, auth.ReasonMalformed
	}
	s, err := p.takeState(kept, purposeSignIn, a.Form.Get("RelayState"))
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	root, err := decodePost(a.Form.Get("SAMLResponse"))
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	var assertion assertion
	if err := p.source.withKeys(ctx, func(k keys) error {
		assertion, err = p.proved(root, k)
		return err
	}); err != nil {
		return auth.ProviderIdentity{}, err
	}
	if err := p.checkResponse(assertion.response, s.Request); err != nil {
		return auth.ProviderIdentity{}, err
	}
	ends, err := p.checkAssertion(assertion.element, s)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	if err := errors.Join(
		p.once(ctx, "saml.request", s.Request, s.Begun.Add(StateLifetime)),
		p.once(ctx, "saml.assertion", assertion.element.SelectAttrValue("ID", ""), ends.Add(ClockSkew)),
	); err != nil {
		return auth.ProviderIdentity{}, err
	}
	return p.identity(assertion.element)
}

// refusal gives a reason as the cause of the one fault; everything else is auth.ErrProviderUnavailable.
func (p *Provider) refusal(ctx context.Context, err error) *fault.Fault {
	var reason auth.Reason
	if !errors.As(err, &reason) {
		return p.unavailable(ctx, err)
	}
	p.log.InfoContext(ctx, "identity provider's word is not taken", "reason", reason)
	return auth.ErrProviderRefused.Because(reason)
}

func (p *Provider) unavailable(ctx context.Context, err error) *fault.Fault {
	p.log.WarnContext(ctx, "identity provider fails", "error", err)
	return auth.ErrProviderUnavailable.Because(err)
}

// subjectOf joins the provider's name and the person's, which is unique within it.
func (p *Provider) subjectOf(name string) string {
	return strings.Join([]string{p.settings.EntityID, name}, " ")
}
