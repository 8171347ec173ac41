package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// acmeProtocol is the ALPN name of the challenge by TLS (RFC 8737).
const acmeProtocol = "acme-tls/1"

// ACMEOptions say where certificates are fetched from.
type ACMEOptions struct {
	Host      string // that the certificate is for
	Directory string // URL of the ACME server (RFC 8555)
	Email     string // contact of the account; may be empty
	Roots     string // file with CA certificates (PEM) that the ACME server is trusted by; empty for the system's
	Keep      string // directory for account, keys and certificates
	Listen    string // address where this instance answers TLS, host:port
	Redirect  string // address where it answers plain HTTP; empty when it does not
	Log       *slog.Logger
}

// ACME fetches the certificate from an ACME server and renews it in time. The server's challenges are answered on the
// public listener, and on the plain HTTP one when there is one.
type ACME struct {
	host   string
	magic  *certmagic.Config
	cache  *certmagic.Cache
	issuer *certmagic.ACMEIssuer
	log    *slog.Logger

	complaints complaints // Run's alone
}

// firstLimit is how long the first certificate may take before its absence is complained about.
const firstLimit = 2 * time.Minute

// NewACME reads what was fetched before. Nothing is asked of the server before Run.
func NewACME(o ACMEOptions) (*ACME, error) {
	a := &ACME{host: o.Host, log: o.Log, complaints: complaints{log: o.Log}}
	log := zap.New(zapCore{o.Log})
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.magic, nil }, Logger: log,
	})
	a.magic = certmagic.New(a.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Keep}, DefaultServerName: o.Host, Logger: log,
		OCSP: certmagic.OCSPConfig{DisableStapling: true}, // nobody but the ACME server is asked
	})
	template := certmagic.ACMEIssuer{CA: o.Directory, Email: o.Email, Agreed: true, DisableHTTPChallenge: o.Redirect == "", Logger: log}
	var err error
	if template.ListenHost, template.AltTLSALPNPort, err = split(o.Listen); err != nil {
		return nil, err
	}
	if o.Redirect != "" {
		if _, template.AltHTTPPort, err = split(o.Redirect); err != nil {
			return nil, err
		}
	}
	if o.Roots != "" {
		if template.TrustedRoots, err = readRoots(o.Roots); err != nil {
			return nil, err
		}
	}
	a.issuer = certmagic.NewACMEIssuer(a.magic, template)
	a.magic.Issuers = []certmagic.Issuer{a.issuer}
	return a, nil
}

func split(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}

func readRoots(path string) (*x509.CertPool, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("the file of CA certificates (tls.roots) cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("the file of CA certificates (tls.roots) %s holds none", path)
	}
	return pool, nil
}

// Certificate returns the certificate, or the answer to a challenge.
func (a *ACME) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Contains(hello.SupportedProtos, acmeProtocol) {
		return a.magic.GetCertificate(hello)
	}
	if hello.ServerName != "" && !strings.EqualFold(hello.ServerName, a.host) {
		return nil, nil //nolint:nilnil // crypto/tls then answers unrecognized_name
	}
	ours := *hello
	ours.ServerName = a.host
	return a.magic.GetCertificate(&ours)
}

// Challenge answers the ACME server on the plain HTTP listener; false when the request is not its.
func (a *ACME) Challenge(w http.ResponseWriter, r *http.Request) bool {
	return a.issuer.HandleHTTPChallenge(w, r)
}

// Public reports that somebody else vouches for the certificate.
func (a *ACME) Public() bool { return true }

// Protocols are that of the challenge.
func (a *ACME) Protocols() []string { return []string{acmeProtocol} }

// Run fetches the certificate, and renews it, until ctx ends. While there is none, or it is about to end, the log says so.
func (a *ACME) Run(ctx context.Context) {
	defer a.cache.Stop()
	if err := a.magic.ManageAsync(ctx, []string{a.host}); err != nil {
		a.log.Error("no certificate can be fetched", "host", a.host, "error", err)
	}
	began := time.Now()
	tick := time.NewTicker(CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			now := time.Now()
			a.complaints.say(now, a.complaint(now, now.Sub(began)))
		case <-ctx.Done():
			return
		}
	}
}

// complaint says what is wrong with the certificate after some time of running; empty when nothing is.
func (a *ACME) complaint(now time.Time, running time.Duration) string {
	var leaf *x509.Certificate
	for _, c := range a.cache.AllMatchingCertificates(a.host) {
		if c.Leaf != nil && (leaf == nil || c.Leaf.NotAfter.After(leaf.NotAfter)) {
			leaf = c.Leaf
		}
	}
	if leaf == nil {
		if running < firstLimit {
			return ""
		}
		return "There is no certificate for " + a.host + ", so nobody can connect: the ACME server has given none so far. The messages before this one say why."
	}
	if wrong := flaw(leaf, a.host, now); wrong != "" {
		return "The certificate " + wrong + ". Browsers refuse it, and the ACME server has given no other so far."
	}
	// Renewal begins when a third of its life is left.
	if life := leaf.NotAfter.Sub(leaf.NotBefore); now.Add(life / 6).After(leaf.NotAfter) {
		return "The certificate expires on " + leaf.NotAfter.UTC().Format(time.DateOnly) + " and could not be renewed so far. The messages before this one say why."
	}
	return ""
}
