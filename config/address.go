package config

import (
	"net"
	"net/netip"
)

// ownAddress is the first address of this machine that is not loopback. Media are received there by default, and not at
// loopback: Firefox, offered both, chooses loopback and then gets nothing through. Nil when the machine has no other.
func ownAddress() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range list {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if ip := prefix.Addr(); ip.Is4() && ip.IsGlobalUnicast() {
			return []netip.Addr{ip}
		}
	}
	return nil
}
