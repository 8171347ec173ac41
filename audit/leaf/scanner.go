package leaf

import (
	"crypto/sha256"
	"strconv"
)

// Scanner takes known text off the front of a line. It is how the forms that the log itself writes are read at the speed of
// the hashes; whatever it does not know is left to the strict decoder.
type Scanner struct{ Rest []byte }

// Literal takes text off, if it is there.
func (s *Scanner) Literal(text string) bool {
	if len(s.Rest) < len(text) || string(s.Rest[:len(text)]) != text {
		return false
	}
	s.Rest = s.Rest[len(text):]
	return true
}

// digitsMax keeps numbers below 2^53, as RFC 8785 wants it.
const digitsMax = 15

// Number takes text and a number after it off: decimal, not negative, without leading zeroes, of 15 digits at most.
func (s *Scanner) Number(before string) (int64, bool) {
	if !s.Literal(before) {
		return 0, false
	}
	n := 0
	for n < len(s.Rest) && s.Rest[n] >= '0' && s.Rest[n] <= '9' {
		n++
	}
	if n == 0 || n > digitsMax || n > 1 && s.Rest[0] == '0' {
		return 0, false
	}
	value, err := strconv.ParseInt(string(s.Rest[:n]), 10, 64)
	s.Rest = s.Rest[n:]
	return value, err == nil
}

// Hash takes text and a hash in base64 after it off.
func (s *Scanner) Hash(before string, to *[sha256.Size]byte) bool {
	if !s.Literal(before) || len(s.Rest) < hashText || !hash(to, s.Rest[:hashText]) {
		return false
	}
	s.Rest = s.Rest[hashText:]
	return true
}
