package tree

import (
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Frontier is all of a tree that is needed to make it grow and to know its root: the roots of its full subtrees, the largest
// first. The zero value is the empty tree.
type Frontier struct {
	size   int64
	hashes []tlog.Hash
}

// NewFrontier returns the frontier with these hashes. It fails with ErrSize when they are not as many as a tree of this size has.
func NewFrontier(size int64, hashes []tlog.Hash) (Frontier, error) {
	if size < 0 || size > SizeMax || len(hashes) != bits.OnesCount64(uint64(size)) {
		return Frontier{}, ErrSize
	}
	return Frontier{size, slices.Clone(hashes)}, nil
}

// Size returns how many leaves the tree has.
func (f Frontier) Size() int64 { return f.size }

// Hashes returns a copy of the hashes.
func (f Frontier) Hashes() []tlog.Hash { return slices.Clone(f.hashes) }

// Clone returns a copy that grows by itself.
func (f Frontier) Clone() Frontier { return Frontier{f.size, slices.Clone(f.hashes)} }

// Add adds a leaf.
func (f *Frontier) Add(leaf tlog.Hash) { f.add(leaf, nil) }

// add adds a leaf and, unless stored is nil, appends the hashes that are to be stored for it.
func (f *Frontier) add(leaf tlog.Hash, stored []tlog.Hash) []tlog.Hash {
	keep := stored != nil
	if keep {
		stored = append(stored, leaf)
	}
	for size := f.size; size&1 == 1; size >>= 1 {
		last := len(f.hashes) - 1
		leaf = tlog.NodeHash(f.hashes[last], leaf)
		f.hashes = f.hashes[:last]
		if keep {
			stored = append(stored, leaf)
		}
	}
	f.hashes = append(f.hashes, leaf)
	f.size++
	return stored
}

// Root returns the root of the tree.
func (f Frontier) Root() tlog.Hash {
	if f.size == 0 {
		root, _ := tlog.TreeHash(0, nil) // reads nothing
		return root
	}
	root := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.hashes[i], root)
	}
	return root
}
