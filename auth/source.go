package auth

import "net/netip"

// The part of a client's address that counts as one source, and the part that is kept for the user to read.
const (
	sourceBits6 = 64 // one subscriber has at least so much
	shortBits4  = 24
	shortBits6  = 48
)

// sourceOf is what failures are counted by: an IPv4 address, the network of an IPv6 address, or "unknown".
func sourceOf(address string) string { return masked(address, 32, sourceBits6) }

// shortSource is the network of an address: enough to recognise, too little to find somebody.
func shortSource(address string) string { return masked(address, shortBits4, shortBits6) }

func masked(address string, bits4, bits6 int) string {
	ip, ok := addressIn(address)
	if !ok {
		return "unknown"
	}
	bits := bits6
	if ip.Is4() {
		bits = bits4
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}

// addressIn reads an address with or without a port; IPv4 in IPv6 is IPv4.
func addressIn(text string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return ip, false
		}
		ip = withPort.Addr()
	}
	return ip.Unmap().WithZone(""), true
}
