package front

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"konklave/telemetry"
)

// The times that the parts behind the front may take.
const (
	dialTimeout   = 2 * time.Second
	answerTimeout = 60 * time.Second
)

// conferencePath is the only shape of a path that reaches a worker.
var conferencePath = regexp.MustCompile(`^/conference/([a-z0-9]{10,64})/(signalling|media/[A-Za-z0-9/_-]{1,100})$`)

type socketKey struct{}

// proxy passes requests on to the unix socket that socket names.
func (f *Front) proxy(socket func(*http.Request) string, answer func(*http.Response) error) *httputil.ReverseProxy {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, _ := ctx.Value(socketKey{}).(string)
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout: answerTimeout,
		// A unix socket costs little to dial; a kept connection could belong to a process that is gone.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			path := socket(p.In)
			p.Out.URL.Scheme, p.Out.URL.Host = "http", "socket" // where to is said by the context
			p.Out.Host = p.In.Host
			p.Out = p.Out.WithContext(context.WithValue(p.Out.Context(), socketKey{}, path))
			f.setForwarded(p.Out.Header, p.In)
		},
		Transport:      transport,
		ModifyResponse: func(r *http.Response) error { dropHeaders(r.Header); return answer(r) },
		ErrorHandler:   f.proxyError,
		ErrorLog:       slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
}

// workerEnding is the ending of the sockets in the conference directory.
const workerEnding = ".web"

// workerSocket is the socket of the conference in the path, whose shape was checked before.
func (f *Front) workerSocket(r *http.Request) string {
	return filepath.Join(f.conferenceDir, conferencePath.FindStringSubmatch(r.URL.Path)[1]+workerEnding)
}

// setForwarded replaces what the client claims about itself by what the front saw.
func (f *Front) setForwarded(h http.Header, in *http.Request) {
	for name := range h {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "X-Real-Ip" || name == "X-Request-Id" {
			h.Del(name)
		}
	}
	address, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		address = in.RemoteAddr
	}
	h.Set("X-Forwarded-For", address)
	h.Set("X-Forwarded-Host", in.Host)
	h.Set("X-Forwarded-Proto", f.scheme(in))
	h.Set("X-Request-Id", telemetry.RequestID(in.Context()))
}

// dropHeaders removes what the front has set already, so that nothing is there twice or weaker.
func dropHeaders(h http.Header) {
	for _, header := range securityHeaders() {
		h.Del(header[0])
	}
	h.Del("Content-Security-Policy")
	h.Del("Strict-Transport-Security")
}

// keepAnswer leaves the controller's answer as it is.
func keepAnswer(*http.Response) error { return nil }

// tameAnswer takes from a worker's answer what a hostile one could use against our pages: a worker sets no cookies, and
// what it sends besides WebSockets is never a script or a page.
func tameAnswer(r *http.Response) error {
	for _, name := range []string{"Set-Cookie", "Clear-Site-Data", "Service-Worker-Allowed", "Location", "Refresh", "Link"} {
		r.Header.Del(name)
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			r.Header.Del(name)
		}
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		r.Header.Set("Cache-Control", "no-store")
		if r.Header.Get("Content-Type") != "application/problem+json" {
			r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		}
	}
	return nil
}

// serveAPI passes a request to the controller.
func (f *Front) serveAPI(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > f.limits.RequestBytes {
		f.refuse(w, r, errTooLarge)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, f.limits.RequestBytes)
	f.controller.ServeHTTP(w, r)
}

// serveConference passes a connection to the worker of a conference, without the cookies: a worker has no use for them.
func (f *Front) serveConference(w http.ResponseWriter, r *http.Request) {
	switch {
	case !conferencePath.MatchString(r.URL.Path):
		f.refuse(w, r, errConference)
		return
	case r.Method != http.MethodGet:
		f.refuse(w, r, errMethod)
		return
	}
	r.Header.Del("Cookie")
	r.Body = http.NoBody
	r.ContentLength = 0
	f.conferences.ServeHTTP(w, r)
}

// proxyError answers when the part behind the front did not.
func (f *Front) proxyError(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		f.refuse(w, r, errTooLarge)
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(r.URL.Path, "/conference/"):
		f.refuse(w, r, errConference)
	default:
		if r.Context().Err() == nil {
			f.log.WarnContext(r.Context(), "no answer from behind", "path", logPath(r.URL.Path), "err", err)
		}
		f.refuse(w, r, errDown)
	}
}
