package front_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"konklave/config"
	"konklave/front"
)

func TestA60ForwardedHeadersAreReplaced(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, path := range []string{"/api/v1/instance", "/conference/" + conferenceID + "/media/rtc/validate"} {
		h.get(t, path, "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example",
			"X-Real-IP", "6.6.6.6", "Forwarded", "for=6.6.6.6", "X-Forwarded-Prefix", "/evil", "X-Request-Id", "evil")
		r := <-h.seen
		for name, values := range r.Header {
			if text := strings.Join(values, ","); strings.Contains(text, "6.6.6.6") || strings.Contains(text, "evil") {
				t.Errorf("%s: %s: %s went through", path, name, text)
			}
		}
		if got := r.Header.Values("X-Forwarded-For"); len(got) != 1 || got[0] != "127.0.0.1" {
			t.Errorf("%s: X-Forwarded-For = %q", path, got)
		}
		if r.Header.Get("X-Forwarded-Proto") != "http" || r.Header.Get("X-Forwarded-Host") != h.Listener.Addr().String() {
			t.Errorf("%s: forwarded %v", path, r.Header)
		}
	}
}

func TestA60OnlyTrustedProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	for network, want := range map[string]string{"127.0.0.0/8": "192.0.2.7", "192.0.2.0/24": "127.0.0.1"} {
		h := setup(t, func(o *front.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix(network)} })
		for _, path := range []string{"/api/v1/instance", "/conference/" + conferenceID + "/media/rtc/validate"} {
			h.get(t, path, "X-Forwarded-For", "6.6.6.6, 192.0.2.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Real-IP", "6.6.6.6")
			r := <-h.seen
			if got := r.Header.Values("X-Forwarded-For"); len(got) != 1 || got[0] != want {
				t.Errorf("%s is trusted, %s: X-Forwarded-For = %q, want %s", network, path, got, want)
			}
			if r.Header.Get("X-Forwarded-Proto") != "http" || r.Header.Get("X-Forwarded-Host") != h.Listener.Addr().String() || r.Header.Get("X-Real-Ip") != "" {
				t.Errorf("%s is trusted, %s: a proxy's word counts for more than the address: %v", network, path, r.Header)
			}
		}
	}
}

func TestA60Host(t *testing.T) {
	t.Parallel()
	h := setup(t, func(o *front.Options) { o.PublicURL = "https://meet.example.org" })
	for host, known := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST": true, "127.0.0.1:1": true, "[::1]:8080": true, "meet.example.org": true,
		"Meet.Example.Org": true, "evil.example": false, "meet.example.org.evil.example": false, "localhost.evil.example": false,
		"169.254.169.254": false, "0.0.0.0": false, "localhost; script-src *": false, "localhost/x": false, "user@localhost": false,
		strings.Repeat("a", 300): false,
	} {
		line := h.raw(t, "GET /healthz HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		if got := strings.Contains(line, " 200 "); got != known {
			t.Errorf("Host %q: %s", host, line)
		}
		if known {
			<-h.seen
		}
	}
	if line := h.raw(t, "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.Contains(line, " 421 ") {
		t.Errorf("absolute form: %s", line)
	}
	if n := len(h.seen); n != 0 {
		t.Errorf("%d refused requests reached the controller", n)
	}
}

func TestA60RequestSmuggling(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	inner := "GET /api/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for _, request := range []string{
		"POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + inner,
		"POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner,
		"POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\n1\r\nZ\r\nQ" + inner,
		"POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nhello" + inner,
		"GET /api/x HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
		"GET /api/x HTTP/1.1\r\n\r\n",
		"GET /api/x HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b: c\x00\r\n\r\n",
	} {
		line := h.raw(t, request)
		if !strings.Contains(line, " 400 ") && !strings.Contains(line, " 501 ") {
			t.Errorf("%q: %s", request, line)
		}
	}
	if n := len(h.seen); n != 0 {
		t.Errorf("%d requests reached the controller", n)
	}
	// Length and chunks together: the chunks count, and what follows is not taken for a second request of the controller.
	h.raw(t, "POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"+inner)
	if r := <-h.seen; r.Header.Get("Content-Length") != "" && len(r.TransferEncoding) > 0 {
		t.Errorf("both lengths went through: %v", r.Header)
	}
	select {
	case r := <-h.seen:
		t.Errorf("smuggled %s", r.URL.Path)
	default:
	}
}

func TestA67Paths(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, path := range []string{
		"/../etc/passwd", "/assets/../index.html", "/assets/..%2findex.html", "/assets/%2e%2e/index.html", "/assets/%252e%252e/x",
		"/assets\\app-a1b2c3.js", "/assets/app-a1b2c3.js%00", "/assets//app-a1b2c3.js", "//evil.example/", "/./", "/Assets/app-a1b2c3.js",
		"/assets/APP-a1b2c3.js", "/.keep", "/assets/.secret/hidden.txt", "/api/../conference/x", "/api/%2e%2e/", "/api/v1/join/..%2f",
		"/conference/../api/x", "/conference/" + conferenceID + "/..%2f" + deadID + "/signalling", "/conference/../../controller.sock/signalling",
		"/conference/" + strings.ToUpper(conferenceID) + "/signalling", "/conference/short/signalling", "/conference/" + strings.Repeat("a", 65) + "/signalling",
		"/conference/" + conferenceID, "/conference/" + conferenceID + "/", "/conference/" + conferenceID + "/metrics",
		"/conference/" + conferenceID + "/signalling/x", "/conference/" + conferenceID + "/media/", "/conference/" + conferenceID + "/media/%2e%2e/x",
		"/conference/" + conferenceID + ".web/signalling", "/" + strings.Repeat("a", 2000),
	} {
		line := h.raw(t, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if !strings.Contains(line, " 404 ") && !strings.Contains(line, " 400 ") {
			t.Errorf("%s: %s", path, line)
		}
	}
	if n := len(h.seen); n != 0 {
		t.Errorf("%d requests went through", n)
	}
}

func TestA77NoRedirect(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, path := range []string{"//evil.example", "//evil.example/..", "/\\evil.example", "/signin?next=//evil.example", "/assets", "/join"} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
		answer, _ := io.ReadAll(conn)
		_ = conn.Close()
		if strings.Contains(string(answer), "Location:") {
			t.Errorf("%s redirects:\n%s", path, answer)
		}
	}
}

func TestA80NothingForDebuggers(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, path := range []string{
		"/debug/pprof", "/debug/pprof/heap", "/debug/vars", "/metrics", "/swagger", "/swagger/index.html", "/.git/config", "/.env",
		"/assets/app-a1b2c3.js.map", "/assets/app-a1b2c3.js.br", "/server-status", "/actuator", "/graphql",
	} {
		resp, body := h.get(t, path)
		if resp.StatusCode != http.StatusNotFound || strings.Contains(body, "goroutine") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if n := len(h.seen); n != 0 {
		t.Errorf("%d requests went through", n)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	limit := int(config.Default().Limits.RequestBytes)
	for _, chunked := range []bool{false, true} {
		for n, ok := range map[int]bool{limit: true, limit + 1: false} {
			h := setup(t, nil)
			var body io.Reader = strings.NewReader(strings.Repeat("a", n))
			if chunked {
				body = io.MultiReader(body)
			}
			resp, text := h.do(t, http.MethodPost, "/api/x", body)
			if ok != (resp.StatusCode == http.StatusOK) || !ok && !strings.Contains(text, "body.too_large") {
				t.Errorf("%d bytes, chunked %v: %d %s", n, chunked, resp.StatusCode, text)
			}
		}
	}
}

func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Config.Handler.(*front.Front).Serve(ctx, l) }()
	limit := config.Default().Limits.HeaderBytes
	const slack = 4096 // the server of the standard library reads so much more
	for n, want := range map[int]int{limit - 1024: http.StatusOK, limit + slack: http.StatusRequestHeaderFieldsTooLarge} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Long", strings.Repeat("a", n))
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d bytes of header: %d, want %d", n, resp.StatusCode, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
