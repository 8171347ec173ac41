package certificate

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const acmeHost = "meet.example.test"

// patience is how long the ACME server, a process of its own, may take.
const patience = 60 * time.Second

// pebble is a running ACME server that finds our host at loopback, and looks for TLS and HTTP there at the ports given.
type pebble struct {
	directory string
	roots     string // file with the CA that it is trusted by
	root      *x509.CertPool
}

func startPebble(t *testing.T, tlsPort, httpPort int) pebble {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "pebble")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../tools", "-o", program, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the ACME server: %v\n%s", err, out)
	}
	host := ownHost()
	ca := openCA(t, filepath.Join(dir, "ca"), time.Now, host)
	leaf := ca.leaf.Load()
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	address, management := host+":14000", host+":15000"
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := write("config.json", fmt.Appendf(nil, `{"pebble":{"listenAddress":%q,"managementListenAddress":%q,"certificate":%q,"privateKey":%q,"httpPort":%d,"tlsPort":%d}}`,
		address, management,
		write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Certificate[0]})),
		write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})), httpPort, tlsPort))
	cmd := exec.CommandContext(t.Context(), program, "-config", config, "-dnsserver", serveNames(t), "-strict")
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	p := pebble{"https://" + address + "/dir", filepath.Join(dir, "ca", rootFile), x509.NewCertPool()}
	trusted := x509.NewCertPool()
	trusted.AddCert(ca.root)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	t.Cleanup(client.CloseIdleConnections)
	if !p.root.AppendCertsFromPEM(eventually(t, client, "https://"+management+"/roots/0")) {
		t.Fatal("the ACME server tells no root")
	}
	return p
}

// eventually asks until there is an answer: the server is a process of its own, and says that it listens before it does.
func eventually(t *testing.T, client *http.Client, address string) []byte {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := client.Do(q)
		if err == nil {
			defer func() { _ = r.Body.Close() }()
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			return body
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// ownHost returns an address of loopback that nobody else is likely to use: with it every port is free.
func ownHost() string {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("127.%d.%d.%d", 1+int(b[0])%254, b[1], 1+int(b[2])%254)
}

// serveNames is a name server, by TCP, for which every name is at 127.0.0.1, and has nothing else.
func serveNames(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				var size [2]byte
				for {
					if _, err := io.ReadFull(conn, size[:]); err != nil {
						return
					}
					q := make([]byte, binary.BigEndian.Uint16(size[:]))
					if _, err := io.ReadFull(conn, q); err != nil {
						return
					}
					a := nameAnswer(q)
					_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
				}
			}()
		}
	}()
	return l.Addr().String()
}

// nameAnswer answers a question (RFC 1035, section 4.1).
func nameAnswer(q []byte) []byte {
	end := 12
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5
	if end > len(q) {
		return nil
	}
	a := append([]byte(nil), q[:end]...)
	a[2], a[3] = 0x84, 0
	clear(a[6:12])
	if binary.BigEndian.Uint16(a[end-4:]) == 1 { // A
		a[7] = 1
		a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
	}
	return a
}

func TestACME(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			public, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			plain, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			tlsPort, httpPort := public.Addr().(*net.TCPAddr).Port, plain.Addr().(*net.TCPAddr).Port
			o := ACMEOptions{Host: acmeHost, Keep: t.TempDir(), Listen: public.Addr().String(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
			if challenge == "http-01" {
				tlsPort = 1 // where nobody is
				o.Redirect = plain.Addr().String()
			}
			server := startPebble(t, tlsPort, httpPort)
			o.Directory, o.Roots = server.directory, server.roots
			a, err := NewACME(o)
			if err != nil {
				t.Fatal(err)
			}
			if challenge == "http-01" {
				a.issuer.DisableTLSALPNChallenge = true // whichever comes first would be tried, and tried again a minute later
			}
			serve(t, a, public, plain)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); a.Run(ctx) }()
			defer func() { cancel(); <-ended }()
			leaf := obtained(t, public.Addr().String(), server.root)
			if err := leaf.VerifyHostname(acmeHost); err != nil {
				t.Error(err)
			}
			if pair, err := a.Certificate(&tls.ClientHelloInfo{ServerName: "evil.example"}); pair != nil || err != nil {
				t.Errorf("a certificate for another name: %v", err)
			}
		})
	}
}

// serve answers with the source's certificates, and what it has for the ACME server.
func serve(t *testing.T, a *ACME, public, plain net.Listener) {
	t.Helper()
	config := &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: a.Certificate, NextProtos: append([]string{"http/1.1"}, a.Protocols()...)}
	go func() {
		for {
			conn, err := public.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = tls.Server(conn, config).HandshakeContext(t.Context())
				_ = conn.Close()
			}()
		}
	}()
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.Challenge(w, r) {
			http.NotFound(w, r)
		}
	})}
	go func() { _ = web.Serve(plain) }()
	t.Cleanup(func() { _ = public.Close(); _ = web.Close() })
}

// obtained shakes hands until there is a certificate that the roots vouch for. What a client sees is the question; nothing else
// tells when it comes.
func obtained(t *testing.T, address string, roots *x509.CertPool) *x509.Certificate {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: acmeHost})
		if err == nil {
			defer func() { _ = conn.Close() }()
			return conn.ConnectionState().PeerCertificates[0]
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestACMEOptions(t *testing.T) {
	t.Parallel()
	good := ACMEOptions{Host: acmeHost, Directory: "https://ca.example/dir", Keep: t.TempDir(), Listen: "0.0.0.0:443", Log: slog.New(slog.DiscardHandler)}
	if _, err := NewACME(good); err != nil {
		t.Fatal(err)
	}
	missing := good
	missing.Roots = filepath.Join(t.TempDir(), "none.pem")
	if _, err := NewACME(missing); err == nil || !strings.Contains(err.Error(), "tls.roots") {
		t.Errorf("missing roots: %v", err)
	}
}

func TestACMEComplains(t *testing.T) {
	t.Parallel()
	a, err := NewACME(ACMEOptions{Host: acmeHost, Directory: "https://ca.example/dir", Keep: t.TempDir(), Listen: "0.0.0.0:443", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.cache.Stop)
	now := time.Now()
	if got := a.complaint(now, firstLimit-time.Second); got != "" {
		t.Error(got)
	}
	if got := a.complaint(now, firstLimit); !strings.Contains(got, "There is no certificate for "+acmeHost) {
		t.Errorf("without a certificate: %q", got)
	}
	from, until := now.Add(-30*24*time.Hour), now.Add(30*24*time.Hour)
	pair, err := tls.X509KeyPair(issuedFrom(t, acmeHost, from, until, false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.magic.CacheUnmanagedTLSCertificate(t.Context(), pair, nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{now, ""}, {until.Add(-10*24*time.Hour - 2*time.Second), ""},
		{until.Add(-10 * 24 * time.Hour).Add(time.Second), "could not be renewed so far"},
		{until.Add(time.Second), "Browsers refuse it"},
	} {
		if got := a.complaint(test.at, time.Hour); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%v before its end: %q, want %q", until.Sub(test.at), got, test.want)
		}
	}
}
