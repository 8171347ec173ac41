// Package client is Konklave's client in Go: the REST API, the signalling of a conference, and a headless participant in its media.
// The command line, the end-to-end tests and the benchmarks use it; its types mirror docs/protocol.md and the served OpenAPI document.
package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/fault"
)

// maxAnswer is the largest answer accepted from the server, in bytes.
const maxAnswer = 16 << 20

// apiPath is where the REST API is.
const apiPath = "/api/v1"

// Client is one browser, as the server sees it: it keeps cookies and tells its origin. Its methods may be called from any goroutine.
type Client struct {
	base  *url.URL
	http  *http.Client
	token string

	mu      sync.Mutex
	machine *machine // nil unless the client is one
	cookies map[string]string
}

// Option changes a Client.
type Option func(*Client)

// WithToken makes the client prove itself with an API token in place of cookies.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithHTTP makes the client use h for REST; its Jar is not used.
func WithHTTP(h *http.Client) Option { return func(c *Client) { c.http = h } }

// New makes a client for the server at base, for example http://localhost:8080.
func New(base string, options ...Option) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	if u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("server address: %q is not an http or https address", base)
	}
	c := &Client{base: u, http: &http.Client{Timeout: time.Minute}, cookies: make(map[string]string)}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// Problem is the server's answer to a request it did not fulfil.
//
//nolint:errname // named as in RFC 9457
type Problem struct {
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Code   fault.Code   `json:"code"`
	Detail string       `json:"detail"`
	ID     string       `json:"id"`
	Errors []FieldError `json:"errors"`
}

// FieldError names a wrong field of a request.
type FieldError struct {
	Field  string     `json:"field"`
	Code   fault.Code `json:"code"`
	Detail string     `json:"detail"`
}

// Error has code and detail.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// Origin is the origin the client tells the server, and the server's own.
func (c *Client) Origin() string { return c.base.Scheme + "://" + c.base.Host }

// Do sends a request to a path below the API and decodes the answer into out; in and out may be nil.
// An answer that is no success is a *Problem.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	if err := c.renew(ctx); err != nil {
		return err
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+apiPath+path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	c.Authorize(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	c.keep(resp)
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		c.forgetAccess()
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return problem(resp, b)
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// problem reads an error answer; one that is not ours (of a proxy) becomes a problem with its status alone.
func problem(resp *http.Response, b []byte) error {
	p := &Problem{}
	if json.Unmarshal(b, p) != nil || p.Status == 0 {
		p = &Problem{Status: resp.StatusCode, Title: resp.Status, Detail: resp.Status}
	}
	return p
}

// Authorize adds to a request what proves who the client is. WebSockets need it too.
func (c *Client) Authorize(h http.Header) {
	h.Set("Origin", c.Origin())
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.machine != nil {
		h.Set("Authorization", "Bearer "+c.machine.token)
	}
	for name, value := range c.cookies {
		h.Add("Cookie", (&http.Cookie{Name: name, Value: value}).String())
	}
}

// keep stores the cookies of an answer. A jar would not send Secure cookies over plain HTTP to loopback, as browsers do.
func (c *Client) keep(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range resp.Cookies() {
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		} else {
			c.cookies[cookie.Name] = cookie.Value
		}
	}
}

// Cookie returns the value of a cookie the server has set, or "".
func (c *Client) Cookie(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cookies[name]
}
