package user

import (
	"regexp"
	"strings"

	"konklave/fault"
)

// The lengths of an e-mail address, in bytes, that mail systems agree on.
const (
	MaxEmailLength     = 254
	maxEmailLocalBytes = 64
)

// The faults of an e-mail address.
var (
	ErrEmailInvalid = fault.New(fault.KindInvalid, "email.invalid", "This is not an e-mail address. Please check it.").At("/email")
	ErrEmailTaken   = fault.New(fault.KindConflict, "email.taken", "There is already an account with this e-mail address.").At("/email")
)

// emailShape is the shape that browsers check in an e-mail field: ASCII, a dotted domain of labels up to 63 characters.
var emailShape = regexp.MustCompile(`^[a-z0-9.!#$%&'*+/=?^_{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$`)

// CleanEmail returns the address in lower case without surrounding spaces, as it is stored and compared, or
// ErrEmailInvalid.
func CleanEmail(email string) (string, error) {
	clean := strings.Trim(email, " \t\r\n")
	if len(clean) > MaxEmailLength {
		return "", ErrEmailInvalid
	}
	clean = asciiLower(clean)
	local, _, _ := strings.Cut(clean, "@")
	if len(local) > maxEmailLocalBytes || !emailShape.MatchString(clean) {
		return "", ErrEmailInvalid
	}
	return clean, nil
}

// asciiLower leaves other characters alone, so that none of them can become an ASCII letter.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}
