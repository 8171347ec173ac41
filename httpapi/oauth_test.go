package httpapi_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/httpapi"
)

const tokenPath = "/api/v1/oauth/token"

// machine adds a machine with these scopes, and returns its secret as well.
func (e *env) machine(scopes ...access.Scope) (auth.Machine, string) {
	e.t.Helper()
	m, secret, err := e.machines.Add(e.t.Context(), access.System("test"), auth.NewMachine{Name: "Machine", Scopes: scopes})
	if err != nil {
		e.t.Fatal(err)
	}
	return m, secret
}

// machineClient is a client with an access token of a new machine.
func (e *env) machineClient(scopes ...access.Scope) *client {
	e.t.Helper()
	c := e.browser()
	m, secret := e.machine(scopes...)
	c.token = decode[httpapi.TokenResponse](c.tokenFor(m.ID, secret).want(200)).AccessToken
	return c
}

// form sends a form, with HTTP Basic unless that is empty.
func (c *client) form(basic string, values url.Values) answer {
	c.t.Helper()
	with := *c
	with.headers = map[string]string{"Origin": "-"}
	if basic != "" {
		with.headers["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(basic))
	}
	return with.send(http.MethodPost, tokenPath, "application/x-www-form-urlencoded", values.Encode())
}

func (c *client) tokenFor(id, secret string) answer {
	c.t.Helper()
	return c.form("", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
}

// refuses wants an error of RFC 6749, section 5.2.
func (a answer) refuses(status int, code httpapi.TokenError) answer {
	a.t.Helper()
	var got httpapi.TokenResponse
	a.into(&got)
	if a.status != status || got.Error != code || got.AccessToken != "" || got.Description == "" {
		a.t.Errorf("%s: %d %+v, want %d %s", a.what, a.status, got, status, code)
	}
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
		a.t.Errorf("headers %v", a.header)
	}
	if challenged := strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic "); challenged != (status == http.StatusUnauthorized) {
		a.t.Errorf("%s: WWW-Authenticate is %q", a.what, a.header.Get("WWW-Authenticate"))
	}
	return a
}

func TestAMachineProvesItselfInTheHeaderOrInTheBody(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.browser()
	m, secret := e.machine(access.MeetingsRead, access.UsersRead)
	grant, basic := url.Values{"grant_type": {"client_credentials"}}, m.ID+":"+secret
	with := func(pairs ...string) url.Values {
		v := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(pairs); i += 2 {
			v.Add(pairs[i], pairs[i+1])
		}
		return v
	}
	for _, a := range []answer{
		c.form(basic, grant), c.form(basic, with("client_id", m.ID)), c.form("", with("client_id", m.ID, "client_secret", secret)),
		c.form(basic, with("scope", "users.read meetings.read", "unknown", "x")), c.form(url.QueryEscape(m.ID)+":"+url.QueryEscape(secret), grant),
	} {
		got := decode[httpapi.TokenResponse](a.want(200))
		if got.TokenType != "Bearer" || got.ExpiresIn != int64(auth.DefaultAccessLifetime.Seconds()) || got.Scope != "meetings.read users.read" {
			t.Errorf("%+v", got)
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" {
			t.Errorf("headers %v", a.header)
		}
	}
	if got := decode[httpapi.TokenResponse](c.form(basic, with("scope", "users.read")).want(200)); got.Scope != "users.read" {
		t.Errorf("%+v", got)
	}
	for name, test := range map[string]struct {
		answer answer
		status int
		code   httpapi.TokenError
	}{
		"both at once":        {c.form(basic, with("client_id", m.ID, "client_secret", secret)), 400, "invalid_request"},
		"two machines":        {c.form(basic, with("client_id", "other")), 400, "invalid_request"},
		"no grant type":       {c.form(basic, nil), 400, "invalid_request"},
		"a password":          {c.form(basic, url.Values{"grant_type": {"password"}, "username": {"a"}, "password": {"b"}}), 400, "unsupported_grant_type"},
		"a parameter twice":   {c.form(basic, with("scope", "users.read", "scope", "users.read")), 400, "invalid_request"},
		"a scope too many":    {c.form(basic, with("scope", "users.read audit.read")), 400, "invalid_scope"},
		"an unknown scope":    {c.form(basic, with("scope", "everything")), 400, "invalid_scope"},
		"no proof":            {c.form("", grant), 401, "invalid_client"},
		"no secret":           {c.form("", with("client_id", m.ID)), 401, "invalid_client"},
		"a bad header":        {c.form("no colon", grant), 401, "invalid_client"},
		"a wrong secret":      {c.form(m.ID+":"+auth.MachineSecretPrefix+strings.Repeat("A", 43), grant), 401, "invalid_client"},
		"another's name":      {c.form("somebody:"+secret, grant), 401, "invalid_client"},
		"an API token":        {c.form(m.ID+":kk_"+secret[4:], grant), 401, "invalid_client"},
		"JSON":                {c.post(tokenPath, map[string]any{"grant_type": "client_credentials"}), 400, "invalid_request"},
		"a form out of order": {c.send(http.MethodPost, tokenPath, "application/x-www-form-urlencoded", "%zz"), 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) { test.answer.refuses(test.status, test.code) })
	}
	c.send(http.MethodPost, tokenPath+"?grant_type=client_credentials&client_id="+m.ID+"&client_secret="+secret, "application/x-www-form-urlencoded", "").refuses(400, "invalid_request")
	if strings.Contains(e.log.String(), secret) {
		t.Error("A-25: the secret is in the log")
	}
}

// whoever guesses learns nothing, not even which machines there are, and is kept out soon.
func TestA26A28GuessedMachinesAreAnsweredAlikeAndLocked(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.browser()
	m, secret := e.machine(access.MeetingsRead)
	wrong := auth.MachineSecretPrefix + strings.Repeat("A", 43)
	known, unknown := c.tokenFor(m.ID, wrong).refuses(401, "invalid_client"), c.tokenFor("nobody", wrong).refuses(401, "invalid_client")
	if known.body != unknown.body || !slices.Equal(known.header["Www-Authenticate"], unknown.header["Www-Authenticate"]) {
		t.Errorf("known: %v, unknown: %v", known, unknown)
	}
	for range auth.LockFailures - 2 {
		c.tokenFor(m.ID, wrong).refuses(401, "invalid_client")
	}
	if a := c.tokenFor(m.ID, wrong).refuses(429, "temporarily_unavailable"); a.header.Get("Retry-After") != "600" {
		t.Errorf("headers %v", a.header)
	}
	c.tokenFor(m.ID, secret).refuses(429, "temporarily_unavailable")
	elsewhere := e.browser()
	elsewhere.source = "198.51.100.1"
	elsewhere.tokenFor(m.ID, secret).want(200)
}

func TestA18AMachineDoesWhatItsScopesOpen(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	owner := e.account("owner@example.org", access.Ordinary)
	made := e.meeting(owner, true)
	c := e.machineClient(access.MeetingsRead)
	if got := decode[httpapi.Meeting](c.get("/api/v1/meetings/" + made.ID).want(200)); got.ID != made.ID {
		t.Errorf("%+v", got)
	}
	if got := decode[items[httpapi.Meeting]](c.get("/api/v1/meetings?owner=" + owner.ID).want(200)); len(got.Items) != 1 {
		t.Errorf("%+v", got)
	}
	refused := c.delete("/api/v1/meetings/" + made.ID)
	refused.problem(http.StatusForbidden, "access.denied")
	if got := refused.header.Get("WWW-Authenticate"); got != `Bearer realm="konklave", error="insufficient_scope", scope="meetings.write"` {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	for _, path := range []string{"/api/v1/me", "/api/v1/users", "/api/v1/machines", "/api/v1/findings", "/api/v1/audit/checkpoint", "/api/v1/conferences"} {
		c.get(path).problem(http.StatusForbidden, "access.denied")
	}
	c.post("/api/v1/join/"+made.Link, map[string]any{"name": "Machine"}).problem(http.StatusForbidden, "access.denied")
	e.machineClient(access.MeetingsWrite).delete("/api/v1/meetings/" + made.ID).want(204)
	if shown := decode[httpapi.CurrentSession](c.get("/api/v1/session").want(200)); shown.User != nil {
		t.Errorf("a machine is a person: %+v", shown)
	}
	c.post(tokenPath, nil).refuses(400, "invalid_request") // an access token brings no other
}

// what was taken away is refused with the next request.
func TestA21AMachineIsOutAtOnce(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	person := e.account("admin@example.org", access.Administrator)
	admin := e.signedIn(person)
	added := decode[httpapi.MachineWithSecret](admin.post("/api/v1/machines", map[string]any{
		"name": "Calendar", "scopes": []string{"meetings.read", "users.read"}, "expiresAt": e.clock.now().Add(24 * time.Hour),
	}).want(201))
	machine := func() *client {
		c := e.browser()
		c.token = decode[httpapi.TokenResponse](c.tokenFor(added.Machine.ID, added.Secret).want(200)).AccessToken
		c.get("/api/v1/users").want(200)
		return c
	}
	out := func(c *client) {
		t.Helper()
		a := c.get("/api/v1/users")
		a.problem(http.StatusUnauthorized, "token.invalid")
		if a.header.Get("WWW-Authenticate") != `Bearer realm="konklave", error="invalid_token"` {
			t.Errorf("headers %v", a.header)
		}
	}
	c := machine()
	e.clock.advance(auth.DefaultAccessLifetime)
	out(c)
	c, admin = machine(), e.signedIn(person)
	rotated := decode[httpapi.MachineWithSecret](admin.post("/api/v1/machines/"+added.Machine.ID+"/secrets", map[string]any{"overlapSeconds": 60}).want(201))
	if len(rotated.Machine.Secrets) != 2 || rotated.Machine.Secrets[0].ExpiresAt != nil || rotated.Secret == added.Secret {
		t.Errorf("%+v", rotated)
	}
	c.get("/api/v1/users").want(200)
	e.clock.advance(time.Minute)
	out(c)
	added.Secret = rotated.Secret
	c = machine()
	added.Secret = decode[httpapi.MachineWithSecret](admin.post("/api/v1/machines/"+added.Machine.ID+"/secrets", map[string]any{"overlapSeconds": 0}).want(201)).Secret
	out(c)
	for _, seconds := range []int64{-1, int64(auth.MaxSecretOverlap/time.Second) + 1} {
		admin.post("/api/v1/machines/"+added.Machine.ID+"/secrets", map[string]any{"overlapSeconds": seconds}).problem(400, "machine.overlap_invalid")
	}
	c = machine()
	admin.delete("/api/v1/machines/" + added.Machine.ID).want(204)
	out(c)
	c.tokenFor(added.Machine.ID, added.Secret).refuses(401, "invalid_client")
}

// Whoever adds a machine sees its secret.
func TestNobodyAddsAMachineBeyondHisRoles(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	admin := e.signedIn(e.account("admin@example.org", access.Administrator))
	add := func(scopes ...string) answer {
		return admin.post("/api/v1/machines", map[string]any{"name": "x", "scopes": scopes})
	}
	add("audit.read").problem(http.StatusForbidden, "scope.beyond")
	add("findings.read").problem(http.StatusForbidden, "scope.beyond")
	add("audit.read", "users.read").problem(http.StatusConflict, "scope.conflict")
	add("everything").problem(http.StatusBadRequest, "scope.invalid")
	add("audit.cosign").want(201)
	if list := decode[items[httpapi.Machine]](admin.get("/api/v1/machines").want(200)); len(list.Items) != 1 || list.Items[0].UsedAt != nil {
		t.Errorf("%+v", list)
	}
}

func TestTheMetadataLeadToAToken(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	m, secret := e.machine(access.MeetingsRead)
	c := e.browser()
	var found map[string]any
	c.get("/.well-known/oauth-authorization-server").want(200).into(&found)
	if found["issuer"] != origin || found["token_endpoint"] != origin+tokenPath {
		t.Errorf("%v", found)
	}
	a := c.tokenFor(m.ID, secret).want(200)
	if strings.Contains(a.body, "error") {
		t.Error(a.body)
	}
}

// A machine comes from its networks with each request, and a denial leaves one entry for a while.
func TestAMachineComesFromItsNetworks(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	m, secret, err := e.machines.Add(t.Context(), access.System("test"), auth.NewMachine{
		Name: "x", Scopes: []access.Scope{access.UsersRead}, Networks: []string{"192.0.2.0/24"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := e.browser()
	c.token = decode[httpapi.TokenResponse](c.tokenFor(m.ID, secret).want(200)).AccessToken
	c.get("/api/v1/users").want(200)
	before := e.lastEntry()
	for _, address := range []string{"192.0.3.1", "192.0.3.255", "::1"} {
		c.source = address
		c.get("/api/v1/users").problem(http.StatusForbidden, "network.denied")
	}
	c.source = "::ffff:192.0.2.255"
	c.get("/api/v1/users").want(200)
	var kinds []audit.Kind
	for _, entry := range e.entries(before) {
		kinds = append(kinds, entry.Kind)
	}
	if !slices.Equal(kinds, []audit.Kind{audit.KindNetworkDenied, audit.KindNetworkDenied}) {
		t.Errorf("entries %v", kinds)
	}
}
