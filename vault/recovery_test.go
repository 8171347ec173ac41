package vault

import (
	"context"
	"errors"
	"io/fs"
	"maps"
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

// settings are texts of a database.
type settings map[string]string

func (s settings) Setting(_ context.Context, name string) (string, error) { return s[name], nil }

func (s settings) AddSetting(_ context.Context, name, value string) (string, error) {
	if _, there := s[name]; !there {
		s[name] = value
	}
	return s[name], nil
}

func TestARecoveryKeyThatTheMasterKeyDidNotVouchForIsRefused(t *testing.T) {
	t.Parallel()
	first, second := (*Vault)(nil).NewKey(), (*Vault)(nil).NewKey()
	v := &Vault{keys: [][]byte{first}}
	made := func(v *Vault) settings {
		_, kept, err := v.NewRecovery()
		if err != nil {
			t.Fatal(err)
		}
		return settings{SettingRecipient: kept.Recipient, SettingEscrow: kept.Escrow, SettingRecoveryCode: kept.Code}
	}
	own, later, foreign := made(v), made(v), made(&Vault{keys: [][]byte{second}})
	kept, err := v.Recovery(t.Context(), own)
	if err != nil || kept.Recipient != own[SettingRecipient] || kept.Escrow != own[SettingEscrow] {
		t.Errorf("its own: %+v, %v", kept, err)
	}
	if kept, err := v.Recovery(t.Context(), settings{}); err != nil || kept.Recipient != "" {
		t.Errorf("none: %+v, %v", kept, err)
	}
	if _, err := (&Vault{keys: [][]byte{second, first}}).Recovery(t.Context(), own); !errors.Is(err, ErrForeignRecovery) {
		t.Errorf("that of an earlier master key, which it does not cover: %v", err)
	}
	mixed := func(change string, from settings) settings {
		s := maps.Clone(own)
		s[change] = from[change]
		return s
	}
	shifted := maps.Clone(own)
	shifted[SettingRecipient], shifted[SettingEscrow] = own[SettingRecipient]+own[SettingEscrow][:1], own[SettingEscrow][1:]
	for name, s := range map[string]settings{
		"somebody else's recipient":    mixed(SettingRecipient, foreign),
		"somebody else's escrow":       mixed(SettingEscrow, foreign),
		"somebody else's code":         mixed(SettingRecoveryCode, foreign),
		"everything somebody else's":   foreign,
		"the recipient of another one": mixed(SettingRecipient, later),
		"the escrow of another one":    mixed(SettingEscrow, later),
		"no code":                      mixed(SettingRecoveryCode, settings{}),
		"no recipient":                 mixed(SettingRecipient, settings{}),
		"no escrow":                    mixed(SettingEscrow, settings{}),
		"a byte on the other side":     shifted,
		"a recipient and nothing else": {SettingRecipient: foreign[SettingRecipient]},
	} {
		if kept, err := v.Recovery(t.Context(), s); !errors.Is(err, ErrForeignRecovery) || kept.Recipient != "" {
			t.Errorf("%s: %+v, %v", name, kept, err)
		}
	}
}
