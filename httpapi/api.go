// Package httpapi is the REST interface: one file for each resource, the OpenAPI document out of the code, one way from
// a fault to an answer.
//
// Requests arrive over the controller's unix socket from the front, which alone is trusted to say who the client is
// (X-Forwarded-For, -Proto, -Host, X-Request-Id).
package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/approval"
	"konklave/auth"
	"konklave/conference"
	"konklave/config"
	"konklave/finding"
	"konklave/meeting"
	"konklave/privacy"
	"konklave/sandbox"
	"konklave/scim"
	"konklave/user"
)

//go:generate go run ./specgen openapi.json

const prefix = "/api/v1"

// timeFormat is RFC 3339 in UTC with milliseconds, as a JSON string.
const timeFormat = `"2006-01-02T15:04:05.000Z"`

// The names of the proofs in the OpenAPI document.
const (
	schemeSession = "session"
	schemeToken   = "token"
	schemeMachine = "machine"
)

// Conferences is what the API needs of the live conferences.
type Conferences interface {
	// Ensure returns the id of the running conference of a meeting and starts one if there is none.
	Ensure(ctx context.Context, m meeting.Meeting) (conferenceID string, err error)
	// Running reports whether the meeting has a running conference.
	Running(meetingID string) bool
	// Abandon closes the live conference of a meeting whose journal is damaged.
	Abandon(ctx context.Context, actor access.Actor, meetingID string) error
	// Live returns the conferences that have a worker, and what is in force around each worker, by conference.
	Live(ctx context.Context) ([]conference.Record, map[string]sandbox.Report, error)
	// About returns the title of a live conference's meeting and how many people are in it, -1 when that is not known now.
	About(ctx context.Context, c conference.Record) (title string, people int, err error)
}

// Database is what readiness asks.
type Database interface {
	Ping(ctx context.Context) error
}

// Options are what an API needs; all fields are required but PublicURL, ProviderMetadata and Networks.
type Options struct {
	Name        string // of the instance
	Version     string
	PublicURL   string // canonical address, without a slash at the end; empty when there is none
	Limits      config.Limits
	Log         *slog.Logger
	Now         func() time.Time
	Users       *user.Service
	Meetings    *meeting.Service
	Sessions    *auth.Sessions
	SignIn      *auth.SignIn
	Federation  *auth.Federation
	Tokens      *auth.Tokens
	Setup       *auth.Setup
	Tickets     *auth.Tickets
	Findings    *finding.Service
	Reuse       *auth.Reuse
	Traffic     *finding.Traffic
	Factors     *auth.Factors
	Privacy     *privacy.Service
	Approvals   *approval.Service
	Scim        *scim.Service
	Machines    *auth.Machines
	Networks    *auth.Networks // nil when everybody may come from everywhere
	Conferences Conferences
	Database    Database
	Audit       AuditLog
	AuditAlarm  func() bool                 // whether there is one: the audit log is not signed
	Erased      func(context.Context)       // hears that somebody was erased; nil for nobody
	Unlocking   *auth.Unlocking             // nil when no mails are sent
	RelayTest   func() (RelayAccess, error) // makes a credential that tries the way to the relay

	// ProviderMetadata makes what a provider has to know of this installation (SAML 2.0), by the provider's id.
	ProviderMetadata map[string]func() []byte
}

// API answers the requests of one controller. It is an http.Handler.
type API struct {
	name          string
	version       string
	publicURL     string
	limits        config.Limits
	log           *slog.Logger
	now           func() time.Time
	users         *user.Service
	meetings      *meeting.Service
	logins        *auth.Sessions
	signIn        *auth.SignIn
	federation    *auth.Federation
	metadata      map[string]func() []byte
	tokens        *auth.Tokens
	setup         *auth.Setup
	tickets       *auth.Tickets
	findings      *finding.Service
	reuse         *auth.Reuse
	traffic       *finding.Traffic
	factors       *auth.Factors
	privacy       *privacy.Service
	exports       *limiter // of what is stored about somebody, by account
	approvals     *approval.Service
	scim          *scim.Service
	provisioning  []Route
	machines      *auth.Machines
	networks      *auth.Networks
	conferences   Conferences
	database      Database
	audit         AuditLog
	auditAlarm    func() bool
	mux           *http.ServeMux
	huma          huma.API
	problemSchema *huma.Schema
	routes        []Route
	sources       *limiter // requests, by client address
	accounts      *limiter // requests, by session or token
	misses        *limiter // unknown links, by client address
	tests         *limiter // tests of the connection, by client address
	relayTest     func() (RelayAccess, error)
	erased        func(context.Context)
	unlocking     *auth.Unlocking
}

// New makes the API and registers every route.
func New(o Options) *API {
	a := &API{
		name: o.Name, version: o.Version, publicURL: o.PublicURL, limits: o.Limits, log: o.Log, now: o.Now,
		users: o.Users, meetings: o.Meetings, logins: o.Sessions, signIn: o.SignIn, federation: o.Federation, metadata: o.ProviderMetadata, tokens: o.Tokens, setup: o.Setup, tickets: o.Tickets,
		findings: o.Findings, factors: o.Factors, approvals: o.Approvals, reuse: o.Reuse, traffic: o.Traffic, scim: o.Scim, machines: o.Machines, networks: o.Networks,
		privacy: o.Privacy, exports: newExportLimiter(o.Now),
		conferences: o.Conferences, database: o.Database, audit: o.Audit, auditAlarm: o.AuditAlarm, relayTest: o.RelayTest, erased: o.Erased, unlocking: o.Unlocking,
		mux:      http.NewServeMux(),
		sources:  newLimiter(o.Limits.SourceRate, o.Limits.SourceBurst, o.Now),
		accounts: newLimiter(o.Limits.SessionRate, o.Limits.SessionBurst, o.Now),
		misses:   newLimiter(float64(o.Limits.MissesPerHour)/time.Hour.Seconds(), o.Limits.MissesPerHour, o.Now),
		tests:    newLimiter(1/testEvery.Seconds(), TestBurst, o.Now),
	}
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	a.problemSchema = registry.Schema(reflect.TypeFor[Problem](), true, "Problem")
	a.huma = humago.New(a.mux, a.describe(registry))
	a.addInstance()
	a.addConnectionTest()
	a.addSetup()
	a.addSession()
	a.addSecond()
	a.addProviders()
	a.addFarewells()
	a.addMe()
	a.addPrivacy()
	a.addFactors()
	a.addTokens()
	a.addMachines()
	a.addOAuth()
	a.addUsers()
	a.addUnlocking()
	a.addFindings()
	a.addApprovals()
	a.addMeetings()
	a.addScim()
	a.addJoin()
	a.addConferences()
	a.addAudit()
	a.addAuditEntries()
	a.addHealth()
	a.addDocument(registry)
	a.addDocs()
	return a
}

// describe is the frame of the OpenAPI document and the encoding of bodies.
func (a *API) describe(registry huma.Registry) huma.Config {
	times := json.WithMarshalers(json.MarshalFunc(func(t time.Time) ([]byte, error) {
		return t.UTC().AppendFormat(nil, timeFormat), nil
	}))
	format := huma.Format{
		Marshal:   func(w io.Writer, v any) error { return json.MarshalWrite(w, v, json.Deterministic(true), times) },
		Unmarshal: decodeStrict,
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Konklave", Version: "1", Description: description,
				License: &huma.License{Name: "EUPL-1.2", Identifier: "EUPL-1.2"},
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					schemeSession: {Type: "apiKey", In: "cookie", Name: auth.SessionCookie},
					schemeToken:   {Type: "http", Scheme: "bearer"},
					schemeMachine: machineFlow(),
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": format, "application/problem+json": format},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{rephrase},
	}
}

const description = `The REST interface of Konklave. Joining and the live conference are described in the protocol.

Bodies are JSON in both directions and strict: an unknown field, a duplicate key, a key in the wrong case, invalid UTF-8 or trailing data is an error. Times are RFC 3339 in UTC.

A person signs in and is then known by the cookie ` + "`__Host-konklave-session`" + `; a program sends an API token as ` + "`Authorization: Bearer`" + `, and a machine of its own an access token that it gets at ` + "`" + tokenPath + "`" + ` (OAuth 2.0 client credentials). A request that changes something and carries a cookie must come from the same origin.

Every error is a problem (RFC 9457) with a stable code and an id. Any operation can answer: ` +
	"`access.signin_required`, `access.denied`, `token.invalid`, `network.denied`, `origin.foreign`, `parameter.invalid`, `rate.limited`, `internal`; one with a body also " +
	"`body.content_type`, `body.too_large`, `body.missing`, `body.malformed`, `body.trailing_data`, `body.duplicate_key`, `body.unknown_field`, `body.wrong_case`, `body.wrong_type`."
