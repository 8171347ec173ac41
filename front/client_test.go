package front

import (
	"net/http"
	"net/netip"
	"testing"
)

const (
	proxyAddress = "10.0.0.1"
	trueAddress  = "192.0.2.7"
)

func trusted(networks ...string) proxies {
	var p proxies
	for _, n := range networks {
		p = append(p, netip.MustParsePrefix(n))
	}
	return p
}

// asked is a request from an address with some headers: names and values by turns.
func asked(from string, headers ...string) *http.Request {
	r := &http.Request{RemoteAddr: from, Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestA60TrustedProxiesTellTheClient(t *testing.T) {
	t.Parallel()
	p := trusted("10.0.0.0/24", "2001:db8:1::/64", "::1/128")
	const usual, standard = "X-Forwarded-For", "Forwarded"
	for name, test := range map[string]struct {
		from    string
		headers []string
		want    string
	}{
		"one":                      {"10.0.0.1:5", []string{usual, "192.0.2.7"}, "192.0.2.7"},
		"with port":                {"10.0.0.1:5", []string{usual, "192.0.2.7:4711"}, "192.0.2.7"},
		"IPv6":                     {"[::1]:5", []string{usual, "2001:db8::7"}, "2001:db8::7"},
		"IPv6, brackets":           {"[::1]:5", []string{usual, "[2001:db8::7]"}, "2001:db8::7"},
		"IPv6, port":               {"[::1]:5", []string{usual, "[2001:db8::7]:1"}, "2001:db8::7"},
		"mapped peer":              {"[::ffff:10.0.0.1]:5", []string{usual, "::ffff:192.0.2.7"}, "192.0.2.7"},
		"made up before":           {"10.0.0.1:5", []string{usual, "6.6.6.6, 192.0.2.7"}, "192.0.2.7"},
		"made up, line of its own": {"10.0.0.1:5", []string{usual, "6.6.6.6", usual, "192.0.2.7"}, "192.0.2.7"},
		"junk before":              {"10.0.0.1:5", []string{usual, "evil,,\",192.0.2.7"}, "192.0.2.7"},
		"two proxies":              {"10.0.0.1:5", []string{usual, "6.6.6.6,192.0.2.7, 10.0.0.2"}, "192.0.2.7"},
		"claims to be a proxy":     {"10.0.0.1:5", []string{usual, "6.6.6.6,10.0.0.9,192.0.2.7"}, "192.0.2.7"},
		"all are proxies":          {"10.0.0.1:5", []string{usual, "10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		"nothing":                  {"10.0.0.1:5", nil, "10.0.0.1"},
		"empty":                    {"10.0.0.1:5", []string{usual, ""}, "10.0.0.1"},
		"no address":               {"10.0.0.1:5", []string{usual, "192.0.2.7, unknown"}, "10.0.0.1"},
		"no address, two proxies":  {"10.0.0.1:5", []string{usual, "192.0.2.7, [10.0.0.8, 10.0.0.2"}, "10.0.0.2"},

		"standard":             {"10.0.0.1:5", []string{standard, "for=192.0.2.7;proto=https;by=10.0.0.1"}, "192.0.2.7"},
		"standard, case":       {"10.0.0.1:5", []string{standard, "proto=https; For=192.0.2.7"}, "192.0.2.7"},
		"standard, IPv6":       {"10.0.0.1:5", []string{standard, `for="[2001:db8::7]:4711"`}, "2001:db8::7"},
		"standard, port":       {"10.0.0.1:5", []string{standard, `for="192.0.2.7:4711"`}, "192.0.2.7"},
		"standard, chain":      {"10.0.0.1:5", []string{standard, `for=6.6.6.6, for="192.0.2.7";host="a,b;c", for="[2001:db8:1::2]"`}, "192.0.2.7"},
		"standard, lines":      {"10.0.0.1:5", []string{standard, `for="6.6.6.6`, standard, "for=192.0.2.7"}, "192.0.2.7"},
		"standard, hidden":     {"10.0.0.1:5", []string{standard, "for=192.0.2.7, for=_secret"}, "10.0.0.1"},
		"standard, unknown":    {"10.0.0.1:5", []string{standard, `for="unknown"`}, "10.0.0.1"},
		"standard, none":       {"10.0.0.1:5", []string{standard, "for=6.6.6.6, proto=https"}, "10.0.0.1"},
		"standard, twice":      {"10.0.0.1:5", []string{standard, "for=192.0.2.7;for=6.6.6.6"}, "10.0.0.1"},
		"standard, swallowed":  {"10.0.0.1:5", []string{standard, `for=6.6.6.6, x=", for=192.0.2.7`}, "10.0.0.1"},
		"standard, in a token": {"10.0.0.1:5", []string{standard, `for=6.6.6.6, x", for="192.0.2.7"`}, "10.0.0.1"},
		"standard, escape":     {"10.0.0.1:5", []string{standard, `x="\", for=6.6.6.6", for=192.0.2.7`}, "192.0.2.7"},

		"both agree":           {"10.0.0.1:5", []string{usual, "192.0.2.7", standard, "for=192.0.2.7"}, "192.0.2.7"},
		"one is made up":       {"10.0.0.1:5", []string{usual, "6.6.6.6", standard, "for=192.0.2.7"}, "10.0.0.1"},
		"the other is made up": {"10.0.0.1:5", []string{usual, "192.0.2.7", standard, "for=6.6.6.6"}, "10.0.0.1"},

		"nobody's proxy":            {"10.0.1.1:5", []string{usual, "6.6.6.6", standard, "for=6.6.6.6"}, "10.0.1.1"},
		"the client itself":         {"192.0.2.7:5", []string{usual, "10.0.0.1"}, "192.0.2.7"},
		"the client itself by IPv6": {"[2001:db8:2::1]:5", []string{standard, "for=10.0.0.1"}, "2001:db8:2::1"},
		"no address at all":         {"@", []string{usual, "6.6.6.6"}, "@"},
	} {
		if got := p.clientOf(asked(test.from, test.headers...)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if got := proxies(nil).clientOf(asked("127.0.0.1:5", usual, "6.6.6.6")); got != "127.0.0.1" {
		t.Errorf("without trusted proxies: %s", got)
	}
}

// Whatever a client makes up, it does not become somebody else: a proxy's word stands behind it.
func FuzzA60ForwardedHeaders(f *testing.F) {
	for _, made := range []string{"", "6.6.6.6", `for="`, `for=6.6.6.6, x="`, `x="\`, `a="",b="`, `for="6.6.6.6", "`, ";", "\\", `for="[`, "for=10.0.0.1"} {
		f.Add(made)
	}
	p := trusted(proxyAddress + "/32")
	f.Fuzz(func(t *testing.T, made string) {
		from := proxyAddress + ":5"
		for _, headers := range [][]string{
			{"X-Forwarded-For", made + ", " + trueAddress},
			{"X-Forwarded-For", made, "X-Forwarded-For", trueAddress},
			{"Forwarded", made, "Forwarded", "for=" + trueAddress},
		} {
			if got := p.clientOf(asked(from, headers...)); got != trueAddress {
				t.Errorf("%q: %s", headers, got)
			}
		}
		for _, headers := range [][]string{
			{"Forwarded", made + ", for=" + trueAddress},
			{"Forwarded", made + `, for="` + trueAddress + `:4711";proto=https`},
			{"Forwarded", made + `,proto=https;for="` + trueAddress + `"`},
			{"X-Forwarded-For", made, "Forwarded", "for=" + trueAddress},
			{"X-Forwarded-For", trueAddress, "Forwarded", made},
		} {
			if got := p.clientOf(asked(from, headers...)); got != trueAddress && got != proxyAddress {
				t.Errorf("%q: %s", headers, got)
			}
		}
	})
}
