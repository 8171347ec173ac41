package leaf_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/leaf"
)

var at = time.Date(2026, 11, 22, 8, 0, 0, 123_456_789, time.FixedZone("", 3600))

func body() leaf.Body {
	return leaf.Body{
		Entry: audit.Record{
			ID: "id1", At: at.UTC().Truncate(time.Millisecond), Kind: audit.KindSessionFailed, Outcome: audit.OutcomeFailure, Tenant: "default",
			ActorKind: access.KindAnonymous, ObjectKind: "user", Details: `{"reason":"wrong_password"}`,
		},
		Keys: []string{"key1"}, Marks: map[string]string{"source": "AAAA"},
	}
}

// The texts of version 1. They never change: what was logged with them must be verified for as long as anybody has it.
const (
	bodyV1 = `{"actorKind":"anonymous","at":1795330800123,"details":{"reason":"wrong_password"},"id":"id1","keys":["key1"],` +
		`"kind":"session.failed","marks":{"source":"AAAA"},"objectKind":"user","outcome":"failure","tenant":"default","v":1}`
	leafV1 = `{"at":1795330800123,"body":"46nIocwWMldAgE3ujWut5GbHi38nmJ8NwiIym+0PSR0=","category":"security",` +
		`"personal":["ydADa+1nRLzfaS/JgNhxfX5fWk9Ogma0qEmCYC+xzQk="],"v":1}`
	hashV1        = "BUDjpkz4UH1YKMBzJ+1BVNqVA30mu/3dgI+MBcbA8YE="
	certificateV1 = `{"at":1795330800123,"certificate":{"before":1794726000123,"category":"conference","end":7,"log":"meet.example.org/audit",` +
		`"policy":"p","reason":"r","scope":"entry","signature":"` + zeros + `","start":3},"v":1}`
	certifiedV1 = "konklave certificate/v1\n" + `{"at":1795330800123,"certificate":{"before":1794726000123,"category":"conference","end":7,` +
		`"log":"meet.example.org/audit","policy":"p","reason":"r","scope":"entry","start":3}}` + "\n" // what is signed
	zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
)

func TestVersion1StaysVerifiable(t *testing.T) {
	t.Parallel()
	text, err := body().Encode()
	if err != nil || string(text) != bodyV1 {
		t.Errorf("body %s, %v", text, err)
	}
	l := leaf.New(at, audit.CategorySecurity, text, []byte("sealed"))
	if string(l.Encode()) != leafV1 {
		t.Errorf("leaf %s", l.Encode())
	}
	if got := leaf.Hash([]byte(leafV1)).String(); got != hashV1 {
		t.Errorf("hash %s", got)
	}
	if back, err := leaf.DecodeBody([]byte(bodyV1)); err != nil || back.Entry != body().Entry || back.Keys[0] != "key1" || back.Marks["source"] != "AAAA" {
		t.Errorf("decoded %+v, %v", back, err)
	}
	back, err := leaf.Decode([]byte(leafV1))
	if err != nil || !back.At.Equal(at.Truncate(time.Millisecond)) || back.Category != audit.CategorySecurity || back.Body != l.Body || back.Personal[0] != sha256.Sum256([]byte("sealed")) {
		t.Errorf("decoded %+v, %v", back, err)
	}
	c := certificate()
	l, text, err = leaf.NewCertificate(c)
	if err != nil || string(text) != certificateV1 || l.Category != audit.CategoryLog || l.Body != sha256.Sum256(text) {
		t.Errorf("certificate %s, %v", text, err)
	}
	if said, err := c.Text(); err != nil || said != certifiedV1 {
		t.Errorf("what is signed is %q, %v", said, err)
	}
	read, err := leaf.DecodeBody(text)
	if err != nil || *read.Certificate != c {
		t.Errorf("decoded %+v, %v", read.Certificate, err)
	}
}

// certificate is one that says all it can, with a signature of zeros.
func certificate() leaf.Certificate {
	made := at.UTC().Truncate(time.Millisecond)
	return leaf.Certificate{
		Start: 3, End: 7, Category: audit.CategoryConference, Before: made.Add(-leaf.Floor(audit.CategoryConference)), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r",
		At: made, Log: "meet.example.org/audit", Signature: zeros,
	}
}

func TestWhatTheLogDoesNotWriteIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		strings.Replace(leafV1, `"v":1`, `"v":2`, 1):        leaf.ErrVersion,
		strings.Replace(leafV1, `"v":1`, `"v":0`, 1):        leaf.ErrMalformed,
		strings.Replace(leafV1, `,"v":1`, ``, 1):            leaf.ErrMalformed,
		strings.Replace(leafV1, `{"at"`, `{ "at"`, 1):       leaf.ErrMalformed,
		strings.Replace(leafV1, `"v":1`, `"v":1,"w":1`, 1):  leaf.ErrMalformed,
		strings.Replace(leafV1, `"v":1`, `"v":1,"v":1`, 1):  leaf.ErrMalformed,
		strings.Replace(leafV1, `zQk="]`, `zQl="]`, 1):      leaf.ErrMalformed, // spare bits
		strings.Replace(leafV1, `"body":"4`, `"body":"`, 1): leaf.ErrMalformed,
		strings.Replace(leafV1, `"personal":[`, `"personal":[`+strings.Repeat(`"ydADa+1nRLzfaS/JgNhxfX5fWk9Ogma0qEmCYC+xzQk=",`, leaf.PartsMax), 1): leaf.ErrMalformed,
		`{"category":"` + strings.Repeat("x", leaf.LeafMax) + `"}`:                                                                                  leaf.ErrTooLarge,
		``: leaf.ErrMalformed, `null`: leaf.ErrMalformed, `[]`: leaf.ErrMalformed, leafV1 + "\n": leaf.ErrMalformed,
	} {
		if _, err := leaf.Decode([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.200s: %v, want %v", text, err, want)
		}
	}
	for text, want := range map[string]error{
		strings.Replace(bodyV1, `"v":1`, `"v":2,"new":true`, 1):                  leaf.ErrVersion,
		strings.Replace(bodyV1, `"v":1`, `"new":true,"v":1`, 1):                  leaf.ErrMalformed,
		strings.Replace(bodyV1, `"id":"id1",`, `"id":"id1","id":"id2",`, 1):      leaf.ErrMalformed,
		strings.Replace(certificateV1, `"end":7`, `"end":3`, 1):                  leaf.ErrMalformed,
		strings.Replace(certificateV1, `"scope":"entry"`, `"scope":"all"`, 1):    leaf.ErrMalformed,
		strings.Replace(certificateV1, `,"signature":"`+zeros+`"`, ``, 1):        leaf.ErrMalformed,
		strings.Replace(certificateV1, `"before":179`, `"before":180`, 1):        leaf.ErrMalformed,
		strings.Replace(certificateV1, `"conference"`, `"log"`, 1):               leaf.ErrMalformed,
		strings.Replace(certificateV1, `,"v":1`, `,"kind":"chat.sent","v":1`, 1): leaf.ErrMalformed,
		`{"details":"` + strings.Repeat("x", leaf.BodyMax) + `"}`:                leaf.ErrTooLarge,
	} {
		if _, err := leaf.DecodeBody([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.200s: %v, want %v", text, err, want)
		}
	}
}

func TestBodiesHaveALimit(t *testing.T) {
	t.Parallel()
	b := body()
	empty, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b.Entry.ID += strings.Repeat("x", leaf.BodyMax-len(empty))
	if text, err := b.Encode(); err != nil || len(text) != leaf.BodyMax {
		t.Errorf("the largest: %d, %v", len(text), err)
	}
	b.Entry.ID += "x"
	if _, err := b.Encode(); !errors.Is(err, leaf.ErrTooLarge) {
		t.Errorf("one more: %v", err)
	}
	b = body()
	b.Keys = make([]string, leaf.PartsMax+1)
	if _, err := b.Encode(); !errors.Is(err, leaf.ErrTooLarge) {
		t.Errorf("too many parts: %v", err)
	}
	b = body()
	b.Entry.Details = "{"
	if _, err := b.Encode(); err == nil {
		t.Error("details that are no JSON")
	}
}

func TestCertificatesCoverWhatTheySayAndNoMore(t *testing.T) {
	t.Parallel()
	c := certificate()
	l := leaf.Leaf{At: c.Before.Add(-time.Millisecond), Category: audit.CategoryConference}
	for index, want := range map[int64]bool{2: false, 3: true, 6: true, 7: false} {
		if c.Covers(index, l, leaf.ScopeEntry) != want {
			t.Errorf("entry %d: %v", index, !want)
		}
	}
	young, other := l, l
	young.At, other.Category = c.Before, audit.CategorySecurity
	if c.Covers(3, young, leaf.ScopeEntry) || c.Covers(3, other, leaf.ScopeEntry) {
		t.Error("too young, or of another category")
	}
	c.Scope = leaf.ScopePersonal
	if c.Covers(3, l, leaf.ScopeEntry) || !c.Covers(3, l, leaf.ScopePersonal) {
		t.Error("the scope")
	}
	for name, change := range map[string]func(*leaf.Certificate){
		"no policy": func(c *leaf.Certificate) { c.Policy = "" }, "no reason": func(c *leaf.Certificate) { c.Reason = "" },
		"a long policy": func(c *leaf.Certificate) { c.Policy = strings.Repeat("x", leaf.PolicyMax+1) },
		"a long reason": func(c *leaf.Certificate) { c.Reason = strings.Repeat("x", leaf.ReasonMax+1) },
		"no range":      func(c *leaf.Certificate) { c.Start = c.End }, "before the log": func(c *leaf.Certificate) { c.Start = -1 },
		"the log itself": func(c *leaf.Certificate) { c.Category = audit.CategoryLog },
		"too young":      func(c *leaf.Certificate) { c.Before = c.Before.Add(time.Millisecond) },
		"too young for its category": func(c *leaf.Certificate) {
			c.Category, c.Before = audit.CategorySecurity, c.At.Add(time.Millisecond-leaf.MinSecurityDays*24*time.Hour)
		},
		"parts of a millisecond": func(c *leaf.Certificate) { c.At = c.At.Add(1) },
		"no log":                 func(c *leaf.Certificate) { c.Log = "" },
		"a long log":             func(c *leaf.Certificate) { c.Log = strings.Repeat("x", leaf.LogMax+1) },
	} {
		wrong := c
		change(&wrong)
		if _, _, err := leaf.NewCertificate(wrong); !errors.Is(err, leaf.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := wrong.Text(); !errors.Is(err, leaf.ErrMalformed) {
			t.Errorf("%s is signed: %v", name, err)
		}
	}
	for _, signature := range []string{"", c.Signature[4:], c.Signature + "AAAA", c.Signature[:90] + "B="} {
		wrong := c
		wrong.Signature = signature
		if _, _, err := leaf.NewCertificate(wrong); !errors.Is(err, leaf.ErrMalformed) {
			t.Errorf("signature %q: %v", signature, err)
		}
	}
	secure := c
	secure.Category, secure.Before = audit.CategorySecurity, c.At.Add(-leaf.MinSecurityDays*24*time.Hour)
	if _, _, err := leaf.NewCertificate(secure); err != nil {
		t.Errorf("as young as may be: %v", err)
	}
	c.Log = strings.Repeat("x", leaf.LogMax)
	c.Policy, c.Reason = strings.Repeat("x", leaf.PolicyMax), strings.Repeat("\x01", leaf.ReasonMax)
	if _, _, err := leaf.NewCertificate(c); err != nil {
		t.Errorf("the longest texts: %v", err)
	}
}

func TestHashIsThatOfTheReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, leaf.LeafMax+2).Draw(t, "leaf")
		if leaf.Hash(text) != tlog.RecordHash(text) {
			t.Errorf("%q", text)
		}
	})
}

// FuzzLeaf holds that a leaf is read in one way only: what is accepted is what would be written.
func FuzzLeaf(f *testing.F) {
	f.Add([]byte(leafV1))
	f.Add(bytes.Replace([]byte(leafV1), []byte("security"), []byte("secur\\u0069ty"), 1))
	f.Add([]byte(`{"at":-1,"body":"ydADa+1nRLzfaS/JgNhxfX5fWk9Ogma0qEmCYC+xzQk=","category":"","v":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := leaf.Decode(text); err == nil && !bytes.Equal(l.Encode(), text) {
			t.Errorf("%q was read as %q", text, l.Encode())
		}
		if b, err := leaf.DecodeBody(text); err == nil {
			if again, err := b.Encode(); err != nil || !bytes.Equal(again, text) {
				t.Errorf("%q was read as %q", text, again)
			}
		}
	})
}
