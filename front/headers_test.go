package front_test

import (
	"strings"
	"testing"

	"konklave/front"
)

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

// A policy has no way to write an IPv6 address: one with such a source would be faulty, and browsers complain about it.
func TestThePolicyIsWellFormedAtAnIPv6Address(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	resp, _ := h.get(t, "/", "Host", "[::1]:8080")
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self';") || strings.Contains(csp, "[") {
		t.Errorf("CSP %q", csp)
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
