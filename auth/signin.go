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

// Failure is a failed proof of identity, to be counted.
type Failure struct {
	Tenant  string
	Account string // hash of the address that was given, whether or not there is such an account
	Source  string // the network, or the known browser
	Known   bool   // Source is a browser in which the account's owner signed in before
	Entry   string // id of the audit entry about it
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
	NewBrowser     *finding.Finding            // kept when the user is known in another browser; or nil
	Factor         FactorUse                   // the second factor that was shown; or the zero use
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
	// SignInFailures returns the failures that matter at a time.
	SignInFailures(ctx context.Context, tenant, account, source string, now time.Time) (Failures, error)
	// FailureTrail returns the newest failures of a trail, at most so many, the newest first.
	FailureTrail(ctx context.Context, t Trail, atMost int) ([]Trace, error)
	// RecordFailure counts a failure, keeps what was found, and forgets the failures before forget.
	RecordFailure(ctx context.Context, f Failure, forget time.Time, entries []audit.Entry, found []finding.Finding) error
	// ForgiveAccount forgets the failures of an account from all sources, and writes the entry that entryFor makes of how many
	// there were.
	ForgiveAccount(ctx context.Context, tenant, account string, entryFor func(failures int) audit.Entry) error
	// BeginSession stores a session and forgets the sessions, devices and failures that are over. It fails with ErrFailed
	// when the user was disabled or the password was changed since it was verified, with ErrChallenge when the challenge of the
	// factor was used before and with ErrFactorFailed when the factor was.
	BeginSession(ctx context.Context, b Begin, entry audit.Entry) error
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
	return s.begin(ctx, c, renewed, failure, a, FactorUse{})
}

// begin begins a session of who proved to be that person.
func (s *SignIn) begin(ctx context.Context, c Credential, renewed string, failure Failure, a Attempt, use FactorUse) (SignedIn, error) {
	session, secret, hash := s.sessions.begin(c.User, a.UserAgent, a.Address)
	deviceSecret := a.Device
	if !failure.Known {
		deviceSecret = newSecret()
	}
	device, _ := hashSecret(deviceSecret)
	replaced, _ := hashSecret(a.Session)
	entry := audit.SessionStarted(audit.Origin{At: session.CreatedAt, Actor: c.User.Actor()}, session.ID, session.Source)
	begin := Begin{
		Session: session, Secret: hash, PasswordHash: c.PasswordHash, RenewedHash: renewed, Replaced: replaced, Factor: use, Failure: failure,
		Device: device, DeviceExpires: session.CreatedAt.Add(DeviceLifetime), ForgetFailures: session.CreatedAt.Add(-FailureMemory),
		Most: s.sessions.most, Ended: func(id string) audit.Entry {
			return audit.SessionEnded(audit.Origin{At: session.CreatedAt, Actor: c.User.Actor()}, id, audit.SessionSuperseded)
		},
	}
	if !failure.Known {
		found := newBrowser(session, entry)
		begin.NewBrowser = &found
	}
	if err := s.store.BeginSession(ctx, begin, entry); err != nil {
		return SignedIn{}, err
	}
	id := Identity{Actor: c.User.Actor(), User: c.User, Session: session}
	return SignedIn{Identity: id, Session: secret, Device: deviceSecret}, nil
}

// PasswordChange is a request to change one's own password.
type PasswordChange struct {
	Old, New string
	Address  string    // of the client on the network, with or without a port
	Keep     string    // the id of the session that goes on; all others end
	ProvedAt time.Time // when its owner last proved who it is
}

// ChangePassword gives the actor a new password after the old one was proved, and the second factor, where there is one, not
// long ago. Faults: access, password.*, auth.failed, auth.locked, session.proof_required.
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
	factors, err := s.store.Factors(ctx, actor.Tenant, actor.UserID)
	if err != nil {
		return err
	}
	if len(factors) > 0 && !s.sessions.Fresh(p.ProvedAt) {
		return ErrProofRequired
	}
	c, _, err = s.prove(ctx, proof{
		actor: actor, account: accountKey("", c.User.Email), address: p.Address, failed: ErrFailed,
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
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	origin := audit.Origin{At: s.now(), Actor: actor}
	return s.store.ReplacePassword(ctx, c, hash, "", func(ended int) audit.Entry {
		return audit.PasswordChanged(origin, c.User.ID, ended)
	})
}

// Unlock forgets the failed proofs of an account, from wherever they came, so that no lock of it is in force any more. The lock
// of a network from which others fail too ends by itself. Faults: access, user.unknown.
func (s *SignIn) Unlock(ctx context.Context, actor access.Actor, userID string) error {
	if err := access.Decide(actor, access.UserUnlock, access.Object{Kind: "user", ID: userID, Tenant: actor.Tenant}).Err(); err != nil {
		return err
	}
	c, err := s.store.CredentialOf(ctx, actor.Tenant, userID)
	if err != nil {
		return err
	}
	origin := audit.Origin{At: s.now(), Actor: actor}
	return s.store.ForgiveAccount(ctx, actor.Tenant, accountKey("", c.User.Email), func(failures int) audit.Entry {
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

// failure is under what a proof of an account from somewhere is counted when it fails.
func (s *SignIn) failure(ctx context.Context, u user.User, account, address string, device Hash) (Failure, error) {
	f := Failure{Account: account, Tenant: u.Tenant, Source: sourceOf(address)}
	var err error
	if f.Known, err = s.store.KnowsDevice(ctx, u.ID, device, s.now()); err != nil {
		return Failure{}, err
	}
	if f.Known {
		f.Source = "device:" + hex.EncodeToString(device)
	}
	return f, nil
}

// prove looks at a proof unless a lock is in force, and counts a failure. It returns under what failures of this kind are
// counted.
func (s *SignIn) prove(ctx context.Context, p proof) (Credential, Failure, error) {
	fail := func(err error) (Credential, Failure, error) { return Credential{}, Failure{}, err }

	c, err := p.find()
	if err != nil && !errors.Is(err, user.ErrUnknown) {
		return fail(err)
	}
	f, err := s.failure(ctx, c.User, p.account, p.address, p.device)
	if err != nil {
		return fail(err)
	}
	f.Tenant = p.actor.Tenant
	release, err := s.turns.take(ctx, f.Account+f.Source)
	if err != nil {
		return fail(err)
	}
	defer release()

	f.At = wholeMillis(s.now())
	before, err := s.store.SignInFailures(ctx, f.Tenant, f.Account, f.Source, f.At)
	if err != nil {
		return fail(err)
	}
	if lockOf(before, f.Known, f.At).scope != "" {
		return fail(ErrLocked)
	}
	reason, err := p.check(c)
	if err != nil {
		return fail(err)
	}
	switch {
	case c.User.ID == "":
		reason = audit.FailureUnknown
	case reason == "" && c.User.Disabled():
		reason = audit.FailureDisabled
	case reason == "" && c.User.Roles.Check() != nil:
		reason = audit.FailureRoles
	}
	if reason != "" {
		return fail(s.refuse(ctx, p, c, f, before, reason))
	}
	return c, f, nil
}

// refuse counts the failure and returns what to answer.
func (s *SignIn) refuse(ctx context.Context, p proof, c Credential, f Failure, before Failures, reason audit.FailureReason) error {
	origin, source := audit.Origin{At: f.At, Actor: p.actor}, shortSource(p.address)
	failed := audit.SessionFailed(origin, c.User.ID, reason, source)
	f.Entry = failed.Record().ID
	entries := []audit.Entry{failed}
	answer := p.failed
	if reason == audit.FailureRoles {
		answer = ErrRoles
	}
	l := lockOf(before.with(f.Known, f.At), f.Known, f.At)
	if l.scope != "" {
		entries = append(entries, audit.SessionLocked(origin, c.User.ID, l.scope, source, l.until))
		answer = ErrLocked
	}
	found, err := s.notice(ctx, c.User.ID, f, before, l, entries)
	if err != nil {
		return err
	}
	if err := s.store.RecordFailure(ctx, f, f.At.Add(-FailureMemory), entries, found); err != nil {
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
