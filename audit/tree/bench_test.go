package tree_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/audit/tree"
)

// BenchmarkProofInTenMillion builds a tree of ten million leaves and proves leaves all over it, and that it grew from each
// earlier size. It prints the longest proofs (32 bytes a hash) and how long building and checking one of each takes.
func BenchmarkProofInTenMillion(b *testing.B) {
	const (
		size  = 10_000_000
		batch = 10_000
		step  = 1_299_709 // prime: all over the tree
	)
	stored := &tree.Memory{}
	leafAt := func(i int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }
	var root tlog.Hash
	for start := int64(0); start < size; start += batch {
		leaves := make([]tlog.Hash, batch)
		for i := range leaves {
			leaves[i] = tlog.RecordHash(leafAt(start + int64(i)))
		}
		f, err := tree.Append(b.Context(), stored, start, leaves)
		if err != nil {
			b.Fatal(err)
		}
		root = f.Root()
	}
	longestLeaf, longestGrowth := 0, 0
	b.ReportAllocs()
	for at := int64(0); b.Loop(); at = (at + step) % size {
		proof, err := tree.ProveLeaf(b.Context(), stored, size, at)
		if err != nil || tlog.CheckRecord(proof, size, root, at, tlog.RecordHash(leafAt(at))) != nil {
			b.Fatal(at, err)
		}
		growth, err := tree.ProveGrowth(b.Context(), stored, size, at)
		if err != nil {
			b.Fatal(at, err)
		}
		earlier, err := tree.Root(b.Context(), stored, at)
		if err != nil || tree.CheckGrowth(growth, size, root, at, earlier) != nil {
			b.Fatal(at, err)
		}
		longestLeaf, longestGrowth = max(longestLeaf, len(proof)), max(longestGrowth, len(growth))
	}
	b.ReportMetric(float64(longestLeaf*tlog.HashSize), "bytes/entry-proof")
	b.ReportMetric(float64(longestGrowth*tlog.HashSize), "bytes/growth-proof")
}
