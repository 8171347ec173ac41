package audittest

import (
	"context"

	"konklave/audit/seal"
)

// Keys is a seal.Keys in memory.
type Keys struct{ rows map[string]seal.Key } // by id

// SubjectKey implements seal.Keys.
func (k *Keys) SubjectKey(_ context.Context, tenant, subject, period string) (seal.Key, error) {
	for _, row := range k.rows {
		if row.Tenant == tenant && row.Subject == subject && row.Period == period {
			return row, nil
		}
	}
	return seal.Key{}, nil
}

// AddKey implements seal.Keys.
func (k *Keys) AddKey(ctx context.Context, row seal.Key) (seal.Key, error) {
	if there, _ := k.SubjectKey(ctx, row.Tenant, row.Subject, row.Period); there.ID != "" {
		return there, nil
	}
	k.rows[row.ID] = row
	return row, nil
}

// Key implements seal.Keys.
func (k *Keys) Key(_ context.Context, id string) (seal.Key, error) { return k.rows[id], nil }

// All returns all keys.
func (k *Keys) All() []seal.Key {
	var all []seal.Key
	for _, row := range k.rows {
		all = append(all, row)
	}
	return all
}

// Erase destroys the keys of a subject.
func (k *Keys) Erase(subject string) {
	for id, row := range k.rows {
		if row.Subject == subject {
			delete(k.rows, id)
		}
	}
}

// Put puts a key in the place of the one with its id, as somebody can who may write to the database.
func (k *Keys) Put(row seal.Key) { k.rows[row.ID] = row }

// State is a signer.State in memory; what is set as Fail is what every use fails with.
type State struct {
	Fail error
	last []byte
}

// Load implements signer.State.
func (s *State) Load(context.Context) ([]byte, error) { return s.last, s.Fail }

// Save implements signer.State.
func (s *State) Save(_ context.Context, signed []byte) error {
	if s.Fail == nil {
		s.last = signed
	}
	return s.Fail
}
