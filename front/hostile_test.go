package front_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostile begins the ids of conferences whose workers answer with bytes of the test's choice.
const hostile = "hostilehostile"

// answers puts a worker at a socket that answers every request with raw bytes and hangs up.
func (h *house) answers(t *testing.T, socket, raw string) {
	t.Helper()
	l, err := net.Listen("unix", socket)
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
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, raw) // the front may have had enough of it
				}
			}()
		}
	}()
}

// hostileHeaders are what a worker could use against our pages, and against the people who look at them.
const hostileHeaders = "Set-Cookie: __Host-konklave-session=x\r\n" +
	"Content-Security-Policy: script-src *\r\nContent-Security-Policy-Report-Only: default-src 'none'; report-uri https://evil.example\r\n" +
	"Strict-Transport-Security: max-age=0\r\nX-Frame-Options: ALLOWALL\r\nX-Content-Type-Options: none\r\nReferrer-Policy: unsafe-url\r\n" +
	"Permissions-Policy: camera=*\r\nClear-Site-Data: \"*\"\r\nRefresh: 0; url=https://evil.example\r\nLocation: https://evil.example\r\n" +
	"Content-Location: https://evil.example\r\nLink: </x>; rel=preload\r\nService-Worker-Allowed: /\r\nAccess-Control-Allow-Origin: *\r\n" +
	"WWW-Authenticate: Basic realm=x\r\nProxy-Authenticate: Basic realm=x\r\nAlt-Svc: h3=\"evil.example:443\"\r\n" +
	"NEL: {\"report_to\":\"x\"}\r\nReport-To: {}\r\nReporting-Endpoints: x=\"https://evil.example\"\r\nAccept-CH: Sec-CH-UA-Model\r\nOrigin-Trial: x\r\n" +
	"Speculation-Rules: \"/x\"\r\nSourceMap: /x\r\nServer: evil\r\nX-Powered-By: evil\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nVary: *\r\n" +
	"ETag: \"x\"\r\nExpires: Thu, 01 Jan 2099 00:00:00 GMT\r\nCache-Control: public, max-age=31536000\r\nContent-Disposition: attachment; filename=x.exe\r\n" +
	"Content-Encoding: gzip\r\nContent-Type: text/html\r\nX-Konklave-New: x\r\n"

// fromAWorker are the only headers of an answer to a request that opens no WebSocket.
func fromAWorker() []string {
	return []string{
		"Cache-Control", "Content-Length", "Content-Security-Policy", "Content-Type", "Cross-Origin-Opener-Policy",
		"Cross-Origin-Resource-Policy", "Date", "Permissions-Policy", "Referrer-Policy", "Retry-After", "X-Content-Type-Options", "X-Frame-Options",
	}
}

func guarded(t *testing.T, what string, header http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q, want %q", what, name, got, want)
		}
	}
	if csp := header.Values("Content-Security-Policy"); len(csp) != 1 || !strings.Contains(csp[0], "default-src 'none'") {
		t.Errorf("%s: policy %q", what, csp)
	}
}

// Informational answers (RFC 9110, section 15.2) end at the front, whoever sends them: they carry headers of their own.
func TestA89InformationalAnswersEndAtTheFront(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	const early = "HTTP/1.1 103 Early Hints\r\nLink: <https://evil.example/x.js>; rel=preload\r\nSet-Cookie: a=b\r\n\r\n"
	h.answers(t, filepath.Join(h.dir, hostile+".web"), early+early+"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	h.answers(t, filepath.Join(h.dir, hostile+"silent.web"), early)
	for path, status := range map[string]int{"/conference/" + hostile + "/media/rtc/validate": 200, "/conference/" + hostile + "silent/media/rtc/validate": 503} {
		seen := 0
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { seen++; return nil }})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status || seen != 0 {
			t.Errorf("%s: status %d, %d informational answers", path, resp.StatusCode, seen)
		}
		guarded(t, path, resp.Header)
	}
}

func TestA89WorkerAnswersHaveOurHeadersAlone(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for name, status := range map[string]string{
		"ok": "200 OK", "redirect": "302 Found", "signin": "401 Unauthorized", "proxy": "407 Proxy Authentication Required", "error": "500 Oh",
	} {
		h.answers(t, filepath.Join(h.dir, hostile+name+".web"), "HTTP/1.1 "+status+"\r\n"+hostileHeaders+"Content-Length: 2\r\nRetry-After: 3\r\n\r\nok")
		resp, body := h.get(t, "/conference/"+hostile+name+"/media/rtc/validate")
		guarded(t, name, resp.Header)
		for header := range resp.Header {
			if !slices.Contains(fromAWorker(), header) {
				t.Errorf("%s: the worker set %s: %q", name, header, resp.Header[header])
			}
		}
		if resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Retry-After") != "3" || body != "ok" {
			t.Errorf("%s: %q %v", name, body, resp.Header)
		}
		if at, err := http.ParseTime(resp.Header.Get("Date")); err != nil || time.Since(at) > time.Hour {
			t.Errorf("%s: dated %v", name, resp.Header["Date"])
		}
	}
}

// What a worker sends after the body reaches nobody, announced or not.
func TestA89TrailersEndAtTheFront(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for id, announced := range map[string]string{"announced": "Trailer: Set-Cookie, X-Frame-Options\r\n", "sudden": ""} {
		h.answers(t, filepath.Join(h.dir, hostile+id+".web"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"+announced+
			"\r\n2\r\nok\r\n0\r\nSet-Cookie: a=b\r\nX-Frame-Options: ALLOWALL\r\n\r\n")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/conference/"+hostile+id+"/media/rtc/validate", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("TE", "trailers")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "ok" || len(resp.Trailer) > 0 {
			t.Errorf("%s: %q %v, trailers %v", id, body, err, resp.Trailer)
		}
		_ = resp.Body.Close()
		guarded(t, id, resp.Header)
	}
}

// A worker takes over a connection only where the client wants a WebSocket, and says nothing but what belongs to that.
func TestA89UpgradesAreWebSocketsAlone(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	switching := func(protocol, more string) string {
		return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade, X-Frame-Options\r\nUpgrade: " + protocol + "\r\nSec-WebSocket-Accept: x\r\n" + more + "\r\n"
	}
	for _, test := range []struct{ id, raw, asks, want string }{
		{"good", switching("websocket", hostileHeaders), "websocket", "101"},
		{"unasked", switching("websocket", ""), "", "503"},
		{"bare", "HTTP/1.1 101 Switching Protocols\r\n" + hostileHeaders + "\r\n", "", "503"},
		{"wrong", switching("h2c", ""), "websocket", "503"},
		{"other", switching("h2c", ""), "h2c", "503"},
	} {
		h.answers(t, filepath.Join(h.dir, hostile+test.id+".web"), test.raw)
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		request := "GET /conference/" + hostile + test.id + "/signalling HTTP/1.1\r\nHost: " + h.Listener.Addr().String() + "\r\n"
		if test.asks != "" {
			request += "Connection: Upgrade\r\nUpgrade: " + test.asks + "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"
		}
		if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", test.id, err)
		}
		if !strings.HasPrefix(resp.Status, test.want) {
			t.Errorf("%s: %s, want %s", test.id, resp.Status, test.want)
		}
		guarded(t, test.id, resp.Header)
		for header := range resp.Header {
			if test.want == "101" && !slices.Contains(append(fromAWorker(), "Connection", "Upgrade", "Sec-Websocket-Accept"), header) {
				t.Errorf("%s: the worker set %s", test.id, header)
			}
		}
		_ = conn.Close()
	}
}
