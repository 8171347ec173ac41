package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/user"
)

// The faults of a sign-in. ErrFailed is the same for a wrong password, an unknown address and a disabled account.
var (
	ErrFailed = fault.New(fault.KindUnauthenticated, "auth.failed", "The e-mail address or the password is not right.")
	ErrRoles  = fault.New(fault.KindDenied, "auth.roles", "This account holds roles that one person may not hold together, so nobody can sign in to it. Please ask a user administrator to take one of them away.")
	ErrLocked = fault.New(fault.KindTooMany, "auth.locked", "There were too many failed attempts. Please wait some minutes and try again, or use a browser in which you signed in before.")
)

// Credential is a user with the stored hash of the password.
type Credential struct {
	User         user.User
	PasswordHash string
}

// Failure is a failed proof of identity, to be counted.
type Failure struct {
	Tenant  string
	Account string // hash of the address that was given, whether or not there is such an account
	Source  string // the network, or the known browser
	Known   bool   // Source is a browser in which the account's owner signed in before
	At      time.Time
}

// Begin is a session to be stored, with everything that changes along with it.
type Begin struct {
	Session        Session
	Secret         Hash
	PasswordHash   string                      // that the password was verified with
	RenewedHash    string                      // to take its place; the same when it need not be renewed
	Replaced       Hash                        // the session that this browser had before, to be removed; or nil
	Device         Hash                        // the browser, to be known until DeviceExpires
	DeviceExpires  time.Time                   // UTC, whole milliseconds
	Failure        Failure                     // the failures of this account from this source are forgotten
	ForgetFailures time.Time                   // failures before this matter no more
	Most           int                         // sessions of the user at once; others end that were seen longest ago. 0 for no limit
	Ended          func(id string) audit.Entry // about a session that ends so
}

// SignInStore keeps what proofs of identity need. A method that changes something writes the entries in the same transaction.
type SignInStore interface {
	// Credential fails with user.ErrUnknown.
	Credential(ctx context.Context, tenant, email string) (Credential, error)
	// CredentialOf is Credential by the id of the user.
	CredentialOf(ctx context.Context, tenant, userID string) (Credential, error)
	// KnowsDevice reports whether the user signed in with this browser and it is not forgotten at that time.
	KnowsDevice(ctx context.Context, userID string, device Hash, now time.Time) (bool, error)
	// SignInFailures returns the failures at or after since.
	SignInFailures(ctx context.Context, tenant, account, source string, since time.Time) (Failures, error)
	// RecordFailure counts a failure and forgets those before forget.
	RecordFailure(ctx context.Context, f Failure, forget time.Time, entries []audit.Entry) error
	// BeginSession stores a session and forgets the sessions, devices and failures that are over. It fails with ErrFailed
	// when the user was disabled or the password was changed since it was verified.
	BeginSession(ctx context.Context, b Begin, entry audit.Entry) error
	// ReplacePassword stores the hash in place of the old one, removes all sessions of the user but the one with the id
	// except, and writes the entry that entryFor makes of the number of removed sessions. It fails with ErrFailed when
	// the old one is no longer stored.
	ReplacePassword(ctx context.Context, c Credential, hash, except string, entryFor func(ended int) audit.Entry) error
}

// SignIn proves identities by password, and limits guessing.
type SignIn struct {
	store     SignInStore
	sessions  *Sessions
	passwords *Passwords
	now       func() time.Time
	turns     turns
}

// NewSignIn returns a SignIn whose sessions last as those of sessions, from where it takes the time, too.
func NewSignIn(store SignInStore, sessions *Sessions, passwords *Passwords) *SignIn {
	return &SignIn{store: store, sessions: sessions, passwords: passwords, now: sessions.now, turns: turns{keys: map[string]*turn{}}}
}

// Attempt is a request to sign in.
type Attempt struct {
	Email, Password string
	Address         string // of the client on the network, with or without a port
	UserAgent       string
	Device          string // the value of the DeviceCookie, or empty
	Session         string // the value of the SessionCookie, or empty; that session ends when the attempt succeeds
}

// SignedIn is what a successful attempt brings.
type SignedIn struct {
	Identity Identity
	Session  string // the new value of the SessionCookie, good until Identity.Session.ExpiresAt
	Device   string // the new value of the DeviceCookie, good for DeviceLifetime
}

// SignIn begins a session for who knows the password. The session is always a new one. Faults: access, auth.failed,
// auth.locked, auth.roles.
func (s *SignIn) SignIn(ctx context.Context, actor access.Actor, a Attempt) (SignedIn, error) {
	if err := access.Decide(actor, access.SessionStart, access.Object{Kind: "session", Tenant: actor.Tenant}).Err(); err != nil {
		return SignedIn{}, err
	}
	email, err := user.CleanEmail(a.Email)
	if err != nil {
		email = "" // nobody has it; goes the same way as any unknown address
	}
	device, _ := hashSecret(a.Device)
	c, renewed, failure, err := s.prove(ctx, proof{
		actor: actor, account: accountKey(a.Email, email), address: a.Address, device: device, password: a.Password,
		find: func() (Credential, error) { return s.store.Credential(ctx, actor.Tenant, email) },
	})
	if err != nil {
		return SignedIn{}, err
	}
	session, secret, hash := s.sessions.begin(c.User, a.UserAgent, a.Address)
	deviceSecret := a.Device
	if !failure.Known {
		deviceSecret = newSecret()
		device, _ = hashSecret(deviceSecret)
	}
	replaced, _ := hashSecret(a.Session)
	err = s.store.BeginSession(ctx, Begin{
		Session: session, Secret: hash, PasswordHash: c.PasswordHash, RenewedHash: renewed,
		Replaced: replaced, Failure: failure,
		Device: device, DeviceExpires: session.CreatedAt.Add(DeviceLifetime), ForgetFailures: session.CreatedAt.Add(-FailureMemory),
		Most: s.sessions.most, Ended: func(id string) audit.Entry {
			return audit.SessionEnded(audit.Origin{At: session.CreatedAt, Actor: c.User.Actor()}, id, audit.SessionSuperseded)
		},
	}, audit.SessionStarted(audit.Origin{At: session.CreatedAt, Actor: c.User.Actor()}, session.ID, session.Source))
	if err != nil {
		return SignedIn{}, err
	}
	id := Identity{Actor: c.User.Actor(), User: c.User, Session: session}
	return SignedIn{Identity: id, Session: secret, Device: deviceSecret}, nil
}

// PasswordChange is a request to change one's own password.
type PasswordChange struct {
	Old, New string
	Address  string // of the client on the network, with or without a port
	Keep     string // the id of the session that goes on; all others end
}

// ChangePassword gives the actor a new password after the old one was proved. Faults: access, password.*, auth.failed,
// auth.locked.
func (s *SignIn) ChangePassword(ctx context.Context, actor access.Actor, p PasswordChange) error {
	if err := access.Decide(actor, access.PasswordChange, ownObject("user", actor.UserID, actor)).Err(); err != nil {
		return err
	}
	if err := CheckPassword(p.New); err != nil {
		return err
	}
	c, err := s.store.CredentialOf(ctx, actor.Tenant, actor.UserID)
	if err != nil {
		return err
	}
	c, _, _, err = s.prove(ctx, proof{
		actor: actor, account: accountKey("", c.User.Email), address: p.Address, password: p.Old,
		find: func() (Credential, error) { return s.store.CredentialOf(ctx, actor.Tenant, actor.UserID) },
	})
	if err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, p.New)
	if err != nil {
		return err
	}
	origin := audit.Origin{At: s.now(), Actor: actor}
	return s.store.ReplacePassword(ctx, c, hash, p.Keep, func(ended int) audit.Entry {
		return audit.PasswordChanged(origin, actor.UserID, ended)
	})
}

// ResetPassword gives the account with that address a new password without asking for the old one, for somebody who has
// forgotten it, and ends all its sessions. Faults: access, password.*, user.unknown.
func (s *SignIn) ResetPassword(ctx context.Context, actor access.Actor, email, password string) error {
	if err := access.Decide(actor, access.PasswordReset, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return err
	}
	if err := CheckPassword(password); err != nil {
		return err
	}
	email, err := user.CleanEmail(email)
	if err != nil {
		return err
	}
	c, err := s.store.Credential(ctx, actor.Tenant, email)
	if err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	origin := audit.Origin{At: s.now(), Actor: actor}
	return s.store.ReplacePassword(ctx, c, hash, "", func(ended int) audit.Entry {
		return audit.PasswordChanged(origin, c.User.ID, ended)
	})
}

// proof is one password to be tried for one account.
type proof struct {
	actor    access.Actor
	account  string // accountKey
	address  string
	device   Hash // nil when the browser shows none
	password string
	find     func() (Credential, error)
}

// prove tries the password unless a lock is in force, and counts a failure. It returns the hash to store from
// now on, and under what failures of this kind are counted.
func (s *SignIn) prove(ctx context.Context, p proof) (Credential, string, Failure, error) {
	fail := func(err error) (Credential, string, Failure, error) { return Credential{}, "", Failure{}, err }

	c, err := p.find()
	if err != nil && !errors.Is(err, user.ErrUnknown) {
		return fail(err)
	}
	f := Failure{Tenant: p.actor.Tenant, Account: p.account, Source: sourceOf(p.address)}
	if f.Known, err = s.store.KnowsDevice(ctx, c.User.ID, p.device, s.now()); err != nil {
		return fail(err)
	}
	if f.Known {
		f.Source = "device:" + hex.EncodeToString(p.device)
	}
	release, err := s.turns.take(ctx, f.Account+f.Source)
	if err != nil {
		return fail(err)
	}
	defer release()

	f.At = wholeMillis(s.now())
	before, err := s.store.SignInFailures(ctx, f.Tenant, f.Account, f.Source, f.At.Add(-FailureMemory))
	if err != nil {
		return fail(err)
	}
	if lockOf(before, f.Known, f.At).scope != "" {
		return fail(ErrLocked)
	}
	ok, renew, err := s.passwords.Verify(ctx, c.PasswordHash, p.password)
	if err != nil {
		return fail(err)
	}
	if !ok || c.User.Disabled() || c.User.Roles.Check() != nil {
		return fail(s.refuse(ctx, p, c, f, before, ok))
	}
	renewed := c.PasswordHash
	if renew && CheckPassword(p.password) == nil { // a password that would not be allowed today keeps its hash
		if renewed, err = s.passwords.Hash(ctx, p.password); err != nil {
			return fail(err)
		}
	}
	return c, renewed, f, nil
}

// refuse counts the failure and returns what to answer.
func (s *SignIn) refuse(ctx context.Context, p proof, c Credential, f Failure, before Failures, passwordRight bool) error {
	reason, answer := audit.FailurePassword, error(ErrFailed)
	switch {
	case c.User.ID == "":
		reason = audit.FailureUnknown
	case passwordRight && c.User.Disabled():
		reason = audit.FailureDisabled
	case passwordRight:
		reason, answer = audit.FailureRoles, ErrRoles
	}
	origin, source := audit.Origin{At: f.At, Actor: p.actor}, shortSource(p.address)
	entries := []audit.Entry{audit.SessionFailed(origin, c.User.ID, reason, source)}
	if l := lockOf(before.with(f.Known, f.At), f.Known, f.At); l.scope != "" {
		entries = append(entries, audit.SessionLocked(origin, c.User.ID, l.scope, source, l.until))
		answer = ErrLocked
	}
	if err := s.store.RecordFailure(ctx, f, f.At.Add(-FailureMemory), entries); err != nil {
		return err
	}
	return answer
}

// accountKey is what failures are counted by: the address, or what was given in its place, hashed because people type
// passwords into the wrong field.
func accountKey(given, clean string) string {
	if clean == "" {
		clean = "\x00" + given
	}
	sum := sha256.Sum256([]byte(clean))
	return hex.EncodeToString(sum[:16])
}
