package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// issued is a certificate of a CA, or of itself, and its key (PEM).
func issued(t *testing.T, name string, until time.Time, own bool) (certificate, key []byte) {
	t.Helper()
	return issuedFrom(t, name, noon.Add(-365*24*time.Hour), until, own)
}

func issuedFrom(t *testing.T, name string, from, until time.Time, own bool) (certificate, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from, NotAfter: until,
	}
	parent, signer := template, k
	if !own {
		if signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
		parent = &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "CA"}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, k.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

// disk is a certificate in files, with what the log says about it.
type disk struct {
	t                *testing.T
	certificate, key string
	log              bytes.Buffer
	now              time.Time
}

func newDisk(t *testing.T) *disk {
	dir := t.TempDir()
	return &disk{t: t, certificate: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), now: noon}
}

func (d *disk) write(certificate, key []byte) {
	d.t.Helper()
	for path, data := range map[string][]byte{d.certificate: certificate, d.key: key} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *disk) open(host string) (*Files, error) {
	return NewFiles(d.certificate, d.key, host, func() time.Time { return d.now }, slog.New(slog.NewTextHandler(&d.log, nil)))
}

func (d *disk) says(want string) {
	d.t.Helper()
	if !strings.Contains(d.log.String(), want) {
		d.t.Errorf("the log does not say %q:\n%s", want, d.log.String())
	}
	d.log.Reset()
}

func served(t *testing.T, s Source, name string) string {
	t.Helper()
	pair, err := s.Certificate(&tls.ClientHelloInfo{ServerName: name})
	if err != nil {
		t.Fatal(err)
	}
	if pair == nil {
		return ""
	}
	return pair.Leaf.Subject.CommonName + " " + pair.Leaf.NotAfter.UTC().Format(time.DateOnly)
}

func TestFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	year := noon.Add(365 * 24 * time.Hour)
	d.write(issued(t, "a.example", year, false))
	f, err := d.open("a.example")
	if err != nil {
		t.Fatal(err)
	}
	if d.log.Len() > 0 || !f.Public() {
		t.Errorf("public %v, log: %s", f.Public(), d.log.String())
	}
	good, goodKey := issued(t, "a.example", year.Add(24*time.Hour), false)
	expired, expiredKey := issued(t, "a.example", noon.Add(-time.Second), false)
	other, otherKey := issued(t, "b.example", year, false)
	for _, step := range []struct {
		name             string
		certificate, key []byte
		want, says       string
	}{
		{"unchanged", nil, nil, "2027-11-22", ""},
		{"no certificate", []byte("nonsense"), goodKey, "2027-11-22", "the old one stays"},
		{"empty", []byte{}, goodKey, "2027-11-22", "is empty"},
		{"too large", make([]byte, FileMax+1), goodKey, "2027-11-22", "larger than"},
		{"key of another", good, expiredKey, "2027-11-22", "cannot be used together"},
		{"expired", expired, expiredKey, "2027-11-22", "The new certificate expired on 2026-11-22, the old one stays."},
		{"of another host", other, otherKey, "2027-11-22", "The new certificate is not for a.example, the host of public-url, but for b.example, the old one stays."},
		{"good", good, goodKey, "2027-11-23", "new certificate in use"},
	} {
		if step.certificate != nil {
			d.write(step.certificate, step.key)
		}
		f.check()
		if got := served(t, f, "a.example"); got != "a.example "+step.want {
			t.Errorf("%s: serves %s, want %s", step.name, got, step.want)
		}
		if step.says == "" && d.log.Len() > 0 {
			t.Errorf("%s: %s", step.name, d.log.String())
		}
		d.says(step.says)
	}
	if err := os.Remove(d.key); err != nil {
		t.Fatal(err)
	}
	f.check()
	d.says("key file (tls.key) cannot be read")
	f.check()
	if d.log.Len() > 0 {
		t.Error("the same complaint comes again at once")
	}
	d.now = d.now.Add(complainEvery)
	f.check()
	d.says("cannot be read")
}

// A certificate that is put in place too early waits; the one before it is served for as long as it is good.
func TestACertificateIsTakenWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		oldUntil time.Duration // from noon
		from     time.Duration
		taken    time.Duration // when the new one is served first
	}{
		"it becomes valid":     {48 * time.Hour, 24 * time.Hour, 24 * time.Hour},
		"the old one ends":     {12 * time.Hour, 24 * time.Hour, 12*time.Hour + time.Second},
		"the old one is ended": {-time.Hour, 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			d.write(issued(t, "a.example", noon.Add(test.oldUntil), false))
			f, err := d.open("a.example")
			if err != nil {
				t.Fatal(err)
			}
			d.log.Reset()
			d.write(issuedFrom(t, "a.example", noon.Add(test.from), noon.Add(365*24*time.Hour), false))
			f.check()
			if test.taken > 0 {
				d.says("The new certificate is valid from 2026-11-23 12:00:00 UTC on only, the old one stays.")
				d.now = noon.Add(test.taken - time.Second)
				f.check()
				if got := served(t, f, ""); strings.HasSuffix(got, "2027-11-22") {
					t.Errorf("serves %s too early", got)
				}
				d.now = noon.Add(test.taken)
				f.check()
			}
			if got := served(t, f, ""); got != "a.example 2027-11-22" {
				t.Errorf("serves %s", got)
			}
			d.says("new certificate in use")
		})
	}
}

func TestRunLooksAtTheFiles(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.write(issued(t, "a.example", noon.Add(365*24*time.Hour), false))
	newer, newerKey := issued(t, "a.example", noon.Add(366*24*time.Hour), false)
	synctest.Test(t, func(t *testing.T) {
		f, err := d.open("a.example")
		if err != nil {
			t.Fatal(err)
		}
		go f.Run(t.Context())
		d.write(newer, newerKey)
		time.Sleep(CheckEvery) // virtual
		synctest.Wait()
		if got := served(t, f, ""); got != "a.example 2027-11-23" {
			t.Errorf("serves %s", got)
		}
	})
}

func TestFilesAtStart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		until      time.Time
		host, says string
	}{
		"expired":      {noon.Add(-time.Second), "a.example", "The certificate expired on 2026-11-22. Browsers refuse it until it is renewed."},
		"expires soon": {noon.Add(ExpiryWarning - time.Second), "a.example", "The certificate expires on 2026-12-06. Renew it."},
		"other name":   {noon.Add(ExpiryWarning + time.Second), "b.example", "The certificate is not for b.example, the host of public-url, but for a.example."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			d.write(issued(t, "a.example", test.until, false))
			if _, err := d.open(test.host); err != nil {
				t.Fatal(err)
			}
			d.says(test.says)
		})
	}
	d := newDisk(t)
	if _, err := d.open(""); err == nil || !strings.Contains(err.Error(), "tls.certificate") {
		t.Errorf("without files: %v", err)
	}
}

func TestUnknownNamesGetNoCertificate(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	d.write(issued(t, "a.example", noon.Add(365*24*time.Hour), true))
	f, err := d.open("b.example")
	if err != nil {
		t.Fatal(err)
	}
	if f.Public() {
		t.Error("a certificate that vouches for itself is taken for one that browsers trust")
	}
	for name, known := range map[string]bool{
		"": true, "a.example": true, "A.Example": true, "b.example": true, "localhost": true, "evil.example": false, "x.a.example": false,
	} {
		if got := served(t, f, name); (got != "") != known {
			t.Errorf("%q gets %q", name, got)
		}
	}
}
