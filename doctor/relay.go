package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"konklave/config"
)

// testMax is the largest answer to a request for a test of the connection, in bytes.
const testMax = 16 << 10

// testKey is what the running server gives to anybody who tests the connection: a credential that reaches nobody.
type testKey struct{ username, password string }

// relay tries each way to the relay that browsers are told of, as they do: with a credential of the running server, down to
// an allocation.
func relay(ctx context.Context, c config.Config) []Finding {
	var findings []Finding
	if c.TURN.Listen == "" {
		findings = append(findings, advice("Set turn.listen, so that people behind strict firewalls have picture and sound.", "There is no relay over UDP."))
	} else if _, _, err := net.SplitHostPort(c.TURN.Listen); err != nil {
		findings = append(findings, failed("Correct turn.listen.", "%s is not an address.", c.TURN.Listen))
	}
	if !c.TLS.On() {
		findings = append(findings, advice("Set tls.mode: then the relay is at the port of the web server too.", "There is no relay over TLS, which people need whose firewall lets web pages through and nothing else."))
	}
	ways := c.RelayURLs()
	if len(ways) == 0 {
		return findings
	}
	a, err := testAccess(ctx, c)
	if err != nil {
		findings = append(findings, unknown("Start the server, and see the finding for the web address.", "The relay was tried without a credential, because the server gave none (%v).", cause(err)))
	}
	for _, way := range ways {
		findings = append(findings, tryRelay(ctx, way, a))
		findings = append(findings, numbered(way)...)
	}
	return findings
}

// numbered warns of a way that Firefox does not go: it uses no relay over TLS whose address is a number.
func numbered(way string) []Finding {
	address, over, err := parseWay(way)
	if err != nil || over != overTLS {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	if number, err := netip.ParseAddr(host); err != nil || number.IsLoopback() {
		return nil
	}
	return []Finding{advice("Give public-url a host name that leads to this address, and a certificate for it.",
		"Firefox uses no relay over TLS whose address is a number, such as %s: people with Firefox behind a firewall that lets web pages through and nothing else have neither picture nor sound.", host)}
}

// tryRelay goes one way; without access only as far as one comes without.
func tryRelay(ctx context.Context, way string, a *testKey) Finding {
	address, over, err := parseWay(way)
	if err != nil {
		return failed("Correct public-url and turn.listen.", "%s is no address of a relay.", way)
	}
	fix := fmt.Sprintf("See that UDP port %s is open in the firewall, and nothing else listens there.", portOf(address))
	if over == overTLS {
		fix = fmt.Sprintf("See that what stands before this server, at TCP port %s, passes TLS on untouched: a proxy that speaks HTTP itself cannot relay.", portOf(address))
	}
	conn, err := dialRelay(ctx, address, over)
	if err != nil {
		return failed(fix, "The relay cannot be reached at %s over %s (%v).", address, over, cause(err))
	}
	defer conn.Close()
	s := &stunClient{conn: conn, stream: over == overTLS}
	if _, err := s.ask(ctx, stunBinding); err != nil {
		return failed(fix, "The relay does not answer at %s over %s (%v).", address, over, cause(err))
	}
	if a == nil {
		return good("The relay answers at %s over %s.", address, over)
	}
	if err := s.allocate(ctx, *a); err != nil {
		return failed("Look into the log of the front. After a change of keys, restart the server.", "The relay at %s answers over %s, and refuses a credential of this server (%v).", address, over, err)
	}
	return good("The relay answers at %s over %s, and takes a credential of this server.", address, over)
}

// How a relay is reached, in the words of a report.
const (
	overUDP = "UDP"
	overTLS = "TLS"
)

// parseWay reads an address of a relay (RFC 7065) as config makes them.
func parseWay(way string) (address, over string, err error) {
	rest, _, _ := strings.Cut(way, "?")
	scheme, address, ok := strings.Cut(rest, ":")
	if !ok {
		return "", "", errors.New("no scheme")
	}
	over = overUDP
	if scheme == "turns" {
		over = overTLS
	}
	_, _, err = net.SplitHostPort(address)
	return address, over, err
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return port
}

// dialRelay connects as browsers do, who name no protocol in the TLS handshake.
func dialRelay(ctx context.Context, address, over string) (net.Conn, error) {
	if over == overUDP {
		var d net.Dialer
		return d.DialContext(ctx, "udp", address)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} // the certificate has a check of its own
	return d.DialContext(ctx, "tcp", address)
}

// testAccess asks the running server for what it gives to people who test their connection.
func testAccess(ctx context.Context, c config.Config) (*testKey, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Address()+"/api/v1/connection-test", nil)
	if err != nil {
		return nil, err
	}
	client := browser()
	defer client.CloseIdleConnections()
	r, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", (&url.URL{Scheme: q.URL.Scheme, Host: q.URL.Host}).String(), r.StatusCode)
	}
	var answer struct {
		Relay struct {
			Username   string `json:"username"`
			Credential string `json:"credential"`
		} `json:"relay"`
	}
	if err := json.UnmarshalRead(io.LimitReader(r.Body, testMax), &answer); err != nil {
		return nil, err
	}
	if answer.Relay.Username == "" {
		return nil, errors.New("the server knows of no relay")
	}
	return &testKey{answer.Relay.Username, answer.Relay.Credential}, nil
}
