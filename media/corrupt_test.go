package media_test

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"konklave/client"
	"konklave/media"
)

const (
	corruptions    = 5_000 // spoilt packets of each stranger
	seedOfSpoiling = 55
	samplesKept    = 200 // good packets of which spoilt ones are made: STUN and DTLS come first, then SRTP and SRTCP
)

// spoil returns packets like b with bits flipped, cut short, or with something behind.
func spoil(b []byte, r *rand.Rand) []byte {
	out := append([]byte(nil), b...)
	switch r.IntN(4) {
	case 0:
		return out[:r.IntN(len(out)+1)]
	case 1:
		for range 1 + r.IntN(8) {
			out[r.IntN(len(out))] ^= 1 << r.IntN(8)
		}
	case 2:
		out = append(out, out[:r.IntN(len(out)+1)]...)
	case 3:
		for i := range out[:min(len(out), 24)] {
			if r.IntN(2) == 0 {
				out[i] = byte(r.UintN(256))
			}
		}
	}
	return out
}

// What a spoilingSocket sends.
const (
	goodOnly int32 = iota
	bothKinds
	spoiltOnly
)

// spoilingSocket keeps samples of what it is given, and once it is to, sends spoilt copies beside it or in its place.
type spoilingSocket struct {
	net.PacketConn
	mu      sync.Mutex
	random  *rand.Rand
	samples [][]byte
	sends   atomic.Int32
}

// WriteTo sends.
func (s *spoilingSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.mu.Lock()
	bad := spoil(b, s.random)
	if len(s.samples) < samplesKept {
		s.samples = append(s.samples, append([]byte(nil), b...))
	}
	s.mu.Unlock()
	sends := s.sends.Load()
	if sends != goodOnly && len(bad) > 0 {
		_, _ = s.PacketConn.WriteTo(bad, to) // as lost as any other
	}
	if sends == spoiltOnly {
		return len(b), nil
	}
	return s.PacketConn.WriteTo(b, to)
}

// A participant whose packets arrive spoilt (STUN, DTLS, SRTP and SRTCP, by turns), and strangers who send such packets from
// addresses that never proved anything, cost the others nothing. Once a participant is connected, spoilt packets beside the
// good ones cost nothing either. Until DTLS has shaken hands they may: nothing vouches for its messages before the Finished of
// each side (RFC 6347, section 4.2.6).
func TestA13A55SpoiltPacketsHarmNobodyElse(t *testing.T) {
	forwards(t)
	conn := listen(t)
	s := newStage(t, media.Options{Conns: []net.PacketConn{conn}})
	enter := func(id string, o client.ParticipantOptions) *client.Participant {
		p := s.join(id, everything, o)
		s.publish(p, camera, s.video()[0])
		s.publish(p, microphone, s.tone())
		return p
	}
	goesOn := func(p *client.Participant, from string) {
		t.Helper()
		s.expect(p, from, camera, p.Stream(from, camera).Frames+20)
		s.expectSound(p, from, p.Stream(from, microphone).Loud+20)
	}
	anna, ben := enter("anna", client.ParticipantOptions{}), enter("ben", client.ParticipantOptions{})
	goesOn(anna, "ben")
	goesOn(ben, "anna")

	raw, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	socket := &spoilingSocket{PacketConn: raw, random: rand.New(rand.NewPCG(seedOfSpoiling, 1))}
	enter("mallory", client.ParticipantOptions{Socket: socket})
	goesOn(anna, "mallory")
	for _, sends := range []int32{bothKinds, goodOnly} {
		socket.sends.Store(sends)
		goesOn(anna, "mallory")
		goesOn(anna, "ben")
	}
	socket.sends.Store(spoiltOnly)

	var strangers sync.WaitGroup
	for i := range 4 {
		strangers.Go(func() { socket.strange(t, conn.LocalAddr(), rand.New(rand.NewPCG(seedOfSpoiling, uint64(i)+2))) })
	}
	goesOn(anna, "ben")
	goesOn(ben, "anna")
	strangers.Wait()
	goesOn(anna, "ben")
	enter("cleo", client.ParticipantOptions{})
	goesOn(anna, "cleo")
}

// strange sends spoilt samples from an address that nobody knows.
func (s *spoilingSocket) strange(t *testing.T, to net.Addr, r *rand.Rand) {
	t.Helper()
	c, err := net.Dial("udp", to.String())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for range corruptions {
		s.mu.Lock()
		sample := s.samples[r.IntN(len(s.samples))]
		s.mu.Unlock()
		_, _ = c.Write(spoil(sample, r)) // an error is the kernel's answer to an earlier one
	}
}
