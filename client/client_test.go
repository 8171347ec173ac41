package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"konklave/client"
)

// echo answers like the API and notes the last request.
type echo struct {
	*client.Client
	last *http.Request
	body string
}

func newEcho(t *testing.T, answer http.HandlerFunc, options ...client.Option) *echo {
	t.Helper()
	e := &echo{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		e.last, e.body = r, string(b)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL+"/", options...)
	if err != nil {
		t.Fatal(err)
	}
	e.Client = c
	return e
}

func TestOnlyWebAddressesAreServers(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "localhost:8080", "ftp://x", "http://", "://", "ws://x"} {
		if _, err := client.New(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestSecureCookiesAreKeptAndSentBack(t *testing.T) {
	t.Parallel()
	e := newEcho(t, func(w http.ResponseWriter, r *http.Request) {
		age := 0
		if r.Method == http.MethodDelete {
			age = -1
		}
		http.SetCookie(w, &http.Cookie{Name: "__Host-konklave-session", Value: "secret", Path: "/", Secure: true, HttpOnly: true, MaxAge: age})
		_, _ = w.Write([]byte(`{"user":{"id":"u1","name":"Anna"}}`))
	})
	s, err := e.SignIn(t.Context(), "anna@example.org", "a long password")
	if err != nil || s.User == nil || s.User.Name != "Anna" {
		t.Fatalf("signed in as %+v: %v", s.User, err)
	}
	if e.body != `{"email":"anna@example.org","password":"a long password"}` || e.last.Header.Get("Content-Type") != "application/json" {
		t.Errorf("sent %s as %s", e.body, e.last.Header.Get("Content-Type"))
	}
	if err := e.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := e.last.Cookie("__Host-konklave-session"); err != nil || c.Value != "secret" {
		t.Errorf("cookie sent back: %v, %v", c, err)
	}
	if got := e.last.Header.Get("Origin"); got != e.Origin() {
		t.Errorf("origin %q, want %q", got, e.Origin())
	}
	if got := e.Cookie("__Host-konklave-session"); got != "" {
		t.Errorf("a deleted cookie is kept: %q", got)
	}
}

func TestATokenProvesTheCaller(t *testing.T) {
	t.Parallel()
	e := newEcho(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"items":[]}`)) }, client.WithToken("t0ken"))
	if _, err := e.Meetings(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := e.last.Header.Get("Authorization"); got != "Bearer t0ken" {
		t.Errorf("sent %q", got)
	}
}

func TestErrorsAreProblems(t *testing.T) {
	t.Parallel()
	e := newEcho(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"title":"Not Found","status":404,"code":"meeting.unknown","detail":"There is no such meeting.","id":"e1"}`))
	})
	var p *client.Problem
	if _, err := e.Join(t.Context(), "a/b", client.JoinRequest{Name: "Guest"}); !errors.As(err, &p) || p.Code != "meeting.unknown" || p.ID != "e1" {
		t.Errorf("join: %v", err)
	}
	if e.last.URL.EscapedPath() != "/api/v1/join/a%2Fb" {
		t.Errorf("the link is not escaped: %s", e.last.URL.EscapedPath())
	}
	if _, err := e.Instance(t.Context()); !errors.As(err, &p) || p.Status != http.StatusBadGateway {
		t.Errorf("instance: %v", err)
	}
}
