package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"konklave/config"
)

// worst is the most serious level of some findings.
func worst(findings []Finding) Level {
	order := []Level{Good, Advice, Unknown, Failed}
	at := 0
	for _, f := range findings {
		for i, l := range order {
			if f.Level == l {
				at = max(at, i)
			}
		}
	}
	return order[at]
}

func expect(t *testing.T, what string, findings []Finding, want Level, words string) {
	t.Helper()
	text := ""
	for _, f := range findings {
		text += f.Text + " " + f.Fix + "\n"
		if f.Level == Failed && f.Fix == "" {
			t.Errorf("%s: %q says nothing of what to do", what, f.Text)
		}
	}
	if worst(findings) != want || !strings.Contains(text, words) {
		t.Errorf("%s: %s, want %s and %q:\n%s", what, worst(findings), want, words, text)
	}
}

func TestTheWebAddressIsAskedAsPeopleDo(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
	}))
	c := config.Default()
	c.PublicURL = server.URL
	expect(t, "ready", webAddress(t.Context(), c), Good, "is ready")
	status = http.StatusServiceUnavailable
	expect(t, "not ready", webAddress(t.Context(), c), Failed, "status 503")
	server.Close()
	expect(t, "away", webAddress(t.Context(), c), Failed, "Nobody answers")
	c.PublicURL = "https://nowhere.invalid"
	expect(t, "name", webAddress(t.Context(), c), Failed, "leads to no address")
	c.PublicURL, c.TLS.Mode = "", config.TLSLocalCA
	expect(t, "unknown", webAddress(t.Context(), c), Unknown, "cannot be tried")
}

func TestAProxyThatEndsTLSShouldBeTrusted(t *testing.T) {
	t.Parallel()
	c := config.Default()
	if got := proxies(c); got != nil {
		t.Errorf("on this machine alone: %v", got)
	}
	c.PublicURL = "https://kon.test"
	expect(t, "not trusted", proxies(c), Advice, "all count as one")
	c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	expect(t, "trusted", proxies(c), Good, "may say who the clients are")
	c.Proxies, c.TLS.Mode = nil, config.TLSLocalCA
	if got := proxies(c); got != nil {
		t.Errorf("with TLS of its own: %v", got)
	}
}

func TestCertificatesAreJudged(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(name string, from, to time.Time) []*x509.Certificate {
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, DNSNames: []string{name}, NotBefore: from, NotAfter: to}
		raw, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		return []*x509.Certificate{c}
	}
	day := 24 * time.Hour
	expect(t, "none", judge(nil, "kon.test", now), Failed, "no certificate")
	expect(t, "ended", judge(issue("kon.test", now.Add(-9*day), now.Add(-day)), "kon.test", now), Failed, "ended on 2026-11-21")
	expect(t, "later", judge(issue("kon.test", now.Add(day), now.Add(9*day)), "kon.test", now), Failed, "from 2026-11-23 on")
	expect(t, "name", judge(issue("other.test", now.Add(-day), now.Add(90*day)), "kon.test", now), Failed, "not for kon.test")
	expect(t, "authority", judge(issue("kon.test", now.Add(-day), now.Add(90*day)), "kon.test", now), Advice, "does not trust")
}

func TestTheCertificateOfARealListenerIsLookedAt(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	c := config.Default()
	c.PublicURL, c.TLS.Mode = server.URL, config.TLSFiles
	expect(t, "self-signed", certificate(t.Context(), c, time.Now()), Advice, "does not trust")
	c.PublicURL = "http://localhost"
	c.TLS.Mode = config.TLSOff
	expect(t, "off", certificate(t.Context(), c, time.Now()), Advice, "TLS is off")
}

func TestMediaAddressesMustBeOfThisMachine(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Media.Addresses = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	expect(t, "loopback", media(c), Advice, "Only browsers on this machine")
	c.Media.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.199")}
	expect(t, "foreign", media(c), Failed, "cannot be received at 192.0.2.199")
	c.Media.Ports.Last = c.Media.Ports.First
	expect(t, "narrow", media(c), Failed, "1 media ports for 200 conferences")
}

func TestTheClockIsAskedOfTheKernel(t *testing.T) {
	t.Parallel()
	expect(t, "kept", clockFinding(unix.TIME_OK, clockError, nil), Good, "kept right, to 5s")
	expect(t, "doubtful", clockFinding(unix.TIME_OK, clockError+1_000_000, nil), Advice, "wrong by 6s")
	expect(t, "alone", clockFinding(unix.TIME_ERROR, 0, nil), Advice, "Nothing keeps")
	expect(t, "hidden", clockFinding(0, 0, errors.New("not permitted")), Unknown, "cannot be told")
	if got := clock(); len(got) != 1 {
		t.Errorf("%d findings about this machine's clock", len(got))
	}
}

func TestTheDiskOfTheDataDirectoryIsLookedAt(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = filepath.Join(t.TempDir(), "missing")
	expect(t, "missing", disk(c), Unknown, "does not exist yet")
	c.Data = "/dev/shm"
	expect(t, "tmpfs", disk(c), Advice, "tmpfs")
}

func TestEveryFindingIsTold(t *testing.T) {
	t.Parallel()
	var told []string
	checks := []Check{
		{"one", func(context.Context) []Finding { return []Finding{good("fine"), advice("fix", "not so fine")} }},
		{"none", func(context.Context) []Finding { return nil }},
		{"two", func(ctx context.Context) []Finding {
			if _, limited := ctx.Deadline(); !limited {
				t.Error("a check has no limit of time")
			}
			return []Finding{failed("mend", "broken")}
		}},
	}
	Examine(t.Context(), checks, func(f Finding) { told = append(told, f.Check+" "+string(f.Level)+" "+f.Text) })
	if got := strings.Join(told, "; "); got != "one good fine; one advice not so fine; two failed broken" {
		t.Errorf("told %q", got)
	}
}
