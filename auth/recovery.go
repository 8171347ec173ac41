package auth

import (
	"context"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
)

// ErrRecoveryKeyExists says that there is a recovery key and that nobody said it should be replaced.
var ErrRecoveryKeyExists = fault.New(fault.KindConflict, "recovery_key.exists", "There is a recovery key already. A new one takes its place; backups made before it still need the old one.")

// Recovery is what the instance keeps of a recovery key.
type Recovery struct {
	Recipient string // the public half, "age1…"; backups are encrypted to it
	Escrow    string // the master key encrypted to the recipient, an armored age file
	Code      string // over both, by the master key: only this instance can have put them there
}

// NewRecovery makes a recovery key. The secret, "AGE-SECRET-KEY-1…", is shown to a person once and kept nowhere.
type NewRecovery func() (secret string, kept Recovery, err error)

// RecoveryStore keeps the recovery key's public parts.
type RecoveryStore interface {
	// PutRecovery stores them with the entry in one transaction. It fails with ErrRecoveryKeyExists when there are some
	// and replace is false.
	PutRecovery(ctx context.Context, kept Recovery, replace bool, entry audit.Entry) error
}

// RecoveryKeys makes recovery keys after the set-up.
type RecoveryKeys struct {
	store RecoveryStore
	make  NewRecovery
	now   func() time.Time
}

// NewRecoveryKeys returns a RecoveryKeys that takes the time from now.
func NewRecoveryKeys(store RecoveryStore, make NewRecovery, now func() time.Time) *RecoveryKeys {
	return &RecoveryKeys{store, make, now}
}

// Make makes a recovery key and returns its secret, to be shown once. Faults: access, recovery_key.exists when there is
// one and replace is false.
func (k *RecoveryKeys) Make(ctx context.Context, actor access.Actor, replace bool) (string, error) {
	if err := access.Decide(actor, access.RecoveryKeyMake, access.Object{Kind: "recovery_key", Tenant: actor.Tenant}).Err(); err != nil {
		return "", err
	}
	secret, kept, err := k.make()
	if err != nil {
		return "", err
	}
	entry := audit.RecoveryKeyMade(audit.Origin{At: k.now(), Actor: actor}, kept.Recipient)
	if err := k.store.PutRecovery(ctx, kept, replace, entry); err != nil {
		return "", err
	}
	return secret, nil
}
