package seal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/go-json-experiment/json"

	"konklave/audit"
	"konklave/audit/leaf"
)

// Opened is what one part of an entry tells, and the key that shows it to others. Nothing is in it when it was erased.
type Opened struct {
	Key    []byte
	Fields map[string]string // as in audit.Part
}

// Open opens the personal parts of an entry. A part whose key was destroyed is empty, which is no error. It fails with
// ErrDamaged.
func (s *Sealer) Open(ctx context.Context, body leaf.Body, personal [][]byte) ([]Opened, error) {
	if len(personal) != len(body.Keys) {
		return nil, ErrDamaged
	}
	opened := make([]Opened, len(personal))
	for i, id := range body.Keys {
		k, err := s.keys.Key(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("find key: %w", err)
		}
		if k.ID == "" || len(personal[i]) == 0 {
			continue
		}
		data, err := s.vault.Unwrap(k.Wrapped, k.wrapping())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		opened[i].Key = partKey(data, body.Entry.ID)
		if opened[i].Fields, err = OpenPart(s.vault, opened[i].Key, body.Entry.ID, id, personal[i]); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

// OpenPart opens one part with the key of that part alone, as an auditor does to whom it was given. The entry is named by the
// id in its body, the key by the one in Body.Keys. It fails with ErrDamaged.
func OpenPart(o Opener, key []byte, entry, keyID string, sealed []byte) (map[string]string, error) {
	if len(key) != sha256.Size || len(sealed) < sha256.Size || !hmac.Equal(sealed[:sha256.Size], commitment(key)) {
		return nil, ErrDamaged
	}
	content, err := o.Open(key, sealed[sha256.Size:], place(entry, keyID))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var fields map[string]string
	if err := json.Unmarshal(content, &fields); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fields, nil
}

// Record returns the entry with what was opened of it.
func Record(body leaf.Body, opened []Opened) (audit.Record, error) {
	parts := make([]audit.Part, 0, len(opened))
	for _, o := range opened {
		parts = append(parts, audit.Part{Fields: o.Fields})
	}
	return audit.Join(body.Entry, parts)
}
