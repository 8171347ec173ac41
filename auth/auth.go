// Package auth proves who somebody is: passwords, browser sessions, API tokens, the set-up link, guest cookies and the
// tickets that carry a proof to the worker of a conference.
//
// Every secret is made of secretBytes random bytes, is given out once, and only its hash is kept.
package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"time"
)

// The names of the cookies. The prefix binds them to the host, to HTTPS (or localhost) and to the path "/".
const (
	SessionCookie = "__Host-konklave-session"
	GuestCookie   = "__Host-konklave-guest"
	DeviceCookie  = "__Host-konklave-device"
)

const secretBytes = 32

// Hash is the SHA-256 of a secret: what is kept of it.
type Hash []byte

// newSecret returns a random secret, safe in a URL, a header and a cookie.
func newSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// hashSecret returns what is kept of a secret, and false when the text cannot have come from newSecret.
func hashSecret(secret string) (Hash, bool) {
	if len(secret) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(raw) != secretBytes { // the decoder passes over line ends
		return nil, false
	}
	sum := sha256.Sum256(raw)
	return sum[:], true
}

func newID() string { return strings.ToLower(rand.Text()) }

func wholeMillis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

const guestIDLength = 26

// NewGuest makes the value of a guest cookie and the guest id that belongs to it.
func NewGuest() (cookie, id string) {
	cookie = newSecret()
	id, _ = GuestID(cookie)
	return cookie, id
}

// GuestID derives the guest id from the value of a guest cookie; false means that NewGuest did not make the value. The
// cookie cannot be found from the id.
func GuestID(cookie string) (string, bool) {
	if _, ok := hashSecret(cookie); !ok {
		return "", false
	}
	sum := sha256.Sum256([]byte("konklave guest\x00" + cookie))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:guestIDLength]), true
}
