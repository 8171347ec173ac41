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
	transport := finalOnly{&http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, _ := ctx.Value(socketKey{}).(string)
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout: answerTimeout, MaxResponseHeaderBytes: answerHeaderMax,
		// A unix socket costs little to dial; a kept connection could belong to a process that is gone.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}}
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			path := socket(p.In)
			p.Out.URL.Scheme, p.Out.URL.Host = "http", "socket" // where to is said by the context
			p.Out.Host = p.In.Host
			p.Out = p.Out.WithContext(context.WithValue(p.Out.Context(), socketKey{}, path))
			f.setForwarded(p.Out.Header, p.In)
		},
		Transport:      transport,
		ModifyResponse: answer,
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

// setForwarded replaces what the client claims about itself by what the front, or a trusted proxy, saw.
func (f *Front) setForwarded(h http.Header, in *http.Request) {
	for name := range h {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "X-Real-Ip" || name == "X-Request-Id" {
			h.Del(name)
		}
	}
	h.Set("X-Forwarded-For", f.proxies.clientOf(in))
	h.Set("X-Forwarded-Host", in.Host)
	h.Set("X-Forwarded-Proto", f.scheme(in))
	h.Set("X-Request-Id", telemetry.RequestID(in.Context()))
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

// webSocket is the protocol that a connection to a worker may become.
const webSocket = "websocket"

// errNoAnswer is what a worker's answer is worth that is not one to the request.
var errNoAnswer = errors.New("front: the worker's answer is none")

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
	r.Header.Del("Accept-Encoding")
	if !strings.EqualFold(r.Header.Get("Upgrade"), webSocket) {
		r.Header.Del("Upgrade")
	}
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
