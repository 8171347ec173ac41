package app

import (
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"konklave/config"
	"konklave/front"
	"konklave/front/certificate"
)

// CertificateDir is where certificates lie that the front makes or fetches.
func CertificateDir(c config.Config) string { return filepath.Join(c.Data, "tls") }

// withCertificates adds to the front's options what the configured mode of TLS needs.
func withCertificates(c config.Config, o front.Options, log *slog.Logger) (front.Options, error) {
	host := ""
	if u, err := url.Parse(c.PublicURL); err == nil {
		host = u.Hostname()
	}
	switch c.TLS.Mode {
	case config.TLSFiles:
		files, err := certificate.NewFiles(c.TLS.Certificate, c.TLS.Key, host, time.Now, log)
		if err != nil {
			return o, err
		}
		o.Certificates = files
	case config.TLSLocalCA:
		ca, err := certificate.OpenLocalCA(CertificateDir(c), c.Hosts(), time.Now, log)
		if err != nil {
			return o, fmt.Errorf("local CA: %w", err)
		}
		o.Certificates, o.TrustRoot = ca, ca.Root()
		log.Info("devices are told to trust the local CA at /trust", "address", c.Address()+"/trust", "sha256", certificate.Fingerprint(ca.Root()))
	case config.TLSACME:
		acme, err := certificate.NewACME(certificate.ACMEOptions{
			Host: host, Directory: c.TLS.Directory, Email: c.TLS.Email, Roots: c.TLS.Roots,
			Keep: filepath.Join(CertificateDir(c), "acme"), Listen: c.Listen, Redirect: c.TLS.Redirect, Log: log,
		})
		if err != nil {
			return o, err
		}
		o.Certificates, o.Challenge = acme, acme.Challenge
	case config.TLSOff:
	}
	return o, nil
}
