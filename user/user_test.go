package user

import (
	"errors"
	"strings"
	"testing"
	"time"

	"konklave/access"
)

func TestCleanName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want error
	}{
		{"Anna", nil}, {strings.Repeat("ä", MaxNameLength), nil},
		{"", ErrNameEmpty}, {"  ", ErrNameEmpty},
		{strings.Repeat("ä", MaxNameLength+1), ErrNameTooLong},
		{"An\u202ena", ErrNameInvalid}, {"An\nna", ErrNameInvalid},
	} {
		if _, err := CleanName(c.in); !errors.Is(err, c.want) {
			t.Errorf("CleanName(%q): %v, want %v", c.in, err, c.want)
		}
	}
}

func TestCleanEmail(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	for in, want := range map[string]string{
		"anna@example.org":     "anna@example.org",
		" Anna.Ö@example.org":  "",
		" Anna+x@Example.ORG ": "anna+x@example.org",
		"root@localhost":       "root@localhost",
		"a@b@c":                "", "@example.org": "", "anna@": "", "anna": "", "": "",
		"anna@-example.org":                      "",
		"anna@exam ple.org":                      "",
		"Anna <anna@example.org>":                "",
		"anna@example.org\nBcc: x@y":             "",
		"anna@example.org\u200b":                 "",
		"\u212aarl@example.org":                  "", // Kelvin sign must not become a k
		"a@" + label + ".org":                    "a@" + label + ".org",
		"a@" + label + "a.org":                   "",
		strings.Repeat("a", 64) + "@example.org": strings.Repeat("a", 64) + "@example.org",
		strings.Repeat("a", 65) + "@example.org": "",
	} {
		got, err := CleanEmail(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("CleanEmail(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	longest := "a@" + strings.Repeat("abcdefg.", 31) + "orgs"
	if len(longest) != MaxEmailLength {
		t.Fatalf("the longest address has %d bytes", len(longest))
	}
	if _, err := CleanEmail(longest); err != nil {
		t.Errorf("%d bytes: %v", len(longest), err)
	}
	if _, err := CleanEmail(longest + "x"); !errors.Is(err, ErrEmailInvalid) {
		t.Errorf("%d bytes: %v", len(longest)+1, err)
	}
}

func TestPrepareChecksEverything(t *testing.T) {
	t.Parallel()
	good := New{Email: "A@example.org", Name: " Anna "}
	at := time.Date(2026, 11, 21, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))
	u, err := good.Prepare("t", at)
	if err != nil {
		t.Fatal(err)
	}
	want := User{ID: u.ID, Tenant: "t", Email: "a@example.org", Name: "Anna", Roles: access.Ordinary, Language: German,
		CreatedAt: time.Date(2026, 11, 21, 11, 0, 0, 123_000_000, time.UTC)}
	if u != want || len(u.ID) != 26 {
		t.Errorf("prepared %+v, want %+v", u, want)
	}
	for wanted, spoil := range map[error]func(*New){
		ErrEmailInvalid:        func(n *New) { n.Email = "anna" },
		ErrNameEmpty:           func(n *New) { n.Name = " " },
		access.ErrRoleInvalid:  func(n *New) { n.Roles = []access.Role{access.RoleHost} },
		access.ErrRoleConflict: func(n *New) { n.Roles = []access.Role{access.RoleOperator, access.RoleAuditor} },
		ErrLanguageInvalid:     func(n *New) { n.Language = "fr" },
	} {
		n := good
		spoil(&n)
		if _, err := n.Prepare("t", at); !errors.Is(err, wanted) {
			t.Errorf("%+v: %v, want %v", n, err, wanted)
		}
	}
}
