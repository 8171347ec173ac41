package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/seal"
	"konklave/store/sqlgen"
)

const (
	// clearTable holds entries that programs wrote before entries were sealed.
	clearTable = "audit_entries"
	// sealedSince is the schema from which on entries are sealed.
	sealedSince = 4
	// sealAtOnce is how many entries are sealed in one transaction.
	sealAtOnce = 100
	// removalPatience is how long the removal of what is not needed any more waits for those who read it.
	removalPatience = time.Second
)

// sealClear seals the entries that stand in clear, in their order, removes them and at last their table. It can be ended at any
// time: what is done is done, and the next call goes on. Of several that do it at once, one does each part.
func (s *Store) sealClear(ctx context.Context, v seal.Vault) error {
	for sealed := 0; ; {
		first, there, err := s.firstClear(ctx)
		if err != nil || !there {
			return err
		}
		if first == 0 {
			if sealed > 0 {
				s.log.InfoContext(ctx, "the audit entries that stood in clear are sealed", "entries", sealed)
			}
			return s.dropClear(ctx)
		}
		n, err := s.sealSome(ctx, v)
		if err != nil {
			now, there, look := s.firstClear(ctx)
			if look == nil && (!there || now != first && errors.Is(err, ErrUnavailable)) {
				continue // another program is at it, and the database has let it go first
			}
			return err
		}
		sealed += n
	}
}

// sealSome seals the next n entries. While another program seals the same it waits, and then finds none of them.
func (s *Store) sealSome(ctx context.Context, v seal.Vault) (n int, err error) {
	err = s.change(ctx, "seal entries", func(ctx context.Context, q *sqlgen.Queries) error {
		rows, err := q.TakeClearEntries(ctx, sealAtOnce)
		if err != nil {
			return err
		}
		n = len(rows)
		slices.SortFunc(rows, func(a, b sqlgen.AuditEntry) int { return cmp.Compare(a.Seq, b.Seq) })
		for _, r := range rows {
			if err := insertSealed(ctx, q, v, clearRecord(r)); err != nil {
				return fmt.Errorf("seal entry %d: %w", r.Seq, err)
			}
		}
		return nil
	})
	return n, err
}

// clearRecord returns the entry of a row. Details that are no JSON object, because somebody changed them, are kept as a text.
func clearRecord(r sqlgen.AuditEntry) audit.Record {
	if json.Unmarshal([]byte(r.Details), &map[string]jsontext.Value{}) != nil {
		text, err := jsontext.AppendQuote([]byte(`{"unreadable":`), strings.ToValidUTF8(r.Details, "\uFFFD"))
		if err != nil {
			panic("store: " + err.Error()) // the text is valid UTF-8
		}
		r.Details = string(append(text, '}'))
	}
	return audit.Record{
		ID: r.ID, At: fromMillis(r.At), Kind: audit.Kind(r.Kind), Outcome: audit.Outcome(r.Outcome),
		Tenant: r.Tenant, ActorKind: access.Kind(r.ActorKind), ActorID: r.ActorID, ActorUser: r.ActorUser,
		ObjectKind: r.ObjectKind, ObjectID: r.ObjectID, ReportedBy: r.ReportedBy, Details: r.Details,
	}
}

// firstClear returns the number of the first entry in clear, 0 when there is none; there is false when there is no table of them.
func (s *Store) firstClear(ctx context.Context) (first int64, there bool, err error) {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	first, there, err = s.dialect.firstClear(limited, s.read)
	return first, there, s.reads.told(ctx, err)
}

func (d dialect) firstClear(ctx context.Context, db *sql.DB) (first int64, there bool, err error) {
	if there, err = d.hasTable(ctx, db, clearTable); err != nil || !there {
		return 0, false, err
	}
	if err = db.QueryRowContext(ctx, "SELECT COALESCE(MIN(seq), 0) FROM "+clearTable).Scan(&first); err == nil {
		return first, true, nil
	}
	if there, look := d.hasTable(ctx, db, clearTable); look == nil && !there { // another program has removed it meanwhile
		return 0, false, nil
	}
	return 0, true, err
}

// dropClear removes the empty table, and with it what the database keeps of removed rows. Somebody who still reads it, such as
// a backup, is not waited for: then the table goes at the next start.
func (s *Store) dropClear(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, removalPatience)
	defer cancel()
	_, err := s.write.ExecContext(limited, "DROP TABLE IF EXISTS "+clearTable)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "the empty table of the earlier audit log could not be removed; the next start tries again", "err", err)
		return nil
	}
	s.forget(ctx)
	return err
}

// forget empties SQLite's write-ahead log, in which removed rows stay until it is written anew. What somebody reads at the moment
// stays until then.
func (s *Store) forget(ctx context.Context) {
	if !s.sqlite {
		return
	}
	limited, cancel := context.WithTimeout(ctx, removalPatience)
	defer cancel()
	if _, err := s.write.ExecContext(limited, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		s.log.WarnContext(ctx, "removed rows stay in the write-ahead log of the database for a while", "err", err)
	}
}
