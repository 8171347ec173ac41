package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"konklave/store/postgrestest"
)

// TestAnOwnerPreparesAndPrunesForTheServer goes the way of docs/operate/postgresql.md.
func TestAnOwnerPreparesAndPrunesForTheServer(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := server.Execute(t.Context(), "postgres", "CREATE ROLE konklave_owner LOGIN", "CREATE ROLE konklave LOGIN", "CREATE DATABASE konklave OWNER konklave_owner"); err != nil {
		t.Fatal(err)
	}
	as := func(role string) string {
		return strings.Replace(server.DSN("konklave"), "postgres@", role+"@", 1)
	}
	data := filepath.Join(t.TempDir(), "data")
	add := []string{"user", "add", "--data", data, "--database", as("konklave"), "--email", "anna@example.org", "--name", "Anna", "--role", "admin"}
	if code, _, stderr := konklave(t, "", add...); code != 1 || !strings.Contains(stderr, "konklave database prepare") {
		t.Errorf("before it is prepared: exit %d, %q", code, stderr)
	}
	prune := []string{"audit", "prune", "--data", data, "--audit-keep-administration-days", "184", "--audit-keep-conference-days", "184", "--database"}
	if code, _, stderr := konklave(t, "", append(prune, as("konklave_owner"))...); code != 1 || stderr == "" {
		t.Errorf("prune before there are tables: exit %d, %q", code, stderr)
	}
	if code, out, stderr := konklave(t, "", "database", "prepare", "--owner", as("konklave_owner")); code != 0 || !strings.Contains(out, `The role "konklave" can add`) {
		t.Fatalf("exit %d, %q, %q", code, out, stderr)
	}
	if code, _, stderr := konklave(t, "", "database", "prepare", "--owner", as("konklave_owner"), "--role", "postgres"); code != 1 || !strings.Contains(stderr, "superuser") {
		t.Errorf("a superuser: exit %d, %q", code, stderr)
	}
	if code, out, stderr := konklave(t, "", add...); code != 0 {
		t.Fatalf("exit %d, %q, %q", code, out, stderr)
	}
	if code, out, stderr := konklave(t, "", append(prune, as("konklave_owner"), "--audit-keep-security-days", "200")...); code != 0 || !strings.Contains(out, "security 200, administration 184, conference 184. Removed: the content of 0 entries, and 0 checkpoints") {
		t.Errorf("exit %d, %q, %q", code, out, stderr)
	}
	if code, out, stderr := konklave(t, "", append(prune, as("konklave_owner"))...); code != 1 || out != "" || !strings.Contains(stderr, "audit.keep-security-days") {
		t.Errorf("without the settings of the server: exit %d, %q, %q", code, out, stderr)
	}
	prune = append(prune[:2:2], append([]string{"--audit-keep-security-days", "184"}, prune[2:]...)...)
	if code, out, stderr := konklave(t, "", append(prune, as("konklave_owner"), "--clock-is-right")...); code != 0 || !strings.Contains(out, "security 200, administration 184, conference 184") {
		t.Errorf("what waits for a second person is in force: exit %d, %q, %q", code, out, stderr)
	}
	file := filepath.Join(t.TempDir(), "prune.yaml")
	for text, want := range map[string]int{
		"audit:\n  keep-security-days: 200\n  keep-administration-days: 184\n":                              1,
		"audit:\n  keep-security-days: 200\n  keep-administration-days: 184\n  keep-conference-days: 184\n": 0,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, stderr := konklave(t, "", "audit", "prune", "--data", data, "--config", file, "--database", as("konklave_owner"))
		if code != want || (code == 1) != strings.Contains(stderr, "audit.keep-conference-days") {
			t.Errorf("with the file %q: exit %d, %q, %q", text, code, out, stderr)
		}
	}
	if code, out, _ := konklave(t, "", append(prune, as("konklave"))...); code != 1 || out != "" {
		t.Errorf("as the server: exit %d, %q", code, out)
	}
	if code, _, stderr := konklave(t, "", append(prune[:2:2], "--data", data, "--audit-keep-security-days", "89", "--database", as("konklave_owner"))...); code != 1 || !strings.Contains(stderr, "audit.keep-security-days") {
		t.Errorf("too short: exit %d, %q", code, stderr)
	}
}
