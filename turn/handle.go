package turn

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"
)

// refusal is an error code (RFC 8489, section 14.8, and RFC 8656, section 19).
type refusal int

// What requests are refused with.
const (
	badRequest        refusal = 400
	unauthorized      refusal = 401
	forbidden         refusal = 403
	unknownAttribute  refusal = 420
	mismatch          refusal = 437 // there is no allocation, or there is one already
	staleNonce        refusal = 438
	familyUnsupported refusal = 440
	wrongCredentials  refusal = 441
	onlyUDP           refusal = 442
	quotaReached      refusal = 486
	noCapacity        refusal = 508
)

const protocolUDP = 17

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

func newTransaction() (id transaction) {
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return id
}

// handle serves one message of a client. It keeps nothing of raw.
func (s *Server) handle(c *client, raw []byte) {
	if len(raw) >= 4 && raw[0]>>6 == 1 {
		s.channelData(c, raw)
		return
	}
	m, err := decode(raw)
	if err != nil {
		return
	}
	switch {
	case m.class == classIndication && m.method == methodSend:
		s.sendIndication(c, m)
	case m.class == classRequest:
		s.request(c, m)
	}
}

// channelData passes data of a channel on (RFC 8656, section 12.6).
func (s *Server) channelData(c *client, raw []byte) {
	length := int(binary.BigEndian.Uint16(raw[2:]))
	a := s.find(c.key)
	if a == nil || length > len(raw)-4 {
		return
	}
	if peer, ok := a.peerOf(binary.BigEndian.Uint16(raw)); ok {
		a.send(peer, raw[4:4+length])
	}
}

// sendIndication passes data on (RFC 8656, section 11.2).
func (s *Server) sendIndication(c *client, m *message) {
	to, _ := m.get(attrPeerAddress)
	data, ok := m.get(attrData)
	peer, valid := m.unmask(to)
	if a := s.find(c.key); a != nil && ok && valid && m.firstUnknown() == nil {
		a.send(peer, data)
	}
}

// firstUnknown lists the attributes that must be understood and are not.
func (m *message) firstUnknown() []byte {
	var list []byte
	for _, v := range m.attributes {
		if !understood(v.kind) {
			list = binary.BigEndian.AppendUint16(list, uint16(v.kind))
		}
	}
	return list
}

// request answers a request: one line for each method.
func (s *Server) request(c *client, m *message) {
	if unknown := m.firstUnknown(); unknown != nil {
		s.refuse(c, m, unknownAttribute, nil, value{attrUnknownAttributes, unknown})
		return
	}
	if m.method == methodBinding {
		s.answer(c, build(m.method, classSuccess, m.id).address(attrMappedAddress, c.source).finish(nil))
		return
	}
	serve := map[method]func(*client, *message, authority){
		methodAllocate: s.allocate, methodRefresh: s.refresh, methodCreatePermission: s.createPermission, methodChannelBind: s.channelBind,
	}[m.method]
	if serve == nil {
		s.refuse(c, m, badRequest, nil)
		return
	}
	if who, ok := s.authenticate(c, m); ok {
		serve(c, m, who)
	}
}

// authority is who sent a request, proven.
type authority struct {
	grant Grant
	key   []byte
}

// authenticate checks the long-term credential (RFC 8489, section 9.2), or refuses. A credential that has expired, or whose
// session has ended, opens nothing new; while its allocation lives, an expired one goes on to serve that.
func (s *Server) authenticate(c *client, m *message) (authority, bool) {
	if m.integrity == 0 {
		s.challenge(c, m, unauthorized)
		return authority{}, false
	}
	if !s.validNonce(m.text(attrNonce), c) {
		s.challenge(c, m, staleNonce)
		return authority{}, false
	}
	username := m.text(attrUsername)
	grant, err := open(s.Key, username)
	key := longTermKey(username, Realm, password(s.Key, username))
	if err != nil || m.text(attrRealm) != Realm || !m.signedBy(key) || !s.counts(c, m, grant) {
		s.challenge(c, m, unauthorized)
		return authority{}, false
	}
	return authority{grant, key}, true
}

// counts reports whether a credential that is genuine may still be used.
func (s *Server) counts(c *client, m *message, g Grant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hasEnded(person{g.Conference, g.Participant}, g.issued()) {
		return false
	}
	return s.Now().Before(g.ExpiresAt) || s.allocations[c.key] != nil && m.method != methodAllocate
}

// hasEnded reports whether a participant has left since a credential was issued, or the conference has ended; s.mu is held.
func (s *Server) hasEnded(owner person, issued time.Time) bool {
	for _, who := range []person{owner, {owner.conference, ""}} {
		if at, ended := s.ended[who]; ended && !issued.After(at) {
			return true
		}
	}
	return false
}

// challenge refuses and says what is needed to authenticate.
func (s *Server) challenge(c *client, m *message, why refusal) {
	s.refuse(c, m, why, nil, value{attrRealm, []byte(Realm)}, value{attrNonce, []byte(s.nonce(c))})
}

// refuse answers with an error. Those who have not proved themselves get no more than RefusalsPerSecond by UDP.
func (s *Server) refuse(c *client, m *message, why refusal, key []byte, more ...value) {
	if key == nil && c.stream == nil && !s.mayRefuse(c.source) {
		return
	}
	b := build(m.method, classError, m.id)
	b.add(attrErrorCode, []byte{0, 0, byte(why / 100), byte(why % 100)})
	for _, v := range more {
		b.add(v.kind, v.bytes)
	}
	s.answer(c, b.finish(key))
}

func (s *Server) mayRefuse(to netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	source := sourceOf(to)
	if n, known := s.refused[source]; n >= RefusalsPerSecond || !known && len(s.refused) >= refusedSourcesMax {
		return false
	}
	s.refused[source]++
	return true
}

func (s *Server) answer(c *client, raw []byte) { c.write(raw) }

// nonce is the time, signed for one client's address.
func (s *Server) nonce(c *client) string { return s.nonceAt(c, s.Now()) }

func (s *Server) nonceAt(c *client, at time.Time) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))
	mac := sign(s.nonceKey, "nonce", append(raw[:8:8], c.source.String()...))[:macSize]
	return base64.RawURLEncoding.EncodeToString(append(raw, mac...))
}

func (s *Server) validNonce(nonce string, c *client) bool {
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(raw) != 8+macSize {
		return false
	}
	at := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	age := s.Now().Sub(at)
	return age >= -time.Second && age < NonceLife && s.nonceAt(c, at) == nonce
}
