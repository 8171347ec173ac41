package saml_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"konklave/auth"
	"konklave/auth/providertest"
	"konklave/auth/saml"
	"konklave/auth/settings"
)

// identity is a key with its certificate.
type identity struct {
	key  crypto.Signer
	cert []byte
}

func newIdentity(key crypto.Signer) identity {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return identity{key, cert}
}

func rsaIdentity(bits int) func() identity {
	return sync.OnceValue(func() identity {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return newIdentity(key)
	})
}

// The keys of the tests: the provider's, ours, somebody's, and those of other kinds that a provider may have.
var (
	theirs, ours, foreign, next = rsaIdentity(2048), rsaIdentity(2048), rsaIdentity(2048), rsaIdentity(2048)
	weak                        = rsaIdentity(saml.MinKeyBits - 8)
	curved                      = sync.OnceValue(func() identity {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return newIdentity(key)
	})
)

func (i identity) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert})
}

const issuer = "https://idp.example/metadata"

const responseTemplate = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="r1" Version="2.0" IssueInstant="{now}" Destination="` + consumer + `" InResponseTo="{request}"><saml:Issuer>` + issuer + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{assertion}</samlp:Response>`

const assertionTemplate = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="a1" Version="2.0" IssueInstant="{now}"><saml:Issuer>` + issuer + `</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">anna</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="` + consumer + `" InResponseTo="{request}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{now}" NotOnOrAfter="{soon}"><saml:AudienceRestriction><saml:Audience>` + entity + `</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>`

// scene is one sign-in at a provider that the test plays.
type scene struct {
	t       *testing.T
	p       *saml.Provider
	now     time.Time
	log     bytes.Buffer
	dir     string
	started auth.Redirection
	request string // ID of our request
	relay   string
}

func newScene(t *testing.T, changes ...func(*settings.SAML)) *scene {
	t.Helper()
	s := &scene{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), dir: t.TempDir()}
	s.writeMetadata(theirs())
	key, err := x509.MarshalPKCS8PrivateKey(ours().key)
	must(t, err)
	must(t, os.WriteFile(s.file("our.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	must(t, os.WriteFile(s.file("our.crt"), ours().pem(), 0o600))
	config := settings.SAML{
		Provider: settings.Provider{ID: "bund", Review: time.Hour}, EntityID: issuer, Metadata: s.file("idp.xml"),
		KeyFile: s.file("our.key"), CertFile: s.file("our.crt"), GroupsAttribute: "groups",
	}
	for _, c := range changes {
		c(&config)
	}
	s.p, err = saml.New(config, saml.Parts{
		EntityID: entity, Consumer: consumer, Logout: logout, Once: new(providertest.Once),
		Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: func() time.Time { return s.now },
	})
	must(t, err)
	return s
}

func (s *scene) file(name string) string { return filepath.Join(s.dir, name) }

const metadataTemplate = `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="m1" entityID="` + issuer + `"{more}><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso?x=1"/></md:IDPSSODescriptor></md:EntityDescriptor>`

func metadataOf(more string, by ...identity) string {
	keys := ""
	for _, k := range by {
		keys += `<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(k.cert) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	}
	return strings.NewReplacer("{more}", more, "{keys}", keys).Replace(metadataTemplate)
}

func (s *scene) writeMetadata(by ...identity) {
	s.t.Helper()
	must(s.t, os.WriteFile(s.file("idp.xml"), []byte(metadataOf("", by...)), 0o600))
}

// begin starts the sign-in.
func (s *scene) begin(w auth.Wish) {
	s.t.Helper()
	var err error
	s.started, err = s.p.Begin(s.t.Context(), w)
	must(s.t, err)
	address, err := url.Parse(s.started.Address)
	must(s.t, err)
	s.relay = address.Query().Get("RelayState")
	state := string(s.started.State)
	_, after, _ := strings.Cut(state, `"Request":"`)
	s.request, _, _ = strings.Cut(after, `"`)
}

// fill puts the times and the request into a template.
func (s *scene) fill(template string) string {
	at := func(d time.Duration) string { return s.now.Add(d).Format(time.RFC3339) }
	return strings.NewReplacer("{now}", at(0), "{soon}", at(5*time.Minute), "{request}", s.request).Replace(template)
}

// sign returns the message with an enveloped signature, by that method and RSA-SHA256 when it is empty.
func sign(t *testing.T, message string, by identity, method string) string {
	t.Helper()
	document := etree.NewDocument()
	must(t, document.ReadFromString(message))
	context, err := dsig.NewSigningContext(by.key, [][]byte{by.cert})
	must(t, err)
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if method != "" {
		must(t, context.SetSignatureMethod(method))
	}
	signed, err := context.SignEnveloped(document.Root())
	must(t, err)
	document.SetRoot(signed)
	text, err := document.WriteToString()
	must(t, err)
	return text
}

// respond returns what the browser brings: the response with that assertion.
func (s *scene) respond(assertion string) string {
	return strings.Replace(s.fill(responseTemplate), "{assertion}", assertion, 1)
}

func (s *scene) finish(response string) (auth.ProviderIdentity, error) {
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(response))}, "RelayState": {s.relay}}
	return s.p.Finish(s.t.Context(), auth.Reply{Form: form}, s.started.State)
}

// annas is her name in a text. Within a random word it would be there by chance.
var annas = regexp.MustCompile(`\banna\b`)

// silent checks that nothing of the person or of the message is in the log.
func (s *scene) silent() {
	s.t.Helper()
	if text := s.log.String(); annas.MatchString(text) || strings.Contains(text, "admin") || strings.Contains(text, "saml:") {
		s.t.Errorf("the log tells %s", text)
	}
}

// sealing are the ways of an encryption.
type sealing struct{ content, transport, digest string }

// encrypt returns an EncryptedAssertion for us.
func encrypt(t *testing.T, assertion string, how sealing) string {
	t.Helper()
	size := 32
	if strings.Contains(how.content, "128") {
		size = 16
	}
	key, nonce := make([]byte, size), make([]byte, 12)
	_, _ = rand.Read(key)
	_, _ = rand.Read(nonce)
	block, err := aes.NewCipher(key)
	must(t, err)
	gcm, err := cipher.NewGCM(block)
	must(t, err)
	sealed := gcm.Seal(nonce, nonce, []byte(assertion), nil)
	public, _ := ours().key.Public().(*rsa.PublicKey)
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, key, nil)
	must(t, err)
	encode := base64.StdEncoding.EncodeToString
	digest := ""
	if how.digest != "" {
		digest = `<ds:DigestMethod Algorithm="` + how.digest + `"/>`
	}
	return `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedData><xenc:EncryptionMethod Algorithm="` + how.content + `"/><ds:KeyInfo><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="` + how.transport + `">` + digest + `</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>` + encode(wrapped) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>` + encode(sealed) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`
}
