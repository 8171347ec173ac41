package front_test

import (
	"bufio"
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
	dir        string             // of the workers' sockets
	controller string             // its socket
	seen       chan *http.Request // by the controller or the worker
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
	h := &house{dir: dir, controller: filepath.Join(dir, "controller.sock"), seen: make(chan *http.Request, 16)}
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
