package geoip

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/finding"
	"konklave/geoip/geoiptest"
)

// file writes a file that knows these networks.
func file(kind string, networks map[string]map[string]any) []byte {
	return geoiptest.File(kind, built, networks)
}

var built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

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
	if !a.Built().Equal(built) {
		t.Errorf("built at %v", a.Built())
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
