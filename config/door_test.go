package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	open := func(c *Config) {
		c.Listen, c.PublicURL = "0.0.0.0:443", "https://meet.example.org"
		c.Media.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	}
	for name, test := range map[string]struct {
		set  func(*Config)
		want string // of the mistake; empty when it is accepted
	}{
		"off":                  {func(c *Config) { c.TLS.Mode = TLSOff }, "listen is 0.0.0.0:443"},
		"local CA":             {func(c *Config) { c.TLS.Mode = TLSLocalCA }, ""},
		"local CA, no address": {func(c *Config) { c.TLS.Mode, c.PublicURL = TLSLocalCA, "" }, ""},
		"files":                {func(c *Config) { c.TLS.Mode, c.TLS.Certificate, c.TLS.Key = TLSFiles, "c", "k" }, ""},
		"files without key":    {func(c *Config) { c.TLS.Mode, c.TLS.Certificate = TLSFiles, "c" }, "tls.key"},
		"key without files":    {func(c *Config) { c.TLS.Mode, c.TLS.Key = TLSLocalCA, "k" }, "tls.key"},
		"ACME":                 {func(c *Config) { c.TLS.Mode = TLSACME }, ""},
		"ACME without name":    {func(c *Config) { c.TLS.Mode, c.PublicURL = TLSACME, "" }, "public-url"},
		"ACME by plain HTTP":   {func(c *Config) { c.TLS.Mode, c.TLS.Directory = TLSACME, "http://ca/dir" }, "tls.directory"},
		"plain public address": {func(c *Config) { c.TLS.Mode, c.PublicURL = TLSLocalCA, "http://localhost" }, "public-url"},
		"redirect":             {func(c *Config) { c.TLS.Mode, c.TLS.Redirect = TLSLocalCA, "0.0.0.0:80" }, ""},
		"redirect to nowhere":  {func(c *Config) { c.Listen, c.TLS.Redirect = "127.0.0.1:80", "127.0.0.1:81" }, "tls.redirect"},
		"redirect, no port":    {func(c *Config) { c.TLS.Mode, c.TLS.Redirect = TLSLocalCA, "0.0.0.0" }, "tls.redirect"},
		"relay":                {func(c *Config) { c.TLS.Mode, c.TURN.Listen = TLSLocalCA, ":3478" }, ""},
		"relay, no port":       {func(c *Config) { c.TLS.Mode, c.TURN.Listen = TLSLocalCA, "stun" }, "turn.listen"},
		"relay, large port":    {func(c *Config) { c.TLS.Mode, c.TURN.Listen = TLSLocalCA, ":65536" }, "turn.listen"},
	} {
		c := Default()
		open(&c)
		test.set(&c)
		err := c.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestAddressHostsAndRelays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		listen, public, turn string
		mode                 TLSMode
		address              string
		relays               []string
		host                 string
	}{
		{"127.0.0.1:8080", "", "", TLSOff, "http://localhost:8080", nil, "127.0.0.1"},
		{"127.0.0.1:8080", "", "127.0.0.1:3478", TLSOff, "http://localhost:8080", []string{"turn:localhost:3478?transport=udp"}, "localhost"},
		{"[::1]:8080", "", "", TLSOff, "http://[::1]:8080", nil, "::1"},
		{"127.0.0.1:8080", "https://meet.example.org/", "", TLSOff, "https://meet.example.org", nil, "meet.example.org"},
		{"192.0.2.1:8443", "", "", TLSLocalCA, "https://192.0.2.1:8443", []string{"turns:192.0.2.1:8443?transport=tcp"}, "192.0.2.1"},
		{"0.0.0.0:443", "https://meet.example.org", "0.0.0.0:3479", TLSFiles, "https://meet.example.org",
			[]string{"turn:meet.example.org:3479?transport=udp", "turns:meet.example.org:443?transport=tcp"}, "meet.example.org"},
		{"[2001:db8::1]:443", "", "", TLSLocalCA, "https://[2001:db8::1]:443", []string{"turns:[2001:db8::1]:443?transport=tcp"}, "2001:db8::1"},
	} {
		c := Default()
		c.Listen, c.PublicURL, c.TURN.Listen, c.TLS.Mode = test.listen, test.public, test.turn, test.mode
		if got := c.Address(); got != test.address {
			t.Errorf("%s: address %s, want %s", test.listen, got, test.address)
		}
		if got := c.RelayURLs(); !slices.Equal(got, test.relays) {
			t.Errorf("%s: relays %v, want %v", test.listen, got, test.relays)
		}
		if !slices.Contains(c.Hosts(), test.host) {
			t.Errorf("%s: hosts %v without %s", test.listen, c.Hosts(), test.host)
		}
	}
	c := Default()
	c.Listen, c.TLS.Mode = "0.0.0.0:8443", TLSLocalCA
	for _, a := range ownAddress() {
		if !slices.Contains(c.Hosts(), a.String()) || c.Address() != "https://"+a.String()+":8443" {
			t.Errorf("address %s, hosts %v, own address %s", c.Address(), c.Hosts(), a)
		}
	}
}
