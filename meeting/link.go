package meeting

import (
	"io"
	"regexp"
)

// A link is groups of characters that cannot be confused when read aloud or copied by hand: no i, l, o, 0, 1.
const (
	linkAlphabet  = "abcdefghjkmnpqrstuvwxyz23456789"
	linkGroups    = 7
	linkGroupSize = 4

	// LinkBits is the randomness of a link, rounded down.
	LinkBits = 138
)

var linkShape = regexp.MustCompile(`^[a-hjkmnp-z2-9]{4}(?:-[a-hjkmnp-z2-9]{4}){6}$`)

// NewLink makes the secret part of a join link from a cryptographic source of random bytes. It is safe in a URL.
func NewLink(random io.Reader) (string, error) {
	link := make([]byte, 0, linkGroups*(linkGroupSize+1)-1)
	one := make([]byte, 1)
	for n := 0; n < linkGroups*linkGroupSize; {
		if _, err := io.ReadFull(random, one); err != nil {
			return "", err
		}
		if int(one[0]) >= 256/len(linkAlphabet)*len(linkAlphabet) {
			continue // these values would make some characters likelier than others
		}
		if n > 0 && n%linkGroupSize == 0 {
			link = append(link, '-')
		}
		link = append(link, linkAlphabet[int(one[0])%len(linkAlphabet)])
		n++
	}
	return string(link), nil
}

// LinkShaped reports whether the text could have come from NewLink.
func LinkShaped(text string) bool { return linkShape.MatchString(text) }
