package certificate

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// ExpiryWarning is how long before its end a certificate is complained about.
const ExpiryWarning = 14 * 24 * time.Hour

// complainEvery is how often the same complaint is repeated.
const complainEvery = 24 * time.Hour

// flaw says why browsers refuse a certificate for host at a time; empty when they do not.
func flaw(leaf *x509.Certificate, host string, now time.Time) string {
	switch {
	case now.After(leaf.NotAfter):
		return "expired on " + leaf.NotAfter.UTC().Format(time.DateOnly)
	case now.Before(leaf.NotBefore):
		return "is valid from " + leaf.NotBefore.UTC().Format(time.DateTime) + " UTC on only"
	case host != "" && !covers(leaf, host):
		return fmt.Sprintf("is not for %s, the host of public-url, but for %s", host, strings.Join(names(leaf), ", "))
	}
	return ""
}

// complaint says in a sentence or two what is wrong with a certificate in use, or will be soon; empty when nothing is.
func complaint(leaf *x509.Certificate, host string, now time.Time) string {
	wrong := flaw(leaf, host, now)
	switch {
	case now.After(leaf.NotAfter):
		return "The certificate " + wrong + ". Browsers refuse it until it is renewed."
	case now.Before(leaf.NotBefore):
		return "The certificate " + wrong + ". Check the clock of this machine."
	case wrong != "":
		return "The certificate " + wrong + "."
	case now.Add(ExpiryWarning).After(leaf.NotAfter):
		return "The certificate expires on " + leaf.NotAfter.UTC().Format(time.DateOnly) + ". Renew it."
	}
	return ""
}

// complaints writes sentences to the log, the same one every complainEvery.
type complaints struct {
	log  *slog.Logger
	last string
	at   time.Time
}

// say logs a sentence, unless it is empty or was said not long ago.
func (c *complaints) say(now time.Time, sentence string) {
	if sentence == c.last && now.Sub(c.at) < complainEvery {
		return
	}
	c.last, c.at = sentence, now
	if sentence != "" {
		c.log.Error(sentence)
	}
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
