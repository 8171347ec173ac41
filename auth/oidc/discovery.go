package oidc

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	upstream "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"

	"konklave/auth"
)

// metadata is what the provider says of itself (OpenID Connect Discovery 1.0, RFC 8414).
type metadata struct {
	Issuer          string   `json:"issuer"`
	Authorization   string   `json:"authorization_endpoint"`
	Token           string   `json:"token_endpoint"`
	Keys            string   `json:"jwks_uri"`
	UserInfo        string   `json:"userinfo_endpoint"`
	EndSession      string   `json:"end_session_endpoint"`
	Algorithms      []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods     []string `json:"token_endpoint_auth_methods_supported"`
	IssuerInAnswers bool     `json:"authorization_response_iss_parameter_supported"`

	keySet upstream.KeySet
	readAt time.Time
}

// algorithms are those by which a token may be signed; "none" and those with a shared secret are not among them.
func algorithms() []string {
	return []string{
		upstream.RS256, upstream.RS384, upstream.RS512, upstream.PS256, upstream.PS384, upstream.PS512,
		upstream.ES256, upstream.ES384, upstream.ES512, upstream.EdDSA,
	}
}

// discover returns the provider's metadata, at most DiscoveryAge old unless the provider does not answer.
func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != nil && p.now().Sub(known.readAt) < DiscoveryAge {
		return known, nil
	}
	fresh, err := p.fetchMetadata(ctx)
	if err != nil && known == nil {
		return nil, err
	}
	if err != nil {
		p.log.WarnContext(ctx, "identity provider's metadata cannot be read again", "error", err)
		return known, nil
	}
	if known != nil && known.Keys == fresh.Keys {
		fresh.keySet = known.keySet
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = fresh
	return fresh, nil
}

func (p *Provider) fetchMetadata(ctx context.Context) (*metadata, error) {
	text, err := p.get(ctx, p.Discovery(), "")
	if err != nil {
		return nil, err
	}
	m := &metadata{readAt: p.now()}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("the metadata of %s cannot be read: %w", p.settings.Issuer, err)
	}
	if m.Issuer != p.settings.Issuer {
		return nil, fmt.Errorf("the metadata of %s are those of another issuer", p.settings.Issuer)
	}
	for name, address := range map[string]string{"authorization_endpoint": m.Authorization, "token_endpoint": m.Token, "jwks_uri": m.Keys} {
		if !secure(address) {
			return nil, fmt.Errorf("the %s of %s is not an https:// address", name, m.Issuer)
		}
	}
	for name, address := range map[string]string{"userinfo_endpoint": m.UserInfo, "end_session_endpoint": m.EndSession} {
		if address != "" && !secure(address) {
			return nil, fmt.Errorf("the %s of %s is not an https:// address", name, m.Issuer)
		}
	}
	m.keySet = upstream.NewRemoteKeySet(p.withClient(context.WithoutCancel(ctx)), m.Keys)
	return m, nil
}

func secure(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.Fragment == ""
}

// wantsSecretInBody reports whether the provider takes the client's secret in the body only.
func (m *metadata) wantsSecretInBody() bool {
	return slices.Contains(m.AuthMethods, "client_secret_post") && !slices.Contains(m.AuthMethods, "client_secret_basic")
}

// code returns the authorization code of an answer that is this provider's (RFC 9207).
func (m *metadata) code(a auth.Reply) (string, error) {
	issuer := a.Query.Get("iss")
	switch {
	case issuer != "" && issuer != m.Issuer, issuer == "" && m.IssuerInAnswers:
		return "", auth.ReasonIssuer
	case a.Query.Get("error") != "":
		return "", auth.ReasonDenied
	case a.Query.Get("code") == "":
		return "", auth.ReasonMalformed
	}
	return a.Query.Get("code"), nil
}
