package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/user"
)

var roles = map[string]func(*testing.T, *house){
	"A21WhoLosesARoleIsSignedOutAndWhoGetsOneIsNot": func(t *testing.T, h *house) {
		admin, anna := h.account(t, "admin@example.org", access.Administrator).Actor(), h.account(t, "anna@example.org", access.Ordinary)
		in := h.signedIn(t, anna)
		for _, tt := range []struct {
			roles []access.Role
			lives error
			entry string
		}{
			{[]access.Role{access.RoleOperator, access.RoleUser}, nil, `{"after":["user","operator"],"before":["user"],"sessionsEnded":0}`},
			{[]access.Role{access.RoleUser}, auth.ErrSessionInvalid, `{"after":["user"],"before":["user","operator"],"sessionsEnded":1}`},
		} {
			added := h.wantNewEntries(t, func() {
				u, err := h.users.Assign(t.Context(), admin, anna.ID, tt.roles...)
				if err != nil || len(u.Roles.List()) != len(tt.roles) {
					t.Errorf("%v: %+v, %v", tt.roles, u, err)
				}
			}, audit.KindRolesAssigned)
			if added[0].Details != tt.entry || added[0].ObjectID != anna.ID {
				t.Errorf("entry %+v", added[0])
			}
			h.wantSession(t, in.Session, tt.lives)
			if id, err := h.sessions.Authenticate(t.Context(), in.Session); err == nil && !id.Actor.Has(access.RoleOperator) {
				t.Errorf("the new role does not count: %+v", id.Actor)
			}
		}
	},
	"A49AssignmentsThatAreRefused": func(t *testing.T, h *house) {
		admin, anna := h.account(t, "admin@example.org", access.Administrator), h.account(t, "anna@example.org", access.Ordinary)
		officer, auditor := h.account(t, "sec@example.org", "security_officer"), h.account(t, "audit@example.org", "auditor")
		program := h.tokenActor(t, admin, lasting)
		for name, tt := range map[string]struct {
			actor access.Actor
			of    string
			roles []access.Role
			want  error
		}{
			"operator and auditor":        {admin.Actor(), anna.ID, []access.Role{access.RoleOperator, access.RoleAuditor}, access.ErrRoleConflict},
			"no role":                     {admin.Actor(), anna.ID, nil, access.ErrRoleInvalid},
			"a role of conferences":       {admin.Actor(), anna.ID, []access.Role{access.RoleHost}, access.ErrRoleInvalid},
			"oneself":                     {admin.Actor(), admin.ID, []access.Role{access.RoleAuditor}, user.ErrOwnAccess},
			"an ordinary person":          {anna.Actor(), anna.ID, []access.Role{access.RoleUserAdmin}, access.ErrDenied},
			"an auditor":                  {auditor.Actor(), anna.ID, []access.Role{access.RoleAuditor}, access.ErrDenied},
			"a security officer":          {officer.Actor(), anna.ID, []access.Role{access.RoleUser}, access.ErrDenied},
			"a program":                   {program, anna.ID, []access.Role{access.RoleUser}, access.ErrDenied},
			"an account that is not here": {admin.Actor(), "x", []access.Role{access.RoleUser}, user.ErrUnknown},
		} {
			h.wantNewEntries(t, func() {
				if _, err := h.users.Assign(t.Context(), tt.actor, tt.of, tt.roles...); !errors.Is(err, tt.want) {
					t.Errorf("%s: %v, want %v", name, err, tt.want)
				}
			})
		}
		h.wantNewEntries(t, func() {
			n := user.New{Email: "new@example.org", Name: "New", Roles: []access.Role{access.RoleAuditor}, Password: password}
			if _, err := h.users.Create(t.Context(), program, n); !errors.Is(err, access.ErrDenied) {
				t.Errorf("a program makes an auditor: %v", err)
			}
			if _, err := h.users.Disable(t.Context(), admin.Actor(), admin.ID); !errors.Is(err, user.ErrOwnAccess) {
				t.Errorf("disabling oneself: %v", err)
			}
			if _, err := h.users.Enable(t.Context(), officer.Actor(), anna.ID); !errors.Is(err, access.ErrDenied) {
				t.Errorf("a security officer enables: %v", err)
			}
		})
	},
	"A47OfTwoWhoTakeEachOthersRolesAwayOneDoes": func(t *testing.T, h *house) {
		one, other := h.account(t, "one@example.org", access.Administrator), h.account(t, "other@example.org", access.Administrator)
		pair := [...]user.User{one, other}
		succeeded, failures := sideBySide(len(pair), func(i int) error {
			_, err := h.users.Assign(t.Context(), pair[i].Actor(), pair[1-i].ID, access.RoleUser)
			return err
		})
		if succeeded != 1 || !errors.Is(failures[0], access.ErrDenied) {
			t.Errorf("%d did, %v", succeeded, failures)
		}
		if needed, err := h.setup.Needed(t.Context()); err != nil || needed {
			t.Errorf("nobody administers accounts any more: %v, %v", needed, err)
		}
	},
	"A21WhoIsDisabledIsOut": func(t *testing.T, h *house) {
		officer, anna := h.account(t, "sec@example.org", "security_officer"), h.account(t, "anna@example.org", access.Ordinary)
		admin := h.account(t, "admin@example.org", access.Administrator)
		in := h.signedIn(t, anna)
		_, secret, err := h.tokens.Create(t.Context(), anna.Actor(), auth.NewToken{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		added := h.wantNewEntries(t, func() {
			if u, err := h.users.Disable(t.Context(), officer.Actor(), anna.ID); err != nil || !u.DisabledAt.Equal(h.clock.Now()) {
				t.Errorf("%+v, %v", u, err)
			}
		}, audit.KindUserDisabled)
		if added[0].Details != `{"sessionsEnded":1}` {
			t.Errorf("entry %+v", added[0])
		}
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
		if _, err := h.tokens.Authenticate(t.Context(), secret); !errors.Is(err, auth.ErrTokenInvalid) {
			t.Errorf("the token: %v", err)
		}
		h.wantTry(t, auth.Attempt{Email: anna.Email, Password: password}, auth.ErrFailed)
		h.clock.Advance(time.Hour)
		h.wantNewEntries(t, func() {
			if u, err := h.users.Disable(t.Context(), officer.Actor(), anna.ID); err != nil || !u.DisabledAt.Equal(h.clock.Now().Add(-time.Hour)) {
				t.Errorf("again: %+v, %v", u, err)
			}
			if u, err := h.users.Enable(t.Context(), admin.Actor(), anna.ID); err != nil || u.Disabled() {
				t.Errorf("enabled: %+v, %v", u, err)
			}
		}, audit.KindUserDisabled, audit.KindUserEnabled)
		h.wantTry(t, auth.Attempt{Email: anna.Email, Password: password}, nil)
		h.wantSession(t, in.Session, auth.ErrSessionInvalid)
	},
	"A49RolesThatCameTogetherElsewhereCountForNothing": func(t *testing.T, h *house) {
		anna := h.account(t, "anna@example.org", access.Roles(access.RoleOperator))
		in := h.signedIn(t, anna)
		if _, err := h.Raw.ExecContext(t.Context(), fmt.Sprintf("UPDATE users SET roles = '%s %s'", access.RoleOperator, access.RoleAuditor)); err != nil {
			t.Fatal(err)
		}
		id, err := h.sessions.Authenticate(t.Context(), in.Session)
		if err != nil || len(id.Actor.Roles) > 0 {
			t.Errorf("a session that was there before: %+v, %v", id.Actor, err)
		}
		added := h.wantNewEntries(t, func() {
			h.wantTry(t, auth.Attempt{Email: anna.Email, Password: password}, auth.ErrRoles)
		}, audit.KindSessionFailed)
		if added[0].Details != `{"reason":"roles_conflict","source":"unknown"}` {
			t.Errorf("entry %+v", added[0])
		}
		h.wantTry(t, auth.Attempt{Email: anna.Email, Password: "wrong password"}, auth.ErrFailed)
	},
	"A49RolesThatCameTogetherElsewhereKeepOutWithEachFactor": func(t *testing.T, h *house) {
		anna := h.account(t, "anna@example.org", access.Roles(access.RoleOperator))
		key, _, codes := h.passkey(t, h.identity(t, anna))
		half := h.half(t, anna, home)
		if _, err := h.Raw.ExecContext(t.Context(), fmt.Sprintf("UPDATE users SET roles = '%s %s'", access.RoleOperator, access.RoleAuditor)); err != nil {
			t.Fatal(err)
		}
		h.wantTry(t, auth.Attempt{Email: anna.Email, Password: password}, auth.ErrRoles)
		added := h.wantNewEntries(t, func() {
			h.wantFinish(t, home, auth.Answer{Challenge: half.Challenge, RecoveryCode: codes[0]}, auth.ErrRoles)
		}, audit.KindSessionFailed)
		if !strings.Contains(added[0].Details, string(audit.FailureRoles)) {
			t.Errorf("entry %+v", added[0])
		}
		w, err := h.factors.AskPasskey(meet())
		if err != nil {
			t.Fatal(err)
		}
		answer := auth.Answer{Challenge: w.Challenge, Passkey: key.Get(w.Passkey)}
		if in, err := h.factors.SignInByPasskey(t.Context(), access.Nobody(), auth.Attempt{Address: home}, answer, meet()); !errors.Is(err, auth.ErrRoles) || in.Session != "" {
			t.Errorf("by passkey: %v", err)
		}
	},
}
