// Package seal keeps what audit entries tell about persons, so that it can be destroyed without touching the log.
//
// What an entry tells about one person is sealed with a data key of that person's own, which is random, holds for one calendar
// month and is kept wrapped by a key that is handed in. The tree hashes what is sealed; when the data key is destroyed, nobody can
// read it any more, and every proof stays as it was. From the data key a key for each single part is derived: it can be given to
// an auditor who is to read that part and nothing else, and the part says which key it takes, so that it opens in one way only.
package seal

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/audit"
	"konklave/audit/leaf"
)

// Errors of sealing and opening.
var (
	// ErrErased says that the key of a part was destroyed: what it told is gone for good.
	ErrErased = errors.New("the personal data were erased: their key was destroyed")
	// ErrDamaged says that a part, or what belongs to it, is not what was sealed.
	ErrDamaged = errors.New("the personal data or their key were changed")
)

// Vault seals and opens; *vault.Vault is one. Wrap and Unwrap take the key that protects all data keys, which may be another one
// than that of the rest of the instance.
type Vault interface {
	NewKey() []byte
	Wrap(key, associated []byte) []byte
	Unwrap(blob, associated []byte) ([]byte, error)
	Opener
	Seal(key, content, associated []byte) []byte
}

// Opener opens what was sealed with a key.
type Opener interface {
	Open(key, blob, associated []byte) ([]byte, error)
}

// Key is a data key as it is stored.
type Key struct {
	ID      string // random; stands in the entries, and is how the entries of a subject are found
	Tenant  string
	Subject string // the person; or subjectMarks
	Period  string // a calendar month in UTC, "2026-11"
	Wrapped []byte
}

// Keys stores data keys. To erase what the log tells about somebody, delete the rows of that subject, in every copy; to end a
// period, those of that period. It is used inside the transaction that writes the entry.
type Keys interface {
	// SubjectKey returns the key of a subject for a period; the zero Key when there is none.
	SubjectKey(ctx context.Context, tenant, subject, period string) (Key, error)
	// AddKey stores a key unless its subject has one for the period, and returns the one that is there now.
	AddKey(ctx context.Context, k Key) (Key, error)
	// Key returns the key with this id; the zero Key when there is none.
	Key(ctx context.Context, id string) (Key, error)
}

// subjectMarks is the subject of the key for marks; no person has such an id.
const subjectMarks = "#marks"

// Period returns the period of a time: the calendar month in UTC.
func Period(at time.Time) string { return at.UTC().Format("2006-01") }

// Sealer seals entries. It may be used by many goroutines at once.
type Sealer struct {
	vault Vault
	keys  Keys
}

// New returns a Sealer.
func New(vault Vault, keys Keys) *Sealer { return &Sealer{vault, keys} }

// Sealed is an entry as it is stored: the texts that are hashed.
type Sealed struct {
	Leaf     []byte
	Body     []byte
	Personal [][]byte
}

// Entry seals an entry.
func (s *Sealer) Entry(ctx context.Context, e audit.Entry) (Sealed, error) {
	return s.Record(ctx, e.Record())
}

// Record seals an entry that was written before entries were sealed.
func (s *Sealer) Record(ctx context.Context, r audit.Record) (Sealed, error) {
	split, err := audit.Split(r)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal %s: %w", r.Kind, err)
	}
	body := leaf.Body{Entry: split.Clear}
	var out Sealed
	for _, part := range split.Personal {
		k, data, err := s.key(ctx, r.Tenant, part.Subject, Period(r.At))
		if err != nil {
			return Sealed{}, err
		}
		content, err := json.Marshal(part.Fields, json.Deterministic(true))
		if err != nil {
			return Sealed{}, fmt.Errorf("seal %s: %w", r.Kind, err)
		}
		one := partKey(data, r.ID)
		body.Keys = append(body.Keys, k.ID)
		out.Personal = append(out.Personal, append(commitment(one), s.vault.Seal(one, content, place(r.ID, k.ID))...))
	}
	for name, value := range split.Search {
		mark, err := s.mark(ctx, r.Tenant, Period(r.At), name, value)
		if err != nil {
			return Sealed{}, err
		}
		if body.Marks == nil {
			body.Marks = map[string]string{}
		}
		body.Marks[name] = mark
	}
	if out.Body, err = body.Encode(); err != nil {
		return Sealed{}, fmt.Errorf("seal %s: %w", r.Kind, err)
	}
	out.Leaf = leaf.New(r.At, r.Kind.Category(), out.Body, out.Personal...).Encode()
	return out, nil
}

// Mark returns what stands in the entries of a period for the detail of this name and value, a text, such as a source address;
// empty when the period has no key any more, or none yet.
func (s *Sealer) Mark(ctx context.Context, tenant, period, name, value string) (string, error) {
	if k, err := s.keys.SubjectKey(ctx, tenant, subjectMarks, period); err != nil || k.ID == "" {
		return "", err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("mark of %s: %w", name, err)
	}
	return s.mark(ctx, tenant, period, name, string(text))
}

// markSize is how much of the keyed hash is kept, in bytes.
const markSize = 16

func (s *Sealer) mark(ctx context.Context, tenant, period, name, value string) (string, error) {
	_, data, err := s.key(ctx, tenant, subjectMarks, period)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, data)
	h.Write([]byte(name + "\x00" + value))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:markSize]), nil
}

// key returns the key of a subject for a period, and makes it where there is none.
func (s *Sealer) key(ctx context.Context, tenant, subject, period string) (Key, []byte, error) {
	k, err := s.keys.SubjectKey(ctx, tenant, subject, period)
	if err != nil {
		return Key{}, nil, fmt.Errorf("find key: %w", err)
	}
	if k.ID == "" {
		k = Key{ID: strings.ToLower(rand.Text()), Tenant: tenant, Subject: subject, Period: period}
		k.Wrapped = s.vault.Wrap(s.vault.NewKey(), k.wrapping())
		if k, err = s.keys.AddKey(ctx, k); err != nil {
			return Key{}, nil, fmt.Errorf("add key: %w", err)
		}
	}
	data, err := s.vault.Unwrap(k.Wrapped, k.wrapping())
	if err != nil {
		return Key{}, nil, fmt.Errorf("unwrap the key of a subject: %w", err)
	}
	return k, data, nil
}

// wrapping binds a wrapped key to its id and to what it is for.
func (k Key) wrapping() []byte {
	return fmt.Appendf(nil, "konklave audit key 1\x00%s\x00%s\x00%s\x00%s", k.ID, k.Tenant, k.Period, k.Subject)
}

// place binds a part to its entry and its key.
func place(entry, key string) []byte {
	return []byte("konklave audit part 1\x00" + entry + "\x00" + key)
}

// partKey is the key of what one entry tells about one person.
func partKey(data []byte, entry string) []byte {
	return derive(data, "konklave audit part key 1\x00"+entry)
}

// commitment stands before a sealed part and fits one part key only, which AES-GCM alone does not promise.
func commitment(part []byte) []byte { return derive(part, "konklave audit part commitment 1") }

func derive(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, sha256.Size)
	if err != nil {
		panic("seal: " + err.Error()) // the length is within its bounds
	}
	return key
}
