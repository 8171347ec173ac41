package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestBackupAndRestoreOnTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "one.backup")
	if code, _, stderr := konklave(t, "", "backup", "--data", data); code != 1 || !strings.Contains(stderr, "no such file") {
		t.Errorf("without a database: exit %d, %q", code, stderr)
	}
	if code, _, stderr := konklave(t, "", "user", "add", "--data", data, "--email", "anna@example.org", "--name", "Anna"); code != 0 {
		t.Fatal(stderr)
	}
	code, _, stderr := konklave(t, "", "backup", "--data", data, "--output", file)
	if _, err := os.Stat(file); code != 1 || !strings.Contains(stderr, "recovery-key new") || err == nil {
		t.Errorf("without a recovery key: exit %d, %q, %v", code, stderr, err)
	}
	_, shown, _ := konklave(t, "", "recovery-key", "new", "--data", data)
	key := regexp.MustCompile("AGE-SECRET-KEY-1[A-Z0-9]+").FindString(shown) + "\n"
	if code, out, stderr := konklave(t, "", "backup", "--data", data, "--output", file); code != 0 || !strings.Contains(out, file) {
		t.Fatalf("exit %d, %q, %q", code, out, stderr)
	}
	if code, _, stderr := konklave(t, "", "backup", "--data", data, "--output", file); code != 1 || !strings.Contains(stderr, "file exists") {
		t.Errorf("over a file: exit %d, %q", code, stderr)
	}
	if code, out, _ := konklave(t, "", "backup", "--data", data); code != 0 || !strings.Contains(out, filepath.Join(data, "backups", "konklave-")) {
		t.Errorf("into the directory: exit %d, %q", code, out)
	}
	if code, out, stderr := konklave(t, key, "restore", "--verify", file); code != 0 || !strings.Contains(out, "The backup is good") {
		t.Errorf("verify: exit %d, %q, %q", code, out, stderr)
	}
	again := filepath.Join(dir, "again")
	if code, out, stderr := konklave(t, key, "restore", "--data", again, file); code != 0 || !strings.Contains(out, "Restored into "+again) {
		t.Fatalf("restore: exit %d, %q, %q", code, out, stderr)
	}
	if code, out, _ := konklave(t, "", "user", "list", "--data", again); code != 0 || !strings.Contains(out, "anna@example.org") {
		t.Errorf("the restored accounts: exit %d, %q", code, out)
	}
	if code, _, stderr := konklave(t, "", "recovery-key", "new", "--data", again, "--replace"); code != 0 { // the master key fits
		t.Errorf("exit %d, %q", code, stderr)
	}
	if code, _, stderr := konklave(t, key, "restore", "--data", again, file); code != 1 || !strings.Contains(stderr, "empty") {
		t.Errorf("restore over data: exit %d, %q", code, stderr)
	}
	if err := os.WriteFile(file, []byte("age-encryption.org/v1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{key, "AGE-SECRET-KEY-1X\n", ""} {
		if code, out, stderr := konklave(t, wrong, "restore", "--verify", file); code != 1 || out != "" || strings.Contains(stderr, strings.TrimSpace(key)) {
			t.Errorf("verify of no backup: exit %d, %q, %q", code, out, stderr)
		}
	}
}
