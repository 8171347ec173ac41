package store

import (
	"context"
	"time"

	"konklave/store/sqlgen"
)

// TakeLease gives a lease to a holder for so long, or renews it, unless another one has it; it returns who has it now. A lease
// ends by itself, by the clock of whoever asks.
func (s *Store) TakeLease(ctx context.Context, name, holder string, length time.Duration) (now string, err error) {
	err = s.change(ctx, "take lease", func(ctx context.Context, q *sqlgen.Queries) error {
		at := s.time()
		taken, err := q.TakeLease(ctx, sqlgen.TakeLeaseParams{Name: name, Holder: holder, ExpiresAt: millis(at.Add(length)), Now: millis(at)})
		if now = holder; err != nil || taken > 0 {
			return err
		}
		row, err := q.Lease(ctx, name)
		now = row.Holder
		return err
	})
	return now, err
}

// LeaseHolder returns who has a lease; empty when nobody has.
func (s *Store) LeaseHolder(ctx context.Context, name string) (string, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).Lease, name)
	if err != nil || row.ExpiresAt <= millis(s.time()) {
		return "", orElse(err, nil)
	}
	return row.Holder, nil
}

// LeaseEnd returns when a lease ends or ended; zero when nobody ever had it.
func (s *Store) LeaseEnd(ctx context.Context, name string) (time.Time, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).Lease, name)
	return fromMillis(row.ExpiresAt), orElse(err, nil)
}
