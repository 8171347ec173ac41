package turn

import (
	"crypto/hmac"
	"crypto/md5"  // the long-term credential mechanism (RFC 8489, section 9.2.2) has it, over a random password
	"crypto/sha1" // MESSAGE-INTEGRITY (RFC 8489, section 14.5) is an HMAC of it
	"encoding/binary"
	"errors"
	"net/netip"
)

// STUN messages (RFC 8489, section 5).
const (
	headerSize    = 20
	cookie        = 0x2112A442
	integritySize = sha1.Size
)

type method uint16

// The methods (RFC 8489, section 18.2, and RFC 8656, section 17).
const (
	methodBinding          method = 0x001
	methodAllocate         method = 0x003
	methodRefresh          method = 0x004
	methodSend             method = 0x006
	methodData             method = 0x007
	methodCreatePermission method = 0x008
	methodChannelBind      method = 0x009
)

type class uint16

// The classes, as they stand in the type of a message.
const (
	classRequest    class = 0x000
	classIndication class = 0x010
	classSuccess    class = 0x100
	classError      class = 0x110
	classMask       class = 0x110
)

type attribute uint16

// The attributes that are understood. Those below 0x8000 must be understood by whom they are sent to.
const (
	attrUsername          attribute = 0x0006
	attrIntegrity         attribute = 0x0008
	attrErrorCode         attribute = 0x0009
	attrUnknownAttributes attribute = 0x000A
	attrChannelNumber     attribute = 0x000C
	attrLifetime          attribute = 0x000D
	attrPeerAddress       attribute = 0x0012
	attrData              attribute = 0x0013
	attrRealm             attribute = 0x0014
	attrNonce             attribute = 0x0015
	attrRelayedAddress    attribute = 0x0016
	attrRequestedFamily   attribute = 0x0017
	attrEvenPort          attribute = 0x0018
	attrTransport         attribute = 0x0019
	attrMappedAddress     attribute = 0x0020
	attrReservation       attribute = 0x0022
	attrPriority          attribute = 0x0024 // of ICE; browsers send it to STUN servers too
	attrOptional          attribute = 0x8000 // from here on an unknown attribute may be ignored
)

func understood(a attribute) bool {
	switch a {
	case attrUsername, attrIntegrity, attrErrorCode, attrUnknownAttributes, attrChannelNumber, attrLifetime, attrPeerAddress,
		attrData, attrRealm, attrNonce, attrRelayedAddress, attrRequestedFamily, attrEvenPort, attrTransport, attrMappedAddress,
		attrReservation, attrPriority:
		return true
	default:
		return a >= attrOptional
	}
}

type transaction [12]byte

// message is a decoded STUN message. It keeps the bytes it was decoded from.
type message struct {
	method     method
	class      class
	id         transaction
	attributes []value
	raw        []byte
	integrity  int // where in raw MESSAGE-INTEGRITY begins; 0 when there is none
}

type value struct {
	kind  attribute
	bytes []byte
}

var errMalformed = errors.New("turn: malformed message")

// decode reads a whole message. What stands after MESSAGE-INTEGRITY is not vouched for and left out.
func decode(raw []byte) (*message, error) {
	if len(raw) < headerSize || raw[0]>>6 != 0 || binary.BigEndian.Uint32(raw[4:]) != cookie ||
		int(binary.BigEndian.Uint16(raw[2:])) != len(raw)-headerSize || len(raw)%4 != 0 {
		return nil, errMalformed
	}
	kind := binary.BigEndian.Uint16(raw)
	m := &message{
		method: method(kind&0x000f | kind&0x00e0>>1 | kind&0x3e00>>2),
		class:  class(kind) & classMask, raw: raw,
	}
	copy(m.id[:], raw[8:])
	for at := headerSize; at < len(raw); {
		if len(raw)-at < 4 {
			return nil, errMalformed
		}
		kind, size := attribute(binary.BigEndian.Uint16(raw[at:])), int(binary.BigEndian.Uint16(raw[at+2:]))
		if size > len(raw)-at-4 {
			return nil, errMalformed
		}
		if m.integrity == 0 {
			m.attributes = append(m.attributes, value{kind, raw[at+4 : at+4+size]})
			if kind == attrIntegrity {
				if size != integritySize {
					return nil, errMalformed
				}
				m.integrity = at
			}
		}
		at += 4 + size + padding(size)
	}
	return m, nil
}

func padding(size int) int { return -size & 3 }

// get returns the first attribute of a kind.
func (m *message) get(kind attribute) ([]byte, bool) {
	for _, v := range m.attributes {
		if v.kind == kind {
			return v.bytes, true
		}
	}
	return nil, false
}

func (m *message) text(kind attribute) string {
	v, _ := m.get(kind)
	return string(v)
}

// signedBy reports whether the message's integrity is that of a key.
func (m *message) signedBy(key []byte) bool {
	if m.integrity == 0 {
		return false
	}
	given := m.raw[m.integrity+4 : m.integrity+4+integritySize]
	return hmac.Equal(given, integrity(key, m.raw[:m.integrity]))
}

// integrity is the HMAC over a message up to MESSAGE-INTEGRITY, with the length that it has with it.
func integrity(key, before []byte) []byte {
	mac := hmac.New(sha1.New, key)
	var length [2]byte
	binary.BigEndian.PutUint16(length[:], uint16(len(before)-headerSize+4+integritySize))
	mac.Write(before[:2])
	mac.Write(length[:])
	mac.Write(before[4:])
	return mac.Sum(nil)
}

// longTermKey is the key of a user (RFC 8489, section 9.2.2).
func longTermKey(username, realm, password string) []byte {
	sum := md5.Sum([]byte(username + ":" + realm + ":" + password)) // see above
	return sum[:]
}

// builder writes a message.
type builder struct{ raw []byte }

func build(m method, c class, id transaction) *builder {
	kind := uint16(m)&0x000f | uint16(m)&0x0070<<1 | uint16(m)&0x0f80<<2 | uint16(c)
	raw := make([]byte, headerSize, 128)
	binary.BigEndian.PutUint16(raw, kind)
	binary.BigEndian.PutUint32(raw[4:], cookie)
	copy(raw[8:], id[:])
	return &builder{raw}
}

func (b *builder) add(kind attribute, data []byte) *builder {
	b.raw = binary.BigEndian.AppendUint16(b.raw, uint16(kind))
	b.raw = binary.BigEndian.AppendUint16(b.raw, uint16(len(data)))
	b.raw = append(b.raw, data...)
	b.raw = append(b.raw, make([]byte, padding(len(data)))...)
	return b
}

func (b *builder) number(kind attribute, n uint32) *builder {
	return b.add(kind, binary.BigEndian.AppendUint32(nil, n))
}

// address adds an address that is masked with cookie and transaction (RFC 8489, section 14.2).
func (b *builder) address(kind attribute, a netip.AddrPort) *builder {
	ip := a.Addr().Unmap()
	family := byte(1)
	if ip.Is6() {
		family = 2
	}
	data := binary.BigEndian.AppendUint16([]byte{0, family}, a.Port())
	data = append(data, ip.AsSlice()...)
	mask(data, b.raw)
	return b.add(kind, data)
}

// finish adds the integrity, when there is a key, and the length.
func (b *builder) finish(key []byte) []byte {
	if key != nil {
		b.add(attrIntegrity, integrity(key, b.raw))
	}
	binary.BigEndian.PutUint16(b.raw[2:], uint16(len(b.raw)-headerSize))
	return b.raw
}

// mask turns port and address of an attribute's value into their masked form, and back.
func mask(data, message []byte) {
	data[2] ^= message[4]
	data[3] ^= message[5]
	for i := range data[4:] {
		data[4+i] ^= message[4+i]
	}
}

// unmask reads a masked address. An IPv4 address that is written as an IPv6 one stays what it is.
func (m *message) unmask(v []byte) (netip.AddrPort, bool) {
	switch {
	case len(v) == 8 && v[1] == 1:
	case len(v) == 20 && v[1] == 2:
	default:
		return netip.AddrPort{}, false
	}
	data := append([]byte(nil), v...)
	mask(data, m.raw)
	ip, ok := netip.AddrFromSlice(data[4:])
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(data[2:])), ok
}
