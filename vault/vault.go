// Package vault keeps the master key of an instance, wraps other keys with it, and seals what is encrypted at rest.
//
// The master key lies in a file outside the database and outside backups. What it wraps lies in the database. A copy of the
// master key, encrypted to the recovery key (see [Vault.NewRecovery]), lies in the database too, so that a backup and the recovery
// key together are enough to get everything back.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// KeySize is the size of every key, in bytes: AES-256.
const KeySize = 32

// Shape of a blob: one byte version, the id of the key that sealed it, and what AES-256-GCM makes of the content, with a
// random nonce of 96 bits before it. The version and the id are authenticated together with the associated data.
const (
	blobVersion = 1
	idSize      = 8
	headSize    = 1 + idSize

	// Overhead is how much longer a blob is than its content, in bytes.
	Overhead = headSize + 12 + 16
)

// Errors of opening.
var (
	ErrUnknownKey = errors.New("vault: sealed with another key")
	ErrDamaged    = errors.New("vault: the content or what belongs to it was changed")
)

// Vault wraps and unwraps keys with the master key. It may be used by many goroutines at once.
type Vault struct {
	keys [][]byte // the first one wraps, all of them unwrap
}

// Wrap seals a key for the purpose that the associated data names.
func (v *Vault) Wrap(key, associated []byte) []byte { return seal(v.keys[0], key, associated) }

// Unwrap opens what Wrap sealed for the same purpose, with the present or an earlier master key. It fails with
// ErrUnknownKey or ErrDamaged.
func (v *Vault) Unwrap(blob, associated []byte) ([]byte, error) {
	for _, key := range v.keys {
		content, err := open(key, blob, associated)
		if !errors.Is(err, ErrUnknownKey) {
			return content, err
		}
	}
	return nil, ErrUnknownKey
}

// NewKey returns a random key to seal with.
func (*Vault) NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return key
}

// Seal encrypts content with a key of KeySize bytes, and binds it to the associated data. One key may seal 2^32 times.
func (*Vault) Seal(key, content, associated []byte) []byte { return seal(key, content, associated) }

// Open returns the content of what Seal made of it with the same key and associated data. It fails with ErrUnknownKey or
// ErrDamaged.
func (*Vault) Open(key, blob, associated []byte) ([]byte, error) { return open(key, blob, associated) }

func seal(key, content, associated []byte) []byte {
	blob := make([]byte, 0, len(content)+Overhead)
	blob = append(blob, blobVersion)
	blob = append(blob, keyID(key)...)
	return aead(key).Seal(blob, nil, content, bound(blob, associated))
}

func open(key, blob, associated []byte) ([]byte, error) {
	if len(blob) < Overhead || blob[0] != blobVersion {
		return nil, ErrDamaged
	}
	head := blob[:headSize]
	if string(head[1:]) != string(keyID(key)) {
		return nil, ErrUnknownKey
	}
	content, err := aead(key).Open(nil, nil, blob[headSize:], bound(head, associated))
	if err != nil {
		return nil, ErrDamaged
	}
	return content, nil
}

// bound is the associated data with the blob's own head before it; the head has a fixed length.
func bound(head, associated []byte) []byte {
	return append(append(make([]byte, 0, len(head)+len(associated)), head...), associated...)
}

// keyID tells keys apart and tells nothing about them.
func keyID(key []byte) []byte {
	sum := sha256.Sum256(append([]byte("konklave key id 1\x00"), key...))
	return sum[:idSize]
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("vault: " + err.Error()) // every key comes from NewKey or was checked when it was read
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("vault: " + err.Error()) // AES always has a GCM
	}
	return gcm
}
