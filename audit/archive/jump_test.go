package archive_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/audittest"
	"konklave/audit/export"
	"konklave/audit/leaf"
)

// An entry whose clock was wrong hides no other one from a search with an end, wherever it stands, and does not make it slow.
func TestASearchWithAnEndIsNotMisledByOneEntry(t *testing.T) {
	t.Parallel()
	const n, until = 500, 300
	hour := func(i int) time.Time { return audittest.Start().Add(time.Duration(i) * time.Hour) }
	for name, wrong := range map[string]time.Time{"far ahead": hour(1_000_000), "far behind": hour(-1_000_000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			if err := s.log.Cut(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				at := hour(i)
				if i == n/2 {
					at = wrong
				}
				if err := s.log.Record(t.Context(), audit.MeetingDeleted(audit.Origin{At: at, Actor: access.System("test")}, fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			s.Looking(2*archive.JumpBlock + 24 + until - n/2 + 50) // as far back as the wrong one, and a little more
			page, err := s.Search(t.Context(), auditor(), archive.Query{From: hour(n/2 - 50), Until: hour(until)}, "", 0)
			if err != nil || len(page.Entries) != 99 {
				t.Errorf("%d entries, %v", len(page.Entries), err)
			}
		})
	}
}

func TestAJumpLeavesNothingOlderBehind(t *testing.T) {
	t.Parallel()
	const n, older = 3000, 2000
	s := newShelf(t)
	entry := func(at time.Time) export.Entry {
		text := leaf.New(at, audit.CategorySecurity, nil).Encode()
		return export.Entry{Hash: leaf.Hash(text), Leaf: text}
	}
	var right []export.Entry
	for i := range n {
		right = append(right, entry(at(i)))
	}
	write := func(wrong export.Entry, from, to int) {
		s.log.Entries = append(s.log.Entries[:0], right...)
		for i := from; i < min(to, n); i++ {
			s.log.Entries[i] = wrong
		}
	}
	jump := func() int64 {
		t.Helper()
		found, err := s.Jump(t.Context(), n, at(older))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	ahead, behind := entry(at(1_000_000)), entry(at(-1_000_000))
	const near = older + 2*archive.JumpBlock
	for from := 0; from < n; from += 41 {
		for length, within := range map[int]int64{1: near, archive.JumpBlock/2 - 1: near, older / 3: n} {
			write(behind, from, from+length)
			if found := jump(); found < older || found > within {
				t.Errorf("%d far behind from %d: %d", length, from, found)
			}
			if from < older && from+2*length+2*archive.JumpBlock > older && length >= archive.JumpBlock/2 {
				continue // what is older after them is not as long as they are
			}
			write(ahead, from, from+length)
			if found := jump(); found < older || found > near {
				t.Errorf("%d far ahead from %d: %d", length, from, found)
			}
		}
	}
	write(ahead, 0, 0)
	for i := range s.log.Entries {
		if i%archive.JumpBlock != 0 {
			s.log.Entries[i].Hash[0]++
		}
	}
	if found := jump(); found < older || found > near {
		t.Errorf("where few can be believed: %d", found)
	}
	for i := range s.log.Entries {
		s.log.Entries[i].Leaf = nil
	}
	if found := jump(); found != n {
		t.Errorf("where none can be believed: %d", found)
	}
	for _, size := range []int64{0, 1, archive.JumpBlock, archive.JumpBlock + 1} {
		write(ahead, 0, 0)
		s.log.Entries = slices.Clip(s.log.Entries[:size])
		if found, err := s.Jump(t.Context(), size, at(older)); err != nil || found != size {
			t.Errorf("of %d: %d, %v", size, found, err)
		}
	}
}
