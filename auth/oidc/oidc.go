// Package oidc signs people in at an OpenID provider (OpenID Connect Core 1.0) by the authorization code flow with PKCE.
//
// The client library fetches keys and verifies signatures; which algorithms, whose word, for whom, when and in answer to
// what is checked here.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"konklave/auth"
	"konklave/auth/settings"
	"konklave/fault"
)

// The limits of a sign-in.
const (
	StateLifetime  = 10 * time.Minute // from Begin to Finish
	ClockSkew      = time.Minute      // by which the provider's clock may differ, both ways
	MaxProofAge    = 10 * time.Minute // from the issue of a token to its use, beside ClockSkew
	DiscoveryAge   = time.Hour        // after which the provider's metadata is read again
	RequestTimeout = 10 * time.Second // of one request to the provider
	MaxAnswerBytes = 1 << 20          // of one answer of the provider
	MaxTokenBytes  = 64 << 10         // of one token
	MaxCodeBytes   = 4096             // of the authorization code, and of each other parameter of the answer
	MaxSubject     = 255              // ASCII characters of "sub"
	MaxGroups      = 5000             // of one person
)

// Provider is one OpenID provider. It is safe for use by several goroutines.
type Provider struct {
	settings settings.OpenID
	secret   string
	callback string
	back     string
	client   *http.Client
	once     auth.OnceStore
	log      *slog.Logger
	now      func() time.Time

	mu    sync.Mutex
	known *metadata // nil before the first discovery
}

var (
	_ auth.RedirectProvider = (*Provider)(nil)
	_ auth.Reviewer         = (*Provider)(nil)
	_ auth.Leaver           = (*Provider)(nil)
)

// Parts is what a Provider needs beside its settings.
type Parts struct {
	Callback string // the exact address that the provider sends browsers back to
	Back     string // where it sends them after a logout
	Once     auth.OnceStore
	Log      *slog.Logger
	Now      func() time.Time
}

// New returns the provider of the settings, which were read by settings.Read. It reads the secret and the roots; the
// provider is asked when it is first needed.
func New(s settings.OpenID, p Parts) (*Provider, error) {
	secret, err := os.ReadFile(s.ClientSecretFile)
	if err != nil {
		return nil, fmt.Errorf("the secret of provider %s cannot be read: %w", s.ID, err)
	}
	client, err := newClient(s.Roots)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", s.ID, err)
	}
	return &Provider{
		settings: s, secret: strings.TrimRight(string(secret), "\r\n"), callback: p.Callback, back: p.Back, client: client,
		once: p.Once, log: p.Log.With("provider", s.ID), now: p.Now,
	}, nil
}

// ID is the name of the provider in the configuration.
func (p *Provider) ID() string { return p.settings.ID }

// oauth returns the client's side of OAuth for that metadata.
func (p *Provider) oauth(m *metadata) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if m.wantsSecretInBody() {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.settings.ClientID, ClientSecret: p.secret, RedirectURL: p.callback,
		Scopes:   append([]string{"openid"}, p.settings.Scopes...),
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, AuthStyle: style},
	}
}

// Begin says where to send the browser.
func (p *Provider) Begin(ctx context.Context, w auth.Wish) (auth.Redirection, error) {
	m, err := p.discover(ctx)
	if err != nil {
		return auth.Redirection{}, p.unavailable(ctx, err)
	}
	s := newState(p.settings.ID, p.now(), w.Again)
	options := []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("nonce", s.Nonce), oauth2.S256ChallengeOption(s.Verifier),
	}
	if w.Again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	if len(p.settings.Contexts) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(p.settings.Contexts, " ")))
	}
	return auth.Redirection{
		Address: p.oauth(m).AuthCodeURL(s.State, options...), State: s.encode(), Expires: s.Begun.Add(StateLifetime),
	}, nil
}

// Finish proves who comes back. It fails with auth.ErrProviderRefused, whose cause is an auth.Reason, or with
// auth.ErrProviderUnavailable.
func (p *Provider) Finish(ctx context.Context, a auth.Reply, kept []byte) (auth.ProviderIdentity, error) {
	id, err := p.finish(ctx, a, kept)
	if err != nil {
		return auth.ProviderIdentity{}, p.refusal(ctx, err, auth.ErrProviderRefused)
	}
	return id, nil
}

func (p *Provider) finish(ctx context.Context, a auth.Reply, kept []byte) (auth.ProviderIdentity, error) {
	s, err := p.takeState(ctx, a, kept)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	m, err := p.discover(ctx)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	code, err := m.code(a)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	token, err := p.oauth(m).Exchange(p.withClient(ctx), code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return auth.ProviderIdentity{}, grantError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	c, err := p.idToken(ctx, m, raw, token.AccessToken)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	switch {
	case !equal(c.Nonce, s.Nonce):
		return auth.ProviderIdentity{}, auth.ReasonState
	case s.Again && c.AuthTime.time().Before(s.Begun.Add(-ClockSkew)):
		return auth.ProviderIdentity{}, auth.ReasonStale
	case len(p.settings.Contexts) > 0 && !slices.Contains(p.settings.Contexts, c.Context):
		return auth.ProviderIdentity{}, auth.ReasonContext
	}
	return p.identity(ctx, m, person{claims: c, raw: raw, refresh: token.RefreshToken}, token)
}

// Review asks by the refresh token of the sign-in or of the last review; without one the provider cannot tell. It fails
// with auth.ErrProviderGone, whose cause is an auth.Reason, or with auth.ErrProviderUnavailable.
func (p *Provider) Review(ctx context.Context, id auth.ProviderIdentity) (auth.ProviderIdentity, error) {
	now, err := p.review(ctx, id)
	switch {
	case err == nil:
		return now, nil
	case errors.Is(err, auth.ReasonDenied), errors.Is(err, auth.ReasonSubject):
		return auth.ProviderIdentity{}, p.refusal(ctx, err, auth.ErrProviderGone)
	default: // its keys, its clock or what it says has a fault, which is no word about the person
		return auth.ProviderIdentity{}, p.unavailable(ctx, err)
	}
}

var errNoRefresh = errors.New("the provider gave no refresh token, so it cannot be asked again")

func (p *Provider) review(ctx context.Context, id auth.ProviderIdentity) (auth.ProviderIdentity, error) {
	h, err := decodeHint(id.Hint)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	if h.Refresh == "" {
		return auth.ProviderIdentity{}, errNoRefresh
	}
	m, err := p.discover(ctx)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	token, err := p.oauth(m).TokenSource(p.withClient(ctx), &oauth2.Token{RefreshToken: h.Refresh}).Token()
	if err != nil {
		return auth.ProviderIdentity{}, grantError(err)
	}
	before := person{claims: claims{Subject: strings.TrimPrefix(id.Subject, p.settings.Issuer+" ")}, raw: h.IDToken, refresh: h.Refresh}
	if token.RefreshToken != "" { // it may rotate
		before.refresh = token.RefreshToken
	}
	if raw, _ := token.Extra("id_token").(string); raw != "" {
		c, err := p.idToken(ctx, m, raw, token.AccessToken)
		if err != nil {
			return auth.ProviderIdentity{}, err
		}
		if c.Subject != before.claims.Subject {
			return auth.ProviderIdentity{}, auth.ReasonSubject
		}
		before.claims, before.raw = c, raw
	} else if m.UserInfo == "" {
		return auth.ProviderIdentity{}, errors.New("the provider tells nothing anew: neither an ID token nor user information")
	}
	now, err := p.identity(ctx, m, before, token)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	// How and when the person signed in does not change; a refreshed token need not tell it.
	now.SignedInAt, now.Session, now.Methods, now.Context = id.SignedInAt, id.Session, id.Methods, id.Context
	return now, nil
}

// grantError tells a refused grant from a failing provider (RFC 6749 section 5.2).
func grantError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		return auth.ReasonDenied
	}
	// The error of the library holds the provider's whole answer, which may hold anything.
	if refused != nil && refused.Response != nil {
		return fmt.Errorf("the token endpoint answers %d %q", refused.Response.StatusCode, shortCode(refused.ErrorCode))
	}
	return errors.New("the token endpoint cannot be reached, or its answer not be read")
}

const maxErrorCode = 50 // characters of a provider's error code that are logged

func shortCode(code string) string { return code[:min(len(code), maxErrorCode)] }

// refusal gives a reason as the cause of that fault; everything else is auth.ErrProviderUnavailable.
func (p *Provider) refusal(ctx context.Context, err error, refused *fault.Fault) error {
	var reason auth.Reason
	if !errors.As(err, &reason) {
		return p.unavailable(ctx, err)
	}
	p.log.InfoContext(ctx, "identity provider's word is not taken", "reason", reason)
	return refused.Because(reason)
}

func (p *Provider) unavailable(ctx context.Context, err error) error {
	p.log.WarnContext(ctx, "identity provider fails", "error", err)
	return auth.ErrProviderUnavailable.Because(err)
}
