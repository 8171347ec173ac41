package certificate

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// How long the certificates of a local CA live. Apple's systems refuse leaves over 825 days.
const (
	rootLife  = 5 * 365 * 24 * time.Hour
	leafLife  = 90 * 24 * time.Hour
	leafRenew = 30 * 24 * time.Hour // before its end, a leaf is made anew
	clockSlip = 24 * time.Hour      // by which devices may be behind
)

// localDomains are the names that nobody owns on the internet, for which a local CA may vouch besides those it was made for.
func localDomains() []string {
	return []string{"localhost", "local", "lan", "home.arpa", "internal", "test"}
}

// localNetworks are the addresses that nobody owns on the internet.
func localNetworks() []string {
	return []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"}
}

// LocalCA is a CA of this instance and the certificate that it has issued to it. A device that was told to trust the CA
// trusts it for this instance and for local names and addresses, never for anybody else's (name constraints, RFC 5280,
// section 4.2.1.10).
type LocalCA struct {
	root  *x509.Certificate
	key   *ecdsa.PrivateKey
	names []string
	now   func() time.Time
	log   *slog.Logger
	leaf  atomic.Pointer[tls.Certificate]
}

// OpenLocalCA reads the CA in dir, or makes it, and issues a certificate for names: host names and IP addresses in text.
// Devices have to be told again when the CA is made anew, so that happens only when it is about to end, or may not vouch for
// a host name; addresses, which come and go, that it may not vouch for are left out of the certificate.
func OpenLocalCA(dir string, names []string, now func() time.Time, log *slog.Logger) (*LocalCA, error) {
	c := &LocalCA{names: slices.Compact(slices.Sorted(slices.Values(names))), now: now, log: log}
	err := c.load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = c.create(dir)
	}
	if err != nil {
		return nil, err
	}
	if why := c.unfit(); why != "" {
		log.Warn("the local CA is made anew; devices have to be told to trust it again", "reason", why)
		if err := c.create(dir); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.DeleteFunc(slices.Clone(c.names), c.vouches) {
		log.Warn("the local CA may not vouch for an address that this machine has; stop the server and remove the file of the CA for a new one, "+
			"which devices have to be told to trust again", "address", name, "file", filepath.Join(dir, pairFile))
	}
	c.names = slices.DeleteFunc(c.names, func(name string) bool { return !c.vouches(name) })
	return c, c.issue()
}

// Root is the certificate of the CA (DER).
func (c *LocalCA) Root() []byte { return c.root.Raw }

// Certificate returns the certificate unless the client asks for a name that it is not for.
func (c *LocalCA) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair := c.leaf.Load()
	if !wanted(hello, pair.Leaf, "") {
		return nil, nil //nolint:nilnil // crypto/tls then answers unrecognized_name
	}
	return pair, nil
}

// Public reports that browsers have to be told to trust the certificate.
func (c *LocalCA) Public() bool { return false }

// Protocols are none.
func (c *LocalCA) Protocols() []string { return nil }

// Run issues a new certificate before the present one ends, until ctx ends.
func (c *LocalCA) Run(ctx context.Context) {
	tick := time.NewTicker(CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if c.now().Add(leafRenew).After(c.leaf.Load().Leaf.NotAfter) {
				if err := c.issue(); err != nil {
					c.log.Error("no new certificate of the local CA", "error", err)
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// unfit says why the CA cannot go on; empty when it can.
func (c *LocalCA) unfit() string {
	if c.now().Add(leafLife).After(c.root.NotAfter) {
		return "it ends on " + c.root.NotAfter.UTC().Format(time.DateOnly)
	}
	for _, name := range c.names {
		if net.ParseIP(name) == nil && !c.vouches(name) {
			return "it may not vouch for " + name
		}
	}
	return ""
}

// vouches reports whether the CA may vouch for a name or an address.
func (c *LocalCA) vouches(name string) bool {
	if ip := net.ParseIP(name); ip != nil {
		return slices.ContainsFunc(c.root.PermittedIPRanges, func(n *net.IPNet) bool { return n.Contains(ip) })
	}
	return slices.ContainsFunc(c.root.PermittedDNSDomains, func(d string) bool { return within(name, d) })
}

// within reports whether a name is a domain or below it.
func within(name, domain string) bool {
	name, domain = strings.ToLower(name), strings.ToLower(domain)
	return name == domain || strings.HasSuffix(name, "."+domain)
}

func (c *LocalCA) create(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := c.now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: "Konklave local CA " + now.UTC().Format(time.DateOnly) + " " + rand.Text()[:6]},
		NotBefore:    now.Add(-clockSlip), NotAfter: now.Add(rootLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         localDomains(),
	}
	for _, network := range localNetworks() {
		template.PermittedIPRanges = append(template.PermittedIPRanges, ipNet(netip.MustParsePrefix(network)))
	}
	for _, name := range c.names {
		if a, err := netip.ParseAddr(name); err == nil {
			template.PermittedIPRanges = append(template.PermittedIPRanges, ipNet(netip.PrefixFrom(a.WithZone(""), a.BitLen())))
		} else {
			template.PermittedDNSDomains = append(template.PermittedDNSDomains, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make the local CA: %w", err)
	}
	if c.root, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	c.key = key
	return c.save(dir)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// issue makes a certificate for the names.
func (c *LocalCA) issue() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := c.now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Konklave"},
		NotBefore: now.Add(-clockSlip), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range c.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.root, key.Public(), c.key)
	if err != nil {
		return fmt.Errorf("issue a certificate of the local CA: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	c.leaf.Store(&tls.Certificate{Certificate: [][]byte{der, c.root.Raw}, PrivateKey: key, Leaf: leaf})
	return nil
}

func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}

// Fingerprint is the SHA-256 of a certificate (DER) as people compare it: upper-case pairs with colons.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}
