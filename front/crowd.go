package front

import (
	"net"
	"net/netip"
	"sync"
)

// The most connections that are open at once. A whole office may share one address.
const (
	ConnectionsMax       = 20000
	SourceConnectionsMax = 4000 // from one IPv4 address or one IPv6 network of 64 bits
)

// crowd counts open connections.
type crowd struct {
	max, maxSource int
	proxies        proxies // which bring the connections of many

	mu       sync.Mutex // guards what follows
	all      int
	bySource map[netip.Prefix]int
}

func newCrowd(most, mostSource int, trusted proxies) *crowd {
	return &crowd{max: most, maxSource: mostSource, proxies: trusted, bySource: map[netip.Prefix]int{}}
}

// enter counts a connection in, or reports that there is no room. What it returns counts itself out when it is closed.
func (c *crowd) enter(conn net.Conn) (net.Conn, bool) {
	address := addressOf(conn.RemoteAddr())
	source, most := sourceOf(address), c.maxSource
	if c.proxies.trust(address) {
		source, most = netip.PrefixFrom(address, address.BitLen()), c.max // its neighbours count for themselves
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.max || c.bySource[source] >= most {
		return nil, false
	}
	c.all++
	c.bySource[source]++
	return &counted{Conn: conn, leave: sync.OnceFunc(func() { c.leave(source) })}, true
}

func (c *crowd) leave(source netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.bySource[source]--; c.bySource[source] == 0 {
		delete(c.bySource, source)
	}
}

// addressOf is the address at the other end of a connection; the zero one when it has none.
func addressOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// sourceOf is what counts as one client.
func sourceOf(ip netip.Addr) netip.Prefix {
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

type counted struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
