// Package certificate gives the public listener its certificates: from files of the operator, from an ACME server, or from
// a CA of this instance for a trial on the local network.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"
)

// CheckEvery is how often a source looks whether its certificate is still the right one.
const CheckEvery = 10 * time.Second

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

// selfSigned reports whether a certificate vouches for itself only.
func selfSigned(leaf *x509.Certificate) bool {
	return string(leaf.RawIssuer) == string(leaf.RawSubject) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}
