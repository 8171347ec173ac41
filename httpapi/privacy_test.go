package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/httpapi"
)

func TestEverybodyDownloadsTheirOwnData(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	anna, ben := e.account("anna@example.org", access.Ordinary), e.account("ben@example.org", access.Ordinary)
	e.meeting(anna, true)
	c := e.signedIn(anna)
	got := c.post("/api/v1/me/export", nil).want(http.StatusOK)
	if got.header.Get("Content-Disposition") != `attachment; filename="konklave-data.json"` || got.header.Get("Content-Type") != "application/json" ||
		got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", got.header)
	}
	if !jsontext.Value(got.body).IsValid() || !strings.Contains(got.body, anna.Email) || strings.Contains(got.body, ben.Email) || !strings.Contains(got.body, `"complete": true`) {
		t.Error(got.body)
	}
	for range httpapi.ExportsPerHour - 1 {
		c.post("/api/v1/me/export", nil).want(http.StatusOK)
	}
	c.post("/api/v1/me/export", nil).problem(http.StatusTooManyRequests, "profile.exports")
	e.signedIn(ben).post("/api/v1/me/export", nil).want(http.StatusOK)
	e.clock.advance(time.Hour / httpapi.ExportsPerHour)
	c.post("/api/v1/me/export", nil).problem(http.StatusForbidden, "session.proof_required")
	e.signedIn(anna).post("/api/v1/me/export", nil).want(http.StatusOK)
	e.program(anna).post("/api/v1/me/export", nil).problem(http.StatusForbidden, "access.denied")
	e.browser().post("/api/v1/me/export", nil).problem(http.StatusUnauthorized, "access.signin_required")
}
