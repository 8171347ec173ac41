package front_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/coder/websocket"

	"konklave/config"
	"konklave/front"
)

const (
	conferenceID = "abcdefghij0123456789"
	deadID       = "deaddeaddead"
)

// house is a front with a controller and one worker behind it that record what reaches them.
type house struct {
	*httptest.Server
	seen chan *http.Request // by the controller or the worker
}

func client() fstest.MapFS {
	big := strings.Repeat("body { color: red }\n", 100)
	return fstest.MapFS{
		"index.html":                &fstest.MapFile{Data: []byte("<!doctype html><title>Konklave</title>")},
		"favicon.svg":               &fstest.MapFile{Data: []byte("<svg/>")},
		"assets/app-a1b2c3.js":      &fstest.MapFile{Data: []byte("plain")},
		"assets/app-a1b2c3.js.br":   &fstest.MapFile{Data: []byte("brotli")},
		"assets/app-a1b2c3.js.gz":   &fstest.MapFile{Data: []byte("gzip")},
		"assets/app-a1b2c3.js.map":  &fstest.MapFile{Data: []byte("{}")},
		"assets/style-a1b2c3.css":   &fstest.MapFile{Data: []byte(big)},
		".keep":                     &fstest.MapFile{},
		"assets/.secret/hidden.txt": &fstest.MapFile{Data: []byte("secret")},
	}
}

func listenUnix(t *testing.T, path string, handler http.Handler) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: handler}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

func setup(t *testing.T, change func(*front.Options)) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{seen: make(chan *http.Request, 16)}
	record := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		h.seen <- r
		w.Header().Set("X-Frame-Options", "ALLOWALL")
		w.Header().Set("Content-Security-Policy", "script-src *")
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.SetCookie(w, &http.Cookie{Name: "__Host-konklave-session", Value: "x"})
		_, _ = io.WriteString(w, "from behind")
	}
	listenUnix(t, filepath.Join(dir, "controller.sock"), http.HandlerFunc(record))
	listenUnix(t, filepath.Join(dir, conferenceID+".web"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			record(w, r)
			return
		}
		h.seen <- r
		echo(w, r)
	}))
	dead, err := net.Listen("unix", filepath.Join(dir, deadID+".web"))
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = dead.Close()

	o := front.Options{
		Static: client(), Controller: filepath.Join(dir, "controller.sock"), ConferenceDir: dir,
		Limits: config.Default().Limits, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	f, err := front.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewServer(f)
	t.Cleanup(h.Close)
	return h
}

// echo answers each WebSocket message with itself.
func echo(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"konklave.v1"}})
	if err != nil {
		return
	}
	for {
		kind, data, err := ws.Read(r.Context())
		if err != nil {
			return
		}
		if err := ws.Write(r.Context(), kind, data); err != nil {
			return
		}
	}
}

// answer is a response whose body has been read.
type answer struct {
	StatusCode int
	Header     http.Header
}

func (h *house) get(t *testing.T, path string, headers ...string) (answer, string) {
	t.Helper()
	return h.do(t, http.MethodGet, path, nil, headers...)
}

func (h *house) do(t *testing.T, method, path string, body io.Reader, headers ...string) (answer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header}, string(text)
}

// raw sends bytes as they are and returns the answer's status line.
func (h *house) raw(t *testing.T, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return ""
	}
	return strings.TrimSpace(line)
}

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	index := "<!doctype html><title>Konklave</title>"
	for _, test := range []struct {
		path, accept string
		status       int
		body, cache  string
		encoding     string
	}{
		{"/", "", 200, index, "no-cache", ""},
		{"/signin", "", 200, index, "no-cache", ""},
		{"/setup", "", 200, index, "no-cache", ""},
		{"/account", "", 200, index, "no-cache", ""},
		{"/meetings/x", "", 200, index, "no-cache", ""},
		{"/join/abcd-efgh", "", 200, index, "no-cache", ""},
		{"/join/", "", 404, index, "no-cache", ""},
		{"/join/a/b", "", 404, index, "no-cache", ""},
		{"/nothing", "", 404, index, "no-cache", ""},
		{"/nothing.html", "", 404, "", "no-store", ""},
		{"/index.html", "", 404, "", "no-store", ""},
		{"/favicon.svg", "", 200, "<svg/>", "no-cache", ""},
		{"/assets/app-a1b2c3.js", "gzip, deflate, br, zstd", 200, "brotli", "public, max-age=31536000, immutable", "br"},
		{"/assets/app-a1b2c3.js", "gzip", 200, "gzip", "public, max-age=31536000, immutable", "gzip"},
		{"/assets/app-a1b2c3.js", "br;q=0, gzip;q=0.5", 200, "gzip", "public, max-age=31536000, immutable", "gzip"},
		{"/assets/app-a1b2c3.js", "identity", 200, "plain", "public, max-age=31536000, immutable", ""},
		{"/assets/missing.js", "", 404, "", "no-store", ""},
		{"/assets/", "", 404, "", "no-store", ""},
	} {
		resp, body := h.get(t, test.path, "Accept-Encoding", test.accept)
		if resp.StatusCode != test.status || test.body != "" && body != test.body || resp.Header.Get("Cache-Control") != test.cache ||
			resp.Header.Get("Content-Encoding") != test.encoding {
			t.Errorf("%s (%s): %d %q %v", test.path, test.accept, resp.StatusCode, body, resp.Header)
		}
	}
}

func TestStaticConditional(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	first, _ := h.get(t, "/")
	again, body := h.get(t, "/", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("%d %q", again.StatusCode, body)
	}
	if resp, _ := h.do(t, http.MethodPost, "/", nil); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST / = %d", resp.StatusCode)
	}
}

func TestClientNotBuilt(t *testing.T) {
	t.Parallel()
	h := setup(t, func(o *front.Options) { o.Static = fstest.MapFS{".keep": &fstest.MapFile{}} })
	resp, body := h.get(t, "/")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make build") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	if resp, _ := h.get(t, "/api/x"); resp.StatusCode != http.StatusOK {
		t.Errorf("the API is gone too: %d", resp.StatusCode)
	}
}

// Every answer, whoever made it, has every security header exactly once.
func TestA64SecurityHeadersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, path := range []string{
		"/", "/nothing", "/assets/app-a1b2c3.js", "/api/v1/instance", "/healthz", "/conference/" + conferenceID + "/media/rtc/validate",
		"/conference/unknownunknown/signalling", "/conference/" + deadID + "/signalling", "/a//b", "/assets/missing.js",
	} {
		resp, _ := h.get(t, path)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := resp.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s = %q", path, name, got)
			}
		}
		csp := resp.Header.Values("Content-Security-Policy")
		if len(csp) != 1 || strings.Contains(csp[0], "unsafe") || strings.Contains(csp[0], "*") ||
			!strings.Contains(csp[0], "default-src 'none'") || !strings.Contains(csp[0], "frame-ancestors 'none'") ||
			!strings.Contains(csp[0], "connect-src 'self' ws://"+h.Listener.Addr().String()) {
			t.Errorf("%s: CSP %q", path, csp)
		}
		if resp.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: HSTS without TLS", path)
		}
		for _, sensor := range []string{"camera=(self)", "microphone=(self)", "display-capture=(self)", "geolocation=()"} {
			if !strings.Contains(resp.Header.Get("Permissions-Policy"), sensor) {
				t.Errorf("%s: no %s in the permissions policy", path, sensor)
			}
		}
	}
}

func TestBehindTLS(t *testing.T) {
	t.Parallel()
	h := setup(t, func(o *front.Options) { o.PublicURL = "https://meet.example.org" })
	resp, _ := h.get(t, "/api/x", "Host", "meet.example.org")
	if resp.Header.Get("Strict-Transport-Security") == "" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "wss://meet.example.org") {
		t.Errorf("headers %v", resp.Header)
	}
	if r := <-h.seen; r.Header.Get("X-Forwarded-Proto") != "https" || r.Header.Get("X-Forwarded-Host") != "meet.example.org" || r.Host != "meet.example.org" {
		t.Errorf("controller saw %v", r.Header)
	}
	if resp, _ := h.get(t, "/api/x", "Host", "localhost:1"); resp.Header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS for loopback")
	}
}

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

func TestProxyToWorker(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	url := "ws" + strings.TrimPrefix(h.URL, "http") + "/conference/" + conferenceID + "/signalling"
	ws, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{
		Subprotocols: []string{"konklave.v1"},
		HTTPHeader:   http.Header{"Cookie": {"__Host-konklave-session=secret"}, "Origin": {h.URL}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	if ws.Subprotocol() != "konklave.v1" {
		t.Errorf("sub-protocol %q", ws.Subprotocol())
	}
	r := <-h.seen
	if r.Header.Get("Cookie") != "" {
		t.Error("the worker got the session cookie")
	}
	if r.Header.Get("Origin") != h.URL || r.Host != h.Listener.Addr().String() {
		t.Errorf("Origin %q, Host %q", r.Header.Get("Origin"), r.Host)
	}
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := ws.Read(t.Context()); err != nil || string(data) != "hello" {
		t.Errorf("%q %v", data, err)
	}
}

// The front hands the Origin on as it is, so that the worker's own check decides.
func TestA59ForeignOriginReachesNoConference(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	url := "ws" + strings.TrimPrefix(h.URL, "http") + "/conference/" + conferenceID + "/signalling"
	for _, origin := range []string{"https://evil.example", "null", "http://sub.localhost", "http://localhost:1"} {
		_, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("Origin %s: %v", origin, err)
		}
		if r := <-h.seen; r.Header.Get("Origin") != origin {
			t.Errorf("Origin %s became %q", origin, r.Header.Get("Origin"))
		}
	}
}

func TestConferenceErrors(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/conference/unknownunknown/signalling": {404, "conference.unknown"},
		"/conference/" + deadID + "/signalling": {503, "server.unavailable"},
	} {
		resp, body := h.get(t, path)
		if resp.StatusCode != want.status || !strings.Contains(body, `"code":"`+want.code+`"`) || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if resp, _ := h.do(t, http.MethodPost, "/conference/"+conferenceID+"/media/rtc", nil); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}

// A hostile worker cannot plant cookies, pages or scripts on our origin.
func TestA89WorkerAnswersAreTamed(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	resp, body := h.get(t, "/conference/"+conferenceID+"/media/rtc/validate")
	if body != "from behind" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
		resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%q %v", body, resp.Header)
	}
	if resp, _ := h.get(t, "/api/x"); resp.Header.Get("Set-Cookie") == "" {
		t.Error("the controller's cookie was taken away too")
	}
}

func TestControllerDown(t *testing.T) {
	t.Parallel()
	h := setup(t, func(o *front.Options) { o.Controller += ".gone" })
	resp, body := h.get(t, "/api/v1/instance")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "server.unavailable") || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", resp.StatusCode, body)
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

func TestServeEndsWebSockets(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	f := h.Config.Handler.(*front.Front)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, l) }()
	ws, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String()+"/conference/"+conferenceID+"/signalling", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := ws.Read(t.Context()); err == nil {
		t.Error("the WebSocket goes on")
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
