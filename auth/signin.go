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
	"konklave/finding"
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

// Begin is a session to be stored, with everything that changes along with it.
type Begin struct {
	Session        Session
	Entry          audit.Entry // about the session
	Secret         Hash
	PasswordHash   string                      // that the password was verified with; empty when a provider vouches
	RenewedHash    string                      // to take its place; the same when it need not be renewed
	Replaced       Hash                        // the session that this browser had before, to be removed; or nil
	Device         Hash                        // the browser, to be known until DeviceExpires
	DeviceExpires  time.Time                   // UTC, whole milliseconds
	Shown          Hash                        // what an unknown browser showed in place of Device, good for nothing any more; or nil
	NewBrowser     *finding.Finding            // kept when the user is known in another browser; or nil
	From           ProviderSession             // with which the session ends; it is kept with what the link of that subject holds
	Factor         FactorUse                   // the second factor that was shown; or the zero use
	Failure        Failure                     // the failures of this account from this source are forgotten
	ForgetFailures time.Time                   // failures before this matter no more
	Most           int                         // sessions of the user at once; others end that were seen longest ago, and those last that are in a conference. 0 for no limit
	Ended          func(id string) audit.Entry // about a session that ends so, or for Replaced
}

// SignInStore keeps what proofs of identity by password need. A method that changes something writes the entries in the same
// transaction.
type SignInStore interface {
	FailureStore
	// Credential fails with user.ErrUnknown.
	Credential(ctx context.Context, tenant, email string) (Credential, error)
	// CredentialOf is Credential by the id of the user.
	CredentialOf(ctx context.Context, tenant, userID string) (Credential, error)
	// Links returns who a user is at identity providers.
	Links(ctx context.Context, userID string) ([]Link, error)
	// ForgiveAccounts forgets the failures that are counted under these accounts, from all sources, and that mails told of their locks, so
	// that the next one is told again; it writes the entry that entryFor makes of how many failures there were.
	ForgiveAccounts(ctx context.Context, tenant string, accounts []string, entryFor func(failures int) audit.Entry) error
	// BeginSession stores a session and forgets the sessions, devices and failures that are over. It fails with ErrFailed
	// when the user was disabled or the password was changed since it was verified, with ErrChallenge when the challenge of the
	// factor was used before and with ErrFactorFailed when the factor was.
	BeginSession(ctx context.Context, b Begin) error
	// Factors returns the second factors of a user.
	Factors(ctx context.Context, tenant, userID string) ([]Factor, error)
	// RemoveFactors removes all second factors and recovery codes of a user, and writes the entry that entryFor makes of how
	// many factors there were.
	RemoveFactors(ctx context.Context, tenant, userID string, entryFor func(factors int) audit.Entry) error
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
	guard     *guard
	tells     bool // owners of locked accounts, by mail
}

// NewSignIn returns a SignIn whose sessions last as those of sessions, from where it takes the time, too.
func NewSignIn(store SignInStore, sessions *Sessions, passwords *Passwords) *SignIn {
	return &SignIn{store: store, sessions: sessions, passwords: passwords, now: sessions.now, guard: newGuard(store, sessions.now)}
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

	Proved *Proved // when not nil, there is no session yet: a second factor is wanted (Factors.Want)
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
	account, renewed := accountKey(a.Email, email), ""
	c, failure, err := s.prove(ctx, proof{
		actor: actor, account: account, address: a.Address, device: device, failed: ErrFailed,
		find:  func() (Credential, error) { return s.store.Credential(ctx, actor.Tenant, email) },
		check: s.byPassword(ctx, a.Password, &renewed),
	})
	if err != nil {
		return SignedIn{}, err
	}
	factors, err := s.store.Factors(ctx, c.User.Tenant, c.User.ID)
	if err != nil {
		return SignedIn{}, err
	}
	if len(factors) > 0 {
		return SignedIn{Proved: &Proved{User: c.User.ID, Account: account, PasswordHash: c.PasswordHash, RenewedHash: renewed}}, nil
	}
	return s.begin(ctx, c, Proved{RenewedHash: renewed}, failure, a, FactorUse{})
}

// begin begins a session of who proved to be that person.
func (s *SignIn) begin(ctx context.Context, c Credential, p Proved, failure Failure, a Attempt, use FactorUse) (SignedIn, error) {
	if err := s.sessions.networks.Check(ctx, c.User.Actor(), a.Address); err != nil {
		return SignedIn{}, err
	}
	begin, signedIn := s.sessions.begin(c.User, a, failure)
	begin.PasswordHash, begin.RenewedHash, begin.Factor = c.PasswordHash, p.RenewedHash, use
	begin.From = p.From
	begin.endBy(p.Until, &signedIn)
	if err := s.store.BeginSession(ctx, begin); err != nil {
		return SignedIn{}, err
	}
	return signedIn, nil
}

// PasswordChange is a request to change one's own password.
type PasswordChange struct {
	Old, New string
	Address  string    // of the client on the network, with or without a port
	Device   string    // what a known browser shows, or empty
	Keep     string    // the id of the session that goes on; all others end
	ProvedAt time.Time // when its owner last proved who it is
}

// ChangePassword gives the actor a new password after the old one was proved, and the second factor, where there is one, not
// long ago. Faults: access, password.*, auth.failed, auth.locked, password.elsewhere, session.proof_required.
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
	if c.PasswordHash == "" {
		return ErrPasswordElsewhere
	}
	factors, err := s.store.Factors(ctx, actor.Tenant, actor.UserID)
	if err != nil {
		return err
	}
	if len(factors) > 0 && !s.sessions.Fresh(p.ProvedAt) {
		return ErrProofRequired
	}
	device, _ := hashSecret(p.Device)
	c, _, err = s.prove(ctx, proof{
		actor: actor, account: accountKey("", c.User.Email), address: p.Address, device: device, failed: ErrFailed,
		find:  func() (Credential, error) { return s.store.CredentialOf(ctx, actor.Tenant, actor.UserID) },
		check: s.byPassword(ctx, p.Old, new(string)),
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
	if c.PasswordHash == "" {
		return ErrPasswordElsewhere
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

// Unlock forgets the failed proofs of an account, from wherever they came, so that no lock of it is in force any more: those with
// its address, with the name it last had at a directory, and those of a second factor after a provider. The lock of a network from
// which others fail too ends by itself. Faults: access, user.unknown.
func (s *SignIn) Unlock(ctx context.Context, actor access.Actor, userID string) error {
	if err := access.Decide(actor, access.UserUnlock, access.Object{Kind: "user", ID: userID, Tenant: actor.Tenant}).Err(); err != nil {
		return err
	}
	c, err := s.store.CredentialOf(ctx, actor.Tenant, userID)
	if err != nil {
		return err
	}
	links, err := s.store.Links(ctx, userID)
	if err != nil {
		return err
	}
	origin := audit.Origin{At: s.now(), Actor: actor}
	return s.store.ForgiveAccounts(ctx, actor.Tenant, CountedAs(c.User.Email, links...), func(failures int) audit.Entry {
		return audit.UserUnlocked(origin, userID, failures)
	})
}

// UnlockAddress is Unlock for the account with that address.
func (s *SignIn) UnlockAddress(ctx context.Context, actor access.Actor, email string) error {
	email, err := user.CleanEmail(email)
	if err != nil {
		return err
	}
	if err := access.Decide(actor, access.UserUnlock, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return err
	}
	c, err := s.store.Credential(ctx, actor.Tenant, email)
	if err != nil {
		return err
	}
	return s.Unlock(ctx, actor, c.User.ID)
}

// ResetFactors removes all second factors of the account with that address, for somebody who has lost them; what is left is the
// password. Faults: access, email.invalid, user.unknown.
func (s *SignIn) ResetFactors(ctx context.Context, actor access.Actor, email string) error {
	if err := access.Decide(actor, access.FactorReset, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
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
	origin := audit.Origin{At: s.now(), Actor: actor}
	return s.store.RemoveFactors(ctx, actor.Tenant, c.User.ID, func(factors int) audit.Entry {
		return audit.FactorsReset(origin, c.User.ID, factors)
	})
}

// proof is something that proves an identity, to be tried for one account.
type proof struct {
	actor   access.Actor
	account string // accountKey
	address string
	device  Hash // nil when the browser shows none
	find    func() (Credential, error)
	// check says why the proof is not accepted, empty when it is; for an account that is not there it takes as long.
	check  func(Credential) (audit.FailureReason, error)
	failed error // what to answer then
}

// byPassword checks a password, and puts the hash to store from now on in renewed.
func (s *SignIn) byPassword(ctx context.Context, password string, renewed *string) func(Credential) (audit.FailureReason, error) {
	return func(c Credential) (audit.FailureReason, error) {
		ok, renew, err := s.passwords.Verify(ctx, c.PasswordHash, password)
		if err != nil {
			return "", err
		}
		if !ok {
			return audit.FailurePassword, nil
		}
		*renewed = c.PasswordHash
		if renew && CheckPassword(password) == nil { // a password that would not be allowed today keeps its hash
			if *renewed, err = s.passwords.Hash(ctx, password); err != nil {
				return "", err
			}
		}
		return "", nil
	}
}

// prove tries a proof, see guard.try. It returns under what failures of this kind are counted.
func (s *SignIn) prove(ctx context.Context, p proof) (Credential, Failure, error) {
	c, err := p.find()
	if err != nil && !errors.Is(err, user.ErrUnknown) {
		return Credential{}, Failure{}, err
	}
	f, err := s.guard.try(ctx, trial{
		actor: p.actor, account: p.account, userID: c.User.ID, address: p.address, device: p.device, failed: p.failed,
		tells: s.tells && p.actor.UserID == "", // who is signed in already knows
		check: func() (audit.FailureReason, error) {
			reason, err := p.check(c)
			switch {
			case err != nil:
				return "", err
			case c.User.ID == "":
				return audit.FailureUnknown, nil
			case reason == "" && c.User.Disabled():
				return audit.FailureDisabled, nil
			case reason == "" && c.User.Roles.Check() != nil:
				return audit.FailureRoles, nil
			}
			return reason, nil
		},
	})
	if err != nil {
		return Credential{}, Failure{}, err
	}
	return c, f, nil
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
