package front

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The headers in which proxies tell whose request they pass on: the one that most of them know, and that of RFC 7239.
const (
	headerForwardedFor = "X-Forwarded-For"
	headerForwarded    = "Forwarded"
)

// proxies are the networks of the operator's own proxies in front of this front.
type proxies []netip.Prefix

// trust reports whether an address is one of theirs.
func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// clientOf is the address of whoever sent a request: that of the connection, or when it is a trusted proxy's the last address in
// the header that is not. Where both headers came they must name the same one, because a proxy that writes one of them may
// pass on the other as the client made it up; if they do not, the proxy is the client.
func (p proxies) clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	peer := hop(host)
	if !p.trust(peer) {
		return host
	}
	usual, standard := r.Header.Values(headerForwardedFor), r.Header.Values(headerForwarded)
	byUsual, byStandard := p.origin(peer, forwardedFor(usual)), p.origin(peer, forwarded(standard))
	switch {
	case len(standard) == 0 || byUsual == byStandard:
		return byUsual.String()
	case len(usual) == 0:
		return byStandard.String()
	}
	return peer.String()
}

// origin follows the hops of a request back from the peer, as far as it is trusted proxies that tell.
func (p proxies) origin(peer netip.Addr, hops []netip.Addr) netip.Addr {
	for _, before := range slices.Backward(hops) {
		if !p.trust(peer) || !before.IsValid() {
			break
		}
		peer = before
	}
	return peer
}

// forwardedFor reads the lines of X-Forwarded-For; a hop that is no address is the zero one.
func forwardedFor(lines []string) []netip.Addr {
	var hops []netip.Addr
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			hops = append(hops, hop(strings.Trim(part, " \t")))
		}
	}
	return hops
}

// forwarded reads the lines of Forwarded (RFC 7239, section 4). A hop that names no address is the zero one, and so is a whole
// line that is not well-formed.
func forwarded(lines []string) []netip.Addr {
	var hops []netip.Addr
	for _, line := range lines {
		elements, ok := splitQuoted(line, ',')
		if !ok {
			elements = []string{""}
		}
		for _, element := range elements {
			hops = append(hops, forwardedBy(element))
		}
	}
	return hops
}

// forwardedBy is the address behind "for" in one element, the zero one when it has none, or more than one.
func forwardedBy(element string) (from netip.Addr) {
	pairs, _ := splitQuoted(element, ';') // its quotes are in order, or the line had been refused
	seen := false
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(name, "for") {
			continue
		}
		if seen {
			return netip.Addr{}
		}
		seen, from = true, hop(unquoted(value))
	}
	return from
}

// splitQuoted splits a line at a separator outside quoted strings (RFC 9110, section 5.6.4), and trims the parts. It reports
// false when a string does not end, or does not stand alone as the value behind an equals sign: then a part that somebody made
// up could swallow one that a proxy added.
func splitQuoted(line string, separator byte) (parts []string, ok bool) {
	begin, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && quoted:
			quoted = false
			if i+1 < len(line) && !strings.ContainsRune(",; \t", rune(line[i+1])) {
				return nil, false
			}
		case c == '"':
			quoted = true
			if i == 0 || line[i-1] != '=' {
				return nil, false
			}
		case c == separator && !quoted:
			parts = append(parts, strings.Trim(line[begin:i], " \t"))
			begin = i + 1
		}
	}
	return append(parts, strings.Trim(line[begin:], " \t")), !quoted
}

// unquoted is a value without its quotes. Escapes stay: no address needs one.
func unquoted(value string) string {
	if inside, ok := strings.CutPrefix(value, `"`); ok {
		return strings.TrimSuffix(inside, `"`)
	}
	return value
}

// hop reads an address with or without a port, an IPv6 one with or without brackets; the zero one when it is none.
func hop(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	if inside, ok := strings.CutPrefix(text, "["); ok {
		text, ok = strings.CutSuffix(inside, "]")
		if !ok {
			return netip.Addr{}
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
