package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"konklave/config"
)

// certificateDays is how many days a certificate should still be valid for.
const certificateDays = 14

// webAddress asks the instance under the address that people use, through whatever lies between.
func webAddress(ctx context.Context, c config.Config) []Finding {
	address := c.PublicURL
	if address == "" {
		address = "http://" + c.Listen
		if c.TLS.On() {
			return []Finding{unknown("Set public-url to the address that people use.", "No public address is configured, so it cannot be tried.")}
		}
	}
	findings := resolve(ctx, address)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/readyz", nil)
	if err != nil {
		return append(findings, failed("Correct public-url.", "The address %s is not valid.", address))
	}
	client := browser()
	defer client.CloseIdleConnections()
	r, err := client.Do(q)
	if err != nil {
		return append(findings, failed("Start the server; then see that the port is open in the firewall and that the name leads here.", "Nobody answers at %s (%v).", address, cause(err)))
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return append(findings, failed("Look into the log of the controller.", "%s answers with status %d: the server is not ready.", address, r.StatusCode))
	}
	return append(findings, good("%s answers and is ready.", address))
}

// browser asks as a browser does. Whether the certificate is good has a check of its own.
func browser() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}}
}

// proxies looks whether clients can be told apart behind what ends TLS in front of this server.
func proxies(c config.Config) []Finding {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "https" || c.TLS.On() {
		return nil
	}
	if len(c.Proxies) == 0 {
		return []Finding{advice("Set trusted-proxies to the address from which the proxy connects.", "Something in front of this server ends TLS for %s, and is not trusted to say who the clients are: all count as one, and share its limits.", u.Host)}
	}
	return []Finding{good("What ends TLS in front of this server may say who the clients are, when it connects from trusted-proxies.")}
}

// resolve looks whether the name leads anywhere.
func resolve(ctx context.Context, address string) []Finding {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil // the request will say so
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil
	}
	found, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err != nil {
		return []Finding{failed("Add an A (and AAAA) record for it in your DNS.", "The name %s leads to no address.", u.Hostname())}
	}
	return []Finding{good("%s leads to %s.", u.Hostname(), strings.Join(found, ", "))}
}

// certificate looks at what the public address shows, as a browser does.
func certificate(ctx context.Context, c config.Config, now time.Time) []Finding {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "https" {
		if c.TLS.On() {
			return []Finding{unknown("Set public-url.", "No public address is configured, so its certificate cannot be looked at.")}
		}
		return []Finding{advice("Set tls.mode before others than you are to use this server; plain HTTP works on this machine alone.", "TLS is off.")}
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	d := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} // judged below, to tell what is wrong
	nc, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return []Finding{failed("See the finding for the web address.", "There is no TLS at %s (%v).", u.Host, cause(err))}
	}
	defer nc.Close()
	conn, ok := nc.(*tls.Conn)
	if !ok {
		return nil
	}
	return judge(conn.ConnectionState().PeerCertificates, u.Hostname(), now)
}

// judge holds a chain against the system's authorities, the name and the time.
func judge(chain []*x509.Certificate, name string, now time.Time) []Finding {
	if len(chain) == 0 {
		return []Finding{failed("Look into the log of the front.", "The server shows no certificate.")}
	}
	leaf, rest := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		rest.AddCert(c)
	}
	days := int(leaf.NotAfter.Sub(now).Hours() / 24)
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Intermediates: rest, CurrentTime: now})
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case now.After(leaf.NotAfter):
		return []Finding{failed("Renew it; with tls.mode files the new one is taken up as soon as the files change.", "The certificate ended on %s.", leaf.NotAfter.Format(time.DateOnly))}
	case now.Before(leaf.NotBefore):
		return []Finding{failed("Look at the clock of this machine.", "The certificate is valid from %s on only.", leaf.NotBefore.Format(time.DateOnly))}
	case errors.As(err, &host):
		return []Finding{failed("Get one for this name.", "The certificate is not for %s.", name)}
	case errors.As(err, &authority):
		return []Finding{advice("For a trial, install the authority from the page /trust; for real use, take a certificate that browsers know.", "This machine does not trust the certificate's authority (%s).", leaf.Issuer.CommonName)}
	case err != nil:
		return []Finding{failed("Look at the chain in the certificate's file: it must hold the intermediates.", "The certificate does not hold: %v.", err)}
	case days < certificateDays:
		return []Finding{advice("Renew it now.", "The certificate ends in %d days.", days)}
	}
	return []Finding{good("The certificate for %s is valid for %d more days.", name, days)}
}

// media looks at addresses and ports that conferences will use.
func media(c config.Config) []Finding {
	var findings []Finding
	public := false
	for _, a := range c.Media.Addresses {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err != nil {
			findings = append(findings, failed("Set media.addresses to addresses of this machine.", "Media cannot be received at %s (%v).", a, cause(err)))
			continue
		}
		_ = conn.Close() // nothing was written
		public = public || !a.IsLoopback()
	}
	if !public {
		findings = append(findings, advice("Set media.addresses to the address under which others reach this machine.", "Only browsers on this machine can send and receive media directly."))
	}
	if got, want := c.Media.Ports.Len(), c.Conference.MaxRunning; got < want {
		findings = append(findings, failed("Widen media.ports.", "There are %d media ports for %d conferences.", got, want))
	}
	if len(findings) == 0 {
		findings = append(findings, good("Media is received at %s, UDP ports %d to %d; open them in the firewall.", addresses(c.Media.Addresses), c.Media.Ports.First, c.Media.Ports.Last))
	}
	return findings
}

func addresses(list []netip.Addr) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}

// cause is the innermost error: the outer ones repeat the address.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Errorf("%s", strings.TrimSpace(err.Error()))
		}
		err = inner
	}
}
