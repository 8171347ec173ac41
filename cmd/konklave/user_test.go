package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/store"
	"konklave/vault"
)

// konklave runs the program in this process and returns what it printed.
func konklave(t *testing.T, in string, args ...string) (code int, out, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

// openUnlocked opens the database of a data directory with its keys.
func openUnlocked(t *testing.T, data string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(data, "konklave.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(t.Context(), filepath.Join(data, "master.key"), db)
	if err == nil {
		err = db.Unlock(t.Context(), keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestUserAddMakesAnAccountThatCanSignIn(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "new", "data")
	code, out, stderr := konklave(t, "", "user", "add", "--data", data, "--email", "Anna@Example.org", "--name", "Anna", "--role", "admin")
	made := regexp.MustCompile(`^Created the account anna@example\.org \(Anna, user,meeting_manager,operator,user_admin\)\.\nPassword, shown only now: (\S{26})\n$`).FindStringSubmatch(out)
	if code != 0 || stderr != "" || made == nil {
		t.Fatalf("exit %d, printed %q and %q", code, out, stderr)
	}
	code, out, stderr = konklave(t, "correct horse battery\r\nmore\n", "user", "add", "--data", data, "--email", "ben@example.org", "--name", "Ben", "--language", "en", "--password-stdin")
	if code != 0 || stderr != "" || out != "Created the account ben@example.org (Ben, user).\n" {
		t.Fatalf("exit %d, printed %q and %q", code, out, stderr)
	}

	db := openUnlocked(t, data)
	defer func() { _ = db.Close() }()
	signIn := auth.NewSignIn(db, auth.NewSessions(db, auth.SessionOptions{Now: time.Now}), auth.NewPasswords(1))
	for email, password := range map[string]string{"anna@example.org": made[1], "ben@example.org": "correct horse battery"} {
		if _, err := signIn.SignIn(t.Context(), access.Nobody(), auth.Attempt{Email: email, Password: password}); err != nil {
			t.Errorf("%s: %v", email, err)
		}
	}
	entries, err := db.AuditEntries(t.Context(), 0, 10)
	if err != nil || len(entries) != 4 || entries[0].Kind != audit.KindUserCreated || entries[0].ActorKind != access.KindSystem || entries[0].ActorID != "command-line" {
		t.Errorf("entries %+v, %v", entries, err)
	}
}

func TestUserAddNamesTheMistake(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	add := func(changed ...string) []string {
		args := []string{"user", "add", "--data", data, "--email", "anna@example.org", "--name", "Anna", "--password-stdin"}
		return append(args, changed...)
	}
	const password = "correct horse battery\n"
	if code, _, stderr := konklave(t, password, add()...); code != 0 {
		t.Fatal(stderr)
	}
	for _, c := range []struct {
		in   string
		args []string
		code int
		want string
	}{
		{password, add(), 1, "already an account"},
		{"short\n", add("--email", "b@example.org"), 1, "at least 12 characters"},
		{"", add("--email", "b@example.org"), 1, "at least 12 characters"},
		{password, add("--email", "b"), 1, "not an e-mail address"},
		{password, add("--email", "b@example.org", "--name", "a\u202eb"), 1, "not allowed"},
		{password, add("--email", "b@example.org", "--role", "host"), 2, "--role"},
		{password, add("--email", "b@example.org", "--role", "operator,auditor"), 1, "may not hold these roles together"},
		{password, add("--email", "b@example.org", "--language", "fr"), 2, "--language"},
		{password, []string{"user", "add", "--data", data, "--name", "Anna"}, 2, "--email"},
		{password, add("--email", "b@example.org", "--database", "mysql://x"), 1, "must begin with sqlite:"},
	} {
		code, out, stderr := konklave(t, c.in, c.args...)
		if code != c.code || out != "" || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "email.taken") {
			t.Errorf("%v: exit %d, printed %q and %q; want exit %d and %q", c.args, code, out, stderr, c.code, c.want)
		}
	}
}

func TestUserPasswordIsReplacedForWhoHasForgottenIt(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if code, _, stderr := konklave(t, "", "user", "add", "--data", data, "--email", "anna@example.org", "--name", "Anna"); code != 0 {
		t.Fatal(stderr)
	}
	const done = "The account has a new password and is signed out everywhere.\n"
	for _, c := range []struct {
		in    string
		email string
		extra []string
		code  int
		out   string // a pattern
		err   string
	}{
		{"", "anna@example.org", nil, 0, done + `Password, shown only now: \S{26}\n`, ""},
		{"correct horse battery\n", "Anna@example.org", []string{"--password-stdin"}, 0, done, ""},
		{"short\n", "anna@example.org", []string{"--password-stdin"}, 1, "", "at least 12 characters"},
		{"", "ben@example.org", nil, 1, "", "no such account"},
	} {
		code, out, stderr := konklave(t, c.in, append([]string{"user", "password", "--data", data, "--email", c.email}, c.extra...)...)
		if code != c.code || !regexp.MustCompile("^"+c.out+"$").MatchString(out) || !strings.Contains(stderr, c.err) {
			t.Errorf("%s %v: exit %d, printed %q and %q", c.email, c.extra, code, out, stderr)
		}
	}
}

func TestUserList(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for _, email := range []string{"zoe@example.org", "anna@example.org"} {
		if code, _, stderr := konklave(t, "", "user", "add", "--data", data, "--email", email, "--name", "Name"); code != 0 {
			t.Fatal(stderr)
		}
	}
	code, out, stderr := konklave(t, "", "user", "list", "--data", data)
	want := regexp.MustCompile(`^EMAIL +NAME +ROLES +LANGUAGE +CREATED\nanna@example\.org +Name +user +de +\d{4}-\d\d-\d\d\nzoe@example\.org +Name +user +de +\d{4}-\d\d-\d\d\n$`)
	if code != 0 || stderr != "" || !want.MatchString(out) {
		t.Errorf("exit %d, printed %q and %q", code, out, stderr)
	}
}

func TestUserUnlockAndFactors(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if code, _, stderr := konklave(t, "", "user", "add", "--data", data, "--email", "anna@example.org", "--name", "Anna"); code != 0 {
		t.Fatal(stderr)
	}
	for _, c := range []struct {
		args []string
		code int
		out  string
		err  string
	}{
		{[]string{"unlock", "--email", "Anna@example.org"}, 0, "The account is not locked any more.\n", ""},
		{[]string{"unlock", "--email", "ben@example.org"}, 1, "", "no such account"},
		{[]string{"factors", "--remove", "--email", "anna@example.org"}, 0, "The account has no second factor any more.\n", ""},
		{[]string{"factors", "--email", "anna@example.org"}, 2, "", "--remove"},
		{[]string{"factors", "--remove", "--email", "ben@example.org"}, 1, "", "no such account"},
	} {
		code, out, stderr := konklave(t, "", append([]string{"user", c.args[0], "--data", data}, c.args[1:]...)...)
		if code != c.code || out != c.out || !strings.Contains(stderr, c.err) {
			t.Errorf("%v: exit %d, printed %q and %q", c.args, code, out, stderr)
		}
	}
}

func TestUserAddRefusesWhatTheOperatorListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	words, file := filepath.Join(dir, "words.txt"), filepath.Join(dir, "konklave.yaml")
	for name, text := range map[string]string{words: "Musterstadt\n", file: "passwords:\n  refused-file: " + words + "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	add := func(password string) (int, string) {
		code, _, stderr := konklave(t, password+"\n", "user", "add", "--config", file, "--data", dir, "--email", "anna@example.org", "--name", "Anna", "--password-stdin")
		return code, stderr
	}
	if code, stderr := add("Musterstadt2026!"); code != 1 || !strings.Contains(stderr, "tried first") {
		t.Errorf("a listed one: exit %d, %q", code, stderr)
	}
	if code, stderr := add("password2026!"); code != 1 || !strings.Contains(stderr, "tried first") {
		t.Errorf("a common one: exit %d, %q", code, stderr)
	}
	if err := os.Remove(words); err != nil {
		t.Fatal(err)
	}
	if code, stderr := add("Dienstweg ist kein Holzweg"); code != 1 || !strings.Contains(stderr, "passwords.refused-file") {
		t.Errorf("without the file: exit %d, %q", code, stderr)
	}
}
