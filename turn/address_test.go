package turn

import (
	"net/netip"
	"testing"
)

// The relay speaks from an address that is not loopback if there is one, from IPv4 before IPv6.
func TestTheRelaySpeaksFromTheBestAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		media  []string
		family []byte // asked for; nil for none
		want   string
	}{
		"IPv4 first":           {[]string{"2001:db8::1", "192.0.2.1"}, nil, "192.0.2.1"},
		"the first of two":     {[]string{"192.0.2.1", "192.0.2.2"}, nil, "192.0.2.1"},
		"not loopback":         {[]string{"127.0.0.1", "192.0.2.1"}, nil, "192.0.2.1"},
		"IPv6 before loopback": {[]string{"127.0.0.1", "2001:db8::1"}, nil, "2001:db8::1"},
		"loopback alone":       {[]string{"::1", "127.0.0.1"}, nil, "127.0.0.1"},
		"IPv6 wanted":          {[]string{"192.0.2.1", "::1", "2001:db8::1"}, []byte{familyIPv6, 0, 0, 0}, "2001:db8::1"},
		"IPv4 wanted":          {[]string{"127.0.0.1", "2001:db8::1"}, []byte{familyIPv4, 0, 0, 0}, "127.0.0.1"},
		"IPv4 wanted, none":    {[]string{"2001:db8::1"}, []byte{familyIPv4, 0, 0, 0}, "invalid IP"},
		"unknown family":       {[]string{"192.0.2.1"}, []byte{3, 0, 0, 0}, "invalid IP"},
		"a test":               {nil, nil, "127.0.0.1"},
		"a test by IPv6":       {nil, []byte{familyIPv6, 0, 0, 0}, "::1"},
	} {
		var media []netip.AddrPort
		for _, a := range test.media {
			media = append(media, netip.AddrPortFrom(netip.MustParseAddr(a), 40000))
		}
		m := &message{}
		if test.family != nil {
			m.attributes = []value{{attrRequestedFamily, test.family}}
		}
		if got, ok := relayAddress(m, media); got.String() != test.want || ok != got.IsValid() {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
