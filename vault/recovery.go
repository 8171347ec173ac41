package vault

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"konklave/auth"
)

// Names of the settings that hold the public half of the recovery key, the master key encrypted to it, and the code over both.
const (
	SettingRecipient    = "recovery.recipient"
	SettingEscrow       = "recovery.master_key"
	SettingRecoveryCode = "recovery.code"
)

// Errors of the recovery key.
var (
	ErrRecoveryKey = errors.New("this is not a recovery key; it begins with AGE-SECRET-KEY-1")
	ErrWrongKey    = errors.New("this recovery key does not belong to this database or backup")

	// ErrForeignRecovery says that what the database holds of a recovery key was not made with the present master key.
	ErrForeignRecovery = errors.New("the recovery key in the database was not put there with the present master key")
)

// NewRecovery makes a recovery key, an age identity (X25519), and encrypts the master key to it. It is an auth.NewRecovery.
func (v *Vault) NewRecovery() (secret string, kept auth.Recovery, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", kept, fmt.Errorf("make recovery key: %w", err)
	}
	kept.Recipient = identity.Recipient().String()
	kept.Escrow, err = v.escrow(identity)
	kept.Code = v.recoveryCode(kept)
	return identity.String(), kept, err
}

// recoveryPurpose binds the code over what the database holds of the recovery key.
const recoveryPurpose = "konklave recovery 1"

// recoveryCode is made with the present master key alone: an earlier one would let an earlier recovery key come back, and the
// escrow does not hold the present one.
func (v *Vault) recoveryCode(kept auth.Recovery) string {
	content := fmt.Appendf(nil, "%d %s%s", len(kept.Recipient), kept.Recipient, kept.Escrow)
	return base64.StdEncoding.EncodeToString(v.Authenticate(recoveryPurpose, content))
}

// Recovery returns what the settings hold of the recovery key, to which backups are encrypted; nothing when none was made. It
// fails with ErrForeignRecovery when somebody else put it there, or when the master key was changed since.
func (v *Vault) Recovery(ctx context.Context, settings Settings) (auth.Recovery, error) {
	var kept auth.Recovery
	for name, to := range map[string]*string{SettingRecipient: &kept.Recipient, SettingEscrow: &kept.Escrow, SettingRecoveryCode: &kept.Code} {
		var err error
		if *to, err = settings.Setting(ctx, name); err != nil {
			return auth.Recovery{}, err
		}
	}
	switch {
	case kept == auth.Recovery{}:
		return kept, nil
	case !hmac.Equal([]byte(kept.Code), []byte(v.recoveryCode(kept))):
		return auth.Recovery{}, ErrForeignRecovery
	}
	return kept, nil
}

// proofPrefix begins the line of an escrow that only somebody with the recovery key can have written: the recipient is public,
// and so an escrow alone does not say who encrypted it.
const proofPrefix = "# proof "

// escrowPurpose binds the proof of an escrow.
const escrowPurpose = "konklave escrow 1"

func (v *Vault) escrow(to *age.X25519Identity) (string, error) {
	var text strings.Builder
	lines := armor.NewWriter(&text)
	w, err := age.Encrypt(lines, to.Recipient())
	if err != nil {
		return "", fmt.Errorf("encrypt master key: %w", err)
	}
	content := encode(v.keys)
	proof := base64.StdEncoding.EncodeToString(mac([]byte(to.String()), escrowPurpose, content))
	_, err = w.Write(append(content, proofPrefix+proof+"\n"...))
	if err = errors.Join(err, w.Close(), lines.Close()); err != nil {
		return "", fmt.Errorf("encrypt master key: %w", err)
	}
	return text.String(), nil
}

// OpenEscrow returns the vault whose master key is in an escrow, and the text of its file. It fails with ErrRecoveryKey when
// secret is not a recovery key, with ErrWrongKey when it is another one or the escrow was not made together with it.
func OpenEscrow(secret, escrow string) (*Vault, []byte, error) {
	identity, err := age.ParseX25519Identity(strings.TrimSpace(secret))
	if err != nil {
		return nil, nil, ErrRecoveryKey // the cause repeats what was given
	}
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(escrow)), identity)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (%w)", ErrWrongKey, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, fileMax))
	if err != nil {
		return nil, nil, fmt.Errorf("decrypt master key: %w", err)
	}
	content, line, found := bytes.Cut(text, []byte(proofPrefix))
	proof, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(line)))
	if !found || err != nil || !hmac.Equal(proof, mac([]byte(identity.String()), escrowPurpose, content)) {
		return nil, nil, fmt.Errorf("%w (the master key in it was put there by somebody else)", ErrWrongKey)
	}
	v, err := parse(content)
	if err != nil {
		return nil, nil, fmt.Errorf("the master key in the backup is damaged: %w", err)
	}
	return v, content, nil
}

// RestoreFile writes the master key that escrow holds to path, where there must be no file yet (fs.ErrExist). It fails with
// ErrRecoveryKey when secret is not a recovery key, with ErrWrongKey when it is another one.
func RestoreFile(path, secret, escrow string) error {
	_, text, err := OpenEscrow(secret, escrow)
	if err != nil {
		return err
	}
	return WriteNew(path, text)
}
