package turn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"time"
)

// The address families of RFC 8656, section 18.6.
const (
	familyIPv4 = 1
	familyIPv6 = 2
)

// allocate opens an allocation (RFC 8656, section 7.2).
func (s *Server) allocate(c *client, m *message, who authority) {
	if a := s.find(c.key); a != nil {
		if a.request == m.id {
			s.answer(c, a.answer) // the first one was lost
			return
		}
		s.refuse(c, m, mismatch, who.key)
		return
	}
	transport, ok := m.get(attrTransport)
	_, even := m.get(attrEvenPort)
	_, reserved := m.get(attrReservation)
	local, supported := relayAddress(m, who.grant.Addresses)
	switch {
	case !ok || len(transport) != 4:
		s.refuse(c, m, badRequest, who.key)
	case transport[0] != protocolUDP:
		s.refuse(c, m, onlyUDP, who.key)
	case even || reserved:
		s.refuse(c, m, noCapacity, who.key)
	case !supported:
		s.refuse(c, m, familyUnsupported, who.key)
	default:
		s.open(c, m, who, local)
	}
}

// open binds the socket of an allocation and enters it in the books.
func (s *Server) open(c *client, m *message, who authority, local netip.Addr) {
	owner, source := person{who.grant.Conference, who.grant.Participant}, sourceOf(c.source)
	s.mu.Lock()
	room := s.tallyOf(owner).room(owner, source)
	s.mu.Unlock()
	if !room {
		s.refuse(c, m, quotaReached, who.key)
		return
	}
	relay, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		s.Log.Error("the relay has no socket for a participant", "error", err)
		s.refuse(c, m, noCapacity, who.key)
		return
	}
	bound, _ := relay.LocalAddr().(*net.UDPAddr) // what ListenUDP gives
	relayed := netip.AddrPortFrom(local, bound.AddrPort().Port())
	lifetime := max(m.lifetime(), LifetimeDefault)
	if who.grant.test() {
		lifetime = TestAllocationLife
	}
	a := newAllocation(who.grant, c, relay, relayed, lifetime, s.Now)
	a.request = m.id
	a.answer = build(methodAllocate, classSuccess, m.id).address(attrRelayedAddress, relayed).address(attrMappedAddress, c.source).
		number(attrLifetime, uint32(lifetime/time.Second)).finish(who.key)
	switch why := s.enter(a); why {
	case 0:
		go a.receive()
		s.answer(c, a.answer)
	case unauthorized:
		_ = relay.Close() // it was never used
		s.challenge(c, m, why)
	default:
		_ = relay.Close() // it was never used
		s.refuse(c, m, why, who.key)
	}
}

// enter enters an allocation in the books, or says why not: there would be too many, or its participant, its client or the
// relay itself has ended since the request was authenticated.
func (s *Server) enter(a *allocation) refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := s.closed || s.drained && a.client.stream == nil
	if a.client.stream != nil {
		_, there := s.connections[a.client.stream]
		gone = gone || !there
	}
	switch {
	case s.hasEnded(a.owner, a.issued):
		return unauthorized
	case gone || s.allocations[a.client.key] != nil || !s.tallyOf(a.owner).room(a.owner, a.source):
		return quotaReached
	}
	s.allocations[a.client.key] = a
	s.tallyOf(a.owner).add(a.owner, a.source)
	return 0
}

// relayAddress is the address of this machine that an allocation speaks from: one where the conference's media are, of the
// family that the client wants, and not loopback if there is another. An allocation that is only a test speaks to nobody, so
// loopback does.
func relayAddress(m *message, media []netip.AddrPort) (netip.Addr, bool) {
	family := 0
	if v, ok := m.get(attrRequestedFamily); ok {
		if len(v) != 4 || v[0] != familyIPv4 && v[0] != familyIPv6 {
			return netip.Addr{}, false
		}
		family = int(v[0])
	}
	if len(media) == 0 {
		media = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0), netip.AddrPortFrom(netip.IPv6Loopback(), 0)}
	}
	var best netip.Addr
	for _, a := range media {
		ip := a.Addr()
		if family == familyIPv4 && !ip.Is4() || family == familyIPv6 && !ip.Is6() {
			continue
		}
		if !best.IsValid() || rank(ip) > rank(best) {
			best = ip
		}
	}
	return best, best.IsValid()
}

// rank says how good an address is to speak from: one that is not loopback before one that is, then IPv4 before IPv6.
func rank(ip netip.Addr) int {
	n := 0
	if !ip.IsLoopback() {
		n += 2
	}
	if ip.Is4() {
		n++
	}
	return n
}

// lifetime is what the client asks for, within bounds; 0 when it says nothing or gives up.
func (m *message) lifetime() time.Duration {
	v, ok := m.get(attrLifetime)
	if !ok || len(v) != 4 {
		return 0
	}
	return min(time.Duration(binary.BigEndian.Uint32(v))*time.Second, LifetimeMax)
}

// own finds the allocation that a request is about, or refuses.
func (s *Server) own(c *client, m *message, who authority) *allocation {
	a := s.find(c.key)
	switch {
	case a == nil:
		s.refuse(c, m, mismatch, who.key)
	case a.owner != person{who.grant.Conference, who.grant.Participant}:
		s.refuse(c, m, wrongCredentials, who.key)
	default:
		return a
	}
	return nil
}

// refresh prolongs an allocation or gives it up (RFC 8656, section 8.2).
func (s *Server) refresh(c *client, m *message, who authority) {
	a := s.own(c, m, who)
	if a == nil {
		return
	}
	lifetime := m.lifetime()
	if _, said := m.get(attrLifetime); said && lifetime == 0 {
		s.mu.Lock()
		over := s.pick(func(b *allocation) bool { return a == b })
		s.mu.Unlock()
		_ = a.relay.Close() // its reader ends
		s.answer(c, build(methodRefresh, classSuccess, m.id).number(attrLifetime, 0).finish(who.key))
		finish(over)
		return
	}
	lifetime = a.refresh(max(lifetime, LifetimeDefault))
	s.answer(c, build(methodRefresh, classSuccess, m.id).number(attrLifetime, uint32(lifetime/time.Second)).finish(who.key))
}

// createPermission lets peers send to the client (RFC 8656, section 9.2). Unlike there, a peer is an address with its port.
func (s *Server) createPermission(c *client, m *message, who authority) {
	a := s.own(c, m, who)
	if a == nil {
		return
	}
	var peers []netip.AddrPort
	for _, v := range m.attributes {
		if v.kind != attrPeerAddress {
			continue
		}
		peer, ok := m.unmask(v.bytes)
		if !ok {
			s.refuse(c, m, badRequest, who.key)
			return
		}
		peers = append(peers, peer)
	}
	switch {
	case len(peers) == 0:
		s.refuse(c, m, badRequest, who.key)
	case slices.ContainsFunc(peers, func(p netip.AddrPort) bool { return !a.allows(p) }):
		s.refuse(c, m, forbidden, who.key)
	default:
		for _, p := range peers {
			a.permit(p)
		}
		s.answer(c, build(m.method, classSuccess, m.id).finish(who.key))
	}
}

// channelBind gives a peer a number (RFC 8656, section 12.2).
func (s *Server) channelBind(c *client, m *message, who authority) {
	a := s.own(c, m, who)
	if a == nil {
		return
	}
	number, _ := m.get(attrChannelNumber)
	to, _ := m.get(attrPeerAddress)
	peer, ok := m.unmask(to)
	if !ok || len(number) != 4 {
		s.refuse(c, m, badRequest, who.key)
		return
	}
	n := binary.BigEndian.Uint16(number)
	switch {
	case n < channelFirst || n > channelLast:
		s.refuse(c, m, badRequest, who.key)
	case !a.allows(peer):
		s.refuse(c, m, forbidden, who.key)
	case !a.bind(n, peer):
		s.refuse(c, m, badRequest, who.key)
	default:
		s.answer(c, build(m.method, classSuccess, m.id).finish(who.key))
	}
}
