package audittest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/checkpoint"
	"konklave/audit/export"
	"konklave/audit/tree"
)

// Store is a log in memory behind the methods of the database. It may be used by many goroutines at once.
type Store struct {
	Fail error // what every use fails with

	mu       sync.Mutex
	log      *Log
	recorded []audit.Record
	leases   map[string]lease
}

// lease is what somebody has for a time.
type lease struct {
	holder string
	until  time.Time
}

// NewStore returns the store of a log, which nobody else may use at the same time.
func NewStore(l *Log) *Store { return &Store{log: l, leases: map[string]lease{}} }

// With uses the log while nobody else does.
func (s *Store) With(use func(*Log) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return use(s.log)
}

// Recorded returns what was recorded.
func (s *Store) Recorded() []audit.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]audit.Record(nil), s.recorded...)
}

// AuditSize returns how many leaves the tree has.
func (s *Store) AuditSize(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.log.Entries)), s.Fail
}

// AuditTree returns the tree; what is read while the log is written is not defined.
func (s *Store) AuditTree() tree.Reader { return s.log.Tree }

// AuditLog returns entries.
func (s *Store) AuditLog(_ context.Context, from int64, limit int) ([]export.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from = min(from, int64(len(s.log.Entries)))
	end := min(from+int64(limit), int64(len(s.log.Entries)))
	return append([]export.Entry(nil), s.log.Entries[from:end]...), s.Fail
}

// SaveCheckpoint keeps a checkpoint of the tree.
func (s *Store) SaveCheckpoint(ctx context.Context, c checkpoint.Checkpoint, note []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save(ctx, c, note)
}

// ReplaceCheckpoint keeps a checkpoint in the place of what it was before, unless another one stands there.
func (s *Store) ReplaceCheckpoint(ctx context.Context, c checkpoint.Checkpoint, before, after []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(s.log.Notes[c.Size], before) {
		return false, s.Fail
	}
	return true, s.save(ctx, c, after)
}

func (s *Store) save(ctx context.Context, c checkpoint.Checkpoint, note []byte) error {
	if root, err := tree.Root(ctx, s.log.Tree, c.Size); err != nil || root != c.Root {
		return fmt.Errorf("the tree has no such checkpoint: %w", err)
	}
	if s.Fail == nil {
		s.log.Notes[c.Size] = note
	}
	return s.Fail
}

// Checkpoint returns the newest checkpoint of at most this size.
func (s *Store) Checkpoint(_ context.Context, atMost int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := int64(-1)
	for size := range s.log.Notes {
		if size <= atMost {
			best = max(best, size)
		}
	}
	return s.log.Notes[best], s.Fail
}

// Record adds entries to the log.
func (s *Store) Record(ctx context.Context, entries ...audit.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Fail != nil {
		return s.Fail
	}
	for _, e := range entries {
		if err := s.log.Record(ctx, e); err != nil {
			return err
		}
		s.recorded = append(s.recorded, e.Record())
	}
	return nil
}

// OpenAudit runs do with what opens the entries of the log.
func (s *Store) OpenAudit(ctx context.Context, do func(context.Context, archive.Opener) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return do(ctx, s.log.Sealer)
}

// TakeLease gives a lease, or renews it, unless another one has it.
func (s *Store) TakeLease(_ context.Context, name, holder string, length time.Duration) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leases[name]; s.Fail == nil && (l.holder == holder || !time.Now().Before(l.until)) {
		s.leases[name] = lease{holder, time.Now().Add(length)}
	}
	return s.leases[name].holder, s.Fail
}

// LeaseHolder returns who has a lease.
func (s *Store) LeaseHolder(_ context.Context, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leases[name]; time.Now().Before(l.until) {
		return l.holder, s.Fail
	}
	return "", s.Fail
}
