package front

import (
	"net/http"
	"strings"
)

// securityHeaders are on every answer; an answer from behind cannot change them.
func securityHeaders() [][2]string {
	return [][2]string{
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Permissions-Policy", permissions},
	}
}

// permissions gives our own pages what a conference needs, and nobody anything else.
const permissions = "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), autoplay=(self), " +
	"picture-in-picture=(self), screen-wake-lock=(self), clipboard-write=(self), speaker-selection=(self), publickey-credentials-get=(self), " +
	"accelerometer=(), encrypted-media=(), geolocation=(), gyroscope=(), hid=(), " +
	"idle-detection=(), magnetometer=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()"

// strictTransport holds browsers to HTTPS for two years.
const strictTransport = "max-age=63072000"

// transport is how an answer travels.
type transport struct {
	secure bool // by TLS
	strict bool // browsers may be held to it: they trust the certificate without being told to
}

// setHeaders sets the security headers of an answer to a client that used this host, which is empty when it is not ours.
func setHeaders(h http.Header, host string, by transport) {
	for _, header := range securityHeaders() {
		h.Set(header[0], header[1])
	}
	h.Set("Content-Security-Policy", contentPolicy(host, by.secure))
	if by.strict {
		h.Set("Strict-Transport-Security", strictTransport)
	}
}

// contentPolicy allows our own files and nothing else. The WebSocket origin is written out because not every browser that
// we support takes 'self' for it; an IPv6 address cannot be, a policy has no way to write one (CSP3, section 2.3.1).
func contentPolicy(host string, tls bool) string {
	connect := "'self'"
	switch {
	case strings.HasPrefix(host, "["):
	case host != "" && tls:
		connect += " wss://" + host
	case host != "":
		connect += " ws://" + host
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
		"media-src 'self' blob: mediastream:", "font-src 'self'", "connect-src " + connect, "manifest-src 'self'",
		"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
		"require-trusted-types-for 'script'", "trusted-types 'none'",
	}, "; ")
}
