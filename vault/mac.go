package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// Authenticate returns a code over content that only the owner of the master key can make, for one purpose.
func (v *Vault) Authenticate(purpose string, content []byte) []byte {
	return mac(v.keys[0], purpose, content)
}

// Authentic reports whether a code over content was made with the present or an earlier master key for this purpose.
func (v *Vault) Authentic(purpose string, content, code []byte) bool {
	for _, key := range v.keys {
		if hmac.Equal(code, mac(key, purpose, content)) {
			return true
		}
	}
	return false
}

func mac(secret []byte, purpose string, content []byte) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, sha256.Size)
	if err != nil {
		panic("vault: " + err.Error()) // the length is within its bounds
	}
	h := hmac.New(sha256.New, key)
	h.Write(content)
	return h.Sum(nil)
}
