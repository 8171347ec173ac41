package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"

	"konklave/audit"
	"konklave/fault"
	"konklave/finding"
	"konklave/user"
)

// FactorKind is what sort of second factor it is.
type FactorKind string

// The kinds of factor that are kept, and the recovery code, which stands in for any.
const (
	FactorTOTP     FactorKind = "totp"          // an authenticator app
	FactorPasskey  FactorKind = "passkey"       // WebAuthn
	FactorRecovery FactorKind = "recovery_code" // not kept as a factor
)

// The bounds of second factors.
const (
	MaxFactors          = 10 // that one account may have
	MaxFactorNameLength = 60 // characters (code points)
	RecoveryCodes       = 10 // made at once

	recoveryCodeLength = 24 // letters and digits of base 32: 120 bits
	recoveryCodeGroup  = 4
)

// The faults of second factors.
var (
	ErrFactorFailed      = fault.New(fault.KindUnauthenticated, "factor.failed", "That was not right, or was used already. Please wait for the next code, or try another way.")
	ErrFactorUnknown     = fault.New(fault.KindNotFound, "factor.unknown", "There is no such second factor. It may have been removed already.")
	ErrFactorTooMany     = fault.Newf(fault.KindTooMany, "factor.too_many", "An account may have at most %d second factors. Please remove one first.", MaxFactors)
	ErrFactorNameInvalid = fault.Newf(fault.KindInvalid, "factor.name_invalid", "Please name it in 1 to %d characters, without control or invisible ones.", MaxFactorNameLength).At("/name")
	ErrFactorCode        = fault.New(fault.KindInvalid, "factor.code_wrong", "This is not the code that the app shows now. Please check the clock of the device and try again.").At("/code")
	ErrNoFactor          = fault.New(fault.KindConflict, "factor.none", "There is no second factor yet. Please add one first.")
	ErrChallenge         = fault.New(fault.KindUnauthenticated, "factor.expired", "This took too long or was done already. Please begin again.")
	ErrProofRequired     = fault.New(fault.KindDenied, "session.proof_required", "Please prove once more that it is you.")
	ErrProofElsewhere    = fault.New(fault.KindDenied, "session.proof_elsewhere", "Please sign in again at your organisation: it has to confirm once more that it is you.")
	ErrPasskeyRefused    = fault.New(fault.KindUnauthenticated, "passkey.refused", "This passkey was not accepted. Please try again, or another way.")
	ErrPasskeyTaken      = fault.New(fault.KindConflict, "passkey.taken", "This passkey belongs to an account already.")
	ErrPasskeyOnly       = fault.New(fault.KindConflict, "passkey.only", "Your only second factor here is a passkey, and passkeys need an address with a name. Open this page by its name, or have your second factors removed on the server: `konklave user factors`.")
	ErrPasskeyPlace      = fault.New(fault.KindConflict, "passkey.no_name", "Passkeys need an address with a name. This page was opened by a number (IP address).")
)

// Factor is a second factor of an account.
type Factor struct {
	ID         string
	Tenant     string
	UserID     string
	Kind       FactorKind // FactorTOTP or FactorPasskey
	Name       string     // that its owner gave it
	CreatedAt  time.Time  // UTC, whole milliseconds
	UsedAt     time.Time  // zero before the first use
	Credential []byte     // id of a passkey (at most 1023 bytes, WebAuthn section 4); nil for others
	Secret     []byte     // of an app, sealed; of a passkey what is known of it, which is no secret
	Step       int64      // of an app: the period of the last code that was used
}

// FactorUse is the use of a factor, which is stored along with what it allows. The zero use is none.
type FactorUse struct {
	Factor           string    // id, or empty
	Step             int64     // of an app: must be later than the stored one
	Passkey          []byte    // what takes the place of Factor.Secret of a passkey
	Recovery         Hash      // the recovery code that is used up, or nil
	Challenge        Hash      // that must not have been used, or nil
	ChallengeExpires time.Time // when the challenge need not be remembered any more
	At               time.Time
}

// FactorStore keeps second factors. A method that changes something writes the entries in the same transaction, and fails with
// ErrChallenge when the challenge of the use was used before and with ErrFactorFailed when the factor or the code was.
type FactorStore interface {
	// Factors returns the factors of a user, the oldest first.
	Factors(ctx context.Context, tenant, userID string) ([]Factor, error)
	// FactorOfCredential returns the passkey with that id; it fails with ErrFactorUnknown.
	FactorOfCredential(ctx context.Context, tenant string, credential []byte) (Factor, error)
	// HasRecoveryCode reports whether the user has a recovery code with that hash.
	HasRecoveryCode(ctx context.Context, tenant, userID string, code Hash) (bool, error)
	// RefuseFactor uses up the challenge of a use and keeps what was found. It fails with ErrChallenge.
	RefuseFactor(ctx context.Context, use FactorUse, found finding.Finding) error
	// RecoveryCodesLeft counts the recovery codes of a user.
	RecoveryCodesLeft(ctx context.Context, tenant, userID string) (int, error)
	// AddFactor stores a factor, and the hashes of recovery codes when the user has no factor yet. It fails with
	// ErrFactorTooMany and ErrPasskeyTaken, and reports whether the codes were stored.
	AddFactor(ctx context.Context, f Factor, use FactorUse, codes []Hash, entries func(withCodes bool) []audit.Entry) (withCodes bool, err error)
	// RemoveFactor removes a factor, and with the last one the recovery codes. It fails with ErrFactorUnknown.
	RemoveFactor(ctx context.Context, tenant, userID, id string, entry audit.Entry) error
	// ReplaceRecoveryCodes stores the hashes in place of earlier ones. It fails with ErrNoFactor.
	ReplaceRecoveryCodes(ctx context.Context, tenant, userID string, codes []Hash, entry audit.Entry) error
	// ProveSession notes that the owner of a session proved again to be that person. It fails with ErrSessionUnknown.
	ProveSession(ctx context.Context, tenant, userID, session string, use FactorUse, at time.Time, entry audit.Entry) error
}

// newRecoveryCodes makes the codes, as they are shown, and what is kept of each.
func newRecoveryCodes() (codes []string, hashes []Hash) {
	for range RecoveryCodes {
		text := strings.ToLower(rand.Text()[:recoveryCodeLength])
		var groups []string
		for ; text != ""; text = text[recoveryCodeGroup:] {
			groups = append(groups, text[:recoveryCodeGroup])
		}
		code := strings.Join(groups, "-")
		hash, _ := hashRecoveryCode(code)
		codes, hashes = append(codes, code), append(hashes, hash)
	}
	return codes, hashes
}

// hashRecoveryCode is what is kept of a recovery code: SHA-256 is enough for 120 random bits. It takes the code with any
// spaces, dashes and capitals; false means that it cannot be one.
func hashRecoveryCode(code string) (Hash, bool) {
	code = strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(code))
	if len(code) != recoveryCodeLength {
		return nil, false
	}
	sum := sha256.Sum256([]byte("konklave recovery code\x00" + code))
	return sum[:], true
}

// Site is where a person meets Konklave: passkeys are bound to it.
type Site struct {
	Name   string // of the instance
	Host   string // the name in the address, without the port
	Origin string // as browsers send it, "https://meet.example.org"
}

// Passkeys speaks WebAuthn (W3C, level 3). What it begins is finished with the state that it returned, which must not pass
// through the browser's hands unsealed; options and answers are the JSON that browsers read and write.
type Passkeys interface {
	// Create begins to make a passkey for a user who has these. It fails with ErrPasskeyPlace.
	Create(site Site, u user.User, have []Factor) (options string, state []byte, err error)
	// Created finishes it and returns the passkey's Credential and Secret. It fails with ErrPasskeyRefused.
	Created(site Site, u user.User, state []byte, answer string) (credential, secret []byte, err error)
	// Ask begins to ask for one of these passkeys of a user, or, when there are none, for any that proves who it is by itself.
	// It fails with ErrPasskeyPlace.
	Ask(site Site, u user.User, have []Factor) (options string, state []byte, err error)
	// Answered finishes it and returns what takes the place of the passkey's Secret; find is given the Credential and the id
	// of the user in the answer (empty when it names none) and returns the owner's id and the passkey's Secret. It fails with
	// ErrPasskeyRefused or what find fails with. A copied passkey has counted backwards.
	Answered(site Site, state []byte, answer string, find func(credential []byte, userID string) (owner string, secret []byte, err error)) (used []byte, copied bool, err error)
}
