package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/httpapi"
)

// TestProofIsAskedForBeforeWhatIsSensitive: each role, at each route that it may use and that needs a proof.
func TestProofIsAskedForBeforeWhatIsSensitive(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	asked := map[string]bool{}
	for _, role := range access.AccountRoles() {
		u := e.account(string(role)+"@example.org", access.Roles(role))
		c, program := e.signedIn(u), e.program(u)
		for _, r := range e.api.Routes() {
			own := access.Object{OwnerID: u.ID, Tenant: u.Tenant}
			if !r.Action.NeedsProof() && !r.Begins.NeedsProof() || !access.Decide(u.Actor(), r.Action, own).Allowed {
				continue
			}
			asked[r.ID] = true
			send := func(c *client) answer {
				return c.send(r.Method, strings.NewReplacer("{id}", "x").Replace(r.Path), "", "")
			}
			if a := send(c); proofRequired(a) {
				t.Errorf("%s as %s: %s right after the sign-in", r.ID, role, a.body)
			}
			e.clock.advance(auth.DefaultProofLifetime - time.Millisecond)
			if a := send(c); proofRequired(a) {
				t.Errorf("%s as %s: %s while the proof is fresh", r.ID, role, a.body)
			}
			e.clock.advance(time.Millisecond)
			if a := send(c); !proofRequired(a) {
				t.Errorf("%s as %s with an old proof: %d %s", r.ID, role, a.status, a.body)
			}
			if a := send(program); proofRequired(a) {
				t.Errorf("%s as %s: a program is asked for a proof", r.ID, role)
			}
			c = e.signedIn(u)
		}
	}
	for _, r := range e.api.Routes() {
		if r.Action.NeedsProof() && !asked[r.ID] {
			t.Errorf("%s was not tried", r.ID)
		}
	}
}

func proofRequired(a answer) bool {
	return a.status == http.StatusForbidden && strings.Contains(a.body, `"`+string(auth.ErrProofRequired.Code)+`"`)
}

// TestProofLetsTheSameRequestPass: what was refused is done when it is sent again after the proof.
func TestProofLetsTheSameRequestPass(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	admin, u := e.account("admin@example.org", access.Administrator), e.account("a@example.org", access.Ordinary)
	c := e.signedIn(admin)
	e.clock.advance(auth.DefaultProofLifetime)
	c.assign(u.ID, access.RoleMeetingManager).problem(http.StatusForbidden, "session.proof_required")
	w := decode[httpapi.FactorWanted](c.get("/api/v1/session/proof").want(200))
	c.post("/api/v1/session/proof", map[string]any{"challenge": w.Challenge, "password": "wrong password"}).problem(http.StatusUnauthorized, "auth.failed")
	c.assign(u.ID, access.RoleMeetingManager).problem(http.StatusForbidden, "session.proof_required")
	w = decode[httpapi.FactorWanted](c.get("/api/v1/session/proof").want(200))
	c.post("/api/v1/session/proof", map[string]any{"challenge": w.Challenge, "password": password}).want(http.StatusNoContent)
	c.assign(u.ID, access.RoleMeetingManager).want(200)
}
