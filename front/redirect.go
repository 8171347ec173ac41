package front

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Redirect leads people from plain HTTP to the same address in HTTPS. Nothing that is sent to it is read.
type Redirect struct {
	front *Front
	port  string // of HTTPS, when it is not the usual one
}

// Redirect returns the handler for the plain HTTP listener; httpsPort is where the front is reached by TLS.
func (f *Front) Redirect(httpsPort string) *Redirect { return &Redirect{front: f, port: httpsPort} }

// Serve answers on the listener until ctx ends.
func (r *Redirect) Serve(ctx context.Context, listener net.Listener) error {
	f := r.front
	e := &entrance{Listener: listener, crowd: newCrowd(ConnectionsMax, SourceConnectionsMax, f.proxies), log: f.log}
	return serve(ctx, f.drain, f.httpServer(r), e.enter()) //nolint:contextcheck // a handshake has a limit of its own
}

// ServeHTTP answers one request. What ACME and a device that is to trust our CA need is answered here, all else in HTTPS.
func (r *Redirect) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	f := r.front
	if f.challenge != nil && f.challenge(w, q) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if !f.knownHost(q.Host) {
		setHeaders(w.Header(), "", transport{})
		f.refuse(w, q, errHost)
		return
	}
	setHeaders(w.Header(), q.Host, transport{})
	switch {
	case !plainPath(q.URL):
		f.refuse(w, q, errRoute)
	case f.trust != nil && isTrustPath(q.URL.Path):
		f.trust.ServeHTTP(w, q)
	case q.Method != http.MethodGet && q.Method != http.MethodHead:
		f.refuse(w, q, errPlain) // what was sent in clear is not to be sent again
	default:
		http.Redirect(w, q, r.target(q), http.StatusPermanentRedirect)
	}
}

// target is the same address in HTTPS. The host was checked before.
func (r *Redirect) target(q *http.Request) string {
	host := (&url.URL{Host: q.Host}).Hostname()
	if r.port != "" && r.port != "443" {
		host = net.JoinHostPort(host, r.port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return (&url.URL{Scheme: "https", Host: host, Path: q.URL.Path, RawQuery: q.URL.RawQuery}).String()
}
