package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"konklave/auth/directory"
	"konklave/auth/oidc"
	"konklave/auth/saml"
	"konklave/config"
)

// clockTolerance is by how much the clock of an identity provider may differ before what it says is refused, both ways.
const clockTolerance = min(oidc.ClockSkew, saml.ClockSkew)

// providers asks each identity provider for what a sign-in needs of it, all at once: one that does not answer takes its time.
func providers(ctx context.Context, c config.Config, now func() time.Time) []Finding {
	found := make([][]Finding, len(c.Identity.Providers()))
	var wait sync.WaitGroup
	quiet := slog.New(slog.DiscardHandler)
	for _, s := range c.Identity.Directories {
		wait.Go(func() {
			d, err := directory.New(s, quiet, now)
			if err != nil {
				found[s.Position] = unusable(err)
				return
			}
			for _, h := range d.Examine(ctx) {
				found[s.Position] = append(found[s.Position], judgeDirectory(h, s.Base, now())...)
			}
		})
	}
	for _, s := range c.Identity.OpenID {
		wait.Go(func() {
			p, err := oidc.New(s, oidc.Parts{Log: quiet, Now: now})
			if err != nil {
				found[s.Position] = unusable(err)
				return
			}
			found[s.Position] = openID(ctx, p, s.Roots, now)
		})
	}
	for _, s := range c.Identity.SAML {
		wait.Go(func() {
			p, err := saml.New(s, saml.Parts{Log: quiet, Now: now})
			if err != nil {
				found[s.Position] = unusable(err)
				return
			}
			h, err := p.Examine(ctx)
			found[s.Position] = append(judgeMetadata(h, err, now()), signOnPage(ctx, h, s.Roots, now)...)
		})
	}
	wait.Wait()
	var all []Finding
	for i, p := range c.Identity.Providers() {
		for _, f := range found[i] {
			f.Text = p.ID + ": " + f.Text
			all = append(all, f)
		}
	}
	return all
}

func unusable(err error) []Finding {
	return []Finding{failed("Correct what is configured under identity; the server does not start with it.", "It cannot be used as it is configured (%v).", err)}
}

// judgeDirectory says what is wrong with one server.
func judgeDirectory(h directory.Health, base string, now time.Time) []Finding {
	if h.Err != nil {
		return []Finding{failed("See that the server runs, that its port is open, that its certificate is for this name and by an authority in roots, and that bind-dn and its password are right. See docs/operate/identity.md.",
			"%s cannot be used (%v).", h.Server, cause(h.Err))}
	}
	findings := judgeEnd(h.Server, h.Ends, now)
	if h.Clock {
		findings = append(findings, judgeClock(h.Server, h.Ahead)...)
	}
	switch {
	case h.Base != nil:
		return append(findings, failed("Correct base, or let the service account search there.", "%s does not let the service account search below %s (%v).", h.Server, base, cause(h.Base)))
	case !h.People:
		return append(findings, failed("Correct base or filter, or let the service account read there.", "%s finds nobody below %s who fulfils the filter.", h.Server, base))
	}
	return append(findings, good("%s answers, takes the service account and finds people below %s.", h.Server, base))
}

// openID asks a provider of OpenID Connect.
func openID(ctx context.Context, p *oidc.Provider, roots string, now func() time.Time) []Finding {
	if err := p.Examine(ctx); err != nil {
		return []Finding{failed("See that the address in issuer is exact, that the provider runs, and that its certificate is for this name and by an authority in roots. See docs/operate/identity.md.",
			"The provider cannot be used (%v).", cause(err))}
	}
	findings := []Finding{good("%s answers, describes itself as configured and shows keys.", p.Discovery())}
	s, err := look(ctx, p.Discovery(), roots, now)
	if err != nil {
		return append(findings, unknown("Try again.", "Its certificate and clock cannot be looked at (%v).", cause(err)))
	}
	return append(findings, s.judge(p.Discovery(), now())...)
}

// judgeMetadata says what is wrong with the metadata of a SAML provider, and with our certificate.
func judgeMetadata(h saml.Health, err error, now time.Time) []Finding {
	var findings []Finding
	if days := daysUntil(h.OwnEnds, now); days < certificateDays {
		findings = append(findings, advice("Make a new one and give our metadata to the provider again.", "Our own certificate (cert-file) ends on %s; some providers refuse one that has ended.", h.OwnEnds.Format(time.DateOnly)))
	}
	if err != nil {
		return append(findings, failed("See that metadata leads to the provider's present metadata, and that entity-id and metadata-cert-file are those of the provider. See docs/operate/identity.md.", "%v.", err))
	}
	if days := daysUntil(h.Ends, now); days < certificateDays {
		findings = append(findings, advice("Ask the provider for its next certificate, and fetch its metadata again.", "The certificate that the provider signs with ends on %s.", h.Ends.Format(time.DateOnly)))
	}
	if !h.ValidUntil.IsZero() && daysUntil(h.ValidUntil, now) < certificateDays {
		return append(findings, advice("Where metadata is a file, fetch it again; an address is read again each hour.", "The provider's metadata are valid until %s.", h.ValidUntil.UTC().Format(time.RFC3339)))
	}
	return append(findings, good("The provider's metadata are plausible: it signs in at %s.", h.SignOn))
}

// signOnPage asks the page where browsers sign in, which this machine need not reach.
func signOnPage(ctx context.Context, h saml.Health, roots string, now func() time.Time) []Finding {
	switch {
	case h.SignOn == "":
		return nil
	case !strings.HasPrefix(h.SignOn, "https://"):
		return []Finding{advice("Ask the provider for an https:// address.", "People type their password at an address without TLS: %s.", h.SignOn)}
	}
	s, err := look(ctx, h.SignOn, roots, now)
	if err != nil {
		return []Finding{unknown("Nothing, if browsers reach it; else see that the provider runs.", "The page where people sign in cannot be reached from this machine (%v).", cause(err))}
	}
	return s.judge(h.SignOn, now())
}

// seen is what a server of the web shows of itself.
type seen struct {
	ends  time.Time // when its certificate does
	clock bool      // it tells its time
	ahead time.Duration
}

// look asks an address once. Whatever the answer is, it shows the certificate and mostly the time, in whole seconds.
func look(ctx context.Context, address, roots string, now func() time.Time) (seen, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != "" {
		pem, err := os.ReadFile(roots)
		if err != nil {
			return seen{}, err
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return seen{}, fmt.Errorf("%s holds no certificate", roots)
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	q, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return seen{}, err
	}
	begun := now()
	answer, err := client.Do(q)
	if err != nil {
		return seen{}, err
	}
	defer answer.Body.Close()
	var s seen
	if answer.TLS != nil && len(answer.TLS.PeerCertificates) > 0 {
		s.ends = answer.TLS.PeerCertificates[0].NotAfter
	}
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		ended := now()
		s.clock, s.ahead = true, at.Add(time.Second/2).Sub(begun.Add(ended.Sub(begun)/2))
	}
	return s, nil
}

func (s seen) judge(address string, now time.Time) []Finding {
	findings := judgeEnd(address, s.ends, now)
	if s.clock {
		findings = append(findings, judgeClock(address, s.ahead)...)
	}
	return findings
}

func daysUntil(end, now time.Time) int { return int(end.Sub(now).Hours() / 24) }

// judgeEnd says how long a certificate that is good is still valid.
func judgeEnd(server string, ends, now time.Time) []Finding {
	days := daysUntil(ends, now)
	if days < certificateDays {
		return []Finding{advice("Have it renewed: nobody signs in there after that.", "The certificate of %s ends in %d days.", server, days)}
	}
	return []Finding{good("The certificate of %s is valid for %d more days.", server, days)}
}

// judgeClock says whether the clocks are near enough.
func judgeClock(server string, ahead time.Duration) []Finding {
	const fix = "Have both clocks set by NTP."
	off := ahead.Abs().Round(time.Second)
	way := "ahead of"
	if ahead < 0 {
		way = "behind"
	}
	switch {
	case ahead.Abs() > clockTolerance:
		return []Finding{failed(fix, "The clock of %s is %v %s that of this machine; more than %v are too much.", server, off, way, clockTolerance)}
	case ahead.Abs() > clockTolerance/2:
		return []Finding{advice(fix, "The clock of %s is %v %s that of this machine; more than %v are too much.", server, off, way, clockTolerance)}
	}
	return []Finding{good("The clock of %s agrees with that of this machine.", server)}
}
