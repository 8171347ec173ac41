package user

import (
	"errors"

	"konklave/fault"
	"konklave/line"
)

// MaxNameLength is the number of characters (code points) that a name may have.
const MaxNameLength = 100

// The faults of a name.
var (
	ErrNameEmpty   = fault.New(fault.KindInvalid, "name.empty", "Please enter a name.").At("/name")
	ErrNameTooLong = fault.Newf(fault.KindInvalid, "name.too_long", "A name may have at most %d characters.", MaxNameLength).At("/name")
	ErrNameInvalid = fault.New(fault.KindInvalid, "name.invalid", "The name contains characters that are not allowed, such as control or invisible characters.").At("/name")
)

// CleanName returns the name as it is stored and shown, for accounts and guests alike, or one of the faults above.
func CleanName(name string) (string, error) {
	clean, err := line.Clean(name, MaxNameLength)
	switch {
	case errors.Is(err, line.ErrEmpty):
		return "", ErrNameEmpty
	case errors.Is(err, line.ErrTooLong):
		return "", ErrNameTooLong
	case err != nil:
		return "", ErrNameInvalid
	}
	return clean, nil
}
