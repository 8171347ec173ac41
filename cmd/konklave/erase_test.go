package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUserEraseLeavesNothingButAPseudonym(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	if code, _, stderr := konklave(t, "", "user", "add", "--data", data, "--email", "anna@example.org", "--name", "Anna"); code != 0 {
		t.Fatal(stderr)
	}
	erase := []string{"user", "erase", "--data", data, "--email", "anna@example.org"}
	if code, _, _ := konklave(t, "", erase...); code != 2 {
		t.Errorf("without being sure: exit %d", code)
	}
	erase = append(erase, "--i-know-that-this-cannot-be-undone")
	if code, out, stderr := konklave(t, "", erase...); code != 0 || !strings.Contains(out, "erased-") {
		t.Fatalf("exit %d, %q, %q", code, out, stderr)
	}
	if code, _, stderr := konklave(t, "", erase...); code != 1 || !strings.Contains(stderr, "no such account") {
		t.Errorf("again: exit %d, %q", code, stderr)
	}
	if _, out, _ := konklave(t, "", "user", "list", "--data", data); strings.Contains(out, "nna") || !strings.Contains(out, "@erased.invalid") {
		t.Errorf("listed: %s", out)
	}
	if list, err := os.ReadFile(filepath.Join(data, "backups", "erasures.list")); err != nil || !strings.Contains(string(list), "pseudonym") {
		t.Errorf("the list beside the backups: %s, %v", list, err)
	}
}
