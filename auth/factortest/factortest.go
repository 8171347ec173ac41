// Package factortest has second factors for tests: what an authenticator app shows, and an authenticator that makes passkeys and
// answers with them, written from the specifications apart from what it tests.
package factortest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// Code is what an authenticator app shows at a time (RFC 6238, six digits, 30 seconds, SHA-1).
func Code(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	from := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[from:from+4])&0x7fffffff)%1_000_000)
}

// Authenticator holds one passkey. Its fields may be changed between two uses.
type Authenticator struct {
	Origin   string // that the browser says
	Verifies bool   // it knows its owner, by a PIN or a finger
	Count    uint32 // of signatures, before the next one; stays 0 when it is 0

	t    *testing.T
	key  *ecdsa.PrivateKey
	id   []byte
	user []byte
}

// New returns an authenticator that knows its owner and has no passkey yet.
func New(t *testing.T, origin string) *Authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authenticator{Origin: origin, Verifies: true, Count: 1, t: t, key: key, id: make([]byte, 32)}
	_, _ = rand.Read(a.id) // never fails
	return a
}

// The flags of authenticator data (WebAuthn, section 6.1).
const (
	userPresent  = 0x01
	userVerified = 0x04
	hasKey       = 0x40
)

// Create makes the passkey and answers as a browser does.
func (a *Authenticator) Create(options string) string {
	a.t.Helper()
	var o struct {
		Challenge string `json:"challenge"`
		RP        struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	a.must(json.Unmarshal([]byte(options), &o))
	var err error
	a.user, err = base64.RawURLEncoding.DecodeString(o.User.ID)
	a.must(err)
	data := a.data(o.RP.ID, hasKey)
	data = append(data, make([]byte, 16)...) // no model is told
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), a.coseKey()...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData"), byteString(data)...)
	return a.answer(map[string]any{
		"clientDataJSON": encode(a.client("webauthn.create", o.Challenge)), "attestationObject": encode(object), "transports": []string{"internal"},
	})
}

// Get answers with the passkey as a browser does.
func (a *Authenticator) Get(options string) string {
	a.t.Helper()
	var o struct {
		Challenge string `json:"challenge"`
		RPID      string `json:"rpId"`
	}
	a.must(json.Unmarshal([]byte(options), &o))
	data, client := a.data(o.RPID, 0), a.client("webauthn.get", o.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	a.must(err)
	return a.answer(map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(a.user),
	})
}

func (a *Authenticator) answer(response map[string]any) string {
	text, err := json.Marshal(map[string]any{
		"id": encode(a.id), "rawId": encode(a.id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": response,
	}, json.Deterministic(true))
	a.must(err)
	return string(text)
}

func (a *Authenticator) client(kind, challenge string) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false}, json.Deterministic(true))
	a.must(err)
	return text
}

// data is authenticator data up to the counter.
func (a *Authenticator) data(site string, flags byte) []byte {
	flags |= userPresent
	if a.Verifies {
		flags |= userVerified
	}
	sum := sha256.Sum256([]byte(site))
	data := binary.BigEndian.AppendUint32(append(sum[:], flags), a.Count)
	if a.Count > 0 {
		a.Count++
	}
	return data
}

// coseKey is the public key: EC2, ES256, P-256 (RFC 9053).
func (a *Authenticator) coseKey() []byte {
	point, err := a.key.PublicKey.Bytes() // 4, x, y
	a.must(err)
	key := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21}
	key = append(key, byteString(point[1:33])...)
	return append(append(key, 0x22), byteString(point[33:])...)
}

// byteString is CBOR (RFC 8949) of up to 65535 bytes.
func byteString(b []byte) []byte {
	if len(b) < 256 {
		return append([]byte{0x58, byte(len(b))}, b...)
	}
	return append([]byte{0x59, byte(len(b) >> 8), byte(len(b))}, b...)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *Authenticator) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}
