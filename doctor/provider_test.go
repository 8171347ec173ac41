package doctor

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/auth/directory"
	"konklave/auth/providertest"
	"konklave/auth/saml"
	identity "konklave/auth/settings"
	"konklave/config"
)

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func certificatePEM(raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

// provider is the server of a provider of OpenID Connect, and where people sign in at one of SAML; its clock is ahead.
func provider(t *testing.T, ahead time.Duration) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		answer := map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig"}}}
		if r.URL.Path == "/.well-known/openid-configuration" {
			answer = map[string]any{"issuer": s.URL, "authorization_endpoint": s.URL + "/a", "token_endpoint": s.URL + "/t", "jwks_uri": s.URL + "/k"}
		}
		_ = json.MarshalWrite(w, answer)
	})
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func openIDOf(dir, roots, issuer string) config.Config {
	c := config.Default()
	c.Identity.OpenID = []identity.OpenID{{
		Provider: identity.Provider{ID: "land", Roots: roots}, Issuer: issuer, ClientID: "konklave", ClientSecretFile: filepath.Join(dir, "secret"),
	}}
	return c
}

func TestProvidersOfOpenIDConnectAreAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "secret", []byte("secret"))
	server := provider(t, 0)
	roots := write(t, dir, "roots.pem", certificatePEM(server.Certificate().Raw))
	expect(t, "good", providers(t.Context(), openIDOf(dir, roots, server.URL), time.Now), Good, "land: "+server.URL)
	expect(t, "another issuer", providers(t.Context(), openIDOf(dir, roots, server.URL+"/"), time.Now), Failed, "another issuer")
	expect(t, "not trusted", providers(t.Context(), openIDOf(dir, "", server.URL), time.Now), Failed, "certificate")
	expect(t, "no secret", providers(t.Context(), openIDOf(dir+"x", roots, server.URL), time.Now), Failed, "does not start")
	late := provider(t, -clockTolerance-5*time.Second)
	expect(t, "late", providers(t.Context(), openIDOf(dir, roots, late.URL), time.Now), Failed, "behind that of this machine")
	server.Close()
	expect(t, "absent", providers(t.Context(), openIDOf(dir, roots, server.URL), time.Now), Failed, "cannot be used")
	if got := providers(t.Context(), config.Default(), time.Now); got != nil {
		t.Errorf("without providers: %v", got)
	}
}

func TestDirectoriesAreAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, err := providertest.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	server, err := providertest.StartSlapd(t.Context(), dir, authority)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c := config.Default()
	d := identity.Directory{
		Provider: identity.Provider{ID: "amt", Roots: authority.File}, Kind: identity.LDAP, Servers: []string{server.LDAPS, server.StartTLS}, BindDN: server.BindDN,
		BindPasswordFile: server.PasswordFile, Base: providertest.SlapdBase, Filter: "(objectClass=device)",
	}
	ask := func(change func(*identity.Directory)) []Finding {
		changed := d
		change(&changed)
		c.Identity.Directories = []identity.Directory{changed}
		return providers(t.Context(), c, time.Now)
	}
	// Its certificate is for a day.
	expect(t, "good", ask(func(*identity.Directory) {}), Advice, "finds people below")
	expect(t, "one is away", ask(func(d *identity.Directory) { d.Servers = append(d.Servers, "ldaps://127.0.0.1:1") }), Failed, "ldaps://127.0.0.1:1 cannot be used")
	expect(t, "nobody", ask(func(d *identity.Directory) { d.Filter = "(objectClass=room)" }), Failed, "finds nobody")
	expect(t, "another base", ask(func(d *identity.Directory) { d.Base = "dc=example,dc=com" }), Failed, "does not let the service account search")
	expect(t, "another account", ask(func(d *identity.Directory) { d.BindDN = "cn=x," + providertest.SlapdBase }), Failed, "bind-dn")
	expect(t, "no password", ask(func(d *identity.Directory) { d.BindPasswordFile = dir + "/none" }), Failed, "does not start")
}

const metadataOfSAML = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="%s/sso"/></IDPSSODescriptor></EntityDescriptor>`

func TestProvidersOfSAMLAreAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, err := providertest.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.Issue("kon.test")
	if err != nil {
		t.Fatal(err)
	}
	server := provider(t, 0)
	c := config.Default()
	c.Identity.SAML = []identity.SAML{{
		Provider: identity.Provider{ID: "bund", Roots: write(t, dir, "roots.pem", certificatePEM(server.Certificate().Raw))}, EntityID: "https://idp.example",
		Metadata: write(t, dir, "idp.xml", fmt.Appendf(nil, metadataOfSAML, base64.StdEncoding.EncodeToString(server.Certificate().Raw), server.URL)), KeyFile: key, CertFile: cert,
	}}
	// Our certificate is for a day.
	found := providers(t.Context(), c, time.Now)
	expect(t, "good", found, Advice, "it signs in at "+server.URL)
	expect(t, "its page", found, Advice, "The clock of "+server.URL+"/sso agrees")
	expect(t, "ours", found, Advice, "cert-file")
	server.Close()
	expect(t, "the page is away", providers(t.Context(), c, time.Now), Unknown, "cannot be reached from this machine")
	write(t, dir, "idp.xml", fmt.Appendf(nil, metadataOfSAML, base64.StdEncoding.EncodeToString(server.Certificate().Raw), "http://idp.example"))
	expect(t, "in clear", providers(t.Context(), c, time.Now), Advice, "without TLS")
	c.Identity.SAML[0].EntityID = "https://other.example"
	expect(t, "of another", providers(t.Context(), c, time.Now), Failed, "know no")
	c.Identity.SAML[0].KeyFile = cert
	expect(t, "no key", providers(t.Context(), c, time.Now), Failed, "does not start")
}

func TestTimesOfProvidersAreJudgedFromBothSides(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]Level{
		0: Good, clockTolerance / 2: Good, clockTolerance/2 + 1: Advice, clockTolerance: Advice, clockTolerance + 1: Failed,
		-clockTolerance / 2: Good, -clockTolerance/2 - 1: Advice, -clockTolerance: Advice, -clockTolerance - 1: Failed,
	} {
		expect(t, ahead.String(), judgeClock("x", ahead), want, "x")
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	enough, less := now.AddDate(0, 0, certificateDays), now.AddDate(0, 0, certificateDays).Add(-time.Second)
	expect(t, "long", judgeEnd("x", enough, now), Good, "14 more days")
	expect(t, "short", judgeEnd("x", less, now), Advice, "13 days")
	expect(t, "all is long", judgeMetadata(saml.Health{OwnEnds: enough, Ends: enough, ValidUntil: enough}, nil, now), Good, "plausible")
	expect(t, "ours ends", judgeMetadata(saml.Health{OwnEnds: less, Ends: enough}, nil, now), Advice, "cert-file")
	expect(t, "theirs ends", judgeMetadata(saml.Health{OwnEnds: enough, Ends: less}, nil, now), Advice, "signs with")
	expect(t, "metadata end", judgeMetadata(saml.Health{OwnEnds: enough, Ends: enough, ValidUntil: less}, nil, now), Advice, "valid until 2026-12-06")
	expect(t, "a clock", judgeDirectory(directory.Health{Server: "x", Ends: enough, Clock: true, Ahead: time.Hour, People: true}, "b", now), Failed, "1h0m0s ahead of")
	if text := judgeDirectory(directory.Health{Server: "x", Ends: enough, People: true}, "b", now)[1].Text; !strings.Contains(text, "finds people") {
		t.Error(text)
	}
}
