// Package turn is a relay for the media of participants whom a firewall keeps from the media ports: STUN (RFC 8489) and
// TURN (RFC 8656) over UDP and over TLS connections that it is handed.
//
// It relays between a participant and the media sockets of that participant's own conference, exact addresses and ports that
// stand signed in the credential, and reaches nothing else: no other address of the same machine, no other conference, no TCP
// (RFC 6062), and it lets nobody in from elsewhere. It checks credentials with a key and without asking anybody, so it goes
// on while no controller is there.
//
// An allocation lives as long as the session of its participant: it ends when [Server.End] says so, when the client gives it
// up, and when the conference has been silent towards it for SilenceMax, as it is to everybody who has left.
package turn

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Realm is the realm of the long-term credentials.
const Realm = "konklave"

// Life of what a client has at the relay.
const (
	LifetimeDefault = 10 * time.Minute // of an allocation without a refresh
	LifetimeMax     = time.Hour
	PermissionLife  = 5 * time.Minute  // RFC 8656, section 9
	ChannelLife     = 10 * time.Minute // RFC 8656, section 12
	SilenceMax      = 60 * time.Second // without a packet from the conference
	NonceLife       = time.Hour
	AuthTimeout     = 15 * time.Second // for a connection to get an allocation
	sweepEvery      = time.Second
)

// Quotas. A browser opens an allocation for each network, address of the relay and peer connection.
const (
	AllocationsMax            = 10000
	ParticipantAllocationsMax = 32
	SourceAllocationsMax      = 2000      // from one IPv4 address or one IPv6 network of 64 bits
	UpRate                    = 3_000_000 // bytes a second from one allocation's client, on average
	DownRate                  = 8_000_000 // and to it
	burst                     = 1_000_000 // bytes at once, both ways
	RefusalsPerSecond         = 500       // to one source by UDP, so that forged senders are not flooded
	refusedSourcesMax         = 65536
)

// Quotas of tests, apart from the others: anybody may ask for a test. An allocation of a test relays nothing.
const (
	TestAllocationsMax            = 500
	TestParticipantAllocationsMax = 16               // with one credential
	TestSourceAllocationsMax      = 64               // from one IPv4 address or one IPv6 network of 64 bits
	TestAllocationLife            = 30 * time.Second // of an allocation, refreshed or not
)

// PacketMax is the largest packet that is relayed, in bytes.
const PacketMax = 2048

// Options are what a relay needs.
type Options struct {
	Key []byte       // of 32 bytes, with which credentials are minted
	UDP *net.UDPConn // where clients are heard; nil for none
	Now func() time.Time
	Log *slog.Logger
}

// Server is the relay. All methods may be called from any goroutine.
type Server struct {
	Options
	nonceKey []byte

	mu                sync.Mutex // guards what follows
	closed, drained   bool
	allocations       map[clientKey]*allocation
	members, visitors *tally               // of allocations for conferences and for tests
	ended             map[person]time.Time // whose credentials issued until a time count no more
	refused           map[netip.Prefix]int // in this second
	connections       map[*stream]struct{}
	lastStream        uint64
	done              chan struct{}
}

// person is a participant; an empty participant stands for the whole conference.
type person struct{ conference, participant string }

// clientKey tells clients apart: their address by UDP, the number of their connection otherwise.
type clientKey struct {
	address netip.AddrPort
	stream  uint64
}

// client is the way back to one client.
type client struct {
	key    clientKey
	source netip.AddrPort
	write  func([]byte) // drops what does not go through
	stream *stream      // nil by UDP
}

// New makes a relay and begins to serve its UDP socket.
func New(o Options) *Server {
	s := &Server{
		Options: o, nonceKey: make([]byte, 32),
		allocations: map[clientKey]*allocation{},
		members:     newTally(quota{AllocationsMax, ParticipantAllocationsMax, SourceAllocationsMax}),
		visitors:    newTally(quota{TestAllocationsMax, TestParticipantAllocationsMax, TestSourceAllocationsMax}),
		ended:       map[person]time.Time{}, refused: map[netip.Prefix]int{}, connections: map[*stream]struct{}{}, done: make(chan struct{}),
	}
	_, _ = rand.Read(s.nonceKey) // never fails, see crypto/rand
	if o.UDP != nil {
		go s.readUDP()
	}
	return s
}

// Run ends what has had its time, until ctx ends; then it ends everything.
func (s *Server) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sweep()
		case <-ctx.Done():
			s.Close()
			return
		}
	}
}

// Close ends all allocations and connections, and the UDP socket.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.done)
	over := s.pick(func(*allocation) bool { return true })
	streams := make([]*stream, 0, len(s.connections))
	for c := range s.connections {
		streams = append(streams, c)
	}
	s.mu.Unlock()
	finish(over)
	for _, c := range streams {
		c.close()
	}
	if s.UDP != nil {
		_ = s.UDP.Close() // nothing can be done about it
	}
}

// Drain gives the UDP socket up to another relay that reads it from now on, with the allocations that were opened by it:
// their clients have to ask the other one. Those by TLS go on.
func (s *Server) Drain() {
	if s.UDP == nil {
		return
	}
	_ = s.UDP.Close() // nothing can be done about it
	s.mu.Lock()
	s.drained = true
	over := s.pick(func(a *allocation) bool { return a.client.stream == nil })
	s.mu.Unlock()
	finish(over)
}

// End ends the allocations of a participant who left at a time, or of a whole conference when participant is empty, and
// refuses the credentials issued until then. One who comes back later has others.
func (s *Server) End(conference, participant string, at time.Time) {
	who := person{conference, participant}
	s.mu.Lock()
	if s.ended[who].Before(at) {
		s.ended[who] = at
	}
	over := s.pick(func(a *allocation) bool {
		return (a.owner == who || participant == "" && a.owner.conference == conference) && !a.issued.After(at)
	})
	s.mu.Unlock()
	finish(over)
}

// Allocations counts the allocations that live.
func (s *Server) Allocations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.allocations)
}

// sweep ends what is over.
func (s *Server) sweep() {
	now := s.Now()
	s.mu.Lock()
	clear(s.refused)
	for who, at := range s.ended {
		if now.Sub(at) > CredentialLife {
			delete(s.ended, who)
		}
	}
	over := s.pick(func(a *allocation) bool { return a.over(now) })
	var idle []*stream
	for c := range s.connections {
		if s.allocations[c.client.key] == nil && now.Sub(c.since) > AuthTimeout {
			idle = append(idle, c)
		}
	}
	s.mu.Unlock()
	finish(over)
	for _, c := range idle {
		c.close()
	}
}

// pick takes allocations out of the books; s.mu is held.
func (s *Server) pick(which func(*allocation) bool) []*allocation {
	var picked []*allocation
	for key, a := range s.allocations {
		if !which(a) {
			continue
		}
		delete(s.allocations, key)
		s.tallyOf(a.owner).remove(a.owner, a.source)
		picked = append(picked, a)
	}
	return picked
}

// finish closes the sockets of allocations that were picked, and the connections of their clients.
func finish(over []*allocation) {
	for _, a := range over {
		_ = a.relay.Close() // its reader ends
		if a.client.stream != nil {
			a.client.stream.close()
		}
	}
}

func (s *Server) find(key clientKey) *allocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allocations[key]
}

func (s *Server) readUDP() {
	buffer := make([]byte, PacketMax)
	for {
		n, from, err := s.UDP.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n == PacketMax {
			continue // an ICMP answer to something that we sent, or too large
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		c := &client{key: clientKey{address: from}, source: from, write: func(p []byte) {
			_, _ = s.UDP.WriteToUDPAddrPort(p, from) // datagrams may be lost
		}}
		s.handle(c, buffer[:n])
	}
}

// sourceOf is what counts as one source.
func sourceOf(a netip.AddrPort) netip.Prefix {
	bits := 32
	if a.Addr().Is6() {
		bits = 64
	}
	prefix, err := a.Addr().WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
