package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Snapshot is one consistent state of the whole database, however long it is read, while others go on writing.
type Snapshot struct {
	Schema int64   // the newest migration that was applied
	Tables []Table // each after those that it refers to
	tx     *sql.Tx
}

// Snapshot begins to read the present state. The snapshot must be closed; the time limit of other methods is not its.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{Isolation: s.snapshotIsolation, ReadOnly: true})
	if err != nil {
		return nil, s.reads.told(ctx, err)
	}
	n := &Snapshot{tx: tx}
	if err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable).Scan(&n.Schema); err == nil {
		n.Tables, err = s.dialect.tables(ctx, tx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin snapshot: %w", s.reads.told(ctx, err)), n.Close())
	}
	return n, nil
}

// Rows calls do for each row of a table. Each value is nil or what the type of its column says: int64, string or []byte;
// it counts only during the call.
func (n *Snapshot) Rows(ctx context.Context, t Table, do func(row []any) error) error {
	rows, err := n.tx.QueryContext(ctx, "SELECT "+t.names()+" FROM "+quote(t.Name)) // names from the catalogue, quoted
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	defer rows.Close()
	row, targets := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range row {
		targets[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("read %s: %w", t.Name, err)
		}
		for i, v := range row {
			if row[i], err = plain(v, t.Columns[i].Type); err != nil {
				return fmt.Errorf("read %s.%s: %w", t.Name, t.Columns[i].Name, err)
			}
		}
		if err := do(row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	return nil
}

// Close ends the snapshot. A second call does nothing.
func (n *Snapshot) Close() error {
	if err := n.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("end snapshot: %w", err)
	}
	return nil
}

// plain is a driver's value as the type of its column says.
func plain(v any, t ColumnType) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if t == TypeInteger {
			return map[bool]int64{true: 1}[x], nil
		}
	case int64:
		if t == TypeInteger {
			return x, nil
		}
	case string:
		if t == TypeText {
			return x, nil
		}
	case []byte:
		switch t {
		case TypeBytes:
			return x, nil
		case TypeText:
			return string(x), nil
		case TypeInteger:
		}
	}
	return nil, fmt.Errorf("is a %T instead of %s", v, t)
}
