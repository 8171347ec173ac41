package config

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"konklave/auth/settings"
)

// uncommentedProviders is the example of the identity providers with its comment signs removed, and nothing else.
func uncommentedProviders(t *testing.T) string {
	t.Helper()
	var example bytes.Buffer
	if err := WriteExample(&example); err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(example.String(), "#identity:\n")
	if !found {
		t.Fatal("the example shows no identity providers")
	}
	lines := []string{"identity:"}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "#"), "\n")
		if strings.HasPrefix(line, "  providers:") {
			line = "  providers:"
		}
		if !strings.HasPrefix(line, "   ") || strings.HasPrefix(line, "    ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestExampleOfProvidersLoads(t *testing.T) {
	t.Parallel()
	text := uncommentedProviders(t)
	l, err := load(t, text, nil, "--public-url", "http://localhost:8080")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var ids []string
	for _, p := range l.Identity.Providers() {
		ids = append(ids, p.ID)
	}
	if !slices.Equal(ids, []string{"amt", "land", "bund"}) || len(l.Identity.Directories) != 1 || len(l.Identity.OpenID) != 1 || len(l.Identity.SAML) != 1 {
		t.Errorf("read %+v", l.Identity)
	}
	if l.Sources[keyProviders] != "konklave.yaml:2" {
		t.Errorf("source %s", l.Sources[keyProviders])
	}
	var shown bytes.Buffer
	if err := l.WriteShow(&shown); err != nil || !strings.Contains(shown.String(), "[amt, land, bund]") {
		t.Errorf("%v\n%s", err, shown.String())
	}
	want := []string{
		"/etc/konklave/ldap-password", "/etc/konklave/oidc-secret", "/etc/konklave/saml.key", "/etc/konklave/saml.pem", "/etc/konklave/federation.pem",
	}
	if got := l.Identity.Files(); !slices.Equal(got, want) {
		t.Errorf("files %v", got)
	}
}

func TestMistakesOfProviders(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, want string }{
		"nothing":       {"identity:\n", "konklave.yaml:1: identity must hold keys and values"},
		"unknown key":   {"identity:\n  provider: []\n", `konklave.yaml:2: "provider" is not a setting of identity`},
		"no kind":       {"identity:\n  providers:\n    - id: x\n", "konklave.yaml:3: a provider needs a kind"},
		"no public URL": {uncommentedProviders(t), "public-url is empty, but must be the address to which"},
	} {
		_, err := load(t, test.file, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	l, err := load(t, "identity:\n  providers: []\n", nil)
	if err != nil || len(l.Identity.Providers()) != 0 {
		t.Errorf("%+v, %v", l.Identity, err)
	}
	if _, err := load(t, "", []string{"KONKLAVE_IDENTITY_PROVIDERS=x"}); err == nil {
		t.Error("a variable was taken for the providers")
	}
	if !slices.Equal(settings.Identity{}.Files(), nil) {
		t.Error("nobody's files")
	}
}
