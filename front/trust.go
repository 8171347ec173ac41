package front

import (
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/pem"
	"html/template"
	"net/http"
	"strings"

	"konklave/front/certificate"
	"konklave/front/qr"
)

//go:embed trust.html
var trustPage string

//go:embed trust.css
var trustStyle string

//go:embed trust.mobileconfig
var trustProfile string

// The addresses of the page that helps to trust the local CA.
const (
	trustPath        = "/trust"
	trustStylePath   = "/trust/page.css"
	trustRootPath    = "/trust/konklave-local-ca.crt"
	trustProfilePath = "/trust/konklave-local-ca.mobileconfig"
)

func isTrustPath(path string) bool {
	return path == trustPath || strings.HasPrefix(path, trustPath+"/")
}

// trust serves the page about the local CA, its certificate, and the profile that Apple's devices want.
type trust struct {
	page    *template.Template
	profile string
	root    []byte // PEM
	facts   trustFacts
}

type trustFacts struct {
	Name        string
	Fingerprint string
	German      bool
	Code        template.HTML // QR code of this page's address as an image; empty when it does not fit
}

func newTrust(root []byte) *trust {
	t := &trust{
		page: template.Must(template.New("trust").Parse(trustPage)),
		root: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}),
	}
	t.facts.Fingerprint = certificate.Fingerprint(root)
	if c, err := x509.ParseCertificate(root); err == nil {
		t.facts.Name = c.Subject.CommonName
	}
	// Identifiers have the form of a UUID; those of the same CA stay the same, so that a second visit installs nothing twice.
	digits := strings.ToLower(strings.ReplaceAll(t.facts.Fingerprint, ":", ""))
	t.profile = strings.NewReplacer(
		"{{name}}", t.facts.Name, "{{certificate}}", base64.StdEncoding.EncodeToString(root),
		"{{profile}}", uuid(digits[:32]), "{{payload}}", uuid(digits[32:64]),
	).Replace(trustProfile)
	return t
}

func uuid(digits string) string {
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// ServeHTTP answers one request.
func (t *trust) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		plainPage(w, http.StatusMethodNotAllowed, "This address does not take this method.")
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case trustPath:
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Vary", "Accept-Language")
		facts := t.facts
		facts.German = germanFirst(r.Header.Get("Accept-Language"))
		facts.Code = pageCode(r, facts.German)
		_ = t.page.Execute(w, facts) // the client is gone
	case trustStylePath:
		h.Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(trustStyle)) // the client is gone
	case trustRootPath:
		h.Set("Content-Type", "application/x-x509-ca-cert")
		_, _ = w.Write(t.root) // the client is gone
	case trustProfilePath:
		h.Set("Content-Type", "application/x-apple-aspen-config")
		_, _ = w.Write([]byte(t.profile)) // the client is gone
	default:
		plainPage(w, http.StatusNotFound, "There is nothing at this address.")
	}
}

// pageCode is a QR code with the address of this page. The host was checked before: it has no characters that mean anything
// in HTML.
func pageCode(r *http.Request, german bool) template.HTML {
	scheme, label := "http", "QR code with the address of this page"
	if r.TLS != nil {
		scheme = "https"
	}
	if german {
		label = "QR-Code mit der Adresse dieser Seite"
	}
	code, err := qr.Encode(scheme + "://" + r.Host + trustPath)
	if err != nil {
		return "" // the address is too long for one
	}
	return template.HTML(code.SVG(label)) // see above
}

// germanFirst reports whether German comes before English in a list of languages.
func germanFirst(accepted string) bool {
	for part := range strings.SplitSeq(accepted, ",") {
		language, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		switch language, _, _ = strings.Cut(language, "-"); language {
		case "de":
			return true
		case "en":
			return false
		}
	}
	return false
}
