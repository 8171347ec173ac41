package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"konklave/access"
	"konklave/auth"
	"konklave/auth/factortest"
	"konklave/finding"
	"konklave/httpapi"
	"konklave/user"
)

// half signs in with the password of an account that has a second factor.
func (c *client) half(u user.User) httpapi.FactorWanted {
	c.t.Helper()
	a := c.signIn(u).want(200)
	s := decode[httpapi.CurrentSession](a)
	if s.User != nil || s.ExpiresAt != nil || s.Factor == nil || len(a.header.Values("Set-Cookie")) > 0 {
		c.t.Fatalf("the password alone is answered %s, cookies %v", a.body, a.header.Values("Set-Cookie"))
	}
	return *s.Factor
}

// addApp adds an authenticator app.
func (c *client) addApp() answer {
	c.t.Helper()
	n := decode[httpapi.NewApp](c.get("/api/v1/me/factors/app").want(200))
	return c.post("/api/v1/me/factors/app", map[string]any{
		"challenge": n.Challenge, "name": "Phone", "code": factortest.Code(c.t, n.Secret, c.clock.now()),
	})
}

// addPasskey makes a passkey and adds it.
func (c *client) addPasskey() (*factortest.Authenticator, answer) {
	c.t.Helper()
	key := factortest.New(c.t, origin)
	n := decode[httpapi.NewPasskey](c.get("/api/v1/me/factors/passkey").want(200))
	return key, c.post("/api/v1/me/factors/passkey", map[string]any{"challenge": n.Challenge, "name": "Key", "passkey": key.Create(n.Options)})
}

func (c *client) withPasskey() *factortest.Authenticator {
	c.t.Helper()
	key, a := c.addPasskey()
	a.want(http.StatusCreated)
	return key
}

func TestA34SignInWithASecondFactor(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	c := e.signedIn(u)
	n := decode[httpapi.NewApp](c.get("/api/v1/me/factors/app").want(200))
	if len(n.QR) < 21 || len(n.QR[0]) != len(n.QR) || !strings.HasPrefix(n.QR[0], "11111110") || strings.Trim(strings.Join(n.QR, ""), "01") != "" ||
		!strings.HasPrefix(n.Address, "otpauth://totp/Test%20%3Cinstance%3E:a@example.org?") {
		t.Errorf("%+v", n)
	}
	c.post("/api/v1/me/factors/app", map[string]any{"challenge": n.Challenge, "name": "Phone", "code": "12345"}).problem(http.StatusBadRequest, "factor.code_wrong")
	code := factortest.Code(t, n.Secret, e.clock.now())
	added := decode[httpapi.AddedFactor](c.post("/api/v1/me/factors/app", map[string]any{"challenge": n.Challenge, "name": "Phone", "code": code}).want(http.StatusCreated))
	if added.Factor.Kind != auth.FactorTOTP || added.Factor.Name != "Phone" || len(added.RecoveryCodes) != auth.RecoveryCodes {
		t.Errorf("%+v", added)
	}
	if log := e.log.String(); strings.Contains(log, n.Secret) || strings.Contains(log, added.RecoveryCodes[0]) {
		t.Error("a secret is in the log")
	}
	b := e.browser()
	w := b.half(u)
	if !slices.Equal(w.Kinds, []auth.FactorKind{auth.FactorTOTP, auth.FactorRecovery}) {
		t.Errorf("%+v", w)
	}
	b.get("/api/v1/me").problem(http.StatusUnauthorized, "access.signin_required")
	b.post("/api/v1/session/factor", map[string]any{"challenge": w.Challenge, "code": code}).problem(http.StatusUnauthorized, "factor.failed")
	e.clock.advance(auth.TOTPPeriod)
	code = factortest.Code(t, n.Secret, e.clock.now())
	a := b.post("/api/v1/session/factor", map[string]any{"challenge": w.Challenge, "code": code}).want(200)
	if s := decode[httpapi.CurrentSession](a); s.User == nil || s.User.ID != u.ID || s.Factor != nil {
		t.Errorf("%s", a.body)
	}
	b.get("/api/v1/me").want(200)
	again := e.browser()
	again.post("/api/v1/session/factor", map[string]any{"challenge": again.half(u).Challenge, "code": code}).problem(http.StatusUnauthorized, "factor.failed")
	again.post("/api/v1/session/factor", map[string]any{"challenge": w.Challenge, "recoveryCode": added.RecoveryCodes[0]}).problem(http.StatusUnauthorized, "factor.expired")
	again.post("/api/v1/session/factor", map[string]any{"challenge": again.half(u).Challenge, "recoveryCode": added.RecoveryCodes[0]}).want(200)
	if list := decode[httpapi.Factors](again.get("/api/v1/me/factors").want(200)); len(list.Items) != 1 || list.Items[0].UsedAt == nil || list.RecoveryCodes != auth.RecoveryCodes-1 {
		t.Errorf("%+v", list)
	}
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	owner := e.signedIn(u)
	key := owner.withPasskey()
	b := e.browser()
	w := decode[httpapi.FactorWanted](b.get("/api/v1/session/passkey").want(200))
	b.post("/api/v1/session/passkey", map[string]any{"challenge": w.Challenge, "passkey": "{}"}).problem(http.StatusUnauthorized, "passkey.refused")
	b.post("/api/v1/session/passkey", map[string]any{"challenge": w.Challenge, "passkey": strings.Repeat("x", 20_000)}).problem(http.StatusUnauthorized, "passkey.refused")
	b.post("/api/v1/session/passkey", map[string]any{"challenge": w.Challenge, "passkey": key.Get(w.Passkey)}).want(200)
	if me := decode[httpapi.User](b.get("/api/v1/me").want(200)); me.ID != u.ID {
		t.Errorf("%+v", me)
	}
	byNumber := e.browser()
	byNumber.headers = map[string]string{"X-Forwarded-Host": "192.0.2.7:8080", "Origin": "http://192.0.2.7:8080"}
	byNumber.get("/api/v1/session/passkey").problem(http.StatusConflict, "passkey.no_name")
	if w := byNumber.half(u); w.Passkey != "" || !slices.Equal(w.Kinds, []auth.FactorKind{auth.FactorRecovery}) {
		t.Errorf("a passkey is asked for where there can be none: %+v", w)
	}
	e.exec("DELETE FROM recovery_codes")
	byNumber.signIn(u).problem(http.StatusConflict, "passkey.only")
	owner.headers = byNumber.headers
	owner.get("/api/v1/session/proof").problem(http.StatusConflict, "passkey.only") // and not a password, which is no proof here
	owner.headers = nil
	if w := decode[httpapi.FactorWanted](owner.get("/api/v1/session/proof").want(200)); !slices.Equal(w.Kinds, []auth.FactorKind{auth.FactorPasskey}) {
		t.Errorf("by its name: %+v", w)
	}
}

func TestSensitiveActsAskForAProof(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u := e.account("a@example.org", access.Ordinary)
	c := e.signedIn(u)
	c.addApp().want(http.StatusCreated)
	e.clock.advance(auth.DefaultProofLifetime)
	c.get("/api/v1/me/factors").want(200)
	c.get("/api/v1/me/factors/app").problem(http.StatusForbidden, "session.proof_required")
	c.get("/api/v1/me/factors/passkey").problem(http.StatusForbidden, "session.proof_required")
	c.post("/api/v1/me/recovery-codes", nil).problem(http.StatusForbidden, "session.proof_required")
	c.delete("/api/v1/me/factors/x").problem(http.StatusForbidden, "session.proof_required")
	c.json(http.MethodPut, "/api/v1/me/password", map[string]any{"old": password, "new": "another good password"}).problem(http.StatusForbidden, "session.proof_required")
	w := decode[httpapi.FactorWanted](c.get("/api/v1/session/proof").want(200))
	c.post("/api/v1/session/proof", map[string]any{"challenge": w.Challenge, "password": password}).problem(http.StatusUnauthorized, "factor.failed")
}

func TestFindingsAreForSecurityOfficersAndAuditors(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	admin, u := e.account("admin@example.org", access.Administrator), e.account("a@example.org", access.Ordinary)
	officer, auditor := e.account("sec@example.org", "security_officer"), e.account("audit@example.org", "auditor")
	c := e.browser()
	lock := func() {
		for range auth.LockFailures {
			c.post("/api/v1/session", map[string]any{"email": u.Email, "password": "wrong password"})
		}
		c.signIn(u).problem(http.StatusTooManyRequests, "auth.locked")
	}
	lock()
	for _, other := range []user.User{u, admin} {
		e.signedIn(other).get("/api/v1/findings").problem(http.StatusForbidden, "access.denied")
	}
	e.browser().get("/api/v1/findings").problem(http.StatusUnauthorized, "access.signin_required")
	for _, reader := range []user.User{officer, auditor} {
		list := decode[items[httpapi.Finding]](e.signedIn(reader).get("/api/v1/findings").want(200)).Items
		if len(list) != 1 || list[0].Kind != finding.SignInLocked || list[0].Severity != finding.Warning || list[0].UserID != u.ID ||
			list[0].Evidence.Failures != auth.LockFailures || !slices.Equal(list[0].Evidence.Sources, []string{"192.0.2.1/32"}) {
			t.Errorf("%+v", list)
		}
	}
	e.signedIn(auditor).delete("/api/v1/users/"+u.ID+"/lock").problem(http.StatusForbidden, "access.denied")
	for _, helper := range []user.User{admin, officer} {
		e.signedIn(helper).delete("/api/v1/users/" + u.ID + "/lock").want(http.StatusNoContent)
		c.signIn(u).want(200)
		c = e.browser()
		lock()
	}
}
