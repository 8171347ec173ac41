package auth

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"konklave/access"
)

func TestNetworksAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.0/24": "192.0.2.0/24", "192.0.2.9/24": "192.0.2.0/24", " 192.0.2.9 ": "192.0.2.9/32", "0.0.0.0/0": "0.0.0.0/0", "2001:db8::1": "2001:db8::1/128",
		"2001:db8:1::/32": "2001:db8::/32", "::ffff:192.0.2.9": "192.0.2.9/32", "::ffff:192.0.2.9/120": "192.0.2.0/24", "::ffff:0.0.0.0/96": "0.0.0.0/0",
		"::ffff:192.0.2.9/95": "", "192.0.2.0/33": "", "192.0.2": "", "": "", "fe80::1%eth0": "", "fe80::%eth0/64": "", "example.org": "", "192.0.2.1:80": "",
	} {
		got, err := ParseNetworks([]string{text})
		if (err != nil) != (want == "") || err == nil && got[0].String() != want {
			t.Errorf("%q: %v, %v, want %q", text, got, err, want)
		}
	}
	if _, err := ParseNetworks([]string{"10.0.0.1/8", "::ffff:10.0.0.0/104"}); err == nil {
		t.Error("one network twice")
	}
}

func TestAddressesAreInNetworksToTheLastBit(t *testing.T) {
	t.Parallel()
	networks := []netip.Prefix{netip.MustParsePrefix("192.0.2.64/26"), netip.MustParsePrefix("2001:db8:8000::/33")}
	for address, want := range map[string]bool{
		"192.0.2.63": false, "192.0.2.64": true, "192.0.2.127": true, "192.0.2.128": false, "192.0.2.64:443": true,
		"::ffff:192.0.2.64": true, "::ffff:192.0.2.128": false, "[::ffff:192.0.2.100]:443": true,
		"2001:db8:7fff:ffff::1": false, "2001:db8:8000::": true, "2001:db8:ffff:ffff::1": true, "2001:db9::": false, "[2001:db8:8000::1]:443": true,
		"": false, "unknown": false, "192.0.2.64, 192.0.2.65": false,
	} {
		if Within(networks, address) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
	if !Within(nil, "") {
		t.Error("without networks somebody is kept out")
	}
}

func TestEachRoleHasItsNetworks(t *testing.T) {
	t.Parallel()
	office, vault := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16")
	n := NewNetworks(map[access.Role][]netip.Prefix{access.RoleOperator: {office}, access.RoleAuditor: {vault}}, nil, time.Now)
	for _, test := range []struct {
		roles   []access.Role
		address string
		want    bool
	}{
		{[]access.Role{access.RoleUser}, "192.0.2.1", true}, {nil, "192.0.2.1", true},
		{[]access.Role{access.RoleUser, access.RoleOperator}, "192.0.2.1", false}, {[]access.Role{access.RoleUser, access.RoleOperator}, "10.2.0.1", true},
		{[]access.Role{access.RoleOperator, access.RoleAuditor}, "10.2.0.1", false}, {[]access.Role{access.RoleOperator, access.RoleAuditor}, "10.1.0.1", true},
	} {
		if n.Open(test.roles, test.address) != test.want {
			t.Errorf("%v from %s: %v", test.roles, test.address, !test.want)
		}
	}
	if (*Networks)(nil).Check(t.Context(), access.Nobody(), "") != nil {
		t.Error("no networks deny")
	}
}

// What is remembered of denials is bounded, and each is recorded again after a while.
func TestDenialsAreRecordedNowAndThen(t *testing.T) {
	t.Parallel()
	n, now := NewNetworks(nil, nil, nil), time.Unix(0, 0)
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {0, true}, {DeniedQuiet - 1, true}, {DeniedQuiet, false}, {2*DeniedQuiet - 1, true}} {
		if n.silent("a", now.Add(step.after)) != step.want {
			t.Errorf("after %v: silent is %v", step.after, !step.want)
		}
	}
	for i := range 3 * DeniedMax {
		n.silent(fmt.Sprint(i), now)
	}
	if len(n.told) > DeniedMax {
		t.Errorf("%d denials are remembered", len(n.told))
	}
}
