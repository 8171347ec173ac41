package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"konklave/access"
	"konklave/auth"
	"konklave/httpapi"
	"konklave/notify"
	"konklave/user"
)

// unlockToken is what the mail about a lock of that account brings its owner.
func (e *env) unlockToken(u user.User) string {
	e.t.Helper()
	now := e.clock.now()
	m, wanted, err := e.unlocking.Write(e.t.Context(), notify.Mail{ID: "m", Tenant: u.Tenant, UserID: u.ID, Kind: notify.AccountLocked, ExpiresAt: now.Add(notify.MailLifetime)})
	if err != nil || !wanted {
		e.t.Fatal(wanted, err)
	}
	_, rest, _ := strings.Cut(m.Text, "/unlock#")
	token, _, _ := strings.Cut(rest, "\n")
	return token
}

func TestLinkInAMailUnlocks(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	u, c := e.account("anna@example.org", access.Ordinary), e.browser()
	if !decode[httpapi.Instance](c.get("/api/v1/instance").want(200)).MailUnlock {
		t.Error("the instance does not offer it")
	}
	wrong := func(email string) answer {
		return c.post("/api/v1/session", map[string]any{"email": email, "password": "wrong horse battery"})
	}
	// A user enumeration: what is answered is the same for an account and for none.
	for i := range auth.LockFailures + 1 {
		there, not := wrong(u.Email), wrong("nobody@example.org")
		code, status := "auth.failed", http.StatusUnauthorized
		if i >= auth.LockFailures-1 {
			code, status = "auth.locked", http.StatusTooManyRequests
		}
		there.problem(status, code)
		not.problem(status, code)
	}
	token := e.unlockToken(u)
	c.get("/api/v1/unlock").want(http.StatusMethodNotAllowed)
	c.get("/api/v1/unlock?token=" + token).want(http.StatusMethodNotAllowed)
	c.signIn(u).problem(http.StatusTooManyRequests, "auth.locked")
	c.post("/api/v1/unlock", map[string]any{"token": token}).want(http.StatusNoContent)
	c.post("/api/v1/unlock", map[string]any{"token": token}).problem(http.StatusNotFound, "unlock.invalid")
	c.signIn(u).want(http.StatusOK)
}
