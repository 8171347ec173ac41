package auth

import (
	"context"
	"errors"

	"konklave/access"
	"konklave/audit"
	"konklave/user"
)

// ByPassword stands among the kinds of a Wanted where there is no second factor.
const ByPassword FactorKind = "password"

// Wanted is what is still to be shown, to finish what was begun.
type Wanted struct {
	Challenge string       // for the Answer
	Kinds     []FactorKind // of which one is enough
	Passkey   string       // options for the browser, JSON; empty when a passkey is not among the kinds
}

// Answer is a proof; exactly one of the fields after the challenge is not empty.
type Answer struct {
	Challenge    string
	Code         string // of an authenticator app
	RecoveryCode string
	Passkey      string // what the browser answers, JSON
	Password     string // only within a session
}

// Want asks for the second factor of who has proved the password.
func (f *Factors) Want(ctx context.Context, tenant string, p Proved, site Site) (Wanted, error) {
	c, err := f.signIn.store.CredentialOf(ctx, tenant, p.User)
	if err != nil {
		return Wanted{}, err
	}
	return f.want(ctx, c.User, site, forSecond, challenge{User: p.User, Proved: p})
}

func (f *Factors) want(ctx context.Context, u user.User, site Site, purpose string, c challenge) (Wanted, error) {
	factors, err := f.store.Factors(ctx, u.Tenant, u.ID)
	if err != nil {
		return Wanted{}, err
	}
	var w Wanted
	if have := passkeysOf(factors); len(have) > 0 {
		w.Passkey, c.Passkey, err = f.keys.Ask(site, u, have)
		switch {
		case err == nil:
			w.Kinds = append(w.Kinds, FactorPasskey)
		case !errors.Is(err, ErrPasskeyPlace):
			return Wanted{}, err
		}
	}
	if len(passkeysOf(factors)) < len(factors) {
		w.Kinds = append(w.Kinds, FactorTOTP)
	}
	left, err := f.store.RecoveryCodesLeft(ctx, u.Tenant, u.ID)
	if err != nil {
		return Wanted{}, err
	}
	if left > 0 {
		w.Kinds = append(w.Kinds, FactorRecovery)
	}
	if len(factors) > 0 && len(w.Kinds) == 0 {
		return Wanted{}, ErrPasskeyOnly
	}
	w.Challenge, err = f.seal(purpose, c)
	return w, err
}

// SignIn begins a session for who proved the password before and shows a second factor now. A wrong one counts as a failed
// sign-in. Of the attempt, the address and the password are not looked at. Faults: access, auth.locked, auth.roles,
// factor.failed, factor.expired, passkey.refused.
func (f *Factors) SignIn(ctx context.Context, actor access.Actor, a Attempt, answer Answer, site Site) (SignedIn, error) {
	if err := access.Decide(actor, access.SessionStart, access.Object{Kind: "session", Tenant: actor.Tenant}).Err(); err != nil {
		return SignedIn{}, err
	}
	c, use, err := f.open(forSecond, answer.Challenge)
	if err != nil {
		return SignedIn{}, err
	}
	device, _ := hashSecret(a.Device)
	owner, failure, err := f.signIn.prove(ctx, proof{
		actor: actor, account: c.Proved.Account, address: a.Address, device: device, failed: ErrFactorFailed,
		find: func() (Credential, error) { return f.signIn.store.CredentialOf(ctx, actor.Tenant, c.User) },
		check: func(owner Credential) (audit.FailureReason, error) {
			if owner.PasswordHash != c.Proved.PasswordHash {
				return "", ErrChallenge // the password was changed in between
			}
			return f.judge(ctx, owner.User, site, c, answer, &use)
		},
	})
	if err != nil {
		return SignedIn{}, err
	}
	return f.signIn.begin(ctx, owner, c.Proved, failure, a, use)
}

// judge is verify as prove wants it.
func (f *Factors) judge(ctx context.Context, u user.User, site Site, c challenge, answer Answer, use *FactorUse) (audit.FailureReason, error) {
	verified, err := f.verify(ctx, u, site, c, answer, *use)
	if errors.Is(err, ErrFactorFailed) || errors.Is(err, ErrPasskeyRefused) {
		return audit.FailureFactor, nil
	}
	if err != nil {
		return "", err
	}
	*use = verified
	return "", nil
}

// AskPasskey asks for any passkey that proves by itself who it is. Faults: passkey.no_name.
func (f *Factors) AskPasskey(site Site) (Wanted, error) {
	options, state, err := f.keys.Ask(site, user.User{}, nil)
	if err != nil {
		return Wanted{}, err
	}
	sealed, err := f.seal(forSignIn, challenge{Passkey: state})
	return Wanted{Challenge: sealed, Kinds: []FactorKind{FactorPasskey}, Passkey: options}, err
}

// SignInByPasskey begins a session for who shows a passkey, without a password. No lock holds up a passkey: it cannot be
// guessed, and so nobody can lock its owner out. Accounts of identity providers have it as a second factor only. Faults: access, auth.roles, factor.expired, passkey.refused.
func (f *Factors) SignInByPasskey(ctx context.Context, actor access.Actor, a Attempt, answer Answer, site Site) (SignedIn, error) {
	if err := access.Decide(actor, access.SessionStart, access.Object{Kind: "session", Tenant: actor.Tenant}).Err(); err != nil {
		return SignedIn{}, err
	}
	c, use, err := f.open(forSignIn, answer.Challenge)
	if err != nil {
		return SignedIn{}, err
	}
	userID, use, err := f.verifyPasskey(ctx, actor.Tenant, "", site, c, answer.Passkey, use)
	if err != nil {
		return SignedIn{}, err
	}
	owner, err := f.signIn.store.CredentialOf(ctx, actor.Tenant, userID)
	if err != nil {
		return SignedIn{}, err
	}
	switch {
	case owner.User.Disabled(), owner.PasswordHash == "": // or for whom a provider vouches: it would not be asked
		return SignedIn{}, ErrPasskeyRefused
	case owner.User.Roles.Check() != nil:
		return SignedIn{}, ErrRoles
	}
	device, _ := hashSecret(a.Device)
	failure, err := f.signIn.guard.failure(ctx, owner.User.Tenant, owner.User.ID, accountKey("", owner.User.Email), a.Address, device)
	if err != nil {
		return SignedIn{}, err
	}
	return f.signIn.begin(ctx, owner, Proved{RenewedHash: owner.PasswordHash}, failure, a, use)
}

// AskProof asks whoever is signed in to prove once more who it is: by a second factor, or, where there is none, by the password.
// Faults: access, passkey.only, session.proof_elsewhere.
func (f *Factors) AskProof(ctx context.Context, id Identity, site Site) (Wanted, error) {
	if err := access.Decide(id.Actor, access.FactorList, ownObject("factor", "", id.Actor)).Err(); err != nil {
		return Wanted{}, err
	}
	w, err := f.want(ctx, id.User, site, forProof, challenge{User: id.User.ID, Session: id.Session.ID})
	if err != nil || len(w.Kinds) > 0 {
		return w, err
	}
	owner, err := f.signIn.store.CredentialOf(ctx, id.User.Tenant, id.User.ID)
	if err == nil && owner.PasswordHash == "" {
		err = ErrProofElsewhere
	}
	w.Kinds = []FactorKind{ByPassword}
	return w, err
}

// Prove takes the proof that AskProof asked for; the session may then do what is sensitive, for SessionOptions.Proof. Address is that
// of the client on the network, device what a known browser shows, so that nobody else locks it out. Faults: access, auth.failed, auth.locked, factor.failed, factor.expired, session.unknown.
func (f *Factors) Prove(ctx context.Context, id Identity, address, device string, answer Answer, site Site) error {
	if err := access.Decide(id.Actor, access.SessionProve, ownObject("session", id.Session.ID, id.Actor)).Err(); err != nil {
		return err
	}
	c, use, err := f.openOwn(forProof, answer.Challenge, id)
	if err != nil {
		return err
	}
	factors, err := f.store.Factors(ctx, id.User.Tenant, id.User.ID)
	if err != nil {
		return err
	}
	known, _ := hashSecret(device)
	p := proof{
		actor: id.Actor, account: accountKey("", id.User.Email), address: address, device: known, failed: ErrFactorFailed,
		find: func() (Credential, error) { return f.signIn.store.CredentialOf(ctx, id.User.Tenant, id.User.ID) },
		check: func(owner Credential) (audit.FailureReason, error) {
			return f.judge(ctx, owner.User, site, c, answer, &use)
		},
	}
	if len(factors) == 0 {
		p.failed, p.check = ErrFailed, f.signIn.byPassword(ctx, answer.Password, new(string))
	}
	if _, _, err := f.signIn.prove(ctx, p); err != nil {
		return err
	}
	at := wholeMillis(f.now())
	entry := audit.SessionProved(audit.Origin{At: at, Actor: id.Actor}, id.Session.ID)
	return f.store.ProveSession(ctx, id.User.Tenant, id.User.ID, id.Session.ID, use, at, entry)
}
