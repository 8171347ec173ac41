package httpapi

import (
	"context"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
)

const (
	tokenPath    = prefix + "/oauth/token"
	metadataPath = "/.well-known/oauth-authorization-server"
	realm        = `realm="konklave"`
	grantType    = "client_credentials"
	formType     = "application/x-www-form-urlencoded"
)

func (a *API) addOAuth() {
	add(a, Route{
		Method: http.MethodPost, Path: tokenPath, ID: "getAccessToken", Tag: "Machines", Action: access.AccessTokenGet, Nobody: true, Judges: true,
		Summary: "An access token for a machine (RFC 6749, section 4.4); its errors are those of section 5.2",
		Audits:  []audit.Kind{audit.KindAccessTokenIssued},
	}, a.getAccessToken)
	a.mux.HandleFunc("GET "+metadataPath, a.serveMetadata)
}

// TokenError is an error as RFC 6749, section 5.2 names it.
type TokenError string

// The errors of a request for an access token. The last one is not of RFC 6749: too many have failed.
const (
	TokenInvalidRequest TokenError = "invalid_request"
	TokenInvalidClient  TokenError = "invalid_client"
	TokenInvalidScope   TokenError = "invalid_scope"
	TokenUnsupported    TokenError = "unsupported_grant_type"
	TokenTemporarily    TokenError = "temporarily_unavailable"
)

// TokenResponse is the answer of the token endpoint: a token, or an error.
type TokenResponse struct {
	AccessToken string     `json:"access_token,omitempty"`
	TokenType   string     `json:"token_type,omitempty" doc:"Bearer."`
	ExpiresIn   int64      `json:"expires_in,omitempty" doc:"Seconds."`
	Scope       string     `json:"scope,omitempty"`
	Error       TokenError `json:"error,omitempty"`
	Description string     `json:"error_description,omitempty"`
}

// tokenAnswer is a TokenResponse on its way.
type tokenAnswer struct {
	Status       int
	Authenticate string `header:"WWW-Authenticate"`
	RetryAfter   string `header:"Retry-After"`
	Pragma       string `header:"Pragma"`
	Body         TokenResponse
}

type tokenInput struct {
	Authorization string `header:"Authorization" doc:"HTTP Basic with client_id and client_secret, in place of the two in the body."`
	ContentType   string `header:"Content-Type"`
	RawBody       []byte `contentType:"application/x-www-form-urlencoded" doc:"grant_type=client_credentials, and as wanted scope, client_id, client_secret."`
}

// refusal is a request that is wrong before anybody is asked about it.
type refusal struct {
	code TokenError
	text string
}

// Error implements error.
func (r refusal) Error() string { return string(r.code) + ": " + r.text }

func (a *API) getAccessToken(ctx context.Context, in *tokenInput) (*tokenAnswer, error) {
	proof, err := in.proof()
	if err == nil {
		proof.Address = callerOf(ctx).source
		var granted auth.Granted
		if granted, err = a.machines.Grant(ctx, callerOf(ctx).actor, proof); err == nil {
			return &tokenAnswer{Status: http.StatusOK, Pragma: "no-cache", Body: TokenResponse{
				AccessToken: granted.Token, TokenType: "Bearer", ExpiresIn: int64(granted.Lifetime.Seconds()), Scope: spaced(granted.Access.Scopes),
			}}, nil
		}
	}
	return tokenRefusal(err)
}

// tokenRefusal is the answer to a request that was refused; other errors are answered as everywhere.
func tokenRefusal(err error) (*tokenAnswer, error) {
	var wrong refusal
	answer := &tokenAnswer{Status: http.StatusBadRequest, Pragma: "no-cache"}
	switch {
	case errors.As(err, &wrong):
		answer.Body.Error, answer.Body.Description = wrong.code, wrong.text
		if wrong.code == TokenInvalidClient {
			answer.Status = http.StatusUnauthorized
		}
	case errors.Is(err, auth.ErrClientRefused):
		answer.Status, answer.Body.Error, answer.Body.Description = http.StatusUnauthorized, TokenInvalidClient, auth.ErrClientRefused.Message
	case errors.Is(err, auth.ErrScopeRefused):
		answer.Body.Error, answer.Body.Description = TokenInvalidScope, auth.ErrScopeRefused.Message
	case errors.Is(err, auth.ErrLocked):
		answer.Status, answer.Body.Error = http.StatusTooManyRequests, TokenTemporarily
		answer.Body.Description, answer.RetryAfter = "There were too many failed attempts from this network.", strconv.Itoa(int(auth.LockDuration.Seconds()))
	default:
		return nil, err
	}
	if answer.Status == http.StatusUnauthorized {
		answer.Authenticate = "Basic " + realm
	}
	return answer, nil
}

// proof reads the request (RFC 6749, sections 2.3.1, 3.2 and 4.4.2).
func (in *tokenInput) proof() (auth.ClientProof, error) {
	mediaType, _, err := mime.ParseMediaType(in.ContentType)
	if err != nil || mediaType != formType {
		return auth.ClientProof{}, refusal{TokenInvalidRequest, "The body must be sent as " + formType + "."}
	}
	form, err := url.ParseQuery(string(in.RawBody))
	if err != nil {
		return auth.ClientProof{}, refusal{TokenInvalidRequest, "The body is not a form."}
	}
	for _, values := range form {
		if len(values) > 1 {
			return auth.ClientProof{}, refusal{TokenInvalidRequest, "A parameter is there more than once."}
		}
	}
	switch form.Get("grant_type") {
	case grantType:
	case "":
		return auth.ClientProof{}, refusal{TokenInvalidRequest, "There is no grant_type."}
	default:
		return auth.ClientProof{}, refusal{TokenUnsupported, "The only grant_type is " + grantType + "."}
	}
	p := auth.ClientProof{ID: form.Get("client_id"), Secret: form.Get("client_secret")}
	for word := range strings.FieldsSeq(form.Get("scope")) {
		p.Scopes = append(p.Scopes, access.Scope(word))
	}
	if in.Authorization == "" {
		if p.ID == "" || p.Secret == "" {
			return p, refusal{TokenInvalidClient, "The machine did not say who it is, and its secret."}
		}
		return p, nil
	}
	id, secret, ok := basicOf(in.Authorization)
	switch {
	case !ok:
		return p, refusal{TokenInvalidClient, "The header Authorization is not HTTP Basic with client_id and client_secret."}
	case p.Secret != "" || p.ID != "" && p.ID != id:
		return p, refusal{TokenInvalidRequest, "The machine proved itself in two ways at once."}
	}
	p.ID, p.Secret = id, secret
	return p, nil
}

// basicOf reads HTTP Basic (RFC 7617) whose two parts are written as in a form.
func basicOf(header string) (id, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	text, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !strings.EqualFold(scheme, "Basic") || err != nil {
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(text), ":")
	id, badID := url.QueryUnescape(id)
	secret, badSecret := url.QueryUnescape(secret)
	return id, secret, ok && badID == nil && badSecret == nil
}

func spaced(scopes []access.Scope) string {
	return strings.Join(show(scopes, func(s access.Scope) string { return string(s) }), " ")
}

// metadata is what a machine's program can find out by itself (RFC 8414).
type metadata struct {
	Issuer        string         `json:"issuer"`
	TokenEndpoint string         `json:"token_endpoint"`
	Methods       []string       `json:"token_endpoint_auth_methods_supported"`
	Grants        []string       `json:"grant_types_supported"`
	Responses     []string       `json:"response_types_supported"`
	Scopes        []access.Scope `json:"scopes_supported"`
	Documentation string         `json:"service_documentation"`
}

func (a *API) serveMetadata(w http.ResponseWriter, r *http.Request) {
	issuer := a.publicURL
	if issuer == "" {
		issuer = ownOrigin(r)
	}
	text, err := json.Marshal(metadata{
		Issuer: issuer, TokenEndpoint: issuer + tokenPath, Methods: []string{"client_secret_basic", "client_secret_post"},
		Grants: []string{grantType}, Responses: []string{}, Scopes: access.Scopes(), Documentation: issuer + "/api/docs",
	})
	if err != nil {
		writeProblem(w, r, a.log, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client is gone
}

// challenge says in a header why a token was not enough (RFC 6750, section 3).
func challenge(w http.ResponseWriter, r *http.Request, route Route, err error) {
	if _, byToken := bearerToken(r); !byToken || route.Nobody {
		return
	}
	switch {
	case errors.Is(err, auth.ErrTokenInvalid):
		w.Header().Set("WWW-Authenticate", "Bearer "+realm+`, error="invalid_token"`)
	case errors.Is(err, access.ErrDenied):
		if opening := access.Opening(route.Action); len(opening) > 0 {
			w.Header().Set("WWW-Authenticate", "Bearer "+realm+`, error="insufficient_scope", scope="`+spaced(opening)+`"`)
		}
	}
}

// machineFlow is how machines prove themselves, for the document.
func machineFlow() *huma.SecurityScheme {
	scopes := map[string]string{}
	for _, s := range access.Scopes() {
		opened := show(access.Opened(s), func(action access.Action) string { return string(action) })
		scopes[string(s)] = strings.Join(opened, ", ")
	}
	return &huma.SecurityScheme{Type: "oauth2", Flows: &huma.OAuthFlows{ClientCredentials: &huma.OAuthFlow{TokenURL: tokenPath, Scopes: scopes}}}
}
