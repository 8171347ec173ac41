package line_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"konklave/line"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"Anna", "Anna"},
		{"  Anna\u00a0 von   Ä ", "Anna von Ä"},
		{"A\u0308rger", "Ärger"}, // decomposed
		{"O'Brien <b>&", "O'Brien <b>&"},
		{"संजय 李明 Ольга", "संजय 李明 Ольга"},
		{"Anna ❤️ 👍🏽", "Anna ❤️ 👍🏽"},
		{"Moderator ✔", "Moderator ✔"}, // roles are shown apart from names
		{"ทดสอบ้ำ", "ทดสอบ้ำ"},
	} {
		if got, err := line.Clean(c.in, 100); err != nil || got != c.want {
			t.Errorf("Clean(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestA65HiddenAndMisleadingCharactersAreRefused(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"null": "a\x00b", "newline": "a\nb", "tab": "a\tb", "escape": "a\x1b[31mb", "delete": "a\x7fb", "C1": "a\u0085b",
		"right-to-left override": "a\u202eb", "left-to-right isolate": "a\u2066b", "right-to-left mark": "a\u200fb",
		"zero-width space": "a\u200bb", "zero-width joiner": "a\u200db", "word joiner": "a\u2060b", "byte order mark": "\ufeffa",
		"soft hyphen": "a\u00adb", "line separator": "a\u2028b", "paragraph separator": "a\u2029b", "tag": "a\U000e0041b",
		"variation selector 17": "a\U000e0100b", "grapheme joiner": "a\u034fb", "Hangul filler": "a\u3164b",
		"half-width filler": "a\uffa0b", "braille blank": "a\u2800b", "private use": "a\ue000b", "non-character": "a\uffffb",
		"replacement": "a\ufffdb", "invalid UTF-8": "a\xffb", "surrogate": "a\xed\xa0\x80b",
		"piled marks": "a" + strings.Repeat("\u0317", line.MaxMarks+1),
	} {
		if got, err := line.Clean(in, 100); !errors.Is(err, line.ErrInvalid) {
			t.Errorf("%s: Clean(%q) = %q, %v; want ErrInvalid", name, in, got, err)
		}
	}
	if _, err := line.Clean("a"+strings.Repeat("\u0317", line.MaxMarks), 100); err != nil {
		t.Errorf("%d marks: %v", line.MaxMarks, err)
	}
}

func TestCleanEmpty(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", " ", "\u00a0\u3000", "\ufe0f", "\u0301"} {
		if got, err := line.Clean(in, 100); !errors.Is(err, line.ErrEmpty) {
			t.Errorf("Clean(%q) = %q, %v; want ErrEmpty", in, got, err)
		}
	}
}

func TestA65LengthLimitFromBothSides(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"x", "ä", "李", "👍"} {
		if _, err := line.Clean(strings.Repeat(c, 100), 100); err != nil {
			t.Errorf("100 × %s: %v", c, err)
		}
		for _, n := range []int{101, 10_000, 10_000_000} {
			if _, err := line.Clean(strings.Repeat(c, n), 100); !errors.Is(err, line.ErrTooLong) {
				t.Errorf("%d × %s: %v, want ErrTooLong", n, c, err)
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Anna", 10)
	f.Add("a\u202eb", 3)
	f.Fuzz(func(t *testing.T, in string, limit int) {
		limit = 1 + abs(limit)%300
		got, err := line.Clean(in, limit)
		if err != nil {
			return
		}
		if n := utf8.RuneCountInString(got); n == 0 || n > limit || strings.TrimSpace(got) != got {
			t.Errorf("Clean(%q, %d) = %q", in, limit, got)
		}
		if again, err := line.Clean(got, limit); err != nil || again != got {
			t.Errorf("Clean(%q) is %q, and that again %q, %v", in, got, again, err)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}
