package main

import (
	"strings"
	"testing"

	"konklave/access"
	"konklave/audit"
)

func TestUserRolesGivesRolesWithoutASecondPersonAndSaysSo(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for email, role := range map[string]string{"anna@example.org": "admin", "ben@example.org": "user"} {
		if code, _, stderr := konklave(t, "", "user", "add", "--data", data, "--email", email, "--name", "Name", "--role", role); code != 0 {
			t.Fatal(stderr)
		}
	}
	for _, c := range []struct {
		email, role string
		code        int
		out, err    string
	}{
		{"Ben@example.org", "user,meeting_manager", 0, "ben@example.org has the roles user,meeting_manager.\n", ""},
		{"ben@example.org", "user,auditor", 0, "ben@example.org has the roles user,auditor.\n" + withoutSecond + "\n", ""},
		{"ben@example.org", "auditor,operator", 1, "", "operator"},
		{"nobody@example.org", "user", 1, "", "no such account"},
		{"anna@example.org", "user", 0, "anna@example.org has the roles user.\n", ""}, // whoever has the machine can make another administrator
		{"ben@example.org", "king", 2, "", "king"},
		{"ben@example.org", "", 2, "", "--role"},
	} {
		args := []string{"user", "roles", "--data", data, "--email", c.email}
		if c.role != "" {
			args = append(args, "--role", c.role)
		}
		code, out, stderr := konklave(t, "", args...)
		if code != c.code || out != c.out || !strings.Contains(stderr, c.err) {
			t.Errorf("%s %s: exit %d, printed %q and %q", c.email, c.role, code, out, stderr)
		}
	}
	db := openUnlocked(t, data)
	defer db.Close()
	entries, err := db.AuditEntries(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	assigned := 0
	for _, e := range entries {
		if e.Kind == audit.KindRolesAssigned {
			assigned++
			if e.ActorKind != access.KindSystem || e.ActorID != "command-line" {
				t.Errorf("%+v", e)
			}
		}
	}
	ben, err := db.Credential(t.Context(), access.DefaultTenant, "ben@example.org")
	if err != nil || ben.User.Roles != "user auditor" || assigned != 3 {
		t.Errorf("%q, %d entries, %v", ben.User.Roles, assigned, err)
	}
}
