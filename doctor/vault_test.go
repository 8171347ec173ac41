package doctor

import (
	"context"
	"path/filepath"
	"testing"

	"konklave/vault"
)

// settings keep what proves the master key.
type settings map[string]string

func (s settings) Setting(_ context.Context, name string) (string, error) { return s[name], nil }

func (s settings) AddSetting(_ context.Context, name, value string) (string, error) {
	s[name] = value
	return value, nil
}

// newVault makes a vault with a key of its own.
func newVault(t *testing.T) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), filepath.Join(t.TempDir(), "master.key"), settings{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
