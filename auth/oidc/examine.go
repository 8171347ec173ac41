package oidc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Discovery is the address at which the provider describes itself.
func (p *Provider) Discovery() string {
	return strings.TrimSuffix(p.settings.Issuer, "/") + "/.well-known/openid-configuration"
}

// Examine asks the provider for what a sign-in needs of it, but for a person: that it describes itself as the issuer that is
// configured, signs as we take it, and shows a key for that.
func (p *Provider) Examine(ctx context.Context) error {
	m, err := p.fetchMetadata(ctx)
	if err != nil {
		return err
	}
	if len(m.Algorithms) > 0 && !slices.ContainsFunc(m.Algorithms, func(a string) bool { return slices.Contains(algorithms(), a) }) {
		return fmt.Errorf("%s signs by %s only, none of which is taken", m.Issuer, strings.Join(m.Algorithms, ", "))
	}
	text, err := p.get(ctx, m.Keys, "")
	if err != nil {
		return err
	}
	var set struct {
		Keys []struct {
			Type string `json:"kty"`
			Use  string `json:"use"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return fmt.Errorf("the keys of %s cannot be read: %w", m.Issuer, err)
	}
	for _, key := range set.Keys {
		if slices.Contains([]string{"RSA", "EC", "OKP"}, key.Type) && key.Use != "enc" {
			return nil
		}
	}
	return fmt.Errorf("%s shows no key that a token could be signed by", m.Issuer)
}
