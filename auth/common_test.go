package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestCommonPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"administrator", "ADMINISTRATOR", "1qaz2wsx3edc4rfv", "password1234", "Passwort2026!", "!!Passwort26", "P4$$w0rd2026!", "password12345678",
		"passwordpassword", "Schatz-Schatz-Schatz-", "aaaaaaaaaaaa", "abcabcabcabcab", "123456789012", "abcdefghijklm", "zyxwvutsrqpon", "987654321098",
		"ｐａｓｓｗｏｒｄ１２３４",
	} {
		if err := CheckPassword(password); !errors.Is(err, ErrPasswordCommon) {
			t.Errorf("%q: %v", password, err)
		}
	}
	for _, password := range []string{
		"correct horse battery", "Aktenzeichen 4711 bleibt geheim", "password123456789", "Dienstweg ist kein Holzweg 9", "Straße nach Köln", "xkfhwpqjzmvb", "passwordspasswort ",
	} {
		if err := CheckPassword(password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestTheOperatorRefusesMore(t *testing.T) {
	t.Parallel()
	refused, err := ReadRefused(strings.NewReader("Musterstadt\r\n\nBürgeramt Nord\nmusterstadt"))
	if err != nil || len(refused) != 2 {
		t.Fatalf("%q, %v", refused, err)
	}
	p := NewPasswords(1, refused...)
	for password, want := range map[string]error{
		"Musterstadt2026": ErrPasswordCommon, "bürgeramt nord": ErrPasswordCommon, "MusterstadtMusterstadt": ErrPasswordCommon,
		"Musterstadt an der Muster": nil,
	} {
		if _, err := p.Hash(t.Context(), password); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", password, err, want)
		}
	}
	if err := CheckPassword("Musterstadt2026"); err != nil {
		t.Errorf("without the file: %v", err)
	}
}

func TestRefusedFileIsBounded(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("x", 1023) + "\n"
	whole := strings.Repeat(line, MaxRefusedFile/len(line))
	if _, err := ReadRefused(strings.NewReader(whole)); err != nil {
		t.Errorf("%d bytes: %v", len(whole), err)
	}
	for name, text := range map[string]string{"one byte more": whole + "x", "a long line": strings.Repeat("x", 1<<17)} {
		if _, err := ReadRefused(strings.NewReader(text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
