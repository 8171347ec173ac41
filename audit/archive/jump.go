package archive

import (
	"context"
	"slices"
	"time"

	"konklave/audit/leaf"
)

const (
	// jumpBlock is how many entries are asked together whether the log is as far as a time: what most of them say counts, so that
	// a few of a clock that was wrong, or that somebody wants to mislead a search with, mislead none.
	jumpBlock = 64
	// jumpTurns is how often a jump may find that it fell short, before nothing is passed over.
	jumpTurns = 16
)

// jump returns an index before which all entries older than a time are, as far as the log is in the order of time. Fewer than half
// a block of entries in a row whose time is wrong change nothing. More of them, from a clock that was far ahead for a while, can
// end the jump too soon; so it looks beyond where it came out, twice as far each time, and goes on from whatever is older there.
// Entries that cannot be believed tell nothing; where they are all there is, nothing is passed over.
func (a *Archive) jump(ctx context.Context, size int64, to time.Time) (int64, error) {
	blocks := (size + jumpBlock - 1) / jumpBlock
	first := int64(0) // before it, blocks are older
	for range jumpTurns {
		for beyond := blocks; first < beyond; {
			middle := first + (beyond-first)/2
			older, known, err := a.older(ctx, middle, size, to)
			switch {
			case err != nil || !known:
				return size, err
			case older:
				first = middle + 1
			default:
				beyond = middle
			}
		}
		short, err := a.fellShort(ctx, first, blocks, size, to)
		if err != nil {
			return 0, err
		}
		if short < 0 {
			return min(size, (first+1)*jumpBlock), nil // half of the block may be older
		}
		first = short + 1
	}
	return size, nil
}

// fellShort returns a block, after one before which a jump has come out, that is older all the same; -1 when none was found.
func (a *Archive) fellShort(ctx context.Context, first, blocks, size int64, to time.Time) (int64, error) {
	for step := int64(1); first+step < blocks; step *= 2 {
		older, known, err := a.older(ctx, first+step, size, to)
		if err != nil || known && older {
			return first + step, err
		}
	}
	return -1, nil
}

// older reports whether most entries of a block are older than a time. It is not known when none of them can be believed.
func (a *Archive) older(ctx context.Context, block, size int64, to time.Time) (older, known bool, err error) {
	from := block * jumpBlock
	entries, err := a.entries(ctx, from, min(jumpBlock, size-from))
	if err != nil {
		return false, false, err
	}
	var times []time.Time
	for _, e := range entries {
		if l, err := leaf.Decode(e.Leaf); err == nil && leaf.Hash(e.Leaf) == e.Hash {
			times = append(times, l.At)
		}
	}
	if len(times) == 0 {
		return false, false, nil
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[len(times)/2].Before(to), true, nil
}
