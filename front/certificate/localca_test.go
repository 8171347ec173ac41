package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func openCA(t *testing.T, dir string, now func() time.Time, names ...string) *LocalCA {
	t.Helper()
	c, err := OpenLocalCA(dir, names, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// verifies checks a leaf as a device does that trusts the CA.
func verifies(c *LocalCA, leaf *x509.Certificate, name string, at time.Time) error {
	pool := x509.NewCertPool()
	pool.AddCert(c.root)
	_, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: at})
	return err
}

func TestLocalCA(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	dir := t.TempDir()
	c := openCA(t, dir, now, "meet.example.org", "192.0.2.7", "10.0.0.1", "localhost", "2001:db8::7")
	leaf := c.leaf.Load().Leaf
	for _, name := range []string{"meet.example.org", "192.0.2.7", "10.0.0.1", "localhost", "2001:db8::7"} {
		if err := verifies(c, leaf, name, noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	again := openCA(t, dir, now, "localhost", "192.168.1.1", "printer.lan")
	if string(again.Root()) != string(c.Root()) {
		t.Error("the CA is another one after a restart")
	}
	if err := verifies(again, again.leaf.Load().Leaf, "printer.lan", noon); err != nil {
		t.Error(err)
	}
	for file, mode := range map[string]os.FileMode{pairFile: 0o600, rootFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
	}
	if other := openCA(t, dir, now, "meet.example.com"); string(other.Root()) == string(c.Root()) {
		t.Error("the CA vouches for a name that it was not made for")
	}
}

// Addresses come and go; devices that trust the CA go on to do so.
func TestLocalCAStaysWhenAnAddressChanges(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	dir := t.TempDir()
	c := openCA(t, dir, now, "localhost", "192.0.2.7", "2001:db8::7")
	var log bytes.Buffer
	again, err := OpenLocalCA(dir, []string{"localhost", "192.0.2.7", "192.0.2.8", "192.168.7.7", "2001:db8::8"}, now, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if string(again.Root()) != string(c.Root()) {
		t.Fatal("the CA is another one")
	}
	leaf := again.leaf.Load().Leaf
	for _, name := range []string{"localhost", "192.0.2.7", "192.168.7.7"} {
		if err := verifies(c, leaf, name, noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, said := range map[string]bool{"192.0.2.8": true, "2001:db8::8": true, "192.168.7.7": false} {
		if strings.Contains(log.String(), "address="+name) != said {
			t.Errorf("%s: the log says %s", name, log.String())
		}
		if said && covers(leaf, name) {
			t.Errorf("the certificate is for %s, for which the CA may not vouch", name)
		}
	}
}

// A certificate and a key that do not belong together cannot come about, wherever writing ends.
func TestLocalCAIsOneFile(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	dir, elsewhere := t.TempDir(), t.TempDir()
	c := openCA(t, dir, now, "localhost")
	openCA(t, elsewhere, now, "localhost")
	// The loss of power came between the two files: the certificate for people is still another CA's, or is not there.
	for _, copied := range []string{filepath.Join(elsewhere, rootFile), ""} {
		if err := os.Remove(filepath.Join(dir, rootFile)); err != nil {
			t.Fatal(err)
		}
		if copied != "" {
			if err := os.Rename(copied, filepath.Join(dir, rootFile)); err != nil {
				t.Fatal(err)
			}
		}
		if again := openCA(t, dir, now, "localhost"); string(again.Root()) != string(c.Root()) {
			t.Fatal("the CA is another one")
		}
		if shown, err := os.ReadFile(filepath.Join(dir, rootFile)); err != nil || string(shown) != string(c.rootPEM()) {
			t.Errorf("people are shown another certificate: %v", err)
		}
	}
}

func TestALocalCAInTwoFilesIsTakenOver(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	dir := t.TempDir()
	c := openCA(t, dir, now, "localhost")
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, oldKeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, pairFile)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is in one file
		if again := openCA(t, dir, now, "localhost"); string(again.Root()) != string(c.Root()) {
			t.Fatal("the CA is another one")
		}
		if _, err := os.Stat(filepath.Join(dir, oldKeyFile)); !os.IsNotExist(err) {
			t.Errorf("the old file is still there: %v", err)
		}
	}
}

// Whoever steals the CA's key cannot use it for other sites.
func TestLocalCAVouchesForNobodyElse(t *testing.T) {
	t.Parallel()
	c := openCA(t, t.TempDir(), func() time.Time { return noon }, "meet.example.org", "192.0.2.7")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bank.example", "example.org", "xmeet.example.org", "8.8.8.8", "192.0.2.8", "2001:db8::1"} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: noon, NotAfter: noon.Add(time.Hour)}
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = []net.IP{ip}
		} else {
			template.DNSNames = []string{name}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, c.root, key.Public(), c.key)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if verifies(c, leaf, name, noon) == nil {
			t.Errorf("the CA vouches for %s", name)
		}
	}
	if c.root.MaxPathLen != 0 || !c.root.MaxPathLenZero || !c.root.PermittedDNSDomainsCritical {
		t.Error("the CA may have CAs below it, or its constraints may be ignored")
	}
}

func TestLocalCARenewsInTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := openCA(t, dir, time.Now, "localhost")
		go c.Run(t.Context())
		first := c.leaf.Load().Leaf
		time.Sleep(leafLife - leafRenew - CheckEvery) // virtual
		synctest.Wait()
		if c.leaf.Load().Leaf != first {
			t.Error("renewed too early")
		}
		time.Sleep(2 * CheckEvery) // virtual
		synctest.Wait()
		second := c.leaf.Load().Leaf
		if second == first || verifies(c, second, "localhost", time.Now().Add(leafLife-CheckEvery*3)) != nil {
			t.Error("not renewed")
		}
	})
}

func TestLocalCAIsReplacedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), noon
	now := func() time.Time { return at }
	root := openCA(t, dir, now, "localhost").Root()
	at = noon.Add(rootLife - leafLife)
	if string(openCA(t, dir, now, "localhost").Root()) != string(root) {
		t.Error("replaced too early")
	}
	at = at.Add(time.Second)
	if string(openCA(t, dir, now, "localhost").Root()) == string(root) {
		t.Error("a CA that is about to end goes on")
	}
}

func TestBrokenLocalCAIsNotReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openCA(t, dir, time.Now, "localhost")
	if err := os.WriteFile(filepath.Join(dir, pairFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLocalCA(dir, []string{"localhost"}, time.Now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error")
	}
}
