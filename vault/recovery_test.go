package vault

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

func TestAnEscrowOpensWithItsRecoveryKeyAlone(t *testing.T) {
	t.Parallel()
	v := &Vault{keys: [][]byte{(*Vault)(nil).NewKey(), (*Vault)(nil).NewKey()}}
	secret, kept, err := v.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	opened, text, err := OpenEscrow(" "+secret+"\n", kept.Escrow)
	if err != nil || len(opened.keys) != 2 || string(text) != string(encode(v.keys)) {
		t.Errorf("got %v, %q, %v", opened, text, err)
	}
	code := v.Authenticate("a", []byte("content"))
	if !opened.Authentic("a", []byte("content"), code) || opened.Authentic("b", []byte("content"), code) || opened.Authentic("a", []byte("c0ntent"), code) {
		t.Error("codes of the same master key")
	}
	if (&Vault{keys: [][]byte{v.NewKey()}}).Authentic("a", []byte("content"), code) {
		t.Error("the code of another master key")
	}
	other, _, err := v.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		secret, escrow string
		want           error
	}{
		"another key": {other, kept.Escrow, ErrWrongKey},
		"not a key":   {"AGE-SECRET-KEY-1X", kept.Escrow, ErrRecoveryKey},
		"no escrow":   {secret, "", ErrWrongKey},
	} {
		if _, _, err := OpenEscrow(try.secret, try.escrow); !errors.Is(err, try.want) || strings.Contains(err.Error(), try.secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := OpenEscrow(secret, kept.Escrow[:len(kept.Escrow)/2]); err == nil {
		t.Error("half an escrow opened")
	}
	path := filepath.Join(t.TempDir(), "master.key")
	if err := RestoreFile(path, secret, kept.Escrow); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(text) {
		t.Errorf("file %q, %v", got, err)
	}
	if err := RestoreFile(path, secret, kept.Escrow); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
}

func TestA86AnEscrowOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	v := &Vault{keys: [][]byte{(*Vault)(nil).NewKey()}}
	secret, kept, err := v.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := age.ParseX25519Recipient(kept.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	foreign := encode([][]byte{v.NewKey()})
	for _, text := range []string{string(foreign), string(foreign) + proofPrefix + "AAAA\n"} {
		var forged strings.Builder
		lines := armor.NewWriter(&forged)
		w, err := age.Encrypt(lines, recipient)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), lines.Close()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := OpenEscrow(secret, forged.String()); !errors.Is(err, ErrWrongKey) {
			t.Errorf("got %v", err)
		}
	}
}
