package auth

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the filter
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"konklave/fault"
)

//go:generate go run ./commongen ../web/openapi/node_modules/@zxcvbn-ts/language-common/src/passwords.json common.bin

// ErrPasswordCommon is the fault of a password that is among the first that anybody tries.
var ErrPasswordCommon = fault.New(fault.KindInvalid, "password.common", "This password is one of those that are tried first: a well-known one, a pattern, or one of them with a few characters around it. Please choose another, for example a few words that do not belong together.").At("/password")

// What makes a password common beyond the lists.
const (
	maxAround    = 8 // characters around a word of the list that do not help it
	minStem      = 4 // characters of a word that is looked up
	maxUnit      = 6 // characters that, repeated, are a pattern whatever they are
	commonDigest = 4 // bytes of the filter for each password

	// MaxRefusedFile is how long a file of refused passwords may be, in bytes.
	MaxRefusedFile = 16 << 20
)

// commonPasswords is the filter: the first commonDigest bytes of the SHA-256 of each common password, in order. Of a million
// good passwords it refuses some sixty.
//
//go:embed common.bin
var commonPasswords string

// CommonDigest is under what a password stands in the filter.
func CommonDigest(password string) [commonDigest]byte {
	sum := sha256.Sum256([]byte(password))
	return [commonDigest]byte(sum[:commonDigest])
}

func inFilter(password string) bool {
	want := CommonDigest(password)
	at := func(i int) string { return commonPasswords[i*commonDigest : (i+1)*commonDigest] }
	n := len(commonPasswords) / commonDigest
	i := sort.Search(n, func(i int) bool { return at(i) >= string(want[:]) })
	return i < n && at(i) == string(want[:])
}

// common reports whether a password is a pattern, or listed in any of its forms.
func common(password string, listed func(string) bool) bool {
	whole := strings.ToLower(norm.NFKC.String(password))
	if isSequence(whole) || listed(whole) {
		return true
	}
	if unit := unitOf(whole); unit != "" && (len([]rune(unit)) <= maxUnit || common(unit, listed)) {
		return true
	}
	right := strings.TrimRightFunc(whole, noLetter)
	for _, stem := range []string{right, plainLetters(right), strings.TrimLeftFunc(right, noLetter), plainLetters(strings.TrimLeftFunc(right, noLetter))} {
		n := len([]rune(stem))
		if n >= minStem && len([]rune(whole))-n <= maxAround && listed(stem) {
			return true
		}
	}
	return false
}

func noLetter(r rune) bool { return !unicode.IsLetter(r) }

// plainLetters undoes the signs that people write in place of letters.
func plainLetters(s string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i", "€", "e").Replace(s)
}

// unitOf is what a text repeats, at least twice and perhaps in part at the end, or nothing.
func unitOf(s string) string {
	runes := []rune(s)
	for n := 1; n <= len(runes)/2; n++ {
		repeats := true
		for i := n; i < len(runes) && repeats; i++ {
			repeats = runes[i] == runes[i-n]
		}
		if repeats {
			return string(runes[:n])
		}
	}
	return ""
}

// isSequence reports whether each character is the next one, or the one before, of the one before it; after 9 comes 0.
func isSequence(s string) bool {
	runes := []rune(s)
	up, down := true, true
	for i := 1; i < len(runes); i++ {
		step := runes[i] - runes[i-1]
		up = up && (step == 1 || runes[i-1] == '9' && runes[i] == '0')
		down = down && (step == -1 || runes[i-1] == '0' && runes[i] == '9')
	}
	return len(runes) > 1 && (up || down)
}

// ReadRefused reads passwords to refuse, one on each line, as an operator writes them down: names, places, the product. Small and
// capital letters are the same.
func ReadRefused(r io.Reader) ([]string, error) {
	limited := &io.LimitedReader{R: r, N: MaxRefusedFile + 1}
	lines := bufio.NewScanner(limited)
	var refused []string
	for lines.Scan() {
		if word := strings.ToLower(norm.NFKC.String(strings.TrimSpace(lines.Text()))); word != "" {
			refused = append(refused, word)
		}
	}
	if limited.N == 0 {
		return nil, fmt.Errorf("the file is longer than %d bytes", MaxRefusedFile)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, errors.New("a line is too long for a password")
	} else if err != nil {
		return nil, err
	}
	slices.Sort(refused)
	return slices.Compact(refused), nil
}
