package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"konklave/auth"
)

// Names of the settings that hold the public half of the recovery key and the master key encrypted to it.
const (
	SettingRecipient = "recovery.recipient"
	SettingEscrow    = "recovery.master_key"
)

// Errors of the recovery key.
var (
	ErrRecoveryKey = errors.New("this is not a recovery key; it begins with AGE-SECRET-KEY-1")
	ErrWrongKey    = errors.New("this recovery key does not belong to this database or backup")
)

// NewRecovery makes a recovery key, an age identity (X25519), and encrypts the master key to it. It is an auth.NewRecovery.
func (v *Vault) NewRecovery() (secret string, kept auth.Recovery, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", kept, fmt.Errorf("make recovery key: %w", err)
	}
	kept.Recipient = identity.Recipient().String()
	kept.Escrow, err = v.escrow(identity.Recipient())
	return identity.String(), kept, err
}

func (v *Vault) escrow(to age.Recipient) (string, error) {
	var text strings.Builder
	lines := armor.NewWriter(&text)
	w, err := age.Encrypt(lines, to)
	if err != nil {
		return "", fmt.Errorf("encrypt master key: %w", err)
	}
	_, err = w.Write(encode(v.keys))
	if err = errors.Join(err, w.Close(), lines.Close()); err != nil {
		return "", fmt.Errorf("encrypt master key: %w", err)
	}
	return text.String(), nil
}

// Recipient returns the public half of the recovery key, "age1…", to which backups are encrypted; empty when none was made.
func Recipient(ctx context.Context, settings Settings) (string, error) {
	return settings.Setting(ctx, SettingRecipient)
}

// RestoreFile writes the master key that escrow holds to path, where there must be no file yet (fs.ErrExist). It fails with
// ErrRecoveryKey when secret is not a recovery key, with ErrWrongKey when it is another one.
func RestoreFile(path, secret, escrow string) error {
	identity, err := age.ParseX25519Identity(strings.TrimSpace(secret))
	if err != nil {
		return ErrRecoveryKey // the cause repeats what was given
	}
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(escrow)), identity)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrWrongKey, err)
	}
	var text bytes.Buffer
	if _, err := io.Copy(&text, io.LimitReader(r, fileMax)); err != nil {
		return fmt.Errorf("decrypt master key: %w", err)
	}
	if _, err := parse(text.Bytes()); err != nil {
		return fmt.Errorf("the master key in the backup is damaged: %w", err)
	}
	return write(path, text.Bytes())
}
