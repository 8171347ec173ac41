package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"konklave/fault"
)

// The lengths of a password, in characters (code points). It must not be a common one either. There are no other rules, and no
// password grows old: length is what helps.
const (
	MinPasswordLength = 12
	MaxPasswordLength = 128
)

// The faults of a new password.
var (
	ErrPasswordTooShort = fault.Newf(fault.KindInvalid, "password.too_short", "A password needs at least %d characters. A few words in a row are good.", MinPasswordLength).At("/password")
	ErrPasswordTooLong  = fault.Newf(fault.KindInvalid, "password.too_long", "A password may have at most %d characters.", MaxPasswordLength).At("/password")
	ErrPasswordInvalid  = fault.New(fault.KindInvalid, "password.invalid", "The password is not valid text.").At("/password")

	// ErrPasswordElsewhere refuses to give a password to an account that an identity provider vouches for.
	ErrPasswordElsewhere = fault.New(fault.KindConflict, "password.elsewhere", "This account signs in at its organisation and has no password here. It is changed there.")
)

// The cost of a new hash. Hashes of another cost are renewed at the next sign-in.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	saltBytes    = 16
	keyBytes     = 32
)

// The largest cost that a stored hash may ask for, so that a damaged row cannot take the machine down.
const (
	maxArgonMemory = 256 * 1024 // KiB
	maxArgonTime   = 16
	maxKeyBytes    = 64
)

// DefaultParallelHashes is how many passwords are hashed at a time; each takes argonMemory.
const DefaultParallelHashes = 4

var errHashDamaged = errors.New("stored password hash is damaged")

// Passwords hashes and verifies passwords with argon2id, a limited number at a time.
type Passwords struct {
	slots   chan struct{}
	refused []string // as ReadRefused returns them
}

// NewPasswords returns Passwords that hash so many passwords at a time, and refuse these (as ReadRefused returns them) beside the
// common ones; parallel must be at least 1.
func NewPasswords(parallel int, refused ...string) *Passwords {
	return &Passwords{slots: make(chan struct{}, parallel), refused: refused}
}

func (p *Passwords) refuses(password string) bool {
	_, listed := slices.BinarySearch(p.refused, password)
	return listed
}

// CheckPassword returns the fault of a password that may not be chosen anywhere, or nil.
func CheckPassword(password string) error {
	if !utf8.ValidString(password) {
		return ErrPasswordInvalid
	}
	switch n := utf8.RuneCountInString(norm.NFC.String(password)); {
	case n < MinPasswordLength:
		return ErrPasswordTooShort
	case n > MaxPasswordLength:
		return ErrPasswordTooLong
	}
	if common(password, inFilter) {
		return ErrPasswordCommon
	}
	return nil
}

// Hash checks a new password and returns what to store, in the PHC format. It waits for its turn until ctx is done.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	if common(password, p.refuses) {
		return "", ErrPasswordCommon
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	key, err := p.derive(ctx, password, salt, argonTime, argonMemory, argonThreads, keyBytes)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// Verify reports whether the password belongs to the stored hash, and whether the hash should be renewed because its
// cost is not that of Hash any more. An empty hash takes as long and belongs to no password.
func (p *Passwords) Verify(ctx context.Context, stored, password string) (ok, renew bool, err error) {
	if len(password) > MaxPasswordLength*utf8.UTFMax {
		password = "" // cannot be anyone's; hashed all the same, so that it takes as long
	}
	h := phc{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, saltBytes), key: nil}
	if stored != "" {
		if h, err = parsePHC(stored); err != nil {
			return false, false, err
		}
	}
	length := uint32(keyBytes)
	if len(h.key) > 0 {
		length = uint32(len(h.key))
	}
	key, err := p.derive(ctx, password, h.salt, h.time, h.memory, h.threads, length)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(key, h.key) == 1
	current := h.memory == argonMemory && h.time == argonTime && h.threads == argonThreads && len(h.key) == keyBytes
	return ok, ok && !current, nil
}

func (p *Passwords) derive(ctx context.Context, password string, salt []byte, time, memory uint32, threads uint8, length uint32) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn to hash: %w", context.Cause(ctx))
	}
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, time, memory, threads, length), nil
}
