package httpapi_test

import (
	"net/http"
	"slices"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/auth/factortest"
	"konklave/httpapi"
	"konklave/meeting"
	"konklave/user"
)

// scene is what the examples find: people, their clients, and things of theirs.
type scene struct {
	*env
	admin, member, other    user.User
	auditor, officer        user.User
	asAdmin, asMember       *client // programs
	asOther, asAuditor      *client // programs too
	adminInBrowser          *client
	auditorInBrowser        *client
	officerInBrowser        *client
	approvalID              string
	inBrowser               *client // the member's
	nobody                  *client
	meeting                 meeting.Meeting
	closed                  meeting.Meeting // without guests
	tokenID, otherSessionID string
	findingID               string
	machine                 auth.Machine
	machineSecret           string
	asWitness               *client
	asProvisioner           *client
	note                    string // a checkpoint that the witness has cosigned
	key                     *factortest.Authenticator
	provisionedUser         string
	provisionedGroup        string
	unlockToken             string
}

func setScene(t *testing.T) *scene {
	t.Helper()
	e := start(t, options{second: true})
	s := &scene{env: e, admin: e.account("admin@example.org", access.Administrator), member: e.account("member@example.org", access.Ordinary),
		other: e.account("other@example.org", access.Ordinary), auditor: e.account("auditor@example.org", "auditor"), officer: e.account("officer@example.org", "security_officer"), nobody: e.browser()}
	s.asAdmin, s.asMember, s.asOther, s.asAuditor = e.program(s.admin), e.program(s.member), e.program(s.other), e.program(s.auditor)
	s.inBrowser, s.adminInBrowser = e.signedIn(s.member), e.signedIn(s.admin)
	s.auditorInBrowser, s.officerInBrowser = e.signedIn(s.auditor), e.signedIn(s.officer)
	second := e.signedIn(s.member)
	for _, session := range decode[items[httpapi.Session]](second.get("/api/v1/me/sessions").want(200)).Items {
		if !session.Current {
			continue
		}
		s.otherSessionID = session.ID
	}
	s.meeting, s.closed = e.meeting(s.member, true), e.meeting(s.other, false)
	tokens := decode[items[httpapi.Token]](s.asMember.get("/api/v1/me/tokens").want(200))
	s.tokenID = tokens.Items[0].ID
	s.machine, s.machineSecret = e.machine(access.MeetingsRead)
	s.asWitness, s.asProvisioner = e.machineClient(access.AuditCosigns), e.machineClient(access.UsersProvision)
	s.unlockToken = e.unlockToken(s.other)
	s.asAdmin.get("/api/v1/me").want(200)
	s.asOther.get("/api/v1/me").want(200)
	s.asAuditor.get("/api/v1/me").want(200)
	if _, _, err := e.db.OpenConference(t.Context(), s.meeting.ID); err != nil {
		t.Fatal(err)
	}
	return s
}

// example is a request that a route grants, and one that it refuses to an actor who may not.
type example struct {
	granted func(*scene) answer
	refused func(*scene) answer
	// traces are the entries that a refusal itself leaves.
	traces []audit.Kind
	// before changes the scene.
	before func(*scene)
}

// examples has one for each route that changes something, or whose use is recorded, by operation id.
func examples() map[string]example {
	credentials := func(u user.User, password string) map[string]any {
		return map[string]any{"email": u.Email, "password": password}
	}
	newUser := map[string]any{"email": "new@example.org", "name": "New", "password": password}
	return map[string]example{
		"signIn": {
			granted: func(s *scene) answer { return s.nobody.post("/api/v1/session", credentials(s.other, password)) },
			refused: func(s *scene) answer { return s.nobody.post("/api/v1/session", credentials(s.other, "wrong password")) },
			traces:  []audit.Kind{audit.KindSessionFailed},
		},
		"signOut": {
			granted: func(s *scene) answer { return s.inBrowser.delete("/api/v1/session") },
			refused: func(s *scene) answer { return s.nobody.delete("/api/v1/session") },
		},
		"updateMe": {
			granted: func(s *scene) answer {
				return s.asMember.json(http.MethodPatch, "/api/v1/me", map[string]any{"name": "Changed", "language": "de"})
			},
			refused: func(s *scene) answer {
				return s.nobody.json(http.MethodPatch, "/api/v1/me", map[string]any{"name": "Changed"})
			},
		},
		"changePassword": {
			granted: func(s *scene) answer {
				return s.inBrowser.json(http.MethodPut, "/api/v1/me/password", map[string]any{"old": password, "new": "another good password"})
			},
			refused: func(s *scene) answer {
				return s.asMember.json(http.MethodPut, "/api/v1/me/password", map[string]any{"old": password, "new": "another good password"})
			},
		},
		"endSession": {
			granted: func(s *scene) answer { return s.inBrowser.delete("/api/v1/me/sessions/" + s.otherSessionID) },
			refused: func(s *scene) answer { return s.asAdmin.delete("/api/v1/me/sessions/" + s.otherSessionID) },
		},
		"endOtherSessions": {
			granted: func(s *scene) answer { return s.inBrowser.delete("/api/v1/me/sessions") },
			refused: func(s *scene) answer { return s.asMember.delete("/api/v1/me/sessions") },
		},
		"createToken": {
			granted: func(s *scene) answer { return s.inBrowser.post("/api/v1/me/tokens", map[string]any{"name": "backup"}) },
			refused: func(s *scene) answer { return s.asMember.post("/api/v1/me/tokens", map[string]any{"name": "backup"}) },
		},
		"revokeToken": {
			granted: func(s *scene) answer { return s.inBrowser.delete("/api/v1/me/tokens/" + s.tokenID) },
			refused: func(s *scene) answer { return s.asMember.delete("/api/v1/me/tokens/" + s.tokenID) },
		},
		"addMachine": {
			granted: func(s *scene) answer {
				return s.adminInBrowser.post("/api/v1/machines", map[string]any{"name": "Calendar", "scopes": []string{"meetings.read"}})
			},
			refused: func(s *scene) answer {
				return s.asAdmin.post("/api/v1/machines", map[string]any{"name": "Calendar", "scopes": []string{"meetings.read"}})
			},
		},
		"rotateMachine": {
			granted: func(s *scene) answer {
				return s.adminInBrowser.post("/api/v1/machines/"+s.machine.ID+"/secrets", nil)
			},
			refused: func(s *scene) answer { return s.inBrowser.post("/api/v1/machines/"+s.machine.ID+"/secrets", nil) },
		},
		"removeMachine": {
			granted: func(s *scene) answer { return s.adminInBrowser.delete("/api/v1/machines/" + s.machine.ID) },
			refused: func(s *scene) answer { return s.asWitness.delete("/api/v1/machines/" + s.machine.ID) },
		},
		"getAccessToken": {
			granted: func(s *scene) answer { return s.nobody.tokenFor(s.machine.ID, s.machineSecret) },
			refused: func(s *scene) answer { return s.nobody.tokenFor(s.machine.ID, "wrong") },
			traces:  []audit.Kind{audit.KindAccessTokenRefused},
		},
		"createUser": {
			granted: func(s *scene) answer { return s.asAdmin.post("/api/v1/users", newUser) },
			refused: func(s *scene) answer { return s.asMember.post("/api/v1/users", newUser) },
		},
		"assignRoles": {
			granted: func(s *scene) answer { return s.adminInBrowser.assign(s.member.ID, access.RoleMeetingManager) },
			refused: func(s *scene) answer { return s.asAdmin.assign(s.member.ID, access.RoleAuditor) },
		},
		"disableUser": {
			granted: func(s *scene) answer {
				return s.adminInBrowser.json(http.MethodPut, "/api/v1/users/"+s.member.ID+"/disabled", nil)
			},
			refused: func(s *scene) answer {
				return s.inBrowser.json(http.MethodPut, "/api/v1/users/"+s.other.ID+"/disabled", nil)
			},
		},
		"enableUser": {
			before:  func(s *scene) { s.exec("UPDATE users SET disabled_at = 1 WHERE id = '" + s.other.ID + "'") },
			granted: func(s *scene) answer { return s.adminInBrowser.delete("/api/v1/users/" + s.other.ID + "/disabled") },
			refused: func(s *scene) answer { return s.inBrowser.delete("/api/v1/users/" + s.other.ID + "/disabled") },
		},
		"eraseUser": {
			granted: func(s *scene) answer {
				return s.adminInBrowser.json(http.MethodPut, "/api/v1/users/"+s.other.ID+"/erased", nil)
			},
			refused: func(s *scene) answer {
				return s.inBrowser.json(http.MethodPut, "/api/v1/users/"+s.other.ID+"/erased", nil)
			},
		},
		"signInWithFactor": {
			before: func(s *scene) { s.key = s.inBrowser.withPasskey() },
			granted: func(s *scene) answer {
				w := s.nobody.half(s.member)
				return s.nobody.post("/api/v1/session/factor", map[string]any{"challenge": w.Challenge, "passkey": s.key.Get(w.Passkey)})
			},
			refused: func(s *scene) answer {
				return s.nobody.post("/api/v1/session/factor", map[string]any{"challenge": s.nobody.half(s.member).Challenge, "code": "0"})
			},
			traces: []audit.Kind{audit.KindSessionFailed},
		},
		"signInWithPasskey": {
			before: func(s *scene) { s.key = s.inBrowser.withPasskey() },
			granted: func(s *scene) answer {
				w := decode[httpapi.FactorWanted](s.nobody.get("/api/v1/session/passkey").want(200))
				return s.nobody.post("/api/v1/session/passkey", map[string]any{"challenge": w.Challenge, "passkey": s.key.Get(w.Passkey)})
			},
			refused: func(s *scene) answer {
				w := decode[httpapi.FactorWanted](s.nobody.get("/api/v1/session/passkey").want(200))
				return s.nobody.post("/api/v1/session/passkey", map[string]any{"challenge": w.Challenge, "passkey": "{}"})
			},
		},
		"proveSession": {
			granted: func(s *scene) answer {
				w := decode[httpapi.FactorWanted](s.inBrowser.get("/api/v1/session/proof").want(200))
				return s.inBrowser.post("/api/v1/session/proof", map[string]any{"challenge": w.Challenge, "password": password})
			},
			refused: func(s *scene) answer {
				return s.asMember.post("/api/v1/session/proof", map[string]any{"challenge": ""})
			},
		},
		"addApp": {
			granted: func(s *scene) answer { return s.inBrowser.addApp() },
			refused: func(s *scene) answer {
				return s.inBrowser.post("/api/v1/me/factors/app", map[string]any{"challenge": "", "name": "Phone", "code": "123456"})
			},
		},
		"addPasskey": {
			granted: func(s *scene) answer { _, a := s.inBrowser.addPasskey(); return a },
			refused: func(s *scene) answer {
				return s.inBrowser.post("/api/v1/me/factors/passkey", map[string]any{"challenge": "", "name": "Key", "passkey": "{}"})
			},
		},
		"removeFactor": {
			before: func(s *scene) { s.inBrowser.withPasskey() },
			granted: func(s *scene) answer {
				list := decode[httpapi.Factors](s.inBrowser.get("/api/v1/me/factors").want(200))
				return s.inBrowser.delete("/api/v1/me/factors/" + list.Items[0].ID)
			},
			refused: func(s *scene) answer { return s.inBrowser.delete("/api/v1/me/factors/unknown") },
		},
		"makeRecoveryCodes": {
			before:  func(s *scene) { s.inBrowser.withPasskey() },
			granted: func(s *scene) answer { return s.inBrowser.post("/api/v1/me/recovery-codes", nil) },
			refused: func(s *scene) answer { return s.asMember.post("/api/v1/me/recovery-codes", nil) },
		},
		"unlockUser": {
			granted: func(s *scene) answer { return s.asAdmin.delete("/api/v1/users/" + s.member.ID + "/lock") },
			refused: func(s *scene) answer { return s.asMember.delete("/api/v1/users/" + s.member.ID + "/lock") },
		},
		"exportMe": {
			granted: func(s *scene) answer { return s.inBrowser.post("/api/v1/me/export", nil) },
			refused: func(s *scene) answer { return s.asMember.post("/api/v1/me/export", nil) },
		},
		"handleFinding": {
			before: func(s *scene) {
				s.findingID = s.noticed().ID
			},
			granted: func(s *scene) answer {
				return s.officerInBrowser.json(http.MethodPatch, "/api/v1/findings/"+s.findingID, map[string]any{"version": "open", "state": "closed", "note": "Testing"})
			},
			refused: func(s *scene) answer {
				return s.adminInBrowser.json(http.MethodPatch, "/api/v1/findings/"+s.findingID, map[string]any{"version": "open", "state": "taken"})
			},
		},
		"createMeeting": {
			granted: func(s *scene) answer { return s.asMember.post("/api/v1/meetings", nil) },
			refused: func(s *scene) answer { return s.nobody.post("/api/v1/meetings", nil) },
		},
		"updateMeeting": {
			granted: func(s *scene) answer {
				return s.asMember.json(http.MethodPatch, "/api/v1/meetings/"+s.meeting.ID, map[string]any{"title": "Renamed"})
			},
			refused: func(s *scene) answer {
				return s.asOther.json(http.MethodPatch, "/api/v1/meetings/"+s.meeting.ID, map[string]any{"title": "Renamed"})
			},
		},
		"deleteMeeting": {
			granted: func(s *scene) answer { return s.asMember.delete("/api/v1/meetings/" + s.meeting.ID) },
			refused: func(s *scene) answer { return s.asOther.delete("/api/v1/meetings/" + s.meeting.ID) },
		},
		"abandonConference": {
			before: func(s *scene) {
				if _, _, err := s.db.OpenConference(s.t.Context(), s.meeting.ID); err != nil {
					s.t.Fatal(err)
				}
			},
			granted: func(s *scene) answer { return s.asAdmin.delete("/api/v1/meetings/" + s.meeting.ID + "/conference") },
			refused: func(s *scene) answer { return s.nobody.delete("/api/v1/meetings/" + s.meeting.ID + "/conference") },
		},
		"joinMeeting": {
			granted: func(s *scene) answer {
				return s.nobody.post("/api/v1/join/"+s.meeting.Link, map[string]any{"name": "Guest"})
			},
			refused: func(s *scene) answer {
				return s.nobody.post("/api/v1/join/"+s.closed.Link, map[string]any{"name": "Guest"})
			},
		},
		"getCheckpoint": {
			before:  func(s *scene) { s.sign() },
			granted: func(s *scene) answer { return s.asAuditor.get("/api/v1/audit/checkpoint") },
			refused: func(s *scene) answer { return s.asMember.get("/api/v1/audit/checkpoint") },
		},
		"proveGrowth": {
			before:  func(s *scene) { s.sign() },
			granted: func(s *scene) answer { return s.asAuditor.get("/api/v1/audit/proof?earlier=1&size=1") },
			refused: func(s *scene) answer { return s.asMember.get("/api/v1/audit/proof?earlier=1&size=1") },
		},
		"proveEntry": {
			before:  func(s *scene) { s.sign() },
			granted: func(s *scene) answer { return s.asAuditor.get("/api/v1/audit/entries/0/proof") },
			refused: func(s *scene) answer { return s.asMember.get("/api/v1/audit/entries/0/proof") },
		},
		"askForRoles": {
			granted: func(s *scene) answer { return s.adminInBrowser.askForRoles(s.member.ID, access.RoleAuditor) },
			refused: func(s *scene) answer { return s.inBrowser.askForRoles(s.other.ID, access.RoleAuditor) },
		},
		"askForExport": {
			granted: func(s *scene) answer {
				return s.auditorInBrowser.post("/api/v1/approvals/audit-export", map[string]any{"reason": "review"})
			},
			refused: func(s *scene) answer {
				return s.asAuditor.post("/api/v1/approvals/audit-export", map[string]any{"reason": "review"})
			},
		},
		"approve": {
			before:  func(s *scene) { s.asked(access.RoleAuditor) },
			granted: func(s *scene) answer { return s.officerInBrowser.decide(s.approvalID, "approved", "") },
			refused: func(s *scene) answer { return s.adminInBrowser.decide(s.approvalID, "approved", "") },
		},
		"refuse": {
			before:  func(s *scene) { s.asked(access.RoleAuditor) },
			granted: func(s *scene) answer { return s.officerInBrowser.decide(s.approvalID, "refused", "no") },
			refused: func(s *scene) answer { return s.officerInBrowser.decide(s.approvalID, "refused", "") },
		},
		"withdraw": {
			before:  func(s *scene) { s.asked(access.RoleAuditor) },
			granted: func(s *scene) answer { return s.adminInBrowser.decide(s.approvalID, "withdrawn", "") },
			refused: func(s *scene) answer { return s.officerInBrowser.decide(s.approvalID, "withdrawn", "") },
		},
		"exportAudit": {
			before: func(s *scene) {
				s.allowExport()
				s.sign()
			},
			granted: func(s *scene) answer { return s.asAuditor.get("/api/v1/audit/export?approval=" + s.approvalID) },
			refused: func(s *scene) answer { return s.asMember.get("/api/v1/audit/export") },
		},
		"searchAudit": {
			granted: func(s *scene) answer { return s.asAuditor.get("/api/v1/audit/entries") },
			refused: func(s *scene) answer { return s.asMember.get("/api/v1/audit/entries") },
		},
		"getAuditEntry": {
			before:  func(s *scene) { s.sign() },
			granted: func(s *scene) answer { return s.asAuditor.get("/api/v1/audit/entries/0") },
			refused: func(s *scene) answer { return s.asMember.get("/api/v1/audit/entries/0") },
		},
		"addCosignature": {
			before: func(s *scene) { s.note = s.cosigned() },
			granted: func(s *scene) answer {
				return s.asWitness.post("/api/v1/audit/cosignatures", map[string]any{"note": s.note})
			},
			refused: func(s *scene) answer {
				return s.asAuditor.post("/api/v1/audit/cosignatures", map[string]any{"note": s.note})
			},
		},
		"unlockByMail": {
			granted: func(s *scene) answer { return s.nobody.post("/api/v1/unlock", map[string]any{"token": s.unlockToken}) },
			refused: func(s *scene) answer { return s.nobody.post("/api/v1/unlock", map[string]any{"token": "wrong"}) },
		},
		"completeSetup": {
			before: func(s *scene) { s.exec("DELETE FROM instance_settings WHERE name = 'setup.done'") }, // as if it had never been
			granted: func(s *scene) answer {
				token, err := s.setup.Issue(s.t.Context())
				if err != nil {
					s.t.Fatal(err)
				}
				return s.nobody.post("/api/v1/setup", firstUser(token))
			},
			refused: func(s *scene) answer { return s.nobody.post("/api/v1/setup", firstUser("wrong")) },
		},
	}
}

func firstUser(token string) map[string]any {
	return map[string]any{"token": token, "email": "first@example.org", "name": "First", "password": password}
}

// asked has the administrator ask for roles of the member.
func (s *scene) asked(roles ...access.Role) {
	r, err := s.asking.AskRoles(s.t.Context(), s.admin.Actor(), s.member.ID, "why", roles...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.approvalID = r.ID
}

// allowExport has the auditor ask for an export, and the security officer agree.
func (s *scene) allowExport() {
	r, err := s.asking.AskExport(s.t.Context(), s.auditor.Actor(), 0, "review")
	if err == nil {
		_, err = s.asking.Approve(s.t.Context(), s.officer.Actor(), r.ID, "")
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.approvalID = r.ID
}

// askForRoles asks for somebody who agrees that an account get roles.
func (c *client) askForRoles(id string, roles ...access.Role) answer {
	c.t.Helper()
	return c.post("/api/v1/approvals/roles", map[string]any{"user": id, "roles": roles, "reason": "why"})
}

// decide says something to a request.
func (c *client) decide(id, what, note string) answer {
	c.t.Helper()
	if what == "withdrawn" {
		return c.json(http.MethodPut, "/api/v1/approvals/"+id+"/"+what, nil)
	}
	return c.json(http.MethodPut, "/api/v1/approvals/"+id+"/"+what, map[string]any{"note": note})
}

// assign gives an account roles.
func (c *client) assign(id string, roles ...access.Role) answer {
	c.t.Helper()
	return c.json(http.MethodPut, "/api/v1/users/"+id+"/roles", map[string]any{"roles": roles})
}

func (e *env) exec(statement string) {
	e.t.Helper()
	if _, err := e.raw.ExecContext(e.t.Context(), statement); err != nil {
		e.t.Fatal(err)
	}
}

// Every route has a place in the access table; every route that changes something says which audit entries it writes, as a
// read does whose use is recorded, and an example shows that it does.
func TestEveryRouteHasAnActionAndWritesItsEntries(t *testing.T) {
	t.Parallel()
	known := examples()
	for _, r := range start(t, options{}).api.Routes() {
		if r.Action != "" && !slices.Contains(access.Actions(), r.Action) {
			t.Errorf("%s names the action %q, which access does not know", r.ID, r.Action)
		}
		for _, k := range r.Audits {
			if !slices.Contains(audit.Kinds(), k) {
				t.Errorf("%s names the audit kind %q, which audit does not know", r.ID, k)
			}
		}
		if !r.Mutates() {
			if r.Action != "" && r.Action.Writes() {
				t.Errorf("%s changes something but is read with %s", r.ID, r.Method)
			}
			if len(r.Audits) == 0 { // one that is recorded itself is shown to be, as below
				continue
			}
		}
		switch x, has := known[r.ID]; {
		case r.Mutates() && (r.Action == "" || !r.Action.Writes()):
			t.Errorf("%s changes something and names no action that writes", r.ID)
		case len(r.Audits) == 0:
			t.Errorf("%s changes something and names no audit entry", r.ID)
		case r.Return: // leads on where others answer: TestReturnFromProvider
		case !has:
			t.Errorf("%s changes something and has no example in this test", r.ID)
		default:
			checkExample(t, r, x)
		}
		delete(known, r.ID)
	}
	for id := range known {
		t.Errorf("there is an example for %s, which is no route", id)
	}
}

func checkExample(t *testing.T, r httpapi.Route, x example) {
	t.Helper()
	set := func(t *testing.T) *scene {
		t.Helper()
		s := setScene(t)
		if x.before != nil {
			x.before(s)
		}
		return s
	}
	t.Run(r.ID+"/granted", func(t *testing.T) {
		t.Parallel()
		s := set(t)
		before := s.lastEntry()
		if a := x.granted(s); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		var kinds []audit.Kind
		for _, e := range s.entries(before) {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Equal(kinds, r.Audits) {
			t.Errorf("wrote %v, want %v", kinds, r.Audits)
		}
	})
	t.Run(r.ID+"/refused", func(t *testing.T) {
		t.Parallel()
		s := set(t)
		entry, before := s.lastEntry(), s.dump()
		if a := x.refused(s); a.status < 400 || a.status >= 500 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if after := s.dump(); after != before {
			t.Errorf("the refusal changed\n%s\nto\n%s", before, after)
		}
		for _, e := range s.entries(entry) {
			if !slices.Contains(x.traces, e.Kind) {
				t.Errorf("the refusal wrote %s", e.Kind)
			}
		}
	})
	t.Run(r.ID+"/no entry, no change", func(t *testing.T) {
		t.Parallel()
		s := set(t)
		if r.ID == "completeSetup" {
			issued := x.granted // issues its token before the request
			s.exec("CREATE TRIGGER full BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'full'); END")
			issued(s).problem(http.StatusInternalServerError, "internal")
			if needed, err := s.setup.Needed(t.Context()); err != nil || !needed {
				t.Errorf("set up without an entry: %v", err)
			}
			return
		}
		before := s.dump()
		s.exec("CREATE TRIGGER full BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'full'); END")
		x.granted(s).problem(http.StatusInternalServerError, "internal")
		if after := s.dump(); after != before {
			t.Errorf("changed without an entry\n%s\nto\n%s", before, after)
		}
	})
}

// A call that a token may not make is refused before its body is looked at.
func TestScopesOfTokens(t *testing.T) {
	t.Parallel()
	s := setScene(t)
	s.asMember.post("/api/v1/me/tokens", map[string]any{"unknown": 1}).problem(http.StatusForbidden, "access.denied")
	s.nobody.headers["Authorization"] = "Bearer " + auth.TokenPrefix + "x"
	s.nobody.get("/api/v1/me").problem(http.StatusUnauthorized, "token.invalid")
	s.nobody.headers["Authorization"] = "Basic eDp5"
	s.nobody.get("/api/v1/me").problem(http.StatusUnauthorized, "token.invalid")
}
