package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" // within OAEP only, where it is not weak: there is no other in the usual rsa-oaep-mgf1p
	"slices"

	"github.com/beevik/etree"

	"konklave/auth"
)

// The sizes of AES-GCM (XML Encryption 1.1 section 5.2.4).
const (
	gcmNonce = 12
	gcmTag   = 16
)

// contentKeys are the ways of encrypting that are allowed, with the length of their key in bytes.
var contentKeys = map[string]int{nsEncrypt11 + "aes128-gcm": 16, nsEncrypt11 + "aes192-gcm": 24, nsEncrypt11 + "aes256-gcm": 32}

// The ways of transporting a key that are allowed, both RSA-OAEP.
const (
	oaepMGF1P = nsEncrypt + "rsa-oaep-mgf1p"
	oaep11    = nsEncrypt11 + "rsa-oaep"
)

// oaepHashes are those of OAEP; the first is meant when none is named.
var oaepHashes = map[string]crypto.Hash{
	"": crypto.SHA1, nsSignature + "sha1": crypto.SHA1, nsEncrypt + "sha256": crypto.SHA256, nsEncrypt + "sha512": crypto.SHA512,
	nsEncrypt11 + "mgf1sha1": crypto.SHA1, nsEncrypt11 + "mgf1sha256": crypto.SHA256, nsEncrypt11 + "mgf1sha512": crypto.SHA512,
}

// decrypt returns the assertion in an EncryptedAssertion. It fails with auth.ReasonAlgorithm for every other way of
// encryption, AES-CBC among them, and says nothing of how else it failed.
func (p *Provider) decrypt(el *etree.Element) (*etree.Element, error) {
	data := child(el, nsEncrypt, "EncryptedData")
	wrapped := child(child(data, nsSignature, "KeyInfo"), nsEncrypt, "EncryptedKey")
	if wrapped == nil {
		wrapped = child(el, nsEncrypt, "EncryptedKey")
	}
	if data == nil || wrapped == nil {
		return nil, auth.ReasonMalformed
	}
	size, allowed := contentKeys[methodOf(data)]
	if !allowed {
		return nil, auth.ReasonAlgorithm
	}
	options, err := oaepOptions(wrapped)
	if err != nil {
		return nil, err
	}
	sealedKey, okKey := cipherValue(wrapped)
	sealed, okData := cipherValue(data)
	if !okKey || !okData || len(sealed) < gcmNonce+gcmTag {
		return nil, auth.ReasonMalformed
	}
	key, err := p.key.Decrypt(nil, sealedKey, options)
	if err != nil || len(key) != size {
		return nil, auth.ReasonSignature
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	clear, err := gcm.Open(nil, sealed[:gcmNonce], sealed[gcmNonce:], nil)
	if err != nil {
		return nil, auth.ReasonSignature
	}
	return parse(clear)
}

func methodOf(el *etree.Element) string {
	method := child(el, nsEncrypt, "EncryptionMethod")
	if method == nil {
		return ""
	}
	return method.SelectAttrValue("Algorithm", "")
}

func oaepOptions(wrapped *etree.Element) (*rsa.OAEPOptions, error) {
	method := methodOf(wrapped)
	if !slices.Contains([]string{oaepMGF1P, oaep11}, method) {
		return nil, auth.ReasonAlgorithm
	}
	named := func(namespace, tag string) (crypto.Hash, bool) {
		name := ""
		if el := child(child(wrapped, nsEncrypt, "EncryptionMethod"), namespace, tag); el != nil {
			name = el.SelectAttrValue("Algorithm", "")
		}
		hash, ok := oaepHashes[name]
		return hash, ok
	}
	hash, okHash := named(nsSignature, "DigestMethod")
	mask, okMask := crypto.SHA1, true
	if method == oaep11 {
		mask, okMask = named(nsEncrypt11, "MGF")
	}
	if !okHash || !okMask {
		return nil, auth.ReasonAlgorithm
	}
	return &rsa.OAEPOptions{Hash: hash, MGFHash: mask}, nil
}

func cipherValue(el *etree.Element) ([]byte, bool) {
	encoded, ok := text(child(child(el, nsEncrypt, "CipherData"), nsEncrypt, "CipherValue"))
	if !ok {
		return nil, false
	}
	raw, err := decodeBase64(encoded)
	return raw, err == nil
}
