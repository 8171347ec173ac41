package turn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// CredentialLife is how long a credential opens new allocations.
const CredentialLife = 10 * time.Minute

// TestLife is how long a credential for a test opens allocations.
const TestLife = time.Minute

// testConference stands in the grants for tests; no conference has an id with a dash.
const testConference = "connection-test"

// The bounds of a grant.
const (
	idMax        = 64  // bytes of the id of a conference or a participant
	addressesMax = 14  // media addresses of one conference
	usernameMax  = 509 // bytes (RFC 8489, section 14.3)
	grantVersion = 1
	macSize      = 16
)

// Grant is what a credential allows: one participant to reach the media sockets of one conference.
type Grant struct {
	Conference  string
	Participant string
	Addresses   []netip.AddrPort // of the conference's media sockets; nothing else is reached
	ExpiresAt   time.Time        // to the millisecond
}

// issued is when the grant was given.
func (g Grant) issued() time.Time { return g.ExpiresAt.Add(-CredentialLife) }

// test reports whether the grant is for a test, and reaches nobody.
func (g Grant) test() bool { return g.Conference == testConference }

// Credential is what a client shows to the relay.
type Credential struct {
	Username string
	Password string
}

// ErrGrant means that a grant is out of bounds.
var ErrGrant = errors.New("turn: the grant does not fit into a credential")

var errCredential = errors.New("turn: this is no credential of ours")

// Mint makes the credential of a grant. Whoever holds the key, of 32 bytes, can check it without asking anybody.
func Mint(key []byte, g Grant) (Credential, error) {
	if len(g.Addresses) == 0 {
		return Credential{}, ErrGrant
	}
	return mint(key, g)
}

// MintTest makes a credential for somebody who tries the way to the relay, under a name that nobody else has: it opens an
// allocation, which shows that the way is free, and that allocation reaches nothing.
func MintTest(key []byte, name string, expires time.Time) (Credential, error) {
	return mint(key, Grant{Conference: testConference, Participant: name, ExpiresAt: expires})
}

func mint(key []byte, g Grant) (Credential, error) {
	if g.Conference == "" || g.Participant == "" || len(g.Conference) > idMax || len(g.Participant) > idMax || len(g.Addresses) > addressesMax {
		return Credential{}, ErrGrant
	}
	raw := []byte{grantVersion}
	raw = binary.BigEndian.AppendUint64(raw, uint64(g.ExpiresAt.UnixMilli()))
	raw = appendText(raw, g.Conference)
	raw = appendText(raw, g.Participant)
	for _, a := range g.Addresses {
		if !a.IsValid() || a.Port() == 0 || a.Addr().IsUnspecified() || a.Addr().Zone() != "" {
			return Credential{}, ErrGrant
		}
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		ip := a.Addr().AsSlice()
		raw = append(raw, byte(len(ip)))
		raw = append(raw, ip...)
		raw = binary.BigEndian.AppendUint16(raw, a.Port())
	}
	raw = append(raw, sign(key, "grant", raw)[:macSize]...)
	username := base64.RawURLEncoding.EncodeToString(raw)
	if len(username) > usernameMax {
		return Credential{}, ErrGrant
	}
	return Credential{username, password(key, username)}, nil
}

func appendText(raw []byte, text string) []byte {
	return append(append(raw, byte(len(text))), text...)
}

// password is what goes with a username.
func password(key []byte, username string) string {
	return base64.RawURLEncoding.EncodeToString(sign(key, "password", []byte(username)))
}

func sign(key []byte, purpose string, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("konklave relay " + purpose))
	mac.Write([]byte{0})
	mac.Write(data)
	return mac.Sum(nil)
}

// open reads the grant out of a username that was made with the key. It does not look at the time.
func open(key []byte, username string) (Grant, error) {
	if len(username) > usernameMax {
		return Grant{}, errCredential
	}
	signed, err := base64.RawURLEncoding.Strict().DecodeString(username)
	if err != nil || len(signed) < macSize {
		return Grant{}, errCredential
	}
	raw, mac := signed[:len(signed)-macSize], signed[len(signed)-macSize:]
	if !hmac.Equal(mac, sign(key, "grant", raw)[:macSize]) {
		return Grant{}, errCredential
	}
	return parse(raw)
}

// parse reads what Mint wrote.
func parse(raw []byte) (g Grant, err error) {
	if len(raw) < 9 || raw[0] != grantVersion {
		return g, errCredential
	}
	g.ExpiresAt = time.UnixMilli(int64(binary.BigEndian.Uint64(raw[1:])))
	raw = raw[9:]
	for _, text := range []*string{&g.Conference, &g.Participant} {
		part, rest, ok := cut(raw, 0)
		if !ok {
			return g, errCredential
		}
		*text, raw = string(part), rest
	}
	for len(raw) > 0 {
		part, rest, ok := cut(raw, 2)
		if !ok {
			return g, errCredential
		}
		ip, ok := netip.AddrFromSlice(part[:len(part)-2])
		if !ok {
			return g, errCredential
		}
		g.Addresses = append(g.Addresses, netip.AddrPortFrom(ip, binary.BigEndian.Uint16(part[len(part)-2:])))
		raw = rest
	}
	return g, nil
}

// cut takes a part off whose length, less some bytes more, stands before it.
func cut(raw []byte, more int) (part, rest []byte, ok bool) {
	if len(raw) == 0 || len(raw)-1 < int(raw[0])+more {
		return nil, nil, false
	}
	end := 1 + int(raw[0]) + more
	return raw[1:end], raw[end:], true
}
