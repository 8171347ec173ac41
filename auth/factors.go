package auth

import (
	"context"
	"errors"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/finding"
	"konklave/line"
	"konklave/user"
)

// Factors adds, uses and removes second factors.
type Factors struct {
	store  FactorStore
	signIn *SignIn
	sealer Sealer
	keys   Passkeys
	now    func() time.Time
}

// NewFactors returns Factors that sign in with signIn, from where they take the time, too.
func NewFactors(store FactorStore, signIn *SignIn, sealer Sealer, keys Passkeys) *Factors {
	return &Factors{store: store, signIn: signIn, sealer: sealer, keys: keys, now: signIn.now}
}

// List returns the second factors of whoever is signed in, the oldest first, and how many recovery codes are left.
func (f *Factors) List(ctx context.Context, id Identity) (list []Factor, recoveryCodes int, err error) {
	if err := access.Decide(id.Actor, access.FactorList, ownObject("factor", "", id.Actor)).Err(); err != nil {
		return nil, 0, err
	}
	if list, err = f.store.Factors(ctx, id.Actor.Tenant, id.Actor.UserID); err != nil {
		return nil, 0, err
	}
	recoveryCodes, err = f.store.RecoveryCodesLeft(ctx, id.Actor.Tenant, id.Actor.UserID)
	return list, recoveryCodes, err
}

// NewApp is an authenticator app that is about to be added.
type NewApp struct {
	Challenge string // for AddApp
	Secret    string // as people type it
	Address   string // for the QR code (otpauth)
}

// App begins to add an authenticator app. Faults: access.
func (f *Factors) App(_ context.Context, id Identity, site Site) (NewApp, error) {
	if err := f.mayChange(id, access.FactorList, ""); err != nil {
		return NewApp{}, err
	}
	secret := newTOTPSecret()
	sealed, err := f.seal(forApp, challenge{User: id.User.ID, Session: id.Session.ID, App: secret})
	if err != nil {
		return NewApp{}, err
	}
	return NewApp{Challenge: sealed, Secret: totpText(secret), Address: totpAddress(secret, site.Name, id.User.Email)}, nil
}

// AddApp adds the authenticator app that shows this code. With the first factor come recovery codes, to be shown once. Faults:
// access, factor.expired, factor.code_wrong, factor.name_invalid, factor.too_many.
func (f *Factors) AddApp(ctx context.Context, id Identity, sealed, name, code string) (Factor, []string, error) {
	if err := f.mayChange(id, access.FactorAdd, ""); err != nil {
		return Factor{}, nil, err
	}
	c, use, err := f.openOwn(forApp, sealed, id)
	if err != nil {
		return Factor{}, nil, err
	}
	step, ok := totpMatch(c.App, code, 0, use.At)
	if !ok {
		return Factor{}, nil, ErrFactorCode
	}
	made := Factor{ID: newID(), Kind: FactorTOTP, Step: step}
	made.Secret = f.sealer.Wrap(c.App, []byte(factorAD+made.ID))
	return f.add(ctx, id, made, name, use)
}

// NewPasskey is a passkey that is about to be made.
type NewPasskey struct {
	Challenge string // for AddPasskey
	Options   string // for the browser, JSON
}

// Passkey begins to make a passkey. Faults: access, passkey.no_name.
func (f *Factors) Passkey(ctx context.Context, id Identity, site Site) (NewPasskey, error) {
	if err := f.mayChange(id, access.FactorList, ""); err != nil {
		return NewPasskey{}, err
	}
	have, err := f.store.Factors(ctx, id.User.Tenant, id.User.ID)
	if err != nil {
		return NewPasskey{}, err
	}
	options, state, err := f.keys.Create(site, id.User, passkeysOf(have))
	if err != nil {
		return NewPasskey{}, err
	}
	sealed, err := f.seal(forPasskey, challenge{User: id.User.ID, Session: id.Session.ID, Passkey: state})
	return NewPasskey{Challenge: sealed, Options: options}, err
}

// AddPasskey adds the passkey that the browser has made. With the first factor come recovery codes, to be shown once. Faults:
// access, factor.expired, factor.name_invalid, factor.too_many, passkey.refused, passkey.taken.
func (f *Factors) AddPasskey(ctx context.Context, id Identity, site Site, sealed, name, answer string) (Factor, []string, error) {
	if err := f.mayChange(id, access.FactorAdd, ""); err != nil {
		return Factor{}, nil, err
	}
	c, use, err := f.openOwn(forPasskey, sealed, id)
	if err != nil {
		return Factor{}, nil, err
	}
	made := Factor{ID: newID(), Kind: FactorPasskey}
	if made.Credential, made.Secret, err = f.keys.Created(site, id.User, c.Passkey, answer); err != nil {
		return Factor{}, nil, err
	}
	return f.add(ctx, id, made, name, use)
}

func (f *Factors) add(ctx context.Context, id Identity, made Factor, name string, use FactorUse) (Factor, []string, error) {
	clean, err := line.Clean(name, MaxFactorNameLength)
	if err != nil {
		return Factor{}, nil, ErrFactorNameInvalid.Because(err)
	}
	made.Tenant, made.UserID, made.Name, made.CreatedAt = id.User.Tenant, id.User.ID, clean, use.At
	codes, hashes := newRecoveryCodes()
	origin := audit.Origin{At: use.At, Actor: id.Actor}
	withCodes, err := f.store.AddFactor(ctx, made, use, hashes, func(withCodes bool) []audit.Entry {
		entries := []audit.Entry{audit.FactorAdded(origin, made.ID, string(made.Kind))}
		if withCodes {
			entries = append(entries, audit.RecoveryCodesMade(origin, id.User.ID, len(hashes)))
		}
		return entries
	})
	if err != nil {
		return Factor{}, nil, err
	}
	if !withCodes {
		codes = nil
	}
	return made, codes, nil
}

// Remove removes a factor; with the last one go the recovery codes. Faults: access, factor.unknown.
func (f *Factors) Remove(ctx context.Context, id Identity, factor string) error {
	if err := f.mayChange(id, access.FactorRemove, factor); err != nil {
		return err
	}
	entry := audit.FactorRemoved(audit.Origin{At: f.now(), Actor: id.Actor}, factor)
	return f.store.RemoveFactor(ctx, id.User.Tenant, id.User.ID, factor, entry)
}

// MakeRecoveryCodes makes codes in place of earlier ones, to be shown once. Faults: access, factor.none.
func (f *Factors) MakeRecoveryCodes(ctx context.Context, id Identity) ([]string, error) {
	if err := f.mayChange(id, access.RecoveryCodesMake, ""); err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes()
	entry := audit.RecoveryCodesMade(audit.Origin{At: f.now(), Actor: id.Actor}, id.User.ID, len(hashes))
	if err := f.store.ReplaceRecoveryCodes(ctx, id.User.Tenant, id.User.ID, hashes, entry); err != nil {
		return nil, err
	}
	return codes, nil
}

// mayChange lets only the owner change factors, in a session.
func (f *Factors) mayChange(id Identity, action access.Action, factor string) error {
	return access.Decide(id.Actor, action, ownObject("factor", factor, id.Actor)).Err()
}

// openOwn opens a challenge that was made for the same session.
func (f *Factors) openOwn(purpose, sealed string, id Identity) (challenge, FactorUse, error) {
	c, use, err := f.open(purpose, sealed)
	if err == nil && (c.User != id.User.ID || c.Session != id.Session.ID) {
		err = ErrChallenge
	}
	return c, use, err
}

// verify looks at an answer and returns the use of the factor that it proves. A wrong one fails with ErrFactorFailed or
// ErrPasskeyRefused.
func (f *Factors) verify(ctx context.Context, u user.User, site Site, c challenge, a Answer, use FactorUse) (FactorUse, error) {
	switch {
	case a.Passkey != "":
		_, use, err := f.verifyPasskey(ctx, u.Tenant, u.ID, site, c, a.Passkey, use)
		return use, err
	case a.RecoveryCode != "":
		hash, ok := hashRecoveryCode(a.RecoveryCode)
		if ok {
			var err error
			if ok, err = f.store.HasRecoveryCode(ctx, u.Tenant, u.ID, hash); err != nil {
				return FactorUse{}, err
			}
		}
		if !ok {
			return FactorUse{}, ErrFactorFailed
		}
		use.Recovery = hash
		return use, nil
	}
	factors, err := f.store.Factors(ctx, u.Tenant, u.ID)
	if err != nil {
		return FactorUse{}, err
	}
	for _, factor := range factors {
		if factor.Kind != FactorTOTP {
			continue
		}
		secret, err := f.sealer.Unwrap(factor.Secret, []byte(factorAD+factor.ID))
		if err != nil {
			return FactorUse{}, err
		}
		if step, ok := totpMatch(secret, a.Code, factor.Step, use.At); ok {
			use.Factor, use.Step = factor.ID, step
			return use, nil
		}
	}
	return FactorUse{}, ErrFactorFailed
}

// verifyPasskey is verify for a passkey; owner is whose it must be, or empty for anybody's.
func (f *Factors) verifyPasskey(ctx context.Context, tenant, owner string, site Site, c challenge, answer string, use FactorUse) (string, FactorUse, error) {
	if len(c.Passkey) == 0 {
		return "", FactorUse{}, ErrPasskeyRefused
	}
	var found Factor
	used, copied, err := f.keys.Answered(site, c.Passkey, answer, func(credential []byte, userID string) (string, []byte, error) {
		var err error
		if found, err = f.store.FactorOfCredential(ctx, tenant, credential); errors.Is(err, ErrFactorUnknown) {
			return "", nil, ErrPasskeyRefused.Because(err)
		} else if err != nil {
			return "", nil, err
		}
		if owner != "" && found.UserID != owner || userID != "" && userID != found.UserID {
			return "", nil, ErrPasskeyRefused
		}
		return found.UserID, found.Secret, nil
	})
	if err != nil {
		return "", FactorUse{}, err
	}
	if copied {
		made := finding.New(tenant, use.At, finding.PasskeyCopied, found.UserID, found.ID, 0, finding.Evidence{})
		if err := f.store.RefuseFactor(ctx, use, made); err != nil {
			return "", FactorUse{}, err
		}
		return "", FactorUse{}, ErrPasskeyRefused
	}
	use.Factor, use.Passkey = found.ID, used
	return found.UserID, use, nil
}

func passkeysOf(factors []Factor) []Factor {
	var some []Factor
	for _, factor := range factors {
		if factor.Kind == FactorPasskey {
			some = append(some, factor)
		}
	}
	return some
}
