package archive

import (
	"strconv"
	"testing"
	"time"
)

func TestL17OneEntryADayForEachReader(t *testing.T) {
	t.Parallel()
	var r reads
	today := day(time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC))
	tomorrow := today.Add(24 * time.Hour)
	anna, ben := reader{"token", "anna", readCheckpoints}, reader{"token", "ben", readCheckpoints}
	want := func(who reader, at time.Time, before int64, first bool) {
		t.Helper()
		if b, f := r.count(who, at); b != before || f != first {
			t.Errorf("%s at %v: %d, %v, want %d, %v", who.id, at, b, f, before, first)
		}
	}
	want(anna, today, 0, true)
	want(anna, today, 0, false)
	want(anna, today, 0, false)
	want(ben, today, 0, true)
	want(reader{"token", "anna", readProofs}, today, 0, true)
	want(anna, tomorrow, 3, true)
	want(anna, tomorrow, 0, false)
	r.forget(anna) // the entry was not written
	want(anna, tomorrow, 0, true)
}

func TestL17ReadersBeyondTheBoundAreRecordedEachTime(t *testing.T) {
	t.Parallel()
	var r reads
	today := day(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	for i := range maxReaders {
		r.count(reader{"token", strconv.Itoa(i), readProofs}, today)
	}
	one, last := reader{"token", "one more", readProofs}, reader{"token", strconv.Itoa(maxReaders - 1), readProofs}
	for range 2 {
		if _, first := r.count(one, today); !first {
			t.Error("one more than the bound is remembered")
		}
	}
	if _, first := r.count(last, today); first {
		t.Error("the last within the bound is forgotten")
	}
	if _, first := r.count(one, today.Add(24*time.Hour)); !first || len(r.seen) != 1 {
		t.Errorf("those of yesterday are kept: %d", len(r.seen))
	}
}
