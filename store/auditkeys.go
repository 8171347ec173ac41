package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"

	"konklave/audit/seal"
	"konklave/store/sqlgen"
)

// auditKeys is a seal.Keys in the transaction of q.
type auditKeys struct{ q *sqlgen.Queries }

// SubjectKey implements seal.Keys.
func (k auditKeys) SubjectKey(ctx context.Context, tenant, subject, period string) (seal.Key, error) {
	return sealKey(k.q.AuditSubjectKey(ctx, sqlgen.AuditSubjectKeyParams{Tenant: tenant, Subject: subject, Period: period}))
}

// AddKey implements seal.Keys. Another transaction that adds the same key is waited for. The key of somebody who was erased is
// not stored: what is told about that person from now on nobody can read either.
func (k auditKeys) AddKey(ctx context.Context, row seal.Key) (seal.Key, error) {
	erased, err := k.q.WasErased(ctx, sqlgen.WasErasedParams{Tenant: row.Tenant, ID: row.Subject})
	if err != nil || erased {
		return row, err
	}
	if err := k.q.AddAuditKey(ctx, sqlgen.AddAuditKeyParams{
		ID: row.ID, Tenant: row.Tenant, Subject: row.Subject, Period: row.Period, Wrapped: row.Wrapped,
	}); err != nil {
		return seal.Key{}, err
	}
	return k.SubjectKey(ctx, row.Tenant, row.Subject, row.Period)
}

// Key implements seal.Keys.
func (k auditKeys) Key(ctx context.Context, id string) (seal.Key, error) {
	return sealKey(k.q.AuditKey(ctx, id))
}

func sealKey(row sqlgen.AuditKey, err error) (seal.Key, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return seal.Key{}, nil
	}
	return seal.Key{ID: row.ID, Tenant: row.Tenant, Subject: row.Subject, Period: row.Period, Wrapped: row.Wrapped}, err
}

// keysRead is a seal.Keys that asks for each key once; it is for one reading.
type keysRead struct {
	auditKeys

	seen map[string]seal.Key
}

// Key implements seal.Keys.
func (k *keysRead) Key(ctx context.Context, id string) (seal.Key, error) {
	if key, ok := k.seen[id]; ok {
		return key, nil
	}
	key, err := k.auditKeys.Key(ctx, id)
	if err == nil {
		k.seen[id] = key
	}
	return key, err
}

// lengthSize is how many bytes before each sealed part say how long it is.
const lengthSize = 4

// joinParts writes sealed parts one after another, each after its length; nil when there are none.
func joinParts(parts [][]byte) []byte {
	var joined []byte
	for _, p := range parts {
		joined = binary.BigEndian.AppendUint32(joined, uint32(len(p)))
		joined = append(joined, p...)
	}
	return joined
}

// splitParts reads what joinParts wrote. What somebody else wrote there is one part, which fits nothing.
func splitParts(joined []byte) [][]byte {
	var parts [][]byte
	for rest := joined; len(rest) > 0; {
		if len(rest) < lengthSize {
			return [][]byte{joined}
		}
		n := int64(binary.BigEndian.Uint32(rest))
		if rest = rest[lengthSize:]; n > int64(len(rest)) {
			return [][]byte{joined}
		}
		parts, rest = append(parts, rest[:n:n]), rest[n:]
	}
	return parts
}
