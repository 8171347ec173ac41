package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"konklave/audit/checkpoint"
	"konklave/audit/signer"
)

func TestAWitnessKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "witness.key")
	code, out, stderr := konklave(t, "", "witness", "key", "witness.example.net/1", "--output", file)
	if name, err := checkpoint.WitnessName(strings.TrimSpace(out)); code != 0 || err != nil || name != "witness.example.net/1" {
		t.Fatalf("%d, %q, %v, %s", code, out, err, stderr)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	secret, err := os.ReadFile(file)
	if _, bad := checkpoint.WitnessSigner(string(secret), time.Now); err != nil || bad != nil {
		t.Errorf("%v, %v", err, bad)
	}
	if code, _, stderr := konklave(t, "", "witness", "key", "w", "--output", file); code != 1 || !strings.Contains(stderr, "exists") {
		t.Errorf("written over: %d %s", code, stderr)
	}
	if code, _, stderr := konklave(t, "", "witness", "key", "a b", "--output", file+"2"); code != 1 || !strings.Contains(stderr, "cannot be the name") {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestAWitnessSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := signer.OpenDirectory(filepath.Join(dir, "signer"), "meet.example.org", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	key, token, junk := filepath.Join(dir, "key"), filepath.Join(dir, "token"), filepath.Join(dir, "junk")
	if code, _, stderr := konklave(t, "", "witness", "key", "w", "--output", key); code != 0 {
		t.Fatal(stderr)
	}
	for path, text := range map[string]string{token: "id kms_x\n", junk: "junk\n", filepath.Join(dir, "two"): held.Log.Key + "\n" + held.Log.Key + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for change, want := range map[string]string{
		"--log-key=" + junk:            "not a key",
		"--log-key=" + dir + "/two":    "watches one log",
		"--log-key=" + dir + "/absent": "--log-key",
		"--key=" + junk:                "--key",
		"--key=" + dir + "/absent":     "--key",
		"--url=ftp://x":                "not an http",
		"--machine=" + dir + "/none":   "--machine",
		"--machine=" + junk:            "client_secret",
		"--roots=" + junk:              "no certificate",
		"--roots=" + dir + "/none":     "--roots",
		"--every=0s":                   "--every",
	} {
		args := []string{"witness", "--dir=" + filepath.Join(dir, "w"), "--every=1s"}
		for _, usual := range []string{"--log-key=" + held.Log.Key, "--key=" + key, "--url=http://127.0.0.1:1", "--machine=" + token} {
			if name, _, _ := strings.Cut(usual, "="); !strings.HasPrefix(change, name+"=") {
				args = append(args, usual)
			}
		}
		if code, _, stderr := konklave(t, "", append(args, change)...); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d %s", change, code, stderr)
		}
	}
	if code, _, _ := konklave(t, "", "witness"); code != 2 {
		t.Errorf("without anything: %d", code)
	}
}

func TestANewLogIsBegunByWordOfTheOperator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, _, stderr := konklave(t, "", "audit", "new-log", "--data", dir, "--i-know-what-this-ends"); code != 1 || !strings.Contains(stderr, "start the server once") {
		t.Errorf("%d %s", code, stderr)
	}
	held, err := signer.OpenDirectory(filepath.Join(dir, "signer"), "meet.example.org", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := konklave(t, "", "audit", "new-log", "--data", dir, "--i-know-what-this-ends"); code != 1 || !strings.Contains(stderr, "stop the server first") {
		t.Errorf("%d %s", code, stderr)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := konklave(t, "", "audit", "new-log", "--data", dir); code != 2 {
		t.Errorf("without the word: %d", code)
	}
	code, out, stderr := konklave(t, "", "audit", "new-log", "--data", dir, "--i-know-what-this-ends")
	again, err := signer.OpenDirectory(filepath.Join(dir, "signer"), "meet.example.org", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if code != 0 || again.Log.Begun != signer.ByOperator || !strings.Contains(out, again.Log.Key) || !strings.Contains(out, held.Log.Key) {
		t.Errorf("%d, %s %s", code, out, stderr)
	}
}
