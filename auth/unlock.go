package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/notify"
	"konklave/user"
)

// LockMailQuiet is how long after a mail about a lock of an account no further lock of it causes one; but a graver one is sent.
const LockMailQuiet = time.Hour

// ErrUnlockInvalid says that a link in a mail ends no lock: it was never made, was used or has expired.
var ErrUnlockInvalid = fault.New(fault.KindNotFound, "unlock.invalid", "This link has been used, has expired or is incomplete. Locks end by themselves within minutes: please try to sign in again later.")

// UnlockLink is what is kept of a link in a mail.
type UnlockLink struct {
	Hash      Hash
	Tenant    string
	UserID    string
	ExpiresAt time.Time // UTC, whole milliseconds
}

// UnlockStore keeps the links in mails.
type UnlockStore interface {
	// CredentialOf fails with user.ErrUnknown.
	CredentialOf(ctx context.Context, tenant, userID string) (Credential, error)
	// AddUnlockLink keeps a link, and forgets those that have expired.
	AddUnlockLink(ctx context.Context, l UnlockLink, now time.Time) error
	// UseUnlockLink forgets the link and all others to the same account, and returns it. It fails with ErrUnlockInvalid.
	UseUnlockLink(ctx context.Context, tenant string, link Hash, now time.Time) (UnlockLink, error)
}

// TellingOwners is the SignIn where a lock of an account causes a mail to its owner.
func (s *SignIn) TellingOwners() *SignIn {
	t := *s
	t.tells = true
	return &t
}

// lockMail is the mail that a lock causes; nil when it causes none. It is the same whether or not there is such an account.
func lockMail(f Failure, userID string, scope audit.LockScope, reason audit.FailureReason) *notify.Mail {
	if scope != audit.LockAccountSource && scope != audit.LockAccount {
		return nil // the link would not end it
	}
	kind := notify.AccountLockedSecond // whatever else was wrong, the password was right
	if reason == audit.FailurePassword || reason == audit.FailureUnknown {
		kind = notify.AccountLocked
	}
	return &notify.Mail{ID: newID(), Tenant: f.Tenant, Kind: kind, UserID: userID, CreatedAt: f.At, DueAt: f.At, ExpiresAt: f.At.Add(notify.MailLifetime)}
}

// Unlocking ends locks by links in mails, and writes these mails.
type Unlocking struct {
	store  UnlockStore
	signIn *SignIn
	site   UnlockSite
}

// UnlockSite is what stands in mails of the installation.
type UnlockSite struct {
	Name    string         // of the installation
	Address string         // of the page to which a link leads; the secret follows behind a #
	Zone    *time.Location // of times of day
}

var _ notify.Writer = (*Unlocking)(nil)

// NewUnlocking returns an Unlocking that ends locks as signIn does, from where it takes the time, too.
func NewUnlocking(store UnlockStore, signIn *SignIn, site UnlockSite) *Unlocking {
	return &Unlocking{store: store, signIn: signIn, site: site}
}

// Use ends the locks of the account to whose owner the secret was sent, once: of two who do so at the same time one
// succeeds. When it fails the link stays good. Faults: access, unlock.invalid.
func (u *Unlocking) Use(ctx context.Context, actor access.Actor, secret string) error {
	if err := access.Decide(actor, access.UserUnlockByMail, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return err
	}
	link, ok := hashSecret(secret)
	if !ok {
		return ErrUnlockInvalid
	}
	used, err := u.store.UseUnlockLink(ctx, actor.Tenant, link, u.signIn.now())
	if err != nil {
		return err
	}
	byMail := access.System("mail")
	byMail.Tenant = actor.Tenant
	if err := u.signIn.Unlock(ctx, byMail, used.UserID); err != nil {
		return errors.Join(err, u.store.AddUnlockLink(context.WithoutCancel(ctx), used, u.signIn.now()))
	}
	return nil
}

// Write implements notify.Writer. Each attempt to send a mail has a link of its own, and each of them is good until the mail expires.
func (u *Unlocking) Write(ctx context.Context, m notify.Mail) (notify.Message, bool, error) {
	if m.UserID == "" {
		return notify.Message{}, false, nil
	}
	c, err := u.store.CredentialOf(ctx, m.Tenant, m.UserID)
	switch {
	case errors.Is(err, user.ErrUnknown):
		return notify.Message{}, false, nil
	case err != nil:
		return notify.Message{}, false, err
	case c.PasswordHash == "" || c.User.Disabled() || c.User.Email == "":
		return notify.Message{}, false, nil
	}
	words, known := lockLetters()[m.Kind]
	if !known {
		return notify.Message{}, false, fmt.Errorf("mail %s is of a kind that this version does not know: %q", m.ID, m.Kind)
	}
	secret := newSecret()
	hash, _ := hashSecret(secret)
	now := u.signIn.now()
	if err := u.store.AddUnlockLink(ctx, UnlockLink{Hash: hash, Tenant: m.Tenant, UserID: m.UserID, ExpiresAt: m.ExpiresAt}, now); err != nil {
		return notify.Message{}, false, err
	}
	const clock = "15:04 (MST)"
	at, until := m.CreatedAt.In(u.site.Zone).Format(clock), m.ExpiresAt.In(u.site.Zone).Format(clock)
	subject, text := words.in(c.User.Language, u.site.Name, at, u.site.Address+"#"+secret, until)
	return notify.Message{ID: m.ID, To: c.User.Email, Subject: subject, Text: text, At: now}, true, nil
}
