// Package front is the only part of Konklave that the network talks to: it serves the web client, sets the security
// headers of every answer, and passes API requests to the controller and conference connections to their workers.
//
// It holds no secret and no state. What it tells the parts behind it about the client (X-Forwarded-For, -Proto, -Host,
// X-Request-Id) it has seen itself, but for the address when a proxy that it trusts tells it; all else that is claimed in such
// headers is removed.
package front

import (
	"context"
	"crypto/tls"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"konklave/config"
	"konklave/telemetry"
)

// Options are what a front needs; fields that may be left out say so.
type Options struct {
	Static        fs.FS                                         // the built web client with index.html at its root, or without it when it was not built
	Controller    string                                        // path of the controller's unix socket
	ConferenceDir string                                        // directory of the workers' unix sockets, ID.web each
	PublicURL     string                                        // canonical address; its host is answered besides the loopback ones
	Proxies       []netip.Prefix                                // of the operator, in front of this front: what they say of a client's address is believed
	Hosts         []string                                      // further names and addresses, without ports, that are answered
	Certificates  Certificates                                  // for TLS 1.3; nil for plain HTTP
	Challenge     func(http.ResponseWriter, *http.Request) bool // answers an ACME server on the plain HTTP listener; nil when there is none
	TrustRoot     []byte                                        // CA (DER) that people are helped to trust; nil when there is none
	Relay         func(net.Conn)                                // takes over connections that speak TURN; nil when there is no relay
	Drain         <-chan struct{}                               // closed when the front is to take nothing new; nil for never
	Limits        config.Limits
	Log           *slog.Logger
}

// Certificates is what the front needs of a source of certificates.
type Certificates interface {
	// Certificate chooses the certificate for a handshake; nil for a name that is not ours.
	Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// Public reports whether browsers trust the certificate without being told to.
	Public() bool
	// Protocols are ALPN names that the source needs for itself.
	Protocols() []string
	// Run keeps the certificates fresh until ctx ends.
	Run(ctx context.Context)
}

// Front is the public HTTP handler.
type Front struct {
	static        *static
	controller    *httputil.ReverseProxy
	conferences   *httputil.ReverseProxy
	conferenceDir string
	public        *url.URL // nil without a public URL
	proxies       proxies
	hosts         []string
	certificates  Certificates
	challenge     func(http.ResponseWriter, *http.Request) bool
	trust         http.Handler // nil without a CA to trust
	relay         func(net.Conn)
	drain         <-chan struct{}
	limits        config.Limits
	log           *slog.Logger
}

// New returns a Front. It fails when the web client cannot be read or the public URL is not one.
func New(o Options) (*Front, error) {
	f := &Front{
		conferenceDir: o.ConferenceDir, proxies: o.Proxies, hosts: o.Hosts, certificates: o.Certificates, challenge: o.Challenge, relay: o.Relay, drain: o.Drain,
		limits: o.Limits, log: o.Log,
	}
	if o.TrustRoot != nil {
		f.trust = newTrust(o.TrustRoot)
	}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil {
			return nil, err
		}
		f.public = u
	}
	var err error
	if f.static, err = newStatic(o.Static); err != nil {
		return nil, err
	}
	f.controller = f.proxy(func(*http.Request) string { return o.Controller }, keepAnswer)
	f.conferences = f.proxy(f.workerSocket, tameAnswer)
	return f, nil
}

// ServeHTTP answers one request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(telemetry.WithRequestID(r.Context(), telemetry.NewRequestID()))
	if !f.knownHost(r.Host) {
		setHeaders(w.Header(), "", transport{})
		f.refuse(w, r, errHost)
		return
	}
	setHeaders(w.Header(), r.Host, f.transport(r))
	path := r.URL.Path
	switch {
	case r.URL.EscapedPath() == machinesPath:
		f.serveAPI(w, r)
	case !plainPath(r.URL):
		f.refuse(w, r, errRoute)
	case path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/scim/"):
		f.serveAPI(w, r)
	case strings.HasPrefix(path, "/conference/"):
		f.serveConference(w, r)
	case f.trust != nil && isTrustPath(path):
		f.trust.ServeHTTP(w, r)
	default:
		f.static.ServeHTTP(w, r)
	}
}

// machinesPath is where the programs of machines find out how to get in (RFC 8414).
const machinesPath = "/.well-known/oauth-authorization-server"

// knownHost reports whether this instance answers to the Host header: the public address, or this machine itself.
// Any other name was pointed here by somebody else.
func (f *Front) knownHost(host string) bool {
	if !plainHost(host) {
		return false
	}
	u := url.URL{Host: host}
	if f.public != nil && strings.EqualFold(u.Hostname(), f.public.Hostname()) {
		return true
	}
	return config.IsLoopback(u.Hostname()) || slices.ContainsFunc(f.hosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) })
}

// plainHost reports whether a Host header has no other characters than those of names, addresses and ports.
func plainHost(host string) bool {
	return host != "" && len(host) <= maxHostLength && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") == ""
}

// The longest host and path that are looked at, in bytes.
const (
	maxHostLength = 260
	maxPathLength = 1024
)

// plainPath reports whether a path is written in one way only: no escapes, no dot segments, no empty segments.
func plainPath(u *url.URL) bool {
	path := u.EscapedPath()
	if path != u.Path || len(path) > maxPathLength || !strings.HasPrefix(path, "/") {
		return false
	}
	signs := "/-_.~"
	if strings.HasPrefix(path, "/scim/") {
		signs += ":" // the names of schemas
	}
	for _, c := range []byte(path) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune(signs, rune(c)) {
			return false
		}
	}
	if path == "/" {
		return true
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		if segment == "" || strings.HasPrefix(segment, ".") {
			return false
		}
	}
	return true
}

// transport says how the answer travels.
func (f *Front) transport(r *http.Request) transport {
	secure := f.scheme(r) == "https"
	return transport{secure: secure, strict: secure && (f.certificates == nil || f.certificates.Public())}
}

// scheme is the one the client used: https only behind a server with TLS that answers for the public address.
func (f *Front) scheme(r *http.Request) string {
	if r.TLS != nil || f.public != nil && f.public.Scheme == "https" && strings.EqualFold(r.Host, f.public.Host) {
		return "https"
	}
	return "http"
}
