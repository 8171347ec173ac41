package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/conference"
	"konklave/finding"
	"konklave/privacy"
)

// ownExport is an export as somebody reads it.
type ownExport struct {
	Version     int                      `json:"version"`
	MadeAt      time.Time                `json:"madeAt"`
	Profile     privacy.OwnProfile       `json:"profile"`
	Sessions    []privacy.OwnSession     `json:"sessions"`
	Browsers    []privacy.OwnBrowser     `json:"browsers"`
	Tokens      []privacy.OwnToken       `json:"tokens"`
	Factors     []privacy.OwnFactor      `json:"factors"`
	Codes       int64                    `json:"recoveryCodes"`
	Links       []privacy.OwnLink        `json:"identities"`
	Provisioned *privacy.OwnProvisioning `json:"provisioned"`
	Groups      []string                 `json:"groups"`
	Meetings    []privacy.OwnMeeting     `json:"meetings"`
	Tickets     []privacy.OwnTicket      `json:"tickets"`
	Admissions  []privacy.OwnAdmission   `json:"admissions"`
	Findings    []privacy.OwnFinding     `json:"findings"`
	Habits      []privacy.OwnHabit       `json:"habits"`
	Approvals   []privacy.OwnApproval    `json:"approvals"`
	Retired     []privacy.OwnRetired     `json:"retired"`
	Log         []privacy.OwnLogEntry    `json:"log"`
	Conferences []privacy.OwnEvent       `json:"conferences"`
	Complete    bool                     `json:"complete"`
}

// export writes what is stored about somebody.
func (h *house) export(t *testing.T, f *auth.Federation, actor access.Actor) (string, ownExport) {
	t.Helper()
	h.integrate(t)
	e, err := privacy.NewService(h.Store, h.journal, f, h.clock.Now).Export(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := e.Write(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	var own ownExport
	if err := json.Unmarshal(text.Bytes(), &own, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v: %s", err, &text)
	}
	return text.String(), own
}

// settle has somebody come through a provider and use everything that is stored about people. All that is written then has the
// name in it. It returns who that is, and the secrets that the person got.
func (h *house) settle(t *testing.T, f *auth.Federation, v *vouching, name string, r conference.Record) (access.Actor, []string) {
	t.Helper()
	v.id.Subject, v.id.Name, v.id.Email, v.id.Session = name+"-subject", name+" name", name+"@example.org", name+"-session"
	v.id.Attributes = map[string][]string{"department": {name + "-department"}}
	if _, err := comeBack(t, f, "land"); err != nil {
		t.Fatal(err)
	}
	in, err := comeBack(t, f, "land")
	if err != nil {
		t.Fatal(err)
	}
	u := in.Identity.User
	appSecret, codes := h.app(t, in.Identity, name+"-app")
	_, token, err := h.tokens.Create(t.Context(), in.Identity.Actor, auth.NewToken{Name: name + "-token", ExpiresAt: h.clock.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	h.meeting(t, u, name+"-meeting")
	ticket := h.ticketOf(t, r, in.Identity.Actor)
	if err := h.redeem(t, r, ticket, name+"-resume"); err != nil {
		t.Fatal(err)
	}
	if err := h.KeepFinding(t.Context(), finding.New(u.Tenant, h.clock.Now(), finding.NewBrowser, u.ID, name, 0, finding.Evidence{Agent: name + "-agent"})); err != nil {
		t.Fatal(err)
	}
	h.exec(t, fmt.Sprintf("INSERT INTO habits (user_id, aspect, value, tenant, mark, times, first_at, last_at) VALUES ('%s', 'network', '%s-network', 'default', '', 3, 1, 2)", u.ID, name))
	h.exec(t, fmt.Sprintf(`INSERT INTO scim_users (user_id, tenant, external_id, user_name, name_key, active, said, created_at, changed_at, version)
		VALUES ('%s', 'default', '%s-external', '%s-user', '%s', TRUE, '{"title":"%s-title"}', 1, 1, 1)`, u.ID, name, name, name, name))
	h.exec(t, fmt.Sprintf("INSERT INTO scim_groups (id, tenant, external_id, name, name_key, created_at, changed_at, version) VALUES ('%s', 'default', '', '%s-group', '%s', 1, 1, 1)", name, name, name))
	h.exec(t, fmt.Sprintf("INSERT INTO scim_members (group_id, user_id, tenant) VALUES ('%s', '%s', 'default')", name, u.ID))
	h.exec(t, fmt.Sprintf(`INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at)
		SELECT hash, tenant, 'token', user_id, '%s-retired', '', %d FROM api_tokens WHERE user_id = '%s'`, name, h.clock.Now().UnixMilli(), u.ID))
	return in.Identity.Actor, append(codes, appSecret, token, in.Session, in.Device, ticket, refreshToken, name+"-resume")
}

// talk writes what two people do in a conference.
func (h *house) talk(t *testing.T, r conference.Record, people map[string]access.Actor) {
	t.Helper()
	var events []conference.Stored
	put := func(f conference.Fact) {
		st, err := conference.Store(conference.Event{Seq: int64(3*len(events) + 1), At: h.clock.Now(), Fact: f})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, st)
	}
	for name, actor := range people {
		id := conference.ParticipantID("p-" + name)
		put(&conference.ParticipantJoined{Participant: conference.Participant{ID: id, Name: name}, Account: actor.UserID})
		put(&conference.ChatMessage{Message: conference.Message{ID: "m-" + name, From: id, Name: name, Text: name + " speaks", At: h.clock.Now()}})
		put(&conference.ParticipantLeft{ID: id})
	}
	if err := h.journal.Append(t.Context(), r.ID, r.Epoch, 1, events, nil, false); err != nil {
		t.Fatal(err)
	}
}

// request makes a request for a second person that was decided.
func (h *house) request(t *testing.T, id string, asks, about, decides access.Actor, words string) {
	t.Helper()
	h.exec(t, fmt.Sprintf(`INSERT INTO approvals (id, tenant, action, about, parameters, digest, state, reason, requested_by, requested_at, expires_at, decided_by, decided_at, note)
		VALUES ('%s', 'default', 'role.assign', '%s', '{"after":["%s-roles"]}', '%s', 'used', '%s-reason', '%s', 1, 2, '%s', 2, '%s-note')`,
		id, about.UserID, words, id, words, asks.UserID, decides.UserID, words))
}

// secretColumns returns what lies in all columns that hold bytes, as it could stand in a text.
func (h *house) secretColumns(t *testing.T) []string {
	t.Helper()
	var found []string
	for column, table := range map[string]string{
		"hash": "sessions", "hash ": "devices", " hash": "api_tokens", "hash  ": "recovery_codes", " hash ": "tickets", "sealed": "identities", "sealed ": "provider_sessions", "secret": "factors",
		"wrapped": "audit_keys",
	} {
		rows, err := h.Raw.QueryContext(t.Context(), "SELECT "+column+" FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var content []byte
			if err := rows.Scan(&content); err != nil {
				t.Fatal(err)
			}
			found = append(found, hex.EncodeToString(content), base64.StdEncoding.EncodeToString(content), base64.RawURLEncoding.EncodeToString(content))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

var ownData = map[string]func(*testing.T, *house){
	"EverybodyGetsWhatIsStoredAboutThemAndNothingElse": func(t *testing.T, h *house) {
		f, v := h.federation()
		r := h.conference(t)
		anna, secrets := h.settle(t, f, v, "anna", r)
		ben, others := h.settle(t, f, v, "benjamin", r)
		h.request(t, "r1", anna, ben, ben, "benjamin")
		h.request(t, "r2", ben, anna, anna, "anna")
		h.exec(t, "UPDATE approvals SET reason = 'anna-reason' WHERE id = 'r1'")
		h.exec(t, "UPDATE approvals SET reason = 'benjamin-reason' WHERE id = 'r2'")
		h.talk(t, r, map[string]access.Actor{"anna": anna, "benjamin": ben})
		officer := access.Actor{Kind: access.KindAccount, ID: ben.UserID, UserID: ben.UserID, Tenant: ben.Tenant}
		if err := h.Record(t.Context(), audit.LogSearched(audit.Origin{At: h.clock.Now(), Actor: officer}, audit.Search{About: anna.UserID})); err != nil {
			t.Fatal(err)
		}
		text, own := h.export(t, f, anna)
		h.wantOwn(t, own)
		for _, secret := range slices.Concat(secrets, others, h.secretColumns(t), []string{"benjamin", ben.UserID, string(audit.KindLogSearched)}) {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %s", secret, text)
			}
		}
		for _, part := range privacy.Parts() {
			var members map[string]jsontext.Value
			if err := json.Unmarshal([]byte(text), &members); err != nil || len(members[part]) <= len("[]") && part != "recoveryCodes" {
				t.Errorf("part %s is %s, %v", part, members[part], err)
			}
		}
	},
	"AnExportIsInTheLog": func(t *testing.T, h *house) {
		f, _ := h.federation()
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.wantNewEntries(t, func() { h.export(t, f, u.Actor()) }, audit.KindProfileExported)
		_, own := h.export(t, f, u.Actor())
		if last := own.Log[0]; last.Kind != string(audit.KindProfileExported) || !last.Mine || last.ID != u.ID || !own.Complete {
			t.Errorf("%+v", own)
		}
		service := privacy.NewService(h.Store, h.journal, f, h.clock.Now)
		if _, err := service.Export(t.Context(), access.Nobody()); !errors.Is(err, access.ErrSignInRequired) {
			t.Errorf("nobody: %v", err)
		}
		h.refuse(t, "audit_log")
		if _, err := service.Export(t.Context(), u.Actor()); err == nil {
			t.Error("exported without an entry")
		}
	},
	"AnExportSaysWhereItIsNotComplete": func(t *testing.T, h *house) {
		f, v := h.federation()
		r := h.conference(t)
		anna, _ := h.settle(t, f, v, "anna", r)
		h.talk(t, r, map[string]access.Actor{"anna": anna})
		journal := func() { h.flip(t, "journal_events", "sealed", "number = 1", 100) }
		said := func() { h.flip(t, "identities", "sealed", "user_id = '"+anna.UserID+"'", 100) }
		for _, c := range []struct {
			what        string
			spoil, mend func()
		}{
			{"a journal", journal, journal},
			{"what was said", said, said},
			{"one meeting too many", func() { h.manyMeetings(t, anna.UserID) }, func() { h.exec(t, "DELETE FROM meetings WHERE id = 'beyond'") }},
		} {
			c.spoil()
			if _, own := h.export(t, f, anna); own.Complete || len(own.Meetings) > privacy.MaxRows || own.Profile.ID != anna.UserID {
				t.Errorf("%s: complete, or %d meetings", c.what, len(own.Meetings))
			}
			c.mend()
			if _, own := h.export(t, f, anna); !own.Complete {
				t.Errorf("after %s: not complete", c.what)
			}
		}
	},
}

// manyMeetings brings the meetings of somebody to one more than an export has.
func (h *house) manyMeetings(t *testing.T, owner string) {
	t.Helper()
	insert := "INSERT INTO meetings (id, tenant, owner_id, title, link, guests_allowed, created_at, updated_at) VALUES ('%s', 'default', '" + owner + "', 'x', '%s', TRUE, 1, 1)"
	var there int
	if err := h.Raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM meetings WHERE owner_id = '"+owner+"'").Scan(&there); err != nil {
		t.Fatal(err)
	}
	statement := fmt.Sprintf(insert, "beyond", "beyond")
	for n := there; n < privacy.MaxRows; n++ {
		statement += fmt.Sprintf(", ('m%d', 'default', '%s', 'x', 'l%d', TRUE, 1, 1)", n, owner, n)
	}
	h.exec(t, statement)
}

// wantOwn checks what is stored about anna.
func (h *house) wantOwn(t *testing.T, own ownExport) {
	t.Helper()
	if !own.Complete || own.Version != privacy.ExportVersion || !own.MadeAt.Equal(h.clock.Now()) {
		t.Errorf("%v, version %d, at %v", own.Complete, own.Version, own.MadeAt)
	}
	if p := own.Profile; p.Email != "anna@example.org" || p.Name != "anna name" || p.Password || !slices.Equal(p.Roles, []access.Role{access.RoleUser}) {
		t.Errorf("%+v", p)
	}
	if len(own.Sessions) != 2 || own.Sessions[0].From != (privacy.OwnProviderSession{Provider: "land", Subject: "anna-subject", Session: "anna-session"}) || own.Codes == 0 {
		t.Errorf("%+v, %d codes", own.Sessions, own.Codes)
	}
	if len(own.Links) != 1 || own.Links[0].Said == nil || !slices.Equal(own.Links[0].Said.Attributes["department"], []string{"anna-department"}) || !slices.Equal(own.Groups, []string{"anna-group"}) {
		t.Errorf("%+v, %v", own.Links, own.Groups)
	}
	if own.Provisioned == nil || own.Provisioned.ExternalID != "anna-external" || !strings.Contains(string(own.Provisioned.Said), "anna-title") {
		t.Errorf("%+v", own.Provisioned)
	}
	for _, a := range own.Approvals {
		if a.Asked && (a.ID != "r1" || a.Reason != "anna-reason" || a.Note != "" || a.Parameters != nil) ||
			a.About && (a.ID != "r2" || a.Reason != "" || a.Note != "anna-note" || !strings.Contains(string(a.Parameters), "anna-roles")) {
			t.Errorf("%+v", a)
		}
	}
	var did []string
	for _, e := range own.Conferences {
		did = append(did, e.Kind+" "+e.Name+e.Text)
	}
	if !slices.Equal(did, []string{"participant.joined anna", "chat.message anna speaks", "participant.left "}) || len(own.Approvals) != 2 {
		t.Errorf("%q, %d approvals", did, len(own.Approvals))
	}
	kinds := map[string]bool{}
	for _, e := range own.Log {
		kinds[e.Kind] = true
	}
	for _, k := range []audit.Kind{audit.KindSessionStarted, audit.KindTokenCreated, audit.KindMeetingCreated, audit.KindParticipantAdmitted} {
		if !kinds[string(k)] {
			t.Errorf("the log has no %s: %v", k, kinds)
		}
	}
}
