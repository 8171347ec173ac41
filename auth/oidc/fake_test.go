package oidc_test

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"konklave/auth"
	"konklave/auth/oidc"
	"konklave/auth/providertest"
	"konklave/auth/settings"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that the error is the one for every refusal, with that hidden reason.
func refused(t *testing.T, what string, err error, want auth.Reason) {
	t.Helper()
	var reason auth.Reason
	if !errors.Is(err, auth.ErrProviderRefused) || !errors.As(err, &reason) || reason != want {
		t.Errorf("%s: %v, want auth.provider_refused because of %q", what, err, want)
	}
}

type object = map[string]any

// hostile is a provider that misbehaves as its functions say.
type hostile struct {
	server *httptest.Server
	key    *rsa.PrivateKey
	log    bytes.Buffer
	now    time.Time
	once   *providertest.Once

	// What it changes of right messages; nil changes nothing.
	metadata, claims, header, token, info func(object)
	sign                                  func(signing string) []byte
	tokenStatus, infoStatus               int
	tokenError                            string     // invalid_grant when empty
	question                              url.Values // of the last Begin
	mu                                    sync.Mutex
	requests                              []url.Values // to the token endpoint
}

// own is the key of every hostile provider, foreign that of nobody.
var own, foreign = sync.OnceValue(newKey), sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{key: own(), now: time.Unix(1800000000, 0), once: new(providertest.Once)}
	key := h.key
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { h.answer(w, h.describe()) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		e := big.NewInt(int64(key.E)).Bytes()
		h.answer(w, object{"keys": []object{{"kty": "RSA", "kid": "k", "use": "sig", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(e)}}})
	})
	mux.HandleFunc("POST /token", h.giveToken)
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) {
		told := object{"sub": "anna", "email": "anna@example.org", "email_verified": true, "groups": []string{"staff"}}
		change(h.info, told)
		if h.infoStatus != 0 {
			w.WriteHeader(h.infoStatus)
		}
		h.answer(w, told)
	})
	h.server = httptest.NewTLSServer(mux)
	t.Cleanup(h.server.Close)
	return h
}

func change(by func(object), what object) {
	if by != nil {
		by(what)
	}
}

func (h *hostile) answer(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what)
}

func (h *hostile) describe() object {
	at := h.server.URL
	m := object{
		"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "jwks_uri": at + "/keys",
		"userinfo_endpoint": at + "/info", "end_session_endpoint": at + "/end", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"},
	}
	change(h.metadata, m)
	return m
}

// right are the claims of a right ID token.
func (h *hostile) right() object {
	return object{
		"iss": h.server.URL, "sub": "anna", "aud": "konklave", "exp": h.now.Add(5 * time.Minute).Unix(), "iat": h.now.Unix(),
		"auth_time": h.now.Unix(), "nonce": h.question.Get("nonce"), "name": "Anna", "sid": "s1",
	}
}

func (h *hostile) giveToken(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	h.mu.Lock()
	h.requests = append(h.requests, r.PostForm)
	h.mu.Unlock()
	if h.tokenStatus != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(h.tokenStatus)
		_, _ = w.Write([]byte(`{"error":"` + cmp.Or(h.tokenError, "invalid_grant") + `","error_description":"anna@example.org"}`))
		return
	}
	claims := h.right()
	change(h.claims, claims)
	answer := object{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "refresh_token": "refresh-2", "id_token": h.signed(claims)}
	change(h.token, answer)
	h.answer(w, answer)
}

func (h *hostile) signed(claims object) string {
	header := object{"alg": "RS256", "kid": "k", "typ": "JWT"}
	change(h.header, header)
	part := func(o object) string {
		text, _ := json.Marshal(o)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signing := part(header) + "." + part(claims)
	sign := h.sign
	if sign == nil {
		sign = h.rs256
	}
	return signing + "." + base64.RawURLEncoding.EncodeToString(sign(signing))
}

func (h *hostile) rs256(signing string) []byte {
	return rs256By(h.key, signing)
}

// byForeign signs with the key of somebody else.
func byForeign(signing string) []byte { return rs256By(foreign(), signing) }

func rs256By(key *rsa.PrivateKey, signing string) []byte {
	sum := sha256.Sum256([]byte(signing))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return signature
}

// hs256 signs with the public key as the secret.
func (h *hostile) hs256(signing string) []byte {
	der, _ := x509.MarshalPKIXPublicKey(&h.key.PublicKey)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(signing))
	return mac.Sum(nil)
}

// provider is our side of it.
func (h *hostile) provider(t *testing.T, changes ...func(*settings.OpenID)) *oidc.Provider {
	t.Helper()
	dir := t.TempDir()
	roots, secret := filepath.Join(dir, "roots.pem"), filepath.Join(dir, "secret")
	must(t, os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.server.Certificate().Raw}), 0o600))
	must(t, os.WriteFile(secret, []byte("client-secret\n"), 0o600))
	s := settings.OpenID{
		Provider: settings.Provider{ID: "land", Roots: roots, Review: time.Hour, Attributes: []string{"level"}},
		Issuer:   h.server.URL, ClientID: "konklave", ClientSecretFile: secret, Scopes: []string{"profile", "email"}, GroupsClaim: "groups",
	}
	for _, c := range changes {
		c(&s)
	}
	p, err := oidc.New(s, oidc.Parts{
		Callback: callback, Back: back, Once: h.once, Now: func() time.Time { return h.now }, Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	})
	must(t, err)
	return p
}

// begin starts a sign-in and returns what a right answer to it is.
func (h *hostile) begin(t *testing.T, p *oidc.Provider, w auth.Wish) (auth.Redirection, url.Values) {
	t.Helper()
	started, err := p.Begin(t.Context(), w)
	must(t, err)
	address, err := url.Parse(started.Address)
	must(t, err)
	h.question = address.Query()
	return started, url.Values{"code": {"c1"}, "state": {h.question.Get("state")}}
}

func setter(name string, value any) func(object) { return func(o object) { o[name] = value } }
func remover(name string) func(object)           { return func(o object) { delete(o, name) } }

var manyGroups = func(n int) []string { return strings.Split(strings.Repeat("g,", n-1)+"g", ",") }
