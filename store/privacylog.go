package store

import (
	"bytes"
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/audit"
	"konklave/audit/seal"
	"konklave/privacy"
	"konklave/store/sqlgen"
)

// OwnLog implements privacy.Store. It fails with ErrLocked.
func (s *Store) OwnLog(ctx context.Context, tenant, userID string, keep func(privacy.OwnLogEntry) error) (complete bool, err error) {
	if s.vault == nil {
		return false, ErrLocked
	}
	rows, err := ask(ctx, s, (*sqlgen.Queries).AuditKeysOf, sqlgen.AuditKeysOfParams{Tenant: tenant, Subject: userID})
	if err != nil || len(rows) == 0 {
		return err == nil, err
	}
	keys := map[string]seal.Key{}
	for _, row := range rows {
		keys[row.ID], _ = sealKey(row, nil)
	}
	size, err := s.AuditSize(ctx)
	if err != nil {
		return false, err
	}
	first := max(0, size-privacy.LogScanned)
	complete = first == 0
	for end := size; end > first; end -= AuditLogMax {
		page, sound, err := s.ownPage(ctx, max(first, end-AuditLogMax), end, keys)
		if err != nil {
			return false, err
		}
		complete = complete && sound
		for _, own := range page { // after the reading: whoever keeps it may be slow
			if err := keep(own); err != nil {
				return false, err
			}
		}
	}
	return complete, nil
}

// ownKeys are the keys of one person alone: nothing else of an entry can be opened with them.
type ownKeys struct {
	auditKeys

	keys map[string]seal.Key
}

// Key implements seal.Keys.
func (k ownKeys) Key(_ context.Context, id string) (seal.Key, error) { return k.keys[id], nil }

// ownPage opens the entries from first to past that tell about the person whose keys these are, the last first; sound says that
// none of them was damaged.
func (s *Store) ownPage(ctx context.Context, first, past int64, keys map[string]seal.Key) (page []privacy.OwnLogEntry, sound bool, err error) {
	sound = true
	_, err = look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) (struct{}, error) {
		rows, err := q.AuditPlacedFrom(ctx, sqlgen.AuditPlacedFromParams{First: first, Past: past})
		if err != nil {
			return struct{}{}, err
		}
		sealer := seal.New(s.vault, ownKeys{auditKeys{q}, keys})
		for _, row := range slices.Backward(rows) {
			if !tellsOf(row.AuditLog.Body, keys) {
				continue
			}
			r, err := openEntry(ctx, sealer, row.AuditLog)
			if err != nil {
				return struct{}{}, err
			}
			mine := r.ActorUser != ""
			switch {
			case r.Lost == audit.LossDamaged:
				sound = false
			case mine || !ofTheWatch(r.Kind):
				page = append(page, privacy.OwnLogEntry{
					Number: row.LeafIndex, At: r.At, Kind: string(r.Kind), Outcome: string(r.Outcome), Mine: mine,
					Object: r.ObjectKind, ID: r.ObjectID, Details: jsontext.Value(r.Details),
				})
			}
		}
		return struct{}{}, nil
	})
	return page, sound, err
}

// ofTheWatch reports whether an entry tells who looks into what somebody did: it would warn who is looked at.
func ofTheWatch(k audit.Kind) bool { return k == audit.KindLogSearched || k == audit.KindLogEntryRead }

// tellsOf reports whether a body names one of the keys.
func tellsOf(body []byte, keys map[string]seal.Key) bool {
	for id := range keys {
		if bytes.Contains(body, []byte(`"`+id+`"`)) {
			return true
		}
	}
	return false
}
