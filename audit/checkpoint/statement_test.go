package checkpoint_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"konklave/audit/checkpoint"
)

func TestAStatementIsThatOfItsLogAlone(t *testing.T) {
	t.Parallel()
	key := func(origin string) (note.Signer, string) {
		secret, public, err := checkpoint.NewLogKey(rand.Reader, origin)
		if err != nil {
			t.Fatal(err)
		}
		s, err := checkpoint.LogSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		return s, public
	}
	present, public := key("meet.example.org/2")
	before, earlier := key("meet.example.org/1")
	const text = "what is stated\n"
	sign := func(s note.Signer) string {
		signature, err := checkpoint.Statement(s, text)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	alone, err := checkpoint.NewTrust([]string{public}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	both, err := alone.WithEarlier([]string{earlier})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.StdEncoding.DecodeString(sign(present)) // it was encoded a line above
	raw[10] ^= 1
	for name, c := range map[string]struct {
		trust                checkpoint.Trust
		log, text, signature string
		want                 error
	}{
		"the log":                  {alone, "meet.example.org/2", text, sign(present), nil},
		"the log before, unknown":  {alone, "meet.example.org/1", text, sign(before), checkpoint.ErrUnsigned},
		"the log before, known":    {both, "meet.example.org/1", text, sign(before), nil},
		"in the name of another":   {both, "meet.example.org/1", text, sign(present), checkpoint.ErrUnsigned},
		"another text":             {both, "meet.example.org/2", "what is not\n", sign(present), checkpoint.ErrForged},
		"another signature":        {both, "meet.example.org/2", text, base64.StdEncoding.EncodeToString(raw), checkpoint.ErrForged},
		"half a signature":         {both, "meet.example.org/2", text, base64.StdEncoding.EncodeToString(raw[:30]), checkpoint.ErrForged},
		"a signature that is none": {both, "meet.example.org/2", text, "AAA", checkpoint.ErrMalformed},
		"an empty signature":       {both, "meet.example.org/2", text, "", checkpoint.ErrMalformed},
	} {
		if err := c.trust.CheckStatement(c.log, c.text, c.signature); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := alone.WithEarlier([]string{"x"}); !errors.Is(err, checkpoint.ErrKey) {
		t.Errorf("an earlier key that is none: %v", err)
	}
	if _, err := checkpoint.Statement(present, checkpoint.Checkpoint{Origin: "meet.example.org/2"}.Text()); !errors.Is(err, checkpoint.ErrMalformed) {
		t.Errorf("a checkpoint is stated: %v", err)
	}
}
