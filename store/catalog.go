package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ColumnType is what a column holds, the same on both databases.
type ColumnType string

// The types of columns. A truth value is an integer, 0 or 1.
const (
	TypeInteger ColumnType = "integer"
	TypeText    ColumnType = "text"
	TypeBytes   ColumnType = "bytes"
)

// Column is one column of a table.
type Column struct {
	Name string     `json:"name"`
	Type ColumnType `json:"type"`
}

// Table is one table as it is, its columns in their order.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// versionTable is where goose counts the migrations; a Snapshot names the version instead.
const versionTable = "goose_db_version"

// dialect is what differs between the databases beyond what sqlc hides.
type dialect struct {
	columns    string // query of (table, column, type), in order
	references string // query of (table, table that it refers to)
	types      map[string]ColumnType
}

func sqliteDialect() dialect {
	return dialect{
		columns: `SELECT t.name, c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c
			WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY t.name, c.cid`,
		references: `SELECT t.name, f."table" FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'`,
		types:      map[string]ColumnType{"INTEGER": TypeInteger, "TEXT": TypeText, "BLOB": TypeBytes},
	}
}

func postgresDialect() dialect {
	return dialect{
		columns: `SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
			JOIN information_schema.tables t USING (table_schema, table_name)
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position`,
		references: `SELECT a.relname, b.relname FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
			WHERE k.contype = 'f' AND k.connamespace = quote_ident(current_schema())::regnamespace`,
		types: map[string]ColumnType{"bigint": TypeInteger, "integer": TypeInteger, "boolean": TypeInteger, "text": TypeText, "bytea": TypeBytes},
	}
}

// querier is what reads: a database, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// tables lists the tables, each after those that it refers to.
func (d dialect) tables(ctx context.Context, q querier) ([]Table, error) {
	byName := map[string]*Table{}
	err := each(ctx, q, d.columns, func(row [3]string) error {
		if row[0] == versionTable {
			return nil
		}
		t, ok := d.types[row[2]]
		if !ok {
			return fmt.Errorf("column %s.%s has the type %q, which this program does not know", row[0], row[1], row[2])
		}
		if byName[row[0]] == nil {
			byName[row[0]] = &Table{Name: row[0]}
		}
		byName[row[0]].Columns = append(byName[row[0]].Columns, Column{Name: row[1], Type: t})
		return nil
	})
	if err != nil {
		return nil, err
	}
	needs := map[string][]string{}
	if err := each(ctx, q, d.references, func(row [2]string) error {
		needs[row[0]] = append(needs[row[0]], row[1])
		return nil
	}); err != nil {
		return nil, err
	}
	return inOrder(byName, needs)
}

// hasTable reports whether there is a table of this name.
func (d dialect) hasTable(ctx context.Context, q querier, name string) (bool, error) {
	there := false
	err := each(ctx, q, d.columns, func(row [3]string) error { there = there || row[0] == name; return nil })
	return there, err
}

// inOrder puts the tables after those that they need.
func inOrder(byName map[string]*Table, needs map[string][]string) ([]Table, error) {
	var ordered []Table
	done := map[string]bool{}
	for len(ordered) < len(byName) {
		before := len(ordered)
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			ready := !slices.ContainsFunc(needs[name], func(n string) bool { return !done[n] })
			if !done[name] && ready {
				ordered, done[name] = append(ordered, *byName[name]), true
			}
		}
		if len(ordered) == before {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return ordered, nil
}

// each runs a query whose rows are texts.
func each[Row [1]string | [2]string | [3]string](ctx context.Context, q querier, query string, do func(Row) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var row Row
		targets := make([]any, len(row))
		for i := range len(row) {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// names lists the columns for a statement.
func (t Table) names() string {
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = quote(c.Name)
	}
	return strings.Join(quoted, ", ")
}

// quote makes an identifier of a name that a catalogue gave.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
