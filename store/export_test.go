package store

import (
	"context"
	"io/fs"
	"time"
)

// Pragma reads a setting of the connection that writes.
func (s *Store) Pragma(ctx context.Context, name string) (value string, err error) {
	err = s.write.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, err
}

// SetPatience changes how long one operation may take.
func (s *Store) SetPatience(d time.Duration) { s.patience = d }

// OpenAt opens a database with the schema that a program of an earlier version had.
func OpenAt(ctx context.Context, dsn string, schema int64) (*Store, error) {
	return Open(ctx, dsn, Options{schema: schema})
}

// Migrations are the files of the migrations.
func Migrations() fs.FS { return migrations }
