package httpapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql" //nolint:depguard // the tests look behind the store
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/approval"
	"konklave/audit"
	"konklave/auth"
	"konklave/auth/passkey"
	"konklave/conference"
	"konklave/config"
	"konklave/finding"
	"konklave/httpapi"
	"konklave/journal"
	"konklave/meeting"
	"konklave/privacy"
	"konklave/sandbox"
	"konklave/store"
	"konklave/store/sqlitetest"
	"konklave/telemetry"
	"konklave/user"
	"konklave/vault"
)

const (
	password = "correct horse battery staple"
	origin   = "http://localhost:8080"
)

// passwordHash is made once: it is slow by design.
var passwordHash = sync.OnceValue(func() string {
	hash, err := auth.NewPasswords(1).Hash(context.Background(), password)
	if err != nil {
		panic(err)
	}
	return hash
})

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// records opens conferences in the database without starting a process for them.
type records struct {
	db      *store.Store
	mu      sync.Mutex
	running map[string]bool
}

func (r *records) Ensure(ctx context.Context, m meeting.Meeting) (string, error) {
	record, _, err := r.db.OpenConference(ctx, m.ID)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[m.ID] = true
	return record.ID, nil
}

// walls is what the fake says of each conference.
var walls = sandbox.Report{{Layer: sandbox.Seccomp, InForce: true, Detail: "Seccomp 2"}, {Layer: sandbox.User, Detail: "runs as the same user as the server"}}

func (r *records) Live(ctx context.Context) ([]conference.Record, map[string]sandbox.Report, error) {
	live, err := r.db.LiveConferences(ctx)
	reports := map[string]sandbox.Report{}
	for _, c := range live {
		reports[c.ID] = walls
	}
	return live, reports, err
}

// About says that nobody has counted the people of meetings without guests.
func (r *records) About(ctx context.Context, c conference.Record) (string, int, error) {
	m, err := r.db.Meeting(ctx, c.Tenant, c.MeetingID)
	if !m.GuestsAllowed {
		return m.Title, -1, err
	}
	return m.Title, 1, err
}

// Abandon takes every journal for damaged; what it does otherwise is the supervisor's.
func (r *records) Abandon(ctx context.Context, actor access.Actor, meetingID string) error {
	m, err := r.db.Meeting(ctx, actor.Tenant, meetingID)
	if err != nil {
		return err
	}
	if err := access.Decide(actor, access.ConferenceAbandon, access.Object{OwnerID: m.OwnerID, Tenant: m.Tenant}).Err(); err != nil {
		return err
	}
	live, err := r.db.LiveConference(ctx, meetingID)
	if err != nil {
		return err
	}
	return r.db.CloseConference(ctx, live.ID, actor, "lost")
}

func (r *records) Running(meetingID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[meetingID]
}

// env is one installation: the real API on the real store.
type env struct {
	t        *testing.T
	clock    *clock
	db       *store.Store
	raw      *sql.DB // the same database, to look behind the store
	api      *httpapi.API
	url      string
	log      *bytes.Buffer
	meetings *meeting.Service
	tokens   *auth.Tokens
	tickets  *auth.Tickets
	setup    *auth.Setup
	desk     *auditDesk
	factors  *auth.Factors
	traffic  *finding.Traffic
	limits   config.Limits
	asking   *approval.Service
	machines *auth.Machines

	unlocking *auth.Unlocking
}

type options struct {
	limits    func(*config.Limits)
	second    bool // a second person must agree to sensitive acts
	level     slog.Level
	entrances []auth.Entrance
	metadata  map[string]func() []byte
	networks  map[access.Role][]netip.Prefix
}

func start(t *testing.T, o options) *env {
	t.Helper()
	path := filepath.Join(t.TempDir(), "konklave.db")
	c := &clock{at: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	db, err := store.Open(t.Context(), sqlitetest.Create(t, path), store.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	raw, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })

	limits := config.Default().Limits
	if o.limits != nil {
		o.limits(&limits)
	}
	keys, err := vault.Open(t.Context(), filepath.Join(t.TempDir(), "master.key"), db)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Unlock(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	e := &env{t: t, clock: c, db: db, raw: raw, log: &bytes.Buffer{}, desk: newAuditDesk(t, db, c), limits: limits}
	passwords := auth.NewPasswords(4)
	networks := auth.NewNetworks(o.networks, db, c.now)
	sessions := auth.NewSessions(db, auth.SessionOptions{Now: c.now, Networks: networks})
	e.meetings, e.tokens, e.tickets = meeting.NewService(db, c.now), auth.NewTokens(db, c.now), auth.NewTickets(db, c.now)
	e.setup = auth.NewSetup(db, passwords, keys.NewRecovery, c.now)
	signIn := auth.NewSignIn(db, sessions, passwords).TellingOwners()
	e.unlocking = auth.NewUnlocking(db, signIn, auth.UnlockSite{Name: "Test", Address: origin + "/unlock", Zone: time.UTC})
	e.traffic = finding.NewTraffic(c.now)
	e.factors = auth.NewFactors(db, signIn, keys, passkey.Library{})
	e.asking = approval.NewService(db, o.second, c.now)
	users := user.NewService(db, passwords, c.now)
	if o.second {
		users = users.NeedingApproval()
		e.desk.archive.NeedApproval(e.asking)
	}
	e.machines = auth.NewMachines(db, 0, c.now)
	federation := auth.NewFederation(db, sessions, keys, o.entrances...)
	e.api = httpapi.New(httpapi.Options{
		Name: "Test <instance>", Version: "1.2.3", Limits: limits, Now: c.now,
		Log:   telemetry.New(&lockedWriter{w: e.log}, config.Log{Level: o.level, Format: config.LogJSON}),
		Users: users, Approvals: e.asking, Meetings: e.meetings, Sessions: sessions,
		SignIn: signIn, Factors: e.factors, Federation: federation, ProviderMetadata: o.metadata,
		Machines: e.machines, Networks: networks, Tokens: e.tokens, Setup: e.setup, Tickets: e.tickets,
		Findings: finding.NewService(db, c.now), Reuse: auth.NewReuse(db, c.now), Traffic: e.traffic, Scim: provisioned(db, c.now),
		Privacy:     privacy.NewService(db, journal.New(db, keys, slog.New(slog.DiscardHandler)), federation, c.now),
		Conferences: &records{db: db, running: map[string]bool{}}, Database: db,
		Unlocking: e.unlocking,
		Audit:     e.desk.archive, AuditAlarm: func() bool { return e.desk.alarm }, RelayTest: func() (httpapi.RelayAccess, error) { return testAccess(c.now()), nil },
	})
	s := httptest.NewServer(e.api)
	t.Cleanup(s.Close)
	e.url = s.URL
	return e
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// account adds a user who signs in with the test's password.
func (e *env) account(email string, roles access.Roles) user.User {
	e.t.Helper()
	u, err := user.New{Email: email, Name: "Name of " + email, Roles: roles.List(), Language: user.English}.Prepare(access.DefaultTenant, e.clock.now())
	if err != nil {
		e.t.Fatal(err)
	}
	entry := audit.UserCreated(audit.Origin{At: e.clock.now(), Actor: access.System("test")}, u.ID, roles)
	if err := e.db.InsertUser(e.t.Context(), u, passwordHash(), entry); err != nil {
		e.t.Fatal(err)
	}
	return u
}

// meeting adds a meeting of the user.
func (e *env) meeting(owner user.User, guests bool) meeting.Meeting {
	e.t.Helper()
	m, err := e.meetings.Create(e.t.Context(), owner.Actor(), meeting.New{Title: "Council", GuestsAllowed: guests})
	if err != nil {
		e.t.Fatal(err)
	}
	return m
}

// client is one browser, or a program when it has a token.
type client struct {
	*env
	source  string
	token   string
	cookies map[string]string
	headers map[string]string
}

func (e *env) browser() *client {
	return &client{env: e, source: "192.0.2.1", cookies: map[string]string{}, headers: map[string]string{}}
}

// program is a client with an API token of the user.
func (e *env) program(u user.User) *client {
	e.t.Helper()
	_, secret, err := e.tokens.Create(e.t.Context(), u.Actor(), auth.NewToken{Name: "test"})
	if err != nil {
		e.t.Fatal(err)
	}
	c := e.browser()
	c.token = secret
	return c
}

// signedIn is a browser in which the user is signed in; the session is put into the store, because proving a password is
// slow by design.
func (e *env) signedIn(u user.User) *client {
	e.t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	hash := sha256.Sum256(secret)
	at := e.clock.now()
	session := auth.Session{
		ID: strings.ToLower(rand.Text()), Tenant: u.Tenant, UserID: u.ID, CreatedAt: at, SeenAt: at, ProvedAt: at,
		ExpiresAt: at.Add(auth.DefaultSessionLifetime), UserAgent: "test", Source: "192.0.2.0/24",
	}
	device := sha256.Sum256([]byte(session.ID))
	entry := audit.SessionStarted(audit.Origin{At: at, Actor: u.Actor()}, session.ID, session.Source)
	err := e.db.BeginSession(e.t.Context(), auth.Begin{
		Session: session, Entry: entry, Secret: hash[:], PasswordHash: passwordHash(), RenewedHash: passwordHash(), Device: device[:], DeviceExpires: at.Add(auth.DeviceLifetime),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	c := e.browser()
	c.cookies[auth.SessionCookie] = base64.RawURLEncoding.EncodeToString(secret)
	return c
}

// signIn signs in as a person does.
func (c *client) signIn(u user.User) answer {
	c.t.Helper()
	return c.post("/api/v1/session", map[string]any{"email": u.Email, "password": password})
}

// items is a list as the API answers it.
type items[T any] struct {
	Items []T `json:"items"`
}

type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
}

func (c *client) get(path string) answer { c.t.Helper(); return c.send(http.MethodGet, path, "", "") }
func (c *client) delete(path string) answer {
	c.t.Helper()
	return c.send(http.MethodDelete, path, "", "")
}
func (c *client) post(path string, body any) answer {
	c.t.Helper()
	return c.json(http.MethodPost, path, body)
}

func (c *client) json(method, path string, body any) answer {
	c.t.Helper()
	if body == nil {
		return c.send(method, path, "", "")
	}
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.send(method, path, "application/json", string(text))
}

// send makes a request as the front would pass it on. A header set to "-" is left out.
func (c *client) send(method, path, contentType, body string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	headers := map[string]string{
		"X-Forwarded-For": c.source, "X-Forwarded-Proto": "http", "X-Forwarded-Host": "localhost:8080", "Origin": origin, "Content-Type": contentType,
	}
	if method == http.MethodGet {
		delete(headers, "Origin")
	}
	if c.token != "" {
		headers["Authorization"] = "Bearer " + c.token
	}
	for name, value := range c.headers {
		headers[name] = value
	}
	for name, value := range headers {
		if value != "" && value != "-" {
			req.Header.Set(name, value)
		}
	}
	for name, value := range c.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, cookie := range resp.Cookies() {
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		} else {
			c.cookies[cookie.Name] = cookie.Value
		}
	}
	return answer{c.t, method + " " + path, resp.StatusCode, resp.Header, string(text)}
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// problem checks status and code of an error, and its form.
func (a answer) problem(status int, code string) httpapi.Problem {
	a.t.Helper()
	var p httpapi.Problem
	a.into(&p)
	if a.status != status || string(p.Code) != code {
		a.t.Errorf("%s: %d %s, want %d %s: %s", a.what, a.status, p.Code, status, code, a.body)
	}
	if a.header.Get("Content-Type") != "application/problem+json" || p.Status != a.status || p.Title == "" || p.Detail == "" || p.ID == "" {
		a.t.Errorf("%s: not a whole problem: %s", a.what, a.body)
	}
	return p
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), v, json.RejectUnknownMembers(true)); err != nil {
		a.t.Errorf("%s: %v: %s", a.what, err, a.body)
	}
}

func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	a.into(&v)
	return v
}

// entries are the audit entries after the first n.
func (e *env) entries(n int64) []audit.Record {
	e.t.Helper()
	list, err := e.db.AuditEntries(e.t.Context(), n, 1000)
	if err != nil {
		e.t.Fatal(err)
	}
	return list
}

func (e *env) lastEntry() int64 {
	e.t.Helper()
	if list := e.entries(0); len(list) > 0 {
		return list[len(list)-1].Seq
	}
	return 0
}

// dump is all that lasts, but for what counts failures and the audit log.
func (e *env) dump() string {
	e.t.Helper()
	var b strings.Builder
	for _, table := range []string{
		"users", "setup_tokens", "identities", "sessions", "devices", "api_tokens", "meetings", "conferences", "tickets", "audit_checkpoints",
		"factors", "recovery_codes", "used_challenges", "machines", "machine_secrets", "access_tokens",
	} {
		e.dumpTable(&b, table)
	}
	return b.String()
}

func (e *env) dumpTable(b *strings.Builder, table string) {
	e.t.Helper()
	rows, err := e.raw.QueryContext(e.t.Context(), "SELECT * FROM "+table+" ORDER BY 1, 2")
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		e.t.Fatal(err)
	}
	for rows.Next() {
		values, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			e.t.Fatal(err)
		}
		fmt.Fprintf(b, "%s %v\n", table, values)
	}
	if err := rows.Err(); err != nil {
		e.t.Fatal(err)
	}
}
