package tree_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"konklave/audit/tree"
)

func leaves(from, n int64) []tlog.Hash {
	var hashes []tlog.Hash
	for i := range n {
		hashes = append(hashes, tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(from+i))))
	}
	return hashes
}

// reference builds the tree with tlog alone.
func reference(t interface{ Fatal(...any) }, size int64) tlog.HashReader {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			found = append(found, stored[i])
		}
		return found, nil
	})
	for i, leaf := range leaves(0, size) {
		more, err := tlog.StoredHashesForRecordHash(int64(i), leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	return read
}

func TestL20TheTreeIsThatOfTheReferenceHoweverItGrew(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx, m := t.Context(), &tree.Memory{}
		size := int64(0)
		var sizes []int64
		var roots []tlog.Hash
		for _, n := range rapid.SliceOfN(rapid.Int64Range(0, 40), 1, 8).Draw(t, "batches") {
			f, err := tree.Append(ctx, m, size, leaves(size, n))
			if err != nil {
				t.Fatal(err)
			}
			size += n
			sizes, roots = append(sizes, size), append(roots, f.Root())
			if f.Size() != size {
				t.Fatalf("size %d, want %d", f.Size(), size)
			}
		}
		ref := reference(t, size)
		for i, s := range sizes {
			want, err := tlog.TreeHash(s, ref)
			if err != nil || roots[i] != want {
				t.Fatalf("root of %d: %v, want %v, %v", s, roots[i], want, err)
			}
			loaded, err := tree.Root(ctx, m, s)
			if err != nil || loaded != want {
				t.Fatalf("loaded root of %d: %v, %v", s, loaded, err)
			}
		}
		later := rapid.IntRange(0, len(sizes)-1).Draw(t, "later")
		earlier := rapid.IntRange(0, later).Draw(t, "earlier")
		growth(t, m, sizes[later], roots[later], sizes[earlier], roots[earlier])
		if sizes[later] == 0 {
			return
		}
		index := rapid.Int64Range(0, sizes[later]-1).Draw(t, "index")
		proof, err := tree.ProveLeaf(ctx, m, sizes[later], index)
		if err != nil || tlog.CheckRecord(proof, sizes[later], roots[later], index, leaves(index, 1)[0]) != nil {
			t.Fatalf("entry %d of %d: %v", index, sizes[later], err)
		}
		if tlog.CheckRecord(proof, sizes[later], roots[later], index, leaves(index+1, 1)[0]) == nil {
			t.Fatal("the proof fits another entry")
		}
	})
}

// growth checks a proof of growth, and that nothing in it can be changed.
func growth(t *rapid.T, m *tree.Memory, size int64, root tlog.Hash, earlier int64, earlierRoot tlog.Hash) {
	proof, err := tree.ProveGrowth(t.Context(), m, size, earlier)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.CheckGrowth(proof, size, root, earlier, earlierRoot); err != nil {
		t.Fatalf("from %d to %d: %v", earlier, size, err)
	}
	other := root
	other[0]++
	if earlier > 0 && tree.CheckGrowth(proof, size, other, earlier, earlierRoot) == nil {
		t.Fatalf("from %d to another %d", earlier, size)
	}
	other = earlierRoot
	other[0]++
	if tree.CheckGrowth(proof, size, root, earlier, other) == nil {
		t.Fatalf("from another %d to %d", earlier, size)
	}
	for i := range proof {
		proof[i][5]++
		if tree.CheckGrowth(proof, size, root, earlier, earlierRoot) == nil {
			t.Fatalf("with another hash %d", i)
		}
		proof[i][5]--
	}
	if tree.CheckGrowth(append(proof, root), size, root, earlier, earlierRoot) == nil {
		t.Fatal("with a hash more")
	}
	if earlier < size && tree.CheckGrowth(proof, earlier, earlierRoot, size, root) == nil {
		t.Fatal("backwards")
	}
}

func TestSizesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	ctx, m := t.Context(), &tree.Memory{}
	if _, err := tree.Append(ctx, m, 0, leaves(0, 5)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"an entry after the last":   second(tree.ProveLeaf(ctx, m, 5, 5)),
		"an entry before the first": second(tree.ProveLeaf(ctx, m, 5, -1)),
		"from a larger one":         second(tree.ProveGrowth(ctx, m, 4, 5)),
		"from a negative one":       second(tree.ProveGrowth(ctx, m, 4, -1)),
		"a negative one":            second(tree.Load(ctx, m, -1)),
		"one that is too large":     second(tree.Load(ctx, m, tree.SizeMax+1)),
		"growth to too large":       tree.CheckGrowth(nil, tree.SizeMax+1, tlog.Hash{}, 0, tree.Frontier{}.Root()),
		"a frontier too short":      second(tree.NewFrontier(3, leaves(0, 1))),
		"a frontier too long":       second(tree.NewFrontier(4, leaves(0, 2))),
		"a frontier of less":        second(tree.NewFrontier(-1, nil)),
	} {
		if !errors.Is(err, tree.ErrSize) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tree.Root(ctx, m, 6); err == nil {
		t.Error("the root of more than there is")
	}
	if _, err := tree.Append(ctx, m, 4, leaves(4, 1)); err == nil {
		t.Error("written over what is there")
	}
	if _, err := tree.Append(ctx, m, 6, leaves(6, 1)); err == nil {
		t.Error("written after a gap")
	}
	if f, err := tree.Append(ctx, m, 5, nil); err != nil || f.Size() != 5 {
		t.Errorf("nothing appended: %v, %v", f, err)
	}
	if err := tree.CheckGrowth(nil, 0, tlog.Hash{}, 0, tree.Frontier{}.Root()); !errors.Is(err, tree.ErrNotGrown) {
		t.Errorf("an empty log with a root of something: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAFrontierIsEnoughToGoOn(t *testing.T) {
	t.Parallel()
	for size := range int64(70) {
		m := &tree.Memory{}
		f, err := tree.Append(t.Context(), m, 0, leaves(0, size))
		if err != nil {
			t.Fatal(err)
		}
		again, err := tree.NewFrontier(size, f.Hashes())
		if err != nil {
			t.Fatal(err)
		}
		before := again.Root()
		other := again.Clone()
		for i, leaf := range leaves(size, 3) {
			other.Add(leaf)
			g, err := tree.Append(t.Context(), m, size+int64(i), leaves(size+int64(i), 1))
			if err != nil || g.Root() != other.Root() {
				t.Fatalf("%d and %d more: %v", size, i+1, err)
			}
		}
		if again.Root() != before {
			t.Fatal("a clone has changed the original")
		}
	}
}
