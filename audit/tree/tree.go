// Package tree is the Merkle tree of the audit log (RFC 6962, section 2.1): appending, roots, and proofs of what is in it and of what
// it grew from. The hashes are stored where golang.org/x/mod/sumdb/tlog looks for them.
package tree

import (
	"context"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// SizeMax is the largest size of a tree, in leaves: sizes are numbers that JSON and RFC 8785 can write exactly.
const SizeMax = 1<<49 - 1

// ErrSize says that a size or an index is not one of a tree.
var ErrSize = errors.New("this is not the size of a tree or the index of a leaf in it")

// Reader reads stored hashes by their index (tlog.StoredHashIndex). It returns as many as were asked for, or fails.
type Reader interface {
	ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
}

// Storage stores hashes without gaps.
type Storage interface {
	Reader
	// WriteHashes stores hashes at index and what follows it, where there are none yet.
	WriteHashes(ctx context.Context, index int64, hashes []tlog.Hash) error
}

// Append adds leaves to the tree of this size and returns the frontier of what it is then. What it writes and the new size
// belong in one transaction.
func Append(ctx context.Context, s Storage, size int64, leaves []tlog.Hash) (Frontier, error) {
	f, err := Load(ctx, s, size)
	if err != nil {
		return Frontier{}, err
	}
	if size+int64(len(leaves)) > SizeMax {
		return Frontier{}, ErrSize
	}
	hashes := make([]tlog.Hash, 0, 2*len(leaves))
	for _, leaf := range leaves {
		hashes = f.add(leaf, hashes)
	}
	if len(hashes) > 0 {
		if err := s.WriteHashes(ctx, tlog.StoredHashCount(size), hashes); err != nil {
			return Frontier{}, fmt.Errorf("write hashes: %w", err)
		}
	}
	return f, nil
}

// Load reads the frontier of the tree of this size.
func Load(ctx context.Context, r Reader, size int64) (Frontier, error) {
	if size < 0 || size > SizeMax {
		return Frontier{}, ErrSize
	}
	indexes := make([]int64, 0, bits.Len64(uint64(size)))
	start := int64(0)
	for level := bits.Len64(uint64(size)) - 1; level >= 0; level-- {
		if size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, start>>level))
			start += 1 << level
		}
	}
	if len(indexes) == 0 {
		return Frontier{}, nil
	}
	hashes, err := reading(ctx, r)(indexes)
	if err != nil {
		return Frontier{}, err
	}
	return Frontier{size: size, hashes: hashes}, nil
}

// Root returns the root of the tree of this size.
func Root(ctx context.Context, r Reader, size int64) (tlog.Hash, error) {
	f, err := Load(ctx, r, size)
	return f.Root(), err
}

// ProveLeaf proves that the tree of this size has a leaf at index; tlog.CheckRecord checks it.
func ProveLeaf(ctx context.Context, r Reader, size, index int64) (tlog.RecordProof, error) {
	if size > SizeMax || index < 0 || index >= size {
		return nil, ErrSize
	}
	return tlog.ProveRecord(size, index, reading(ctx, r))
}

// ProveGrowth proves that the tree of this size begins with the tree of the earlier size; CheckGrowth checks it.
func ProveGrowth(ctx context.Context, r Reader, size, earlier int64) (tlog.TreeProof, error) {
	if size > SizeMax || earlier < 0 || earlier > size {
		return nil, ErrSize
	}
	if earlier == 0 {
		return tlog.TreeProof{}, nil
	}
	return tlog.ProveTree(size, earlier, reading(ctx, r))
}

// ErrNotGrown says that one tree does not begin with another.
var ErrNotGrown = errors.New("the later tree does not begin with the earlier one")

// CheckGrowth reports with ErrNotGrown when the proof does not show that the tree of this size and root begins with the earlier
// one, and with ErrSize when a size is none. Every tree begins with the empty one.
func CheckGrowth(proof tlog.TreeProof, size int64, root tlog.Hash, earlier int64, earlierRoot tlog.Hash) error {
	if earlier < 0 || size < earlier || size > SizeMax {
		return ErrSize
	}
	empty := Frontier{}.Root()
	switch {
	case size == 0 && root != empty, earlier == 0 && (earlierRoot != empty || len(proof) > 0):
		return ErrNotGrown
	case earlier == 0:
		return nil
	case tlog.CheckTree(proof, size, root, earlier, earlierRoot) != nil:
		return ErrNotGrown
	}
	return nil
}

// reading gives tlog a Reader, and holds it to its word.
func reading(ctx context.Context, r Reader) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := r.ReadHashes(ctx, indexes)
		if err != nil {
			return nil, fmt.Errorf("read hashes: %w", err)
		}
		if len(hashes) != len(indexes) {
			return nil, fmt.Errorf("read hashes: %d of %d", len(hashes), len(indexes))
		}
		return hashes, nil
	}
}
