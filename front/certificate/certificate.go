// Package certificate gives the public listener its certificates: from files of the operator, from an ACME server, or from
// a CA of this instance for a trial on the local network.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

// CheckEvery is how often a source looks whether its certificate is still the right one.
const CheckEvery = 10 * time.Second

// ExpiryWarning is how long before its end a certificate is complained about.
const ExpiryWarning = 14 * 24 * time.Hour

// Source gives certificates. All methods may be called from any goroutine.
type Source interface {
	// Certificate returns the certificate for a handshake (tls.Config.GetCertificate); nil for a name that is not ours.
	Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// Public reports whether browsers trust the certificate without being told to, so that they may be held to HTTPS.
	Public() bool
	// Protocols are ALPN names (RFC 7301) that the source needs in handshakes for itself.
	Protocols() []string
	// Run keeps the certificate fresh until ctx ends.
	Run(ctx context.Context)
}

// covers reports whether a leaf certificate is right for a name or an address in text.
func covers(leaf *x509.Certificate, name string) bool { return leaf.VerifyHostname(name) == nil }

// wanted reports whether a handshake is for us: it names nobody, a name of the certificate, or one that we go by.
func wanted(hello *tls.ClientHelloInfo, leaf *x509.Certificate, host string) bool {
	name := hello.ServerName
	return name == "" || strings.EqualFold(name, host) || strings.EqualFold(name, "localhost") || covers(leaf, name)
}

// complaint says what is wrong with a certificate for host at a time, in a sentence; empty when nothing is.
func complaint(leaf *x509.Certificate, host string, now time.Time) string {
	day := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.After(leaf.NotAfter):
		return "The certificate expired on " + day + ". Browsers refuse it until it is renewed."
	case now.Before(leaf.NotBefore):
		return "The certificate is valid from " + leaf.NotBefore.UTC().Format(time.DateTime) + " UTC on only. Check the clock of this machine."
	case host != "" && !covers(leaf, host):
		return fmt.Sprintf("The certificate is not for %s, the host of public-url, but for %s.", host, strings.Join(names(leaf), ", "))
	case now.Add(ExpiryWarning).After(leaf.NotAfter):
		return "The certificate expires on " + day + ". Renew it."
	}
	return ""
}

func names(leaf *x509.Certificate) []string {
	all := append([]string(nil), leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return []string{"nobody"}
	}
	return all
}

// selfSigned reports whether a certificate vouches for itself only.
func selfSigned(leaf *x509.Certificate) bool {
	return string(leaf.RawIssuer) == string(leaf.RawSubject) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}
