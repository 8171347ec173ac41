package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/audit/archive"
	"konklave/audit/signer"
	"konklave/config"
)

func TestPublicKeysAreKeptInOrder(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	for _, step := range []struct{ keys, want []string }{
		{[]string{"a"}, []string{"a"}},
		{[]string{"a"}, []string{"a"}},
		{[]string{"a", "b"}, []string{"a", "b"}},
		{[]string{"c"}, []string{"a", "b", "c"}}, // a signer whose directory was lost knows no other
		{[]string{"c", "b"}, []string{"a", "c", "b"}},
	} {
		must(t, keepKeys(c, step.keys))
		if got, err := archive.KeysIn(c.AuditKeysFile())(); err != nil || !slices.Equal(got, step.want) {
			t.Errorf("after %v: %v, %v", step.keys, got, err)
		}
	}
}

func TestAnAlarmIsThereUntilItIsOver(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	must(t, os.Mkdir(c.RunDir(), 0o700))
	log := slog.New(slog.DiscardHandler)
	for _, text := range []string{"", "one", "two", "", ""} {
		tellAlarm(c, text, log)
		got, err := os.ReadFile(c.AuditAlarmFile())
		if strings.TrimSpace(string(got)) != text || os.IsNotExist(err) != (text == "") {
			t.Errorf("%q is told as %q, %v", text, got, err)
		}
	}
}

func TestTheSignerIsToldNoSecret(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Database, c.PublicURL = "postgres://k:secret@db/k", "https://meet.example.org"
	c.Vault.MasterKeyFile, c.Backup.Directory = "/mnt/secret", "/mnt/secrets"
	flags := signerArguments(c)
	if strings.Contains(strings.Join(flags, " "), "secret") || !slices.Contains(flags, "--data=./var") || !slices.Contains(flags, "--public-url=https://meet.example.org") || !slices.Contains(flags, "--audit-keep-security-days=184") {
		t.Errorf("told %v", flags)
	}
}

func TestALogIsNamedAfterTheAddressOfTheInstance(t *testing.T) {
	t.Parallel()
	c := config.Default()
	for address, want := range map[string]string{"": "localhost", "https://meet.example.org": "meet.example.org", "https://[2001:db8::1]:8443": "2001:db8::1"} {
		c.PublicURL = address
		if got := logHost(c); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// A new log is begun as the user of the signer's directory, so that nothing in it comes to belong to root.
func TestRootBeginsANewLogAsTheSigner(t *testing.T) {
	t.Parallel()
	c, _ := owned(t)
	must(t, hostile().own(c))
	first, err := NewAuditLog(c, time.Now)
	must(t, err)
	second, err := NewAuditLog(c, time.Now)
	must(t, err)
	if !slices.Equal(second.Earlier, []string{first.Key}) || second.Begun != signer.ByOperator {
		t.Errorf("%+v after %+v", second, first)
	}
	for name, uid := range owners(t, c.SignerDir()) {
		if uid != honestSigner {
			t.Errorf("%q belongs to user %d", name, uid)
		}
	}
	must(t, os.RemoveAll(c.SignerDir()), os.Symlink(filepath.Dir(c.Data), c.SignerDir()))
	if _, err := NewAuditLog(c, time.Now); err == nil {
		t.Error("a link was followed")
	}
}
