package meeting

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"testing"

	"konklave/access"
	"konklave/user"
)

func TestLinkHasEnoughRandomness(t *testing.T) {
	t.Parallel()
	if bits := linkGroups * linkGroupSize * math.Log2(float64(len(linkAlphabet))); bits < 128 || int(bits) != LinkBits {
		t.Errorf("a link has %.1f random bits, LinkBits says %d", bits, LinkBits)
	}
	seen, counts := map[string]bool{}, map[rune]int{}
	const links = 2000
	for range links {
		link, err := NewLink(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !LinkShaped(link) || seen[link] {
			t.Fatalf("link %q has the wrong shape or came twice", link)
		}
		seen[link] = true
		for _, r := range strings.ReplaceAll(link, "-", "") {
			counts[r]++
		}
	}
	expected := float64(links*linkGroups*linkGroupSize) / float64(len(linkAlphabet))
	for _, r := range linkAlphabet {
		if deviation := math.Abs(float64(counts[r])-expected) / math.Sqrt(expected); deviation > 6 {
			t.Errorf("%c came %d times, expected %.0f", r, counts[r], expected)
		}
	}
}

func TestLinkUsesNoValueThatWouldFavourACharacter(t *testing.T) {
	t.Parallel()
	random := append(bytes.Repeat([]byte{255, 248}, 10), make([]byte, linkGroups*linkGroupSize)...)
	if link, err := NewLink(bytes.NewReader(random)); err != nil || link != strings.Repeat("aaaa-", linkGroups-1)+"aaaa" {
		t.Errorf("got %q, %v", link, err)
	}
	if _, err := NewLink(bytes.NewReader(nil)); err == nil {
		t.Error("a link was made without randomness")
	}
}

func TestLinkShaped(t *testing.T) {
	t.Parallel()
	good := "abcd-efgh-jkmn-pqrs-tuvw-xyz2-3456"
	if !LinkShaped(good) {
		t.Errorf("%q is refused", good)
	}
	for _, bad := range []string{"", "x", good + "-aaaa", good[1:], strings.ToUpper(good), strings.Replace(good, "a", "l", 1),
		strings.Replace(good, "-", "", 1), good + "\n", "' OR 1=1 --", strings.Repeat("a", 10_000)} {
		if LinkShaped(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestCleanTitle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want error
	}{
		{"Rat der Stadt", nil}, {strings.Repeat("x", MaxTitleLength), nil}, {"<script>alert(1)</script>", nil},
		{" ", ErrTitleEmpty}, {strings.Repeat("x", MaxTitleLength+1), ErrTitleTooLong}, {"a\u2066b", ErrTitleInvalid},
	} {
		if _, err := CleanTitle(c.in); !errors.Is(err, c.want) {
			t.Errorf("CleanTitle(%.20q): %v, want %v", c.in, err, c.want)
		}
	}
	for _, l := range []user.Language{user.German, user.English, ""} {
		if clean, err := CleanTitle(AdHocTitle(l)); err != nil || clean != AdHocTitle(l) {
			t.Errorf("the ad-hoc title %q is not clean", AdHocTitle(l))
		}
	}
}

func TestAdmitsAndRoleOf(t *testing.T) {
	t.Parallel()
	owner := user.User{ID: "u1", Tenant: access.DefaultTenant, Roles: access.Ordinary}.Actor()
	other := user.User{ID: "u2", Tenant: access.DefaultTenant, Roles: access.Administrator}.Actor()
	foreign := user.User{ID: "u1", Tenant: "another", Roles: access.Ordinary}.Actor()
	for _, c := range []struct {
		name   string
		actor  access.Actor
		guests bool
		want   error
		role   access.Role
	}{
		{"owner", owner, false, nil, access.RoleHost},
		{"other account", other, false, nil, access.RoleParticipant},
		{"guest where allowed", access.Guest("u1"), true, nil, access.RoleParticipant},
		{"guest where not allowed", access.Guest("g"), false, ErrNoGuests, access.RoleParticipant},
		{"nobody", access.Nobody(), true, access.ErrSignInRequired, access.RoleParticipant},
		{"account of another organisation", foreign, true, access.ErrDenied, access.RoleHost},
	} {
		m := Meeting{ID: "m", Tenant: access.DefaultTenant, OwnerID: "u1", GuestsAllowed: c.guests}
		if err := m.Admits(c.actor); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if role := m.RoleOf(c.actor); role != c.role {
			t.Errorf("%s: role %s, want %s", c.name, role, c.role)
		}
	}
}
