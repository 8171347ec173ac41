// Package line checks the one-line texts that people enter and others see: names and titles.
//
// It removes nothing that carries meaning and lets nothing through that can hide, reorder or imitate text.
package line

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxMarks is how many combining marks may follow each other: enough for every living script, too few to spill over
// the neighbouring lines.
const MaxMarks = 4

// The reasons for which a text is refused.
var (
	ErrEmpty   = errors.New("empty")
	ErrTooLong = errors.New("too long")
	ErrInvalid = errors.New("characters that are not allowed")
)

// Clean returns the text in Unicode normal form C, with each run of spaces made one space and none at the ends. It
// refuses control, format (bidirectional, zero-width), private-use and blank-looking characters, invalid UTF-8, more
// than MaxMarks combining marks in a row, a text without any visible character, and more than limit characters.
func Clean(text string, limit int) (string, error) {
	if !utf8.ValidString(text) {
		return "", ErrInvalid
	}
	if len(text) > limit*utf8.UTFMax*(1+MaxMarks) { // before any work that grows with the length
		return "", ErrTooLong
	}
	clean := strings.Join(strings.FieldsFunc(norm.NFC.String(text), isSpace), " ")
	visible, marks := false, 0
	for _, r := range clean {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			if marks++; marks > MaxMarks {
				return "", ErrInvalid
			}
		} else {
			marks = 0
		}
		if !allowed(r) {
			return "", ErrInvalid
		}
		visible = visible || unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S)
	}
	switch {
	case !visible:
		return "", ErrEmpty
	case utf8.RuneCountInString(clean) > limit:
		return "", ErrTooLong
	}
	return clean, nil
}

// isSpace is true for the characters that separate words on one line; line and paragraph separators are not among them.
func isSpace(r rune) bool { return unicode.Is(unicode.Zs, r) }

const (
	textStyle    = '\uFE0E' // the variation selectors that choose between the
	emojiStyle   = '\uFE0F' // text and the emoji form of a character
	brailleBlank = '\u2800' // a symbol that looks like a space
)

func allowed(r rune) bool {
	switch {
	case r == ' ', r == textStyle, r == emojiStyle:
		return true
	case r == utf8.RuneError, r == brailleBlank, r&0xFFFE == 0xFFFE: // replacement and non-characters
		return false
	}
	return !unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point,
		unicode.Variation_Selector, unicode.Noncharacter_Code_Point)
}
