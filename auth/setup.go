package auth

import (
	"context"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/user"
)

// The faults of the set-up.
var (
	ErrSetupInvalid = fault.New(fault.KindDenied, "setup.invalid", "This set-up link is not valid. Please take the newest one that the server printed.").At("/token")
	ErrSetupDone    = fault.New(fault.KindGone, "setup.done", "The set-up is complete: there is an administrator already. Please sign in.")
)

// SetupStore keeps the one set-up token of a tenant.
type SetupStore interface {
	// SetupNeeded reports whether there was never an administrator.
	SetupNeeded(ctx context.Context, tenant string) (bool, error)
	// PutSetupToken takes the place of an earlier token.
	PutSetupToken(ctx context.Context, tenant string, secret Hash, at time.Time) error
	// CompleteSetup stores the user, the recovery key's public parts in place of earlier ones and the entries in one
	// transaction, and uses the token up for anything but SetupAdmin. It fails with ErrSetupDone when there was an
	// administrator, with ErrSetupInvalid when the secret is not that of the token, and with user.ErrEmailTaken.
	CompleteSetup(ctx context.Context, secret Hash, u user.User, passwordHash string, kept Recovery, entries ...audit.Entry) error
	// SetupAdmin returns the administrator whom CompleteSetup made with the token, unless it is disabled or another one was
	// added since. It fails with ErrSetupDone.
	SetupAdmin(ctx context.Context, tenant string, secret Hash) (user.User, error)
	// RepeatSetup stores the recovery key's public parts in place of earlier ones with the entry in one transaction. It fails
	// with ErrSetupDone when SetupAdmin returns another one, or none.
	RepeatSetup(ctx context.Context, secret Hash, u user.User, kept Recovery, entry audit.Entry) error
}

// SetupRepeatable is how long after a set-up its answer can be had again.
const SetupRepeatable = time.Hour

// Setup makes the first administrator of an installation with a one-time token.
type Setup struct {
	store    SetupStore
	hasher   user.Hasher
	recovery NewRecovery
	now      func() time.Time
}

// NewSetup returns a Setup that takes the time from now.
func NewSetup(store SetupStore, hasher user.Hasher, recovery NewRecovery, now func() time.Time) *Setup {
	return &Setup{store: store, hasher: hasher, recovery: recovery, now: now}
}

// Needed reports whether there was no administrator yet.
func (s *Setup) Needed(ctx context.Context) (bool, error) {
	return s.store.SetupNeeded(ctx, access.DefaultTenant)
}

// Issue makes a new token for the set-up link; earlier ones are not valid any more. It fails with ErrSetupDone when
// there is an administrator.
func (s *Setup) Issue(ctx context.Context) (string, error) {
	needed, err := s.Needed(ctx)
	if err != nil {
		return "", err
	}
	if !needed {
		return "", ErrSetupDone
	}
	secret := newSecret()
	hash, _ := hashSecret(secret)
	return secret, s.store.PutSetupToken(ctx, access.DefaultTenant, hash, wholeMillis(s.now()))
}

// Complete creates the first administrator and the recovery key, whose secret it returns to be shown once; the roles in n are
// not looked at. Nothing is used up when it fails. Faults: access, setup.invalid, setup.done, email.*, name.*, language.invalid, password.*.
func (s *Setup) Complete(ctx context.Context, actor access.Actor, token string, n user.New) (u user.User, recoveryKey string, err error) {
	if err := access.Decide(actor, access.SetupComplete, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return user.User{}, "", err
	}
	hash, ok := hashSecret(token)
	if !ok {
		return user.User{}, "", ErrSetupInvalid
	}
	n.Roles = access.Administrator.List()
	at := s.now()
	u, err = n.Prepare(actor.Tenant, at)
	if err != nil {
		return user.User{}, "", err
	}
	passwordHash, err := s.hasher.Hash(ctx, n.Password)
	if err != nil {
		return user.User{}, "", err
	}
	secret, kept, err := s.recovery()
	if err != nil {
		return user.User{}, "", err
	}
	by := audit.Origin{At: at, Actor: actor}
	if err := s.store.CompleteSetup(ctx, hash, u, passwordHash, kept, audit.SetupCompleted(by, u.ID), audit.RecoveryKeyMade(by, kept.Recipient)); err != nil {
		return user.User{}, "", err
	}
	return u, secret, nil
}

// Made is the administrator whom Complete made with that token within SetupRepeatable: the answer may have been lost on the
// way, and with it the recovery key, which is kept nowhere. Faults: access, setup.done.
func (s *Setup) Made(ctx context.Context, actor access.Actor, token string) (user.User, error) {
	if err := access.Decide(actor, access.SetupComplete, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return user.User{}, err
	}
	hash, ok := hashSecret(token)
	if !ok {
		return user.User{}, ErrSetupDone
	}
	u, err := s.store.SetupAdmin(ctx, actor.Tenant, hash)
	if err != nil {
		return user.User{}, err
	}
	if s.now().Sub(u.CreatedAt) > SetupRepeatable {
		return user.User{}, ErrSetupDone
	}
	return u, nil
}

// Repeat makes another recovery key in place of the one that Complete made, and returns its secret to be shown once. Made must
// have returned u, and whoever asks must have proved to be that person by password. Faults: access, setup.done.
func (s *Setup) Repeat(ctx context.Context, actor access.Actor, token string, u user.User) (recoveryKey string, err error) {
	if err := access.Decide(actor, access.SetupComplete, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return "", err
	}
	hash, ok := hashSecret(token)
	if !ok {
		return "", ErrSetupDone
	}
	secret, kept, err := s.recovery()
	if err != nil {
		return "", err
	}
	entry := audit.RecoveryKeyMade(audit.Origin{At: s.now(), Actor: actor}, kept.Recipient)
	if err := s.store.RepeatSetup(ctx, hash, u, kept, entry); err != nil {
		return "", err
	}
	return secret, nil
}
