// Package leaf is the form in which the audit log hashes what happened.
//
// An entry has three layers. The leaf is what the Merkle tree hashes: when, of which category, the hash of the body, the
// hashes of the personal parts. It stays for ever and tells about nobody. The body says what happened, without personal data;
// it goes when its retention is over. The personal parts are sealed (package seal) and become unreadable when their keys are
// destroyed. All of them are canonical JSON (RFC 8785), and what is hashed is always the text as it was written: a later
// version of the program never encodes an old entry again.
package leaf

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit"
)

// Version is that of the leaves and bodies that are written now. Version 1 is the first.
const Version = 1

// Limits of what is read, in bytes and in numbers.
const (
	LeafMax  = 2 << 10  // bytes of a leaf
	BodyMax  = 32 << 10 // bytes of a body
	PartsMax = 4        // personal parts of one entry
)

// Errors of reading.
var (
	ErrMalformed = errors.New("this is not a leaf or body in the form that the log writes")
	ErrVersion   = errors.New("this was written by a later version of Konklave")
	ErrTooLarge  = errors.New("this is larger than anything that the log writes")
)

// Leaf is what the tree hashes.
type Leaf struct {
	At       time.Time // UTC, whole milliseconds
	Category audit.Category
	Body     [sha256.Size]byte   // hash of the body
	Personal [][sha256.Size]byte // hashes of the personal parts as they are sealed, in the order of the body; often none
}

type leafText struct {
	At       int64          `json:"at"`
	Body     string         `json:"body"`
	Category audit.Category `json:"category"`
	Personal []string       `json:"personal,omitzero"`
	Version  int            `json:"v"`
}

// New returns the leaf of an entry.
func New(at time.Time, category audit.Category, body []byte, personal ...[]byte) Leaf {
	l := Leaf{At: at.UTC().Truncate(time.Millisecond), Category: category, Body: sha256.Sum256(body)}
	for _, sealed := range personal {
		l.Personal = append(l.Personal, sha256.Sum256(sealed))
	}
	return l
}

// Encode writes the leaf in version [Version]: the text that is hashed and kept.
func (l Leaf) Encode() []byte {
	t := leafText{At: l.At.UnixMilli(), Body: base64.StdEncoding.EncodeToString(l.Body[:]), Category: l.Category, Version: Version}
	for _, hash := range l.Personal {
		t.Personal = append(t.Personal, base64.StdEncoding.EncodeToString(hash[:]))
	}
	return canonical(t)
}

// Hash is what stands in the tree for a leaf (RFC 6962, section 2.1).
func Hash(text []byte) tlog.Hash {
	if len(text) > LeafMax {
		return tlog.RecordHash(text)
	}
	var buffer [1 + LeafMax]byte // a leading 0 and the leaf; on the stack
	return sha256.Sum256(buffer[:1+copy(buffer[1:], text)])
}

// Decode reads a leaf. It fails with ErrMalformed, ErrVersion, ErrTooLarge.
func Decode(text []byte) (Leaf, error) {
	var l Leaf
	err := DecodeInto(&l, text)
	return l, err
}

// DecodeInto is Decode for a leaf that is used again and again.
func DecodeInto(l *Leaf, text []byte) error {
	if len(text) > LeafMax {
		return ErrTooLarge
	}
	if l.scan(text) {
		return nil
	}
	var t leafText
	if err := strict(text, &t); err != nil {
		return err
	}
	*l = Leaf{At: time.UnixMilli(t.At).UTC(), Category: t.Category}
	if len(t.Personal) > PartsMax || !hash(&l.Body, []byte(t.Body)) {
		return ErrMalformed
	}
	for _, p := range t.Personal {
		var h [sha256.Size]byte
		if !hash(&h, []byte(p)) {
			return ErrMalformed
		}
		l.Personal = append(l.Personal, h)
	}
	if !bytes.Equal(l.Encode(), text) {
		return fmt.Errorf("%w: it is not canonical", ErrMalformed)
	}
	return nil
}

// strict reads canonical JSON of a known version into t.
func strict(text []byte, t any) error {
	var version struct {
		Version *int           `json:"v"`
		Rest    jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case version.Version == nil || *version.Version < 1:
		return fmt.Errorf("%w: it has no version", ErrMalformed)
	case *version.Version > Version:
		return fmt.Errorf("%w (%d)", ErrVersion, *version.Version)
	}
	if err := json.Unmarshal(text, t, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// canonical encodes by RFC 8785.
func canonical(t any) []byte {
	text, err := json.Marshal(t)
	if err == nil {
		err = (*jsontext.Value)(&text).Canonicalize()
	}
	if err != nil {
		panic("leaf: " + err.Error()) // every type that comes here encodes
	}
	return text
}

// hashText is how long a hash is in base64.
const hashText = 44

// hash reads one that is written in base64, in the one way it can be written.
func hash(to *[sha256.Size]byte, text []byte) bool {
	if len(text) != hashText {
		return false
	}
	var raw [sha256.Size + 1]byte // Decode writes in steps of three
	n, err := base64.StdEncoding.Strict().Decode(raw[:], text)
	copy(to[:], raw[:])
	return err == nil && n == sha256.Size
}

// scan reads what Encode writes, in the same words as the general decoder but without its cost; it reports false for anything
// else, which may still be a leaf.
func (l *Leaf) scan(text []byte) bool {
	s := Scanner{text}
	l.Personal = l.Personal[:0]
	at, ok := s.Number(`{"at":`)
	if !ok || !s.Hash(`,"body":"`, &l.Body) || !s.Literal(`","category":"`) {
		return false
	}
	end := bytes.IndexByte(s.Rest, '"')
	if end < 0 {
		return false
	}
	category := intern(s.Rest[:end])
	s.Rest = s.Rest[end:]
	if s.Literal(`","personal":["`) {
		for again := true; again; again = s.Literal(`,"`) {
			var h [sha256.Size]byte
			if len(l.Personal) == PartsMax || !s.Hash("", &h) || !s.Literal(`"`) {
				return false
			}
			l.Personal = append(l.Personal, h)
		}
		if !s.Literal(`],"v":1}`) {
			return false
		}
	} else if !s.Literal(`","v":1}`) {
		return false
	}
	l.At, l.Category = time.UnixMilli(at).UTC(), category
	return category != "" && len(s.Rest) == 0
}

// intern returns the category of this name without copying; empty when there is none.
func intern(name []byte) audit.Category {
	for _, c := range [...]audit.Category{audit.CategorySecurity, audit.CategoryAdministration, audit.CategoryConference, audit.CategoryLog} {
		if string(name) == string(c) {
			return c
		}
	}
	return ""
}
