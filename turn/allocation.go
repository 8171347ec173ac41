package turn

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// The numbers of channels (RFC 8656, section 12).
const (
	channelFirst = 0x4000
	channelLast  = 0x4FFF
)

// allocation is a socket of the relay that speaks to the conference for one client.
type allocation struct {
	owner     person
	client    *client
	source    netip.Prefix
	relay     *net.UDPConn
	relayed   netip.AddrPort // as the client and the conference see it
	addresses []netip.AddrPort
	issued    time.Time   // when the credential was that opened it
	request   transaction // that opened it
	answer    []byte      // to it, in case the first one was lost
	now       func() time.Time
	test      bool
	up, down  *rate.Limiter

	heard atomic.Int64 // when the conference sent something last, in nanoseconds since 1970

	mu          sync.Mutex // guards what follows
	expires     time.Time
	permissions map[netip.Addr]time.Time
	channels    map[uint16]channel
	numbers     map[netip.AddrPort]uint16
}

type channel struct {
	peer    netip.AddrPort
	expires time.Time
}

func newAllocation(g Grant, c *client, relay *net.UDPConn, relayed netip.AddrPort, lifetime time.Duration, now func() time.Time) *allocation {
	a := &allocation{
		owner: person{g.Conference, g.Participant}, client: c, source: sourceOf(c.source), relay: relay, relayed: relayed,
		addresses: g.Addresses, issued: g.issued(), now: now, test: g.test(), up: rate.NewLimiter(UpRate, burst), down: rate.NewLimiter(DownRate, burst),
		expires:     now().Add(lifetime),
		permissions: map[netip.Addr]time.Time{}, channels: map[uint16]channel{}, numbers: map[netip.AddrPort]uint16{},
	}
	if a.test {
		a.up, a.down = rate.NewLimiter(0, 0), rate.NewLimiter(0, 0)
	}
	a.heard.Store(now().UnixNano())
	return a
}

// over reports whether the allocation has had its time.
func (a *allocation) over(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return now.After(a.expires) || now.Sub(time.Unix(0, a.heard.Load())) > SilenceMax
}

// refresh prolongs the allocation, unless it is a test, and returns how long it lives from now on, in whole seconds.
func (a *allocation) refresh(lifetime time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.test {
		return max(a.expires.Sub(a.now()), 0).Truncate(time.Second)
	}
	a.expires = a.now().Add(lifetime)
	return lifetime
}

// allows reports whether a peer is a media socket of the allocation's conference.
func (a *allocation) allows(peer netip.AddrPort) bool { return slices.Contains(a.addresses, peer) }

// permit lets packets from and to the address of a peer pass for PermissionLife.
func (a *allocation) permit(peer netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.permissions[peer.Addr()] = a.now().Add(PermissionLife)
}

// bind gives a peer a number, or reports that one of the two is taken.
func (a *allocation) bind(number uint16, peer netip.AddrPort) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if c, ok := a.channels[number]; ok && c.peer != peer && now.Before(c.expires) {
		return false
	}
	if n, ok := a.numbers[peer]; ok && n != number && now.Before(a.channels[n].expires) {
		return false
	}
	delete(a.numbers, a.channels[number].peer)
	if n, ok := a.numbers[peer]; ok {
		delete(a.channels, n)
	}
	a.channels[number] = channel{peer, now.Add(ChannelLife)}
	a.numbers[peer] = number
	a.permissions[peer.Addr()] = now.Add(PermissionLife)
	return true
}

// peerOf is the peer that a number was given to.
func (a *allocation) peerOf(number uint16) (netip.AddrPort, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.channels[number]
	return c.peer, ok && a.now().Before(c.expires)
}

// numberOf is the number that a peer was given, and whether packets from it may pass at all.
func (a *allocation) numberOf(peer netip.AddrPort) (number uint16, permitted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if !now.Before(a.permissions[peer.Addr()]) {
		return 0, false
	}
	if n, ok := a.numbers[peer]; ok && now.Before(a.channels[n].expires) {
		return n, true
	}
	return 0, true
}

// send passes a packet of the client on, if it may pass.
func (a *allocation) send(peer netip.AddrPort, data []byte) {
	if !a.allows(peer) || !a.up.AllowN(a.now(), len(data)) {
		return
	}
	if _, permitted := a.numberOf(peer); permitted {
		_, _ = a.relay.WriteToUDPAddrPort(data, peer) // datagrams may be lost
	}
}

// receive passes on what the conference sends, until the socket is closed.
func (a *allocation) receive() {
	buffer := make([]byte, PacketMax)
	for {
		n, from, err := a.relay.ReadFromUDPAddrPort(buffer[4:])
		if err != nil {
			if isClosed(err) {
				return
			}
			continue // an ICMP answer to something that we sent
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if !a.allows(from) {
			continue
		}
		a.heard.Store(a.now().UnixNano())
		number, permitted := a.numberOf(from)
		if !permitted || !a.down.AllowN(a.now(), n) {
			continue
		}
		if number != 0 {
			buffer[0], buffer[1], buffer[2], buffer[3] = byte(number>>8), byte(number), byte(n>>8), byte(n)
			a.client.write(buffer[:4+n])
			continue
		}
		a.client.write(build(methodData, classIndication, newTransaction()).address(attrPeerAddress, from).add(attrData, buffer[4:4+n]).finish(nil))
	}
}
