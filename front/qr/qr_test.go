package qr

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// The codes were read by an independent reader (ZBar 0.23) when these sums were taken; one for each version.
func TestKnownCodes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"x":                            "774c4f196bc91fcc",
		"https://192.0.2.2:8443/trust": "05b2b7658851f237",
		"https://meet.some-authority.example.org:8443/trust": "dfe11da7a66e02ee",
		strings.Repeat("abcdefghij", 8)[:78]:                 "b1980880b71a4908",
		strings.Repeat("0123456789", 11)[:TextMax]:           "a7604e2ff0af3eab",
	} {
		c, err := Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(c.String()))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("%q: %s, want %s\n%s", text, got, want, c)
		}
	}
}

func TestTextMax(t *testing.T) {
	t.Parallel()
	if _, err := Encode(strings.Repeat("a", TextMax)); err != nil {
		t.Error(err)
	}
	if _, err := Encode(strings.Repeat("a", TextMax+1)); err == nil {
		t.Error("a text that is too long was drawn")
	}
}

// A word with its correction is zero at every root of the generator.
func TestCorrection(t *testing.T) {
	t.Parallel()
	for _, v := range versions() {
		data := codewords("konklave", v)
		word := append(append([]byte(nil), data...), correct(data, v.correction)...)
		root := byte(1)
		for range v.correction {
			var sum byte
			for _, b := range word {
				sum = multiply(sum, root) ^ b
			}
			if sum != 0 {
				t.Errorf("version %d: not zero at %#x", v.number, root)
			}
			root = multiply(root, 2)
		}
	}
}
