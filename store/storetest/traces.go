package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/auth"
	"konklave/privacy"
	"konklave/user"
)

// secretly stands in whatever a test writes about somebody that is neither an id nor an address.
const secretly = "geheim"

// unseen are the tables about people in which no test finds a person: what they hold is sealed.
var unseen = []string{"audit_log", "audit_entries", "journal_events", "journal_snapshots", "erasures"}

// staying are the columns in which the id of an account stays when the person is erased, and why.
var staying = map[string]string{
	"users.id":               "the account without a name",
	"meetings.owner_id":      "whose meeting it is",
	"tickets.actor_id":       "goes within minutes",
	"tickets.sign_in":        "goes within minutes",
	"admissions.sign_in":     "by which conferences learn that it has ended",
	"approvals.requested_by": "what was done for others",
	"approvals.decided_by":   "what was done for others",
	"findings.handled_by":    "what was done for others",
}

// personal are names of columns that say who somebody is.
var personal = []string{"user_id", "owner_id", "actor_id", "actor_user", "subject", "account", "about", "requested_by", "decided_by", "handled_by", "email", "address", "login"}

// traces are the columns of each table about people in which one of these marks of a person stands.
func (h *house) traces(t *testing.T, marks ...string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, table := range privacy.Tables() {
		if table.About == "" || h.columns(t, table.Name) == nil {
			continue
		}
		if columns := h.tracesIn(t, table.Name, marks); len(columns) > 0 {
			found[table.Name] = columns
		}
	}
	return found
}

func (h *house) tracesIn(t *testing.T, table string, marks []string) (found []string) {
	t.Helper()
	rows, err := h.Raw.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		cells, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, cell := range cells {
			if marked(cell, marks) && !slices.Contains(found, columns[i]) {
				found = append(found, columns[i])
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func marked(cell any, marks []string) bool {
	text := fmt.Sprint(cell)
	if bytes, is := cell.([]byte); is {
		text = string(bytes)
	}
	return slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(text, m) })
}

// columns are those of a table; none when it is not there.
func (h *house) columns(t *testing.T, table string) []string {
	t.Helper()
	rows, err := h.Raw.QueryContext(t.Context(), "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		return nil // an old table that the program removes
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	return columns
}

// wellKnown writes something about a person into every table that can be about one, and returns the marks of the person.
func (h *house) wellKnown(t *testing.T, u, other user.User) []string {
	t.Helper()
	in := h.signedIn(t, u)
	session, err := h.sessions.Authenticate(t.Context(), in.Session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: u.Email, Password: "wrong", Address: "192.0.2.7:1234"}); err == nil {
		t.Fatal("signed in with a wrong password")
	}
	h.tokenActor(t, u, time.Hour)
	m := h.meeting(t, u, "Rat")
	login := h.failedLogin(t, u)
	subject := auth.CountedAs("", auth.Link{Provider: "amt", Subject: secretly + "-subject"})[1]
	marks := []string{u.ID, u.Email, u.Name, secretly, session.Actor.SignIn, auth.CountedAs(u.Email)[0], login, subject}
	bytes := func(text string) string {
		if h.postgres() {
			return "CAST('" + text + "' AS BYTEA)"
		}
		return "CAST('" + text + "' AS BLOB)"
	}
	fill := strings.NewReplacer("$user", u.ID, "$other", other.ID, "$session", session.Actor.SignIn, "$meeting", m.ID, "$blob", bytes(secretly), "$hash2", bytes(secretly+"2"), "$ticket", bytes("ticket"),
		"$login", login, "$subject", subject)
	for _, statement := range []string{
		"INSERT INTO sign_in_failures (tenant, account, source, known, at) VALUES ('default', '$subject', 's', TRUE, 1)",
		"INSERT INTO lock_mails (tenant, account, at) VALUES ('default', '$login', 1), ('default', '$subject', 1), ('default', '$login/account.locked_second_factor', 1)",
		"INSERT INTO mails (id, tenant, kind, user_id, created_at, expires_at, due_at, attempts) VALUES ('e1', 'default', 'account.locked', '$user', 1, 2, 1, 0)",
		"INSERT INTO unlock_links (hash, tenant, user_id, expires_at) VALUES ($blob, 'default', '$user', 2)",
		"INSERT INTO factors (id, tenant, user_id, kind, name, credential, secret, step, created_at) VALUES ('f1', 'default', '$user', 'totp', 'geheim', $blob, $blob, 1, 1)",
		"INSERT INTO recovery_codes (user_id, hash, tenant) VALUES ('$user', $blob, 'default')",
		"INSERT INTO identities (id, tenant, provider, subject, user_id, login, sealed, linked_at, ask_at) VALUES ('i1', 'default', 'amt', 'geheim-subject', '$user', '$login', $blob, 1, 2)",
		"INSERT INTO provider_sessions (session_id, tenant, provider, subject, provider_session, sealed) VALUES ('$session', 'default', 'amt', 'geheim', 'geheim', $blob)",
		"INSERT INTO scim_users (user_id, tenant, external_id, user_name, name_key, active, said, created_at, changed_at, version) VALUES ('$user', 'default', 'geheim', 'geheim', 'geheim', TRUE, '{}', 1, 1, 1)",
		"INSERT INTO scim_groups (id, tenant, external_id, name, name_key, created_at, changed_at, version) VALUES ('g1', 'default', '', 'Staff', 'staff', 1, 1, 1)",
		"INSERT INTO scim_members (group_id, user_id, tenant) VALUES ('g1', '$user', 'default')",
		"INSERT INTO tickets (hash, tenant, conference_id, meeting_id, actor_kind, actor_id, participant_id, name, role, sign_in, expires_at) VALUES ($ticket, 'default', 'c1', '$meeting', 'account', '$user', 'p', 'geheim', 'participant', '$session', 1)",
		"INSERT INTO conferences (id, tenant, meeting_id, started_at) VALUES ('c1', 'default', '$meeting', 1)",
		"INSERT INTO admissions (conference_id, session, tenant, sign_in) VALUES ('c1', 'h1', 'default', '$session')",
		"INSERT INTO findings (id, tenant, at, kind, user_id, topic, evidence) VALUES ('n1', 'default', 1, 'k', '$user', 'geheim', '{}')",
		"INSERT INTO findings (id, tenant, at, kind, user_id, topic, evidence, state, handled_by) VALUES ('n2', 'default', 1, 'k', '$other', 't', '{}', 'closed', '$user')",
		"INSERT INTO habits (user_id, aspect, value, tenant, mark, times, first_at, last_at) VALUES ('$user', 'country', 'DE', 'default', 'geheim', 1, 1, 1)",
		"INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at) VALUES ($hash2, 'default', 'session', '$user', 's', 'e', 1)",
		approvalRow("a1", "$user", "$other", "pending", ""),
		approvalRow("a2", "$user", "$other", "used", "$other"),
		approvalRow("a3", "$other", "$user", "pending", ""),
		strings.Replace(approvalRow("a4", "$other", "$other", "refused", "$user"), secretly, "for others", 1),
		strings.Replace(approvalRow("a5", "$other", "$user", "used", "$other"), secretly, "for others", 1),
	} {
		h.behind(t, fill.Replace(statement))
	}
	return marks
}

// failedLogin has a name fail at the directory "amt", and returns under which key that was counted.
func (h *house) failedLogin(t *testing.T, u user.User) (key string) {
	t.Helper()
	f, _ := h.federation()
	if _, err := f.SignIn(t.Context(), access.Nobody(), "amt", auth.Attempt{Email: secretly, Password: "wrong", Address: "192.0.2.7:1234"}); !errors.Is(err, auth.ErrFailed) {
		t.Fatal(err)
	}
	if err := h.Raw.QueryRowContext(t.Context(), "SELECT account FROM sign_in_failures WHERE account <> $1", auth.CountedAs(u.Email)[0]).Scan(&key); err != nil {
		t.Fatal(err)
	}
	return key
}

func approvalRow(id, about, by, state, decided string) string {
	return fmt.Sprintf("INSERT INTO approvals (id, tenant, action, about, parameters, digest, state, reason, requested_by, requested_at, expires_at, decided_by) "+
		"VALUES ('%s', 'default', 'role.assign', '%s', '{}', '%s', '%s', '%s', '%s', 1, 2, '%s')", id, about, id, state, secretly, by, decided)
}
