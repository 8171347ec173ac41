package media

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/pion/ice/v4"
)

// socketBuffer is what a socket's kernel buffers are set to, in bytes; the kernel may grant less.
const socketBuffer = 4 << 20

// traffic counts what passes the sockets.
type traffic struct {
	packetsIn, packetsOut, bytesIn, bytesOut atomic.Uint64
}

func (t *traffic) in(n int) {
	t.packetsIn.Add(1)
	t.bytesIn.Add(uint64(n))
}

func (t *traffic) out(n int) {
	t.packetsOut.Add(1)
	t.bytesOut.Add(uint64(n))
}

// countingConn is the socket as the mux sees it. The AddrPort methods save an allocation for each packet.
type countingConn struct {
	*net.UDPConn
	traffic *traffic
}

// ReadFromAddrPort reads one datagram.
func (c countingConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err == nil {
		c.traffic.in(n)
	}
	return n, from, err
}

// WriteToAddrPort sends one datagram.
func (c countingConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	n, err := c.WriteToUDPAddrPort(b, to)
	if err == nil {
		c.traffic.out(n)
	}
	return n, err
}

// openMux puts the sockets behind one ICE mux; params say how each works. It reports whether one of them is on a loopback address.
func openMux(conns []net.PacketConn, t *traffic, params ice.UDPMuxParams) (mux ice.UDPMux, loopback bool, err error) {
	sockets, loopback, err := concrete(conns)
	if err != nil {
		return nil, false, err
	}
	var muxes []ice.UDPMux
	for _, udp := range sockets {
		// A refusal leaves the kernel's default, which works with fewer participants.
		_ = udp.SetReadBuffer(socketBuffer)
		_ = udp.SetWriteBuffer(socketBuffer)
		params.UDPConn = countingConn{udp, t}
		muxes = append(muxes, ice.NewUDPMuxDefault(params))
	}
	if len(muxes) == 1 {
		return muxes[0], loopback, nil
	}
	return ice.NewMultiUDPMuxDefault(muxes...), loopback, nil
}

// concrete returns the sockets, at least one, each UDP and bound to an address that clients can be told.
func concrete(conns []net.PacketConn) (sockets []*net.UDPConn, loopback bool, err error) {
	if len(conns) == 0 {
		return nil, false, fmt.Errorf("open media: no UDP socket given")
	}
	for _, c := range conns {
		udp, ok := c.(*net.UDPConn)
		if !ok {
			return nil, false, fmt.Errorf("open media: %T is not a UDP socket", c)
		}
		addr, ok := udp.LocalAddr().(*net.UDPAddr)
		if !ok || addr.IP.IsUnspecified() {
			return nil, false, fmt.Errorf("open media: socket %v is not bound to a concrete address", udp.LocalAddr())
		}
		loopback = loopback || addr.IP.IsLoopback()
		sockets = append(sockets, udp)
	}
	return sockets, loopback, nil
}
