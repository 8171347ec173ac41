package config

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"konklave/audit/checkpoint"
)

// witnessKey is the public key of a witness.
const witnessKey = "witness.example.net/1+3b7816bb+BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

func TestWitnessKeysAreChecked(t *testing.T) {
	t.Parallel()
	_, log, err := checkpoint.NewLogKey(rand.Reader, "meet.example.org/audit")
	if err != nil {
		t.Fatal(err)
	}
	many := func(n int) string {
		var keys []string
		for i := range n {
			_, key, err := checkpoint.NewWitnessKey(rand.Reader, fmt.Sprintf("w%d", i))
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		return strings.Join(keys, ", ")
	}
	for text, want := range map[string]string{
		"": "", witnessKey: "", many(2): "", many(MaxWitnesses): "",
		many(MaxWitnesses + 1):                       "at most 20",
		witnessKey + "," + witnessKey:                "two keys",
		witnessKey[:len(witnessKey)-1]:               "must be the public key",
		strings.Replace(witnessKey, "+3b", "+3c", 1): "must be the public key",
		log:           "must be the public key",
		many(1) + ",": "must be the public key",
	} {
		var c Config
		err := witnessesValue{&c.Audit.WitnessKeys}.set(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}
