package app

import (
	"slices"
	"strings"
	"testing"

	"konklave/config"
)

func TestTheFrontIsToldNoSecret(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Database, c.Listen, c.PublicURL = "postgres://k:secret@db/k", "0.0.0.0:443", "https://meet.example.org"
	c.Vault.MasterKeyFile, c.Backup.Directory = "/mnt/secret", "/mnt/secrets"
	c.TLS = config.TLS{Mode: config.TLSFiles, Certificate: "/c.pem", Key: "/k.pem"}
	flags := frontArguments(c)
	for _, f := range flags {
		if strings.Contains(f, "secret") {
			t.Errorf("told %s", f)
		}
	}
	for _, want := range []string{"--listen=0.0.0.0:443", "--data=./var", "--public-url=https://meet.example.org", "--tls=files", "--tls-key=/k.pem", "--log-level=info", "--limits-source-rate=50"} {
		if !slices.Contains(flags, want) {
			t.Errorf("not told %s: %v", want, flags)
		}
	}
	got := onlyNamed([]string{"PATH=/bin", "KONKLAVE_DATABASE=postgres://k:secret@db/k", "KONKLAVE_CONFIG=/f", "PGPASSWORD=secret", "TZ=UTC"}, frontEnvironment())
	if !slices.Equal(got, []string{"PATH=/bin", "TZ=UTC"}) {
		t.Errorf("the environment is %v", got)
	}
}
