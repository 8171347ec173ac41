package httpapi_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/httpapi"
)

func TestSetUpSignOutSignIn(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.browser()
	if i := decode[httpapi.Instance](c.get("/api/v1/instance").want(200)); !i.SetupNeeded || i.Name != "Test <instance>" || i.Version != "1.2.3" {
		t.Errorf("%+v", i)
	}
	token, err := e.setup.Issue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.post("/api/v1/setup", firstUser("")).problem(http.StatusForbidden, "setup.invalid")
	made := decode[httpapi.CompletedSetup](c.post("/api/v1/setup", firstUser(token)).want(http.StatusCreated))
	if !slices.Equal(made.User.Roles, access.Administrator.List()) || made.ExpiresAt == nil || made.ExpiresAt.IsZero() || !strings.HasPrefix(made.RecoveryKey, "AGE-SECRET-KEY-1") {
		t.Errorf("%+v", made)
	}
	c.post("/api/v1/setup", firstUser(other(token))).problem(http.StatusGone, "setup.done")
	if i := decode[httpapi.Instance](c.get("/api/v1/instance").want(200)); i.SetupNeeded {
		t.Error("set-up is still needed")
	}
	if me := decode[httpapi.User](c.get("/api/v1/me").want(200)); me.Email != "first@example.org" {
		t.Errorf("%+v", me)
	}
	old := c.cookies[auth.SessionCookie]
	c.delete("/api/v1/session").want(http.StatusOK)
	if c.cookies[auth.SessionCookie] != "" {
		t.Error("the cookie is still there")
	}
	c.cookies[auth.SessionCookie] = old
	c.get("/api/v1/me").problem(http.StatusUnauthorized, "session.invalid")
	if s := decode[httpapi.CurrentSession](c.get("/api/v1/session").want(200)); s.User != nil {
		t.Errorf("%+v", s)
	}
	c.post("/api/v1/session", map[string]any{"email": "First@Example.org", "password": password}).want(200)
	if s := decode[httpapi.CurrentSession](c.get("/api/v1/session").want(200)); s.User == nil || s.User.Name != "First" {
		t.Errorf("%+v", s)
	}
}

// other is a secret that differs from the given one in a letter.
func other(secret string) string {
	first := "A"
	if secret[0] == 'A' {
		first = "B"
	}
	return first + secret[1:]
}

// cutOff passes one request on to the API and hangs up when the answer begins.
func cutOff(t *testing.T, to string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		near, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = near.Close() }()
		far, err := net.Dial("tcp", strings.TrimPrefix(to, "http://"))
		if err != nil {
			return
		}
		defer func() { _ = far.Close() }()
		go func() { _, _ = io.Copy(far, near) }()
		_, _ = far.Read(make([]byte, 1))
	}()
	return "http://" + l.Addr().String()
}

// An answer that was lost on the way takes the recovery key with it: who set the installation up asks again.
func TestA47TheAnswerToTheSetupCanBeHadAgain(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	token, err := e.setup.Issue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := e.browser()
	body, err := json.Marshal(firstUser(token))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cutOff(t, c.url)+"/api/v1/setup", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
		_ = resp.Body.Close()
		t.Fatal("the answer came through")
	}
	if needed, err := e.setup.Needed(t.Context()); err != nil || needed {
		t.Fatalf("the first request did nothing: %v", err)
	}

	for field, wrong := range map[string]string{"token": other(token), "email": "second@example.org", "password": "wrong horse battery staple"} {
		body := firstUser(token)
		body[field] = wrong
		before := e.lastEntry()
		e.browser().post("/api/v1/setup", body).problem(http.StatusGone, "setup.done")
		for _, entry := range e.entries(before) {
			if entry.Kind == audit.KindRecoveryKeyMade || entry.Kind == audit.KindSessionStarted && entry.Outcome == audit.OutcomeSuccess {
				t.Errorf("another %s: %s", field, entry.Kind)
			}
		}
	}

	made := decode[httpapi.CompletedSetup](c.post("/api/v1/setup", firstUser(token)).want(http.StatusCreated))
	if made.User.Email != "first@example.org" || made.ExpiresAt == nil || !strings.HasPrefix(made.RecoveryKey, "AGE-SECRET-KEY-1") {
		t.Errorf("%+v", made)
	}
	if me := decode[httpapi.User](c.get("/api/v1/me").want(200)); !reflect.DeepEqual(me, made.User) {
		t.Errorf("signed in as %+v", me)
	}
	// The cookie may have come through where the body was lost: it is no obstacle.
	again := decode[httpapi.CompletedSetup](c.post("/api/v1/setup", firstUser(token)).want(http.StatusCreated))
	if again.RecoveryKey == made.RecoveryKey || !reflect.DeepEqual(again.User, made.User) {
		t.Errorf("%+v", again)
	}
	e.clock.advance(auth.SetupRepeatable + time.Millisecond)
	e.browser().post("/api/v1/setup", firstUser(token)).problem(http.StatusGone, "setup.done")
}

// The recovery key exists once: whoever has completed the set-up gets it, also where nobody can be signed in right now.
func TestTheRecoveryKeyIsShownWithoutASession(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	token, err := e.setup.Issue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.exec("ALTER TABLE sessions RENAME TO gone")
	c := e.browser()
	a := c.post("/api/v1/setup", firstUser(token)).want(http.StatusCreated)
	made := decode[httpapi.CompletedSetup](a)
	if made.User.Email != "first@example.org" || made.ExpiresAt != nil || !strings.HasPrefix(made.RecoveryKey, "AGE-SECRET-KEY-1") {
		t.Errorf("%+v", made)
	}
	if len(a.header.Values("Set-Cookie")) > 0 || c.cookies[auth.SessionCookie] != "" {
		t.Error("there is a cookie of no session")
	}
	if log := e.log.String(); !strings.Contains(log, "sessions") || strings.Contains(log, made.RecoveryKey) {
		t.Errorf("the log: %s", log)
	}
	e.exec("ALTER TABLE gone RENAME TO sessions")
	c.post("/api/v1/session", map[string]any{"email": "first@example.org", "password": password}).want(http.StatusOK)
}

func TestA29CookiesAndFixation(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	c := e.signedIn(u)
	planted := c.cookies[auth.SessionCookie]
	a := c.signIn(u).want(200)
	for _, set := range a.header.Values("Set-Cookie") {
		for _, attribute := range []string{"__Host-konklave-", "; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
			if !strings.Contains(set, attribute) {
				t.Errorf("no %q in %s", attribute, set)
			}
		}
		if strings.Contains(set, "Domain") {
			t.Errorf("domain in %s", set)
		}
	}
	if c.cookies[auth.SessionCookie] == planted {
		t.Error("the session that was there before goes on")
	}
	victim := e.browser()
	victim.cookies[auth.SessionCookie] = planted
	victim.get("/api/v1/me").problem(http.StatusUnauthorized, "session.invalid")
	// A cookie that is there twice, one of them tossed from elsewhere, is none.
	tossed := e.browser()
	tossed.headers["Cookie"] = auth.SessionCookie + "=" + c.cookies[auth.SessionCookie] + "; " + auth.SessionCookie + "=" + planted
	tossed.get("/api/v1/me").problem(http.StatusUnauthorized, "access.signin_required")
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.signedIn(e.account("a@example.org", access.Ordinary))
	e.clock.advance(auth.DefaultSessionIdle - time.Second)
	c.get("/api/v1/me").want(200)
	e.clock.advance(auth.DefaultSessionIdle)
	c.get("/api/v1/me").problem(http.StatusUnauthorized, "session.invalid")
}

func TestA28UserEnumeration(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("known@example.org", access.Ordinary)
	try := func(email string) httpapi.Problem {
		c := e.browser()
		return c.post("/api/v1/session", map[string]any{"email": email, "password": "wrong password"}).problem(http.StatusUnauthorized, "auth.failed")
	}
	known := try(u.Email)
	for _, email := range []string{"unknown@example.org", "", "not an address", "known@example.org\u0000", "' OR 1=1 --"} {
		unknown := try(email)
		unknown.ID = known.ID
		if unknown.Detail != known.Detail || unknown.Title != known.Title || len(unknown.Errors) != 0 {
			t.Errorf("%q is answered %+v, a known address %+v", email, unknown, known)
		}
	}
	e.exec("UPDATE users SET disabled_at = 1")
	e.browser().signIn(u).problem(http.StatusUnauthorized, "auth.failed")
}

func TestA26LockIsAnswered(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	c := e.browser()
	for n := 1; n <= auth.LockFailures; n++ {
		a := c.post("/api/v1/session", map[string]any{"email": u.Email, "password": "wrong password"})
		if n < auth.LockFailures {
			a.problem(http.StatusUnauthorized, "auth.failed")
		} else {
			a.problem(http.StatusTooManyRequests, "auth.locked")
		}
	}
	c.signIn(u).problem(http.StatusTooManyRequests, "auth.locked")
	elsewhere := e.browser()
	elsewhere.source = "198.51.100.7"
	elsewhere.signIn(u).want(200)
}

// Cross-site request forgery: each mutating route, with each way a foreign page can send a request.
func TestA30ForeignRequestsAreRefused(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	admin := e.account("a@example.org", access.Administrator)
	m := e.meeting(admin, true)
	c := e.signedIn(admin)
	c.get("/api/v1/me").want(200)
	before, entry := e.dump(), e.lastEntry()
	for _, r := range e.api.Routes() {
		if !r.Mutates() {
			continue
		}
		path := strings.NewReplacer("{id}", m.ID, "{link}", m.Link).Replace(r.Path)
		for name, headers := range map[string]map[string]string{
			"foreign":              {"Origin": "https://evil.example"},
			"null":                 {"Origin": "null"},
			"sub-domain":           {"Origin": "http://sub.localhost:8080"},
			"other port":           {"Origin": "http://localhost:8081"},
			"other scheme":         {"Origin": "https://localhost:8080"},
			"prefix":               {"Origin": "http://localhost:8080.evil.example"},
			"none":                 {"Origin": "-"},
			"cross-site":           {"Origin": "-", "Sec-Fetch-Site": "cross-site"},
			"same-site":            {"Origin": "-", "Sec-Fetch-Site": "same-site"},
			"typed in":             {"Origin": "-", "Sec-Fetch-Site": "none"},
			"foreign, own request": {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
		} {
			c.headers = headers
			e.clock.advance(time.Second) // for the rate limit
			for _, contentType := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded"} {
				p := c.send(r.Method, path, contentType, `{}`)
				switch {
				case r.Return: // is for answers from elsewhere, which nobody has asked for here
					if p.status < 400 && !strings.HasPrefix(p.header.Get("Location"), "/signin?") {
						t.Errorf("%s with Origin %s as %s: %d %s", r.ID, name, contentType, p.status, p.header)
					}
				case p.status != http.StatusForbidden:
					t.Errorf("%s with Origin %s as %s: %d %s", r.ID, name, contentType, p.status, p.body)
				default:
					p.problem(http.StatusForbidden, "origin.foreign")
				}
			}
		}
	}
	if e.dump() != before || e.lastEntry() != entry {
		t.Error("a foreign request changed something")
	}
	c.headers = map[string]string{"Origin": "-", "Sec-Fetch-Site": "same-origin"}
	c.post("/api/v1/meetings", nil).want(http.StatusCreated)
	// A method in a header or parameter is not looked at: a GET changes nothing.
	c.headers = map[string]string{"X-HTTP-Method-Override": "DELETE"}
	c.get("/api/v1/meetings/" + m.ID + "?_method=DELETE").want(200)
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	c, other := e.signedIn(u), e.signedIn(u)
	c.json(http.MethodPut, "/api/v1/me/password", map[string]any{"old": password, "new": "short"}).problem(http.StatusBadRequest, "password.too_short")
	c.json(http.MethodPut, "/api/v1/me/password", map[string]any{"old": "wrong", "new": "another good password"}).problem(http.StatusUnauthorized, "auth.failed")
	c.json(http.MethodPut, "/api/v1/me/password", map[string]any{"old": password, "new": "another good password"}).want(http.StatusNoContent)
	c.get("/api/v1/me").want(200)
	other.get("/api/v1/me").problem(http.StatusUnauthorized, "session.invalid")
}

func TestSessionsAndTokensAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	c, other := e.signedIn(u), e.signedIn(u)
	for _, s := range decode[items[httpapi.Session]](c.get("/api/v1/me/sessions").want(200)).Items {
		if !s.Current {
			c.delete("/api/v1/me/sessions/" + s.ID).want(http.StatusNoContent)
			c.delete("/api/v1/me/sessions/"+s.ID).problem(http.StatusNotFound, "session.unknown")
		}
	}
	other.get("/api/v1/me").problem(http.StatusUnauthorized, "session.invalid")

	made := decode[httpapi.CreatedToken](c.post("/api/v1/me/tokens", map[string]any{"name": "x", "expiresAt": e.clock.now().Add(time.Hour)}).want(http.StatusCreated))
	program := e.browser()
	program.token, program.headers = made.Secret, map[string]string{"Origin": "-"}
	if me := decode[httpapi.User](program.get("/api/v1/me").want(200)); me.ID != u.ID {
		t.Errorf("%+v", me)
	}
	program.post("/api/v1/meetings", nil).want(http.StatusCreated)
	if list := decode[items[httpapi.Token]](c.get("/api/v1/me/tokens").want(200)).Items; len(list) != 1 || list[0].UsedAt == nil || list[0].Name != "x" {
		t.Errorf("%+v", list)
	}
	c.delete("/api/v1/me/tokens/" + made.Token.ID).want(http.StatusNoContent)
	program.get("/api/v1/me").problem(http.StatusUnauthorized, "token.invalid")
	if kinds := e.entries(0); kinds[len(kinds)-1].Kind != audit.KindTokenRevoked {
		t.Errorf("last entry %s", kinds[len(kinds)-1].Kind)
	}
	expiring := decode[httpapi.CreatedToken](c.post("/api/v1/me/tokens", map[string]any{"name": "x", "expiresAt": e.clock.now().Add(time.Hour)}).want(http.StatusCreated))
	e.clock.advance(time.Hour)
	program.token = expiring.Secret
	program.get("/api/v1/me").problem(http.StatusUnauthorized, "token.invalid")
}
