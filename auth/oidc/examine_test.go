package oidc_test

import (
	"strings"
	"testing"
)

func TestExamineTellsWhatIsWrongWithAProvider(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		metadata func(object)
		want     string
	}{
		"as it should be":     {nil, ""},
		"another issuer":      {setter("issuer", "https://other.example"), "another issuer"},
		"an address in clear": {setter("token_endpoint", "http://idp.example/token"), "https://"},
		"no way to sign":      {setter("id_token_signing_alg_values_supported", []string{"HS256", "none"}), "signs by HS256, none only"},
		"keys elsewhere":      {func(o object) { o["jwks_uri"] = o["issuer"].(string) + "/gone" }, "answers 404"},
		"keys that are none":  {func(o object) { o["jwks_uri"] = o["issuer"].(string) + "/.well-known/openid-configuration" }, "shows no key"},
	} {
		h := newHostile(t)
		h.metadata = c.metadata
		if err := h.provider(t).Examine(t.Context()); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h := newHostile(t)
	p := h.provider(t)
	h.server.Close()
	if err := p.Examine(t.Context()); err == nil {
		t.Error("a provider that is away is good")
	}
}
