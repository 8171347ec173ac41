package vault

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// memory keeps settings as a database does.
type memory struct {
	mu    sync.Mutex
	texts map[string]string
}

func (m *memory) Setting(_ context.Context, name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.texts[name], nil
}

func (m *memory) AddSetting(_ context.Context, name, value string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.texts == nil {
		m.texts = map[string]string{}
	}
	if _, ok := m.texts[name]; !ok {
		m.texts[name] = value
	}
	return m.texts[name], nil
}

func TestMasterKeyIsMadeOnceAndFoundAgain(t *testing.T) {
	t.Parallel()
	path, settings := filepath.Join(t.TempDir(), "master.key"), &memory{}
	vaults := make([]*Vault, 8)
	var all sync.WaitGroup
	for i := range vaults {
		all.Go(func() {
			var err error
			if vaults[i], err = Open(t.Context(), path, settings); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, v := range vaults {
		if len(v.keys) != 1 || !bytes.Equal(v.keys[0], vaults[0].keys[0]) {
			t.Error("two that opened at once have different keys")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind %v, %v", entries, err)
	}
}

func TestAnotherMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	dir, settings := t.TempDir(), &memory{}
	path := filepath.Join(dir, "master.key")
	if _, err := Open(t.Context(), path, settings); err != nil {
		t.Fatal(err)
	}
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := encode([][]byte{(*Vault)(nil).NewKey()})
	tooMany := make([][]byte, keysMax+1)
	for i := range tooMany {
		tooMany[i] = (*Vault)(nil).NewKey()
	}
	for name, test := range map[string]struct {
		text []byte
		mode os.FileMode
		want string
	}{
		"missing":         {nil, 0, "is missing"},
		"another key":     {other, 0o600, "is not the one of this database"},
		"empty":           {[]byte{}, 0o600, "is damaged"},
		"cut":             {right[:len(right)-5], 0o600, "is damaged"},
		"a line of text":  {append(bytes.Clone(right), "hello\n"...), 0o600, "is damaged"},
		"too many keys":   {encode(tooMany), 0o600, "more than 16 keys"},
		"too long":        {append(bytes.Clone(right), bytes.Repeat([]byte("#\n"), fileMax/2)...), 0o600, "it is not one"},
		"others may read": {right, 0o604, "chmod 600"},
		"group may write": {right, 0o620, "chmod 600"},
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if test.text != nil {
			if err := os.WriteFile(path, test.text, test.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(t.Context(), path, settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if test.text == nil { // none was made in its place
			if err := os.WriteFile(path, right, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	rotated := append(encode([][]byte{(*Vault)(nil).NewKey()}), right...)
	if err := os.WriteFile(path, rotated, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if v, err := Open(t.Context(), path, settings); err != nil || len(v.keys) != 2 {
		t.Errorf("with a new key before the old one, for the group to read: %v", err)
	}
	settings.texts[settingProof] = "?"
	if _, err := Open(t.Context(), path, settings); err == nil {
		t.Error("a damaged proof is believed")
	}
}

func TestMasterKeyBelongsToTheOwnerOfItsDirectory(t *testing.T) {
	t.Parallel()
	dir, want := t.TempDir(), os.Geteuid()
	if want == 0 {
		want = 62000
		if err := os.Chown(dir, want, want); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "master.key")
	if _, err := Open(t.Context(), path, &memory{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if sys, ok := info.Sys().(*syscall.Stat_t); !ok || int(sys.Uid) != want || info.Mode().Perm() != 0o600 {
		t.Errorf("owner %v, mode %v", sys, info.Mode())
	}
}
