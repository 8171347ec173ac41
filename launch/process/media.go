package process

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// mediaAddresses tells where the media sockets of a worker are, asked of the sockets themselves.
func mediaAddresses(sockets []*os.File) []netip.AddrPort {
	var list []netip.AddrPort
	for _, s := range sockets {
		name, err := unix.Getsockname(int(s.Fd()))
		if err != nil {
			continue
		}
		switch a := name.(type) {
		case *unix.SockaddrInet4:
			list = append(list, netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)))
		case *unix.SockaddrInet6:
			list = append(list, netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port)))
		}
	}
	return list
}
