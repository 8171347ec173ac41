package store

import (
	"context"
	"time"
)

// Pragma reads a setting of the connection that writes.
func (s *Store) Pragma(ctx context.Context, name string) (value string, err error) {
	err = s.write.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, err
}

// SetPatience changes how long one operation may take.
func (s *Store) SetPatience(d time.Duration) { s.patience = d }
