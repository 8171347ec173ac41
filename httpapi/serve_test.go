package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/config"
	"konklave/httpapi"
)

func TestUnknownAddressAndMethod(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.browser()
	for _, path := range []string{"/", "/api", "/api/", "/api/v1", "/api/v2/me", "/api/v1/meetings/a/b", "/api/v1/join/", "/api/v1/me/"} {
		c.get(path).problem(http.StatusNotFound, "route.unknown")
	}
	a := c.send(http.MethodPut, "/api/v1/meetings", "application/json", "{}")
	a.problem(http.StatusMethodNotAllowed, "route.method")
	if got := a.header.Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow: %s", got)
	}
}

func TestA80NothingForDebuggers(t *testing.T) {
	t.Parallel()
	c := start(t, options{}).browser()
	for _, path := range []string{"/debug/pprof/", "/metrics", "/api/debug/pprof", "/schemas/User", "/api/openapi.yaml", "/openapi.json", "/docs"} {
		c.get(path).problem(http.StatusNotFound, "route.unknown")
	}
}

func TestA80InternalErrorsAreHidden(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.browser()
	e.exec("ALTER TABLE instance_settings RENAME TO gone")
	p := c.get("/api/v1/instance").problem(http.StatusInternalServerError, "internal")
	for _, secret := range []string{"SQL", "sql", "instance_settings", "table", "goroutine", ".go:"} {
		if strings.Contains(p.Detail, secret) {
			t.Errorf("%q is in %q", secret, p.Detail)
		}
	}
	if log := e.log.String(); !strings.Contains(log, p.ID) || !strings.Contains(log, "instance_settings") {
		t.Errorf("the log does not explain the error %s: %s", p.ID, log)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	e := start(t, options{limits: func(l *config.Limits) { l.SourceBurst = 1 }})
	c := e.browser()
	for range 5 { // not rate-limited
		c.get("/healthz").want(200)
		c.get("/readyz").want(200)
	}
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	c.get("/healthz").want(200)
	c.get("/readyz").problem(http.StatusServiceUnavailable, "server.unavailable")
}

func TestA79NothingIsCached(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	for _, r := range s.api.Routes() {
		path := strings.NewReplacer("{id}", s.meeting.ID, "{link}", s.meeting.Link).Replace(r.Path)
		for _, c := range []*client{s.asMember, s.nobody} {
			a := c.send(r.Method, path, "application/json", "")
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s (%d): %v", a.what, a.status, a.header)
			}
		}
	}
	// The back button after signing out finds nothing.
	s.inBrowser.delete("/api/v1/session").want(http.StatusOK)
	s.inBrowser.get("/api/v1/me").problem(http.StatusUnauthorized, "access.signin_required")
}

// Secrets appear in the one answer that hands them out, and never in a log, an address or an error.
func TestA25SecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	e := start(t, options{level: slog.LevelDebug})
	u := e.account("a@example.org", access.Ordinary)
	m := e.meeting(u, true)
	c := e.browser()
	c.signIn(u).want(200)
	made := decode[httpapi.CreatedToken](c.post("/api/v1/me/tokens", map[string]any{"name": "x"}).want(http.StatusCreated))
	guest := e.browser()
	in := decode[httpapi.Admission](guest.post("/api/v1/join/"+m.Link, map[string]any{"name": "Gast"}).want(200))
	session := c.cookies[auth.SessionCookie]
	secrets := []string{password, session, c.cookies[auth.DeviceCookie], guest.cookies[auth.GuestCookie], made.Secret, in.Ticket, m.Link}

	// The same secrets in the wrong places: bodies, paths, queries, headers.
	var errors []answer
	for _, secret := range secrets {
		errors = append(errors,
			c.post("/api/v1/meetings", map[string]any{"title": "a", "x": secret}),
			c.post("/api/v1/me/tokens", map[string]any{"name": []string{secret}}),
			c.send(http.MethodPost, "/api/v1/meetings", "application/json", `{"title":"`+secret),
			c.get("/api/v1/meetings/"+strings.ReplaceAll(secret, " ", "%20")),
			c.get("/api/v1/meetings?limit="+strings.ReplaceAll(secret, " ", "%20")),
			c.get("/api/v1/nothing?token="+strings.ReplaceAll(secret, " ", "%20")),
			e.browser().post("/api/v1/session", map[string]any{"email": secret, "password": secret}),
		)
	}
	for _, a := range errors {
		if a.status < 400 {
			t.Errorf("%s: %d", a.what, a.status)
		}
		for _, secret := range secrets {
			if strings.Contains(a.body, secret) || strings.Contains(fmt.Sprint(a.header), secret) {
				t.Errorf("%s repeats a secret: %s", a.what, a.body)
			}
		}
	}
	for _, secret := range secrets {
		if strings.Contains(e.log.String(), secret) {
			t.Errorf("the secret %.6s… is in the log", secret)
		}
	}
	if !strings.Contains(e.log.String(), "body.unknown_field") {
		t.Error("the log is not complete, so the test shows nothing")
	}
	for _, list := range []answer{c.get("/api/v1/me/tokens"), c.get("/api/v1/me/sessions"), c.get("/api/v1/session")} {
		for _, secret := range secrets[:6] {
			if strings.Contains(list.body, secret) {
				t.Errorf("%s shows a secret", list.what)
			}
		}
	}
}

func TestA73LogInjection(t *testing.T) {
	t.Parallel()
	e := start(t, options{level: slog.LevelDebug})
	u := e.account("a@example.org", access.Ordinary)
	c := e.signedIn(u)
	hostile := "x\\r\\n{\\\"level\\\":\\\"ERROR\\\",\\\"msg\\\":\\\"forged\\\"}\\u001b[31m"
	c.send(http.MethodPost, "/api/v1/meetings", "application/json", `{"`+hostile+`":1}`).problem(http.StatusBadRequest, "body.unknown_field")
	c.get("/api/v1/%0d%0a%7B%22level%22:%22ERROR%22%7D").problem(http.StatusNotFound, "route.unknown")
	c.headers = map[string]string{"User-Agent": strings.Repeat("A", 10_000), "X-Request-Id": `x" level=ERROR`}
	c.signIn(u).want(200)
	for line := range strings.Lines(e.log.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("not one record: %q", line)
		}
		if record["msg"] == "forged" || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\n\r\x1b") || len(line) > 4096 {
			t.Errorf("forged: %q", line)
		}
	}
	for _, s := range decode[items[httpapi.Session]](c.get("/api/v1/me/sessions").want(200)).Items {
		if len(s.UserAgent) > 200 {
			t.Errorf("a user agent of %d characters", len(s.UserAgent))
		}
	}
}

func TestA60OnlyTheFrontsWordCounts(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.signedIn(e.account("a@example.org", access.Ordinary))
	// What the front reports is the origin; a Host header of the connection behind it is not.
	c.headers = map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "meet.example.org"}
	c.post("/api/v1/meetings", nil).problem(http.StatusForbidden, "origin.foreign")
	c.headers["Origin"] = "https://meet.example.org"
	c.post("/api/v1/meetings", nil).want(http.StatusCreated)
	// Other headers that name a client are not looked at.
	c.headers = map[string]string{"X-Real-Ip": "6.6.6.6", "Forwarded": "for=6.6.6.6", "Client-Ip": "6.6.6.6"}
	c.signIn(e.account("b@example.org", access.Ordinary)).want(200)
	for _, s := range decode[items[httpapi.Session]](c.get("/api/v1/me/sessions").want(200)).Items {
		if s.Source != "192.0.2.0/24" {
			t.Errorf("source %s", s.Source)
		}
	}
}

func TestRateOfOneSource(t *testing.T) {
	t.Parallel()
	e := start(t, options{limits: func(l *config.Limits) { l.SourceBurst, l.SourceRate = 3, 1 }})
	c := e.browser()
	for range 3 {
		c.get("/api/v1/instance").want(200)
	}
	a := c.get("/api/v1/instance")
	a.problem(http.StatusTooManyRequests, "rate.limited")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	other := e.browser()
	other.source = "198.51.100.1"
	other.get("/api/v1/instance").want(200)
	// One subscriber has a whole IPv6 network.
	for n := range 3 {
		other.source = fmt.Sprintf("2001:db8::%d", n+1)
		other.get("/api/v1/instance").want(200)
	}
	other.source = "2001:db8:0:0:ffff::1"
	other.get("/api/v1/instance").problem(http.StatusTooManyRequests, "rate.limited")
	other.source = "2001:db8:0:1::1"
	other.get("/api/v1/instance").want(200)
	e.clock.advance(time.Second)
	c.get("/api/v1/instance").want(200)
	c.get("/api/v1/instance").problem(http.StatusTooManyRequests, "rate.limited")
}

func TestRateOfOneSession(t *testing.T) {
	t.Parallel()
	e := start(t, options{limits: func(l *config.Limits) { l.SessionBurst, l.SessionRate = 2, 1 }})
	u := e.account("a@example.org", access.Ordinary)
	c, other := e.signedIn(u), e.signedIn(u)
	for n := range 2 {
		c.source = fmt.Sprintf("192.0.2.%d", n+1)
		c.get("/api/v1/me").want(200)
	}
	c.source = "192.0.2.9"
	c.get("/api/v1/me").problem(http.StatusTooManyRequests, "rate.limited")
	other.get("/api/v1/me").want(200)
	e.clock.advance(time.Second)
	c.get("/api/v1/me").want(200)
}

func TestDocs(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.browser()
	page := c.get("/api/docs").want(200)
	if page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%v", page.header)
	}
	for _, forbidden := range []string{"<script", " style=", " onclick=", "http://", "https://"} {
		if strings.Contains(page.body, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
	for _, r := range e.api.Routes() {
		if !strings.Contains(page.body, r.Path) || !strings.Contains(page.body, html.EscapeString(r.Summary)) {
			t.Errorf("%s is not on the page", r.ID)
		}
	}
	if css := c.get("/api/docs.css").want(200); css.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v", css.header)
	}
}

func TestSpecIsCommitted(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	committed, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	served := e.browser().get("/api/openapi.json").want(200)
	if !bytes.Equal(committed, []byte(served.body)) {
		t.Error("openapi.json is old; run `go generate ./httpapi`")
	}
	var document struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(committed, &document); err != nil || document.OpenAPI != "3.1.0" {
		t.Fatalf("%s %v", document.OpenAPI, err)
	}
	for _, r := range e.api.Routes() {
		if got := document.Paths[r.Path][strings.ToLower(r.Method)].OperationID; got != r.ID {
			t.Errorf("%s %s is %q in the document, want %s", r.Method, r.Path, got, r.ID)
		}
	}
	if strings.Contains(string(committed), "$schema") || strings.Contains(string(committed), "ErrorModel") {
		t.Error("the document has what the library adds by itself")
	}
}
