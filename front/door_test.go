package front_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"konklave/config"
	"konklave/front"
	"konklave/front/certificate"
)

const patience = 30 * time.Second

// door is a front with TLS on a real listener, and a relay that keeps what it is handed.
type door struct {
	address string
	roots   *x509.CertPool
	ca      *certificate.LocalCA
	relayed chan net.Conn
	front   *front.Front
}

func openDoor(t *testing.T, change func(*front.Options)) *door {
	t.Helper()
	ca, err := certificate.OpenLocalCA(t.TempDir(), []string{"localhost", "127.0.0.1", "meet.example.org"}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(ca.Root())
	if err != nil {
		t.Fatal(err)
	}
	d := &door{roots: x509.NewCertPool(), ca: ca, relayed: make(chan net.Conn, 16)}
	d.roots.AddCert(root)
	h := setup(t, nil) // for what is behind
	o := front.Options{
		Static: client(), Controller: h.controller, ConferenceDir: h.dir, Hosts: []string{"meet.example.org"}, Certificates: ca, TrustRoot: ca.Root(),
		Relay: func(c net.Conn) { d.relayed <- c }, Limits: config.Default().Limits, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	if d.front, err = front.New(o); err != nil {
		t.Fatal(err)
	}
	d.address = serveOn(t, d.front.Serve)
	return d
}

// serveOn serves on a listener until the test ends, and returns its address.
func serveOn(t *testing.T, serve func(context.Context, net.Listener) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func (d *door) dial(t *testing.T, protocols ...string) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", d.address, &tls.Config{RootCAs: d.roots, ServerName: "localhost", NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (d *door) client(protocol *http.Protocols) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.roots}, Protocols: protocol, DisableKeepAlives: true}}
}

// A STUN binding request (RFC 8489): no HTTP begins like this.
const stunRequest = "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"

func TestOnePortForWebAndRelay(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	for name, protocols := range map[string][]string{"by ALPN": {"stun.turn"}, "without ALPN": nil, "with the ALPN of HTTP": {"http/1.1"}} {
		conn := d.dial(t, protocols...)
		if _, err := io.WriteString(conn, stunRequest); err != nil {
			t.Fatal(err)
		}
		select {
		case taken := <-d.relayed:
			got := make([]byte, len(stunRequest))
			if _, err := io.ReadFull(taken, got); err != nil || string(got) != stunRequest {
				t.Errorf("%s: %q %v", name, got, err)
			}
			_ = taken.Close()
		case <-time.After(patience):
			t.Errorf("%s: the relay got nothing", name)
		}
	}
	for _, protocols := range [][]string{nil, {"http/1.1"}} {
		conn := d.dial(t, protocols...)
		if _, err := io.WriteString(conn, "GET /favicon.svg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Errorf("%v: %q %v", protocols, line, err)
		}
	}
}

func TestHTTP2AndWebSocketsOverTLS(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	for version, protocol := range map[int]func(*http.Protocols){1: func(p *http.Protocols) { p.SetHTTP1(true) }, 2: func(p *http.Protocols) { p.SetHTTP2(true) }} {
		var p http.Protocols
		protocol(&p)
		r, err := d.client(&p).Get("https://" + d.address + "/favicon.svg")
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.ProtoMajor != version || r.StatusCode != http.StatusOK || r.TLS.Version != tls.VersionTLS13 {
			t.Errorf("%s, status %d, TLS %#x", r.Proto, r.StatusCode, r.TLS.Version)
		}
		if csp := r.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "wss://"+d.address) {
			t.Errorf("policy %q", csp)
		}
		if r.Header.Get("Strict-Transport-Security") != "" {
			t.Error("browsers are held to a certificate that they were told to trust")
		}
	}
	ws, _, err := websocket.Dial(t.Context(), "wss://"+d.address+"/conference/"+conferenceID+"/signalling", &websocket.DialOptions{
		HTTPClient: d.client(nil), Subprotocols: []string{"konklave.v1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := ws.Read(t.Context()); err != nil || string(data) != "hello" {
		t.Errorf("%q %v", data, err)
	}
}

// public is a source whose certificate browsers trust.
type public struct{ *certificate.LocalCA }

func (public) Public() bool { return true }

func TestStrictTransportWithARealCertificate(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(o *front.Options) { o.Certificates = public{o.Certificates.(*certificate.LocalCA)} })
	r, err := d.client(nil).Get("https://" + d.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if got := r.Header.Get("Strict-Transport-Security"); got != "max-age=63072000" {
		t.Errorf("%q", got)
	}
}

func TestOldTLSAndForeignNamesAreRefused(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	for name, test := range map[string]struct {
		config *tls.Config
		says   string
	}{
		"TLS 1.2":          {&tls.Config{MaxVersion: tls.VersionTLS12, ServerName: "localhost"}, "protocol version"},
		"foreign name":     {&tls.Config{ServerName: "evil.example"}, "unrecognized name"},
		"foreign protocol": {&tls.Config{ServerName: "localhost", NextProtos: []string{"ssh"}}, "no application protocol"},
	} {
		test.config.RootCAs = d.roots
		conn, err := tls.Dial("tcp", d.address, test.config)
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWithoutARelayItsConnectionsEnd(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(o *front.Options) { o.Relay = nil })
	conn := d.dial(t, "stun.turn")
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("%v", err)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(o *front.Options) {
		o.Challenge = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/.well-known/acme-challenge/token" {
				return false
			}
			_, _ = io.WriteString(w, "proof")
			return true
		}
	})
	address := serveOn(t, d.front.Redirect("8443").Serve)
	usual := serveOn(t, d.front.Redirect("443").Serve)
	for _, test := range []struct {
		address, method, host, path string
		status                      int
		location, body              string
	}{
		{address, "GET", "meet.example.org", "/join/abc?x=1&y=%2F", 308, "https://meet.example.org:8443/join/abc?x=1&y=%2F", ""},
		{address, "GET", "meet.example.org:80", "/", 308, "https://meet.example.org:8443/", ""},
		{usual, "HEAD", "meet.example.org:8080", "/", 308, "https://meet.example.org/", ""},
		{usual, "GET", "[::1]", "/", 308, "https://[::1]/", ""},
		{address, "POST", "meet.example.org", "/api/v1/session", 403, "", "transport.plain"},
		{address, "GET", "evil.example", "/", 421, "", "host.unknown"},
		{address, "GET", "meet.example.org", "/a/../b", 404, "", "route.unknown"},
		{address, "GET", "evil.example", "/.well-known/acme-challenge/token", 200, "", "proof"},
		{address, "GET", "meet.example.org", "/trust", 200, "", certificate.Fingerprint(d.ca.Root())},
	} {
		conn, err := net.Dial("tcp", test.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, test.method+" "+test.path+" HTTP/1.1\r\nHost: "+test.host+"\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: test.method})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body) // an error shows in what is missing
		_ = conn.Close()
		if r.StatusCode != test.status || r.Header.Get("Location") != test.location || !strings.Contains(string(body), test.body) {
			t.Errorf("%s %s at %s: %d %q %s", test.method, test.path, test.host, r.StatusCode, r.Header.Get("Location"), body)
		}
	}
}

func TestTrustPage(t *testing.T) {
	t.Parallel()
	d := openDoor(t, nil)
	get := func(path, language string) (*http.Response, string) {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+d.address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Accept-Language", language)
		r, err := d.client(nil).Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r, string(body)
	}
	for language, want := range map[string]string{"de-DE,de;q=0.9,en": `lang="de"`, "en-GB, de": `lang="en"`, "fr, de;q=0.5": `lang="de"`, "": `lang="en"`} {
		if r, body := get("/trust", language); r.StatusCode != 200 || !strings.Contains(body, want) || !strings.Contains(body, certificate.Fingerprint(d.ca.Root())) || !strings.Contains(body, "<svg role=\"img\"") {
			t.Errorf("%q: %d %s", language, r.StatusCode, body)
		}
	}
	r, body := get("/trust/konklave-local-ca.crt", "")
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(body)) || !pool.Equal(d.roots) || r.Header.Get("Content-Type") != "application/x-x509-ca-cert" {
		t.Error("the CA's certificate is not the CA's certificate")
	}
	if r, body := get("/trust/konklave-local-ca.mobileconfig", ""); r.Header.Get("Content-Type") != "application/x-apple-aspen-config" || strings.Contains(body, "{{") {
		t.Error("the profile is not complete")
	}
	for _, path := range []string{"/trust/local-ca.key", "/trust/x"} {
		if r, _ := get(path, ""); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	plain := setup(t, nil)
	if r, body := plain.get(t, "/trust"); r.StatusCode != http.StatusNotFound {
		t.Errorf("without a local CA: %d %s", r.StatusCode, body)
	}
}
