package vault

import (
	"bytes"
	"errors"
	"testing"
)

func newVault(keys ...[]byte) *Vault { return &Vault{keys: keys} }

func TestABlobOpensOnlyAsItWasSealed(t *testing.T) {
	t.Parallel()
	v := newVault((*Vault)(nil).NewKey())
	key, place := v.NewKey(), []byte("place")
	blob := v.Seal(key, []byte("content"), place)
	if len(blob) != len("content")+Overhead || bytes.Contains(blob, []byte("content")) {
		t.Errorf("blob %x", blob)
	}
	if got, err := v.Open(key, blob, place); err != nil || string(got) != "content" {
		t.Errorf("got %q, %v", got, err)
	}
	if bytes.Equal(blob, v.Seal(key, []byte("content"), place)) {
		t.Error("the same content gives the same blob")
	}
	if _, err := v.Open(v.NewKey(), blob, place); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("another key: %v", err)
	}
	for _, other := range [][]byte{nil, []byte("plac"), []byte("place2"), []byte("Place")} {
		if _, err := v.Open(key, blob, other); !errors.Is(err, ErrDamaged) {
			t.Errorf("place %q: %v", other, err)
		}
	}
	for bit := range len(blob) * 8 {
		changed := bytes.Clone(blob)
		changed[bit/8] ^= 1 << (bit % 8)
		if got, err := v.Open(key, changed, place); err == nil || got != nil {
			t.Errorf("bit %d changed: %q, %v", bit, got, err)
		}
	}
	for length := range blob {
		if got, err := v.Open(key, blob[:length], place); err == nil || got != nil {
			t.Errorf("cut to %d bytes: %q, %v", length, got, err)
		}
	}
	if got, err := v.Open(key, v.Seal(key, nil, place), place); err != nil || len(got) != 0 {
		t.Errorf("nothing: %q, %v", got, err)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	first, second := (*Vault)(nil).NewKey(), (*Vault)(nil).NewKey()
	before, after := newVault(first), newVault(second, first)
	key, place := before.NewKey(), []byte("place")
	for name, wrapped := range map[string][]byte{"old": before.Wrap(key, place), "new": after.Wrap(key, place)} {
		if got, err := after.Unwrap(wrapped, place); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := after.Unwrap(wrapped, []byte("elsewhere")); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s elsewhere: %v", name, err)
		}
	}
	if _, err := before.Unwrap(after.Wrap(key, place), place); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("wrapped by a later key: %v", err)
	}
}

// FuzzOpen checks that nothing but what was sealed opens, and that nothing makes opening fail otherwise than by an error.
func FuzzOpen(f *testing.F) {
	v := newVault(bytes.Repeat([]byte{1}, KeySize), bytes.Repeat([]byte{2}, KeySize))
	key := bytes.Repeat([]byte{3}, KeySize)
	f.Add(v.Seal(key, []byte("content"), nil), []byte(nil))
	f.Add(v.Wrap(key, []byte("place")), []byte("place"))
	f.Add([]byte{blobVersion}, []byte("x"))
	f.Fuzz(func(t *testing.T, blob, place []byte) {
		if content, err := v.Open(key, blob, place); err == nil && len(content) != len(blob)-Overhead {
			t.Errorf("opened %d bytes out of %d", len(content), len(blob))
		}
		if content, err := v.Unwrap(blob, place); err == nil && len(content) != len(blob)-Overhead {
			t.Errorf("unwrapped %d bytes out of %d", len(content), len(blob))
		}
	})
}

// FuzzParse checks that a file of master keys is read as it was written, or refused.
func FuzzParse(f *testing.F) {
	f.Add(encode([][]byte{bytes.Repeat([]byte{1}, KeySize), bytes.Repeat([]byte{2}, KeySize)}))
	f.Add([]byte("# nothing\n"))
	f.Add([]byte(linePrefix + "AAAA\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parse(text)
		if err != nil {
			return
		}
		again, err := parse(encode(v.keys))
		if err != nil || len(again.keys) != len(v.keys) || len(v.keys) == 0 || len(v.keys) > keysMax {
			t.Fatalf("%d keys, written and read again %v", len(v.keys), err)
		}
		for i, k := range v.keys {
			if len(k) != KeySize || !bytes.Equal(k, again.keys[i]) {
				t.Errorf("key %d differs", i)
			}
		}
	})
}
