package storetest

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/sequencer"
	"konklave/audit/tree"
	"konklave/store"
)

// Sequence brings every entry of the audit log into the tree.
func Sequence(ctx context.Context, s *store.Store) error {
	for {
		n, err := sequencer.New(s, nil).Integrate(ctx)
		if err != nil || n < sequencer.BatchMax {
			return err
		}
	}
}

// Leaves returns the leaves of the log. It fails when one is there twice, or when the tree is not theirs.
func Leaves(ctx context.Context, s *store.Store) (map[string]bool, error) {
	var reference tree.Frontier
	seen := map[string]bool{}
	for {
		some, err := s.AuditLog(ctx, reference.Size(), store.AuditLogMax)
		if err != nil {
			return nil, err
		}
		if len(some) == 0 {
			break
		}
		for _, e := range some {
			if seen[string(e.Leaf)] || e.Hash != tlog.RecordHash(e.Leaf) || e.Index != reference.Size() {
				return nil, fmt.Errorf("leaf %d is %q", e.Index, e.Leaf)
			}
			seen[string(e.Leaf)] = true
			reference.Add(e.Hash)
		}
	}
	size, errSize := s.AuditSize(ctx)
	root, errRoot := tree.Root(ctx, s.AuditTree(), size)
	if size != reference.Size() || root != reference.Root() {
		return nil, errors.Join(errSize, errRoot, fmt.Errorf("size %d with root %v, want %d with %v", size, root, reference.Size(), reference.Root()))
	}
	return seen, nil
}
