package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/vault"
)

func TestRecoveryKeyBringsTheMasterKeyBack(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "new", "data")
	shown := regexp.MustCompile(`^Recovery key, shown only now: (AGE-SECRET-KEY-1[A-Z0-9]{58})\n`)
	code, out, stderr := konklave(t, "", "recovery-key", "new", "--data", data)
	first := shown.FindStringSubmatch(out)
	if code != 0 || first == nil || stderr != "" {
		t.Fatalf("exit %d, printed %q and %q", code, out, stderr)
	}
	if code, _, stderr := konklave(t, "", "recovery-key", "new", "--data", data); code != 1 || !strings.Contains(stderr, "--replace") {
		t.Errorf("a second one: exit %d, %q", code, stderr)
	}
	code, out, _ = konklave(t, "", "recovery-key", "new", "--data", data, "--replace")
	second := shown.FindStringSubmatch(out)
	if code != 0 || second == nil || second[1] == first[1] {
		t.Fatalf("exit %d, printed %q", code, out)
	}

	file := filepath.Join(data, "master.key")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	restore := func(secret string) (int, string) {
		code, _, stderr := konklave(t, secret+"\n", "recovery-key", "restore", "--data", data)
		return code, stderr
	}
	if code, stderr := restore(second[1]); code != 1 || !strings.Contains(stderr, "exists already") {
		t.Errorf("over a file: exit %d, %q", code, stderr)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := konklave(t, "", "recovery-key", "new", "--data", data, "--replace"); code != 1 || !strings.Contains(stderr, "is missing") {
		t.Errorf("without the master key: exit %d, %q", code, stderr)
	}
	for _, wrong := range []string{"", "AGE-SECRET-KEY-1", first[1], "age1x"} {
		if code, stderr := restore(wrong); code != 1 || strings.Contains(stderr, first[1]) {
			t.Errorf("%q: exit %d, %q", wrong, code, stderr)
		}
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a wrong key left a file: %v", err)
	}
	if code, stderr := restore(" " + strings.ToLower(second[1]) + " "); code != 1 {
		t.Errorf("lower case: exit %d, %q", code, stderr)
	}
	if code, stderr := restore(second[1] + "\r"); code != 0 {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	after, err := os.ReadFile(file)
	if err != nil || string(after) != string(before) {
		t.Errorf("the file differs (%v)", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	wantRecoveryKeptAndRecorded(t, data, first[1], second[1])
}

// wantRecoveryKeptAndRecorded checks that the database has the public half and two entries, and no secret anywhere.
func wantRecoveryKeptAndRecorded(t *testing.T, data string, secrets ...string) {
	t.Helper()
	db := openUnlocked(t, data)
	recipient, err := db.Setting(t.Context(), vault.SettingRecipient)
	if err != nil || !strings.HasPrefix(recipient, "age1") {
		t.Errorf("recipient %q, %v", recipient, err)
	}
	entries, err := db.AuditEntries(t.Context(), 0, 10)
	if err != nil || len(entries) != 2 || entries[1].Kind != audit.KindRecoveryKeyMade || entries[1].ObjectID != recipient || entries[1].ActorKind != access.KindSystem {
		t.Errorf("entries %+v, %v", entries, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	raw, err := os.ReadFile(filepath.Join(data, "konklave.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(raw), secret) {
			t.Error("the database holds a recovery key's secret")
		}
	}
}
