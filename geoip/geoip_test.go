package geoip

import (
	"encoding/binary"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"konklave/finding"
)

// value writes what such a file holds: a map, a text, a float64, a uint16, uint32 or uint64, or a list.
func value(v any) []byte {
	sized := func(kind byte, extended bool, size int) []byte {
		small, rest := byte(size), []byte(nil)
		if size >= 29 {
			small, rest = 29, []byte{byte(size - 29)}
		}
		if extended {
			return append([]byte{small, kind - 7}, rest...)
		}
		return append([]byte{kind<<5 | small}, rest...)
	}
	var out []byte
	switch v := v.(type) {
	case string:
		out = append(sized(2, false, len(v)), v...)
	case float64:
		out = binary.BigEndian.AppendUint64(sized(3, false, 8), math.Float64bits(v))
	case uint16:
		out = binary.BigEndian.AppendUint16(sized(5, false, 2), v)
	case uint32:
		out = binary.BigEndian.AppendUint32(sized(6, false, 4), v)
	case uint64:
		out = binary.BigEndian.AppendUint64(sized(9, true, 8), v)
	case []string:
		out = sized(11, true, len(v))
		for _, each := range v {
			out = append(out, value(each)...)
		}
	case map[string]any:
		out = sized(7, false, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(append(out, value(name)...), value(v[name])...)
		}
	}
	return out
}

// file writes a file that knows these networks: a tree over IPv6, in which IPv4 stands at its beginning, with records of 24 bits.
func file(kind string, networks map[string]map[string]any) []byte {
	const open, leafBit = -1, 1 << 30
	tree := [][2]int{{open, open}}
	var data []byte
	for _, network := range slices.Sorted(maps.Keys(networks)) {
		p := netip.MustParsePrefix(network)
		bits, address := p.Bits(), p.Addr().As16()
		if p.Addr().Is4() {
			four := p.Addr().As4()
			address, bits = [16]byte{}, bits+96
			copy(address[12:], four[:])
		}
		node := 0
		for i := range bits {
			side := address[i/8] >> (7 - i%8) & 1
			if i == bits-1 {
				tree[node][side] = leafBit + len(data)
				break
			}
			if tree[node][side] == open {
				tree = append(tree, [2]int{open, open})
				tree[node][side] = len(tree) - 1
			}
			node = tree[node][side]
		}
		data = append(data, value(networks[network])...)
	}
	var out []byte
	for _, sides := range tree {
		for _, to := range sides {
			switch {
			case to == open:
				to = len(tree)
			case to >= leafBit:
				to = to - leafBit + len(tree) + 16
			}
			out = append(out, byte(to>>16), byte(to>>8), byte(to))
		}
	}
	out = append(append(append(out, make([]byte, 16)...), data...), "\xab\xcd\xefMaxMind.com"...)
	return append(out, value(map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1), "database_type": kind,
		"description": map[string]any{"en": "test"}, "ip_version": uint16(6), "languages": []string{"en"}, "node_count": uint32(len(tree)), "record_size": uint16(24),
	})...)
}

func country(code string) map[string]any { return map[string]any{"iso_code": code} }

func TestPlacesOfAddresses(t *testing.T) {
	t.Parallel()
	a, err := read("test", file("GeoLite2-City", map[string]map[string]any{
		"192.0.2.0/24":    {"country": country("DE"), "location": map[string]any{"latitude": 52.5, "longitude": 13.4, "accuracy_radius": uint16(20)}},
		"198.51.100.0/24": {"country": country("JP"), "location": map[string]any{"latitude": 35.7, "longitude": 139.7, "accuracy_radius": uint16(10)}},
		"203.0.113.0/25":  {"registered_country": country("FR")},
		"2001:db8::/32":   {"country": country("AT")},
		"100.64.0.0/10":   {"country": country("")},
	}))
	if err != nil {
		t.Fatal(err)
	}
	berlin := finding.Place{Country: "DE", Latitude: 52.5, Longitude: 13.4, Radius: 20, Located: true}
	for address, want := range map[string]finding.Place{
		"192.0.2.0": berlin, "192.0.2.255": berlin, "::ffff:192.0.2.7": berlin, "192.0.3.0": {}, "192.0.1.255": {},
		"203.0.113.0": {Country: "FR"}, "203.0.113.128": {}, "2001:db8:1::": {Country: "AT"}, "2001:db9::": {}, "100.64.0.1": {},
	} {
		got, found := a.Place(netip.MustParseAddr(address))
		if got != want || found != (want != finding.Place{}) {
			t.Errorf("%s: %+v, %v; want %+v", address, got, found, want)
		}
	}
}

func TestWhatIsNoSuchFileIsRefused(t *testing.T) {
	t.Parallel()
	good := file("GeoLite2-Country", map[string]map[string]any{"192.0.2.0/24": {"country": country("DE")}})
	path := filepath.Join(t.TempDir(), "places.mmdb")
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"good": {good, ""}, "empty": {nil, "MaxMind"}, "no metadata": {good[:len(good)/2], "MaxMind"},
		"of other things": {file("GeoLite2-ASN", nil), "nothing about countries"},
	} {
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Truncate(path, MaxFile+1); err != nil { // a hole takes no room
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "at most 256") {
		t.Errorf("too large: %v", err)
	}
	if _, err := Open(path + "x"); !os.IsNotExist(err) {
		t.Errorf("not there: %v", err)
	}
}

// Whatever is broken in a file that was opened, looking up ends in an answer.
func FuzzPlace(f *testing.F) {
	good := file("GeoLite2-City", map[string]map[string]any{"192.0.2.0/24": {"country": country("DE"), "location": map[string]any{"latitude": 1.0, "longitude": 2.0}}})
	f.Add(good, 300, byte(0x20))
	f.Fuzz(func(t *testing.T, data []byte, at int, flip byte) {
		broken := slices.Clone(data)
		if len(broken) > 0 && at >= 0 {
			broken[at%len(broken)] ^= flip
		}
		if a, err := read("fuzz", broken); err == nil {
			a.Place(netip.MustParseAddr("192.0.2.1"))
			a.Place(netip.MustParseAddr("2001:db8::1"))
		}
	})
}
