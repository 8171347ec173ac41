package auth

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"konklave/audit"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// at returns times so many seconds after the start.
func at(seconds ...int) []time.Time {
	var times []time.Time
	for _, s := range seconds {
		times = append(times, start.Add(time.Duration(s)*time.Second))
	}
	return times
}

func TestA26LockRule(t *testing.T) {
	t.Parallel()
	rule := lockRule{LockFailures, LockWindow, LockDuration}
	for name, c := range map[string]struct {
		failures []time.Time
		until    []time.Time
	}{
		"none":                       {nil, nil},
		"five at once":               {at(0, 0, 0, 0, 0), nil},
		"six at once":                {at(0, 0, 0, 0, 0, 0), at(600)},
		"six in 600 s":               {at(0, 1, 2, 3, 4, 600), at(1200)},
		"six in 601 s":               {at(0, 1, 2, 3, 4, 601), nil},
		"six in 601 s, then another": {at(0, 1, 2, 3, 4, 601, 601), at(1201)},
		"lock, then a fresh failure": {at(0, 1, 2, 3, 4, 600, 1201), at(1200)},
	} {
		want := time.Time{}
		if c.until != nil {
			want = c.until[0]
		}
		if got := rule.until(c.failures); !got.Equal(want) {
			t.Errorf("%s: locked until %v, want %v", name, got, want)
		}
	}
}

func TestA26LockStages(t *testing.T) {
	t.Parallel()
	many := func(n int) []time.Time { return slices.Repeat(at(0), n) }
	for name, c := range map[string]struct {
		failures Failures
		known    bool
		want     audit.LockScope
	}{
		"below every limit":        {Failures{Bucket: many(LockFailures - 1), Account: many(AccountLockFailures - 1), Source: many(SourceLockFailures - 1)}, false, ""},
		"account and source":       {Failures{Bucket: many(LockFailures)}, false, audit.LockAccountSource},
		"account":                  {Failures{Account: many(AccountLockFailures)}, false, audit.LockAccount},
		"source":                   {Failures{Source: many(SourceLockFailures)}, false, audit.LockSource},
		"all: the longest counts":  {Failures{Bucket: many(99), Account: many(99), Source: many(99)}, false, audit.LockAccount},
		"known browser":            {Failures{Account: many(99), Source: many(99)}, true, ""},
		"known browser that tries": {Failures{Bucket: many(LockFailures)}, true, audit.LockAccountSource},
	} {
		if got := lockOf(c.failures, c.known, start); got.scope != c.want {
			t.Errorf("%s: locked by %q, want %q", name, got.scope, c.want)
		}
	}
	f := Failures{Bucket: many(LockFailures)}
	if lockOf(f, false, start.Add(LockDuration-1)).scope == "" || lockOf(f, false, start.Add(LockDuration)).scope != "" {
		t.Error("the lock does not end when it should")
	}
}

// However attempts come, an account is never tried from one source more often than the rule allows in any window.
func TestA26NoHistoryAllowsMoreGuesses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now, f := start, Failures{}
		for _, pause := range rapid.SliceOfN(rapid.IntRange(0, 300), 0, 80).Draw(t, "pauses") {
			now = now.Add(time.Duration(pause) * time.Second)
			if lockOf(f, true, now).scope == "" {
				f = f.with(true, now)
			}
		}
		for i, last := range f.Bucket {
			if i >= LockFailures && last.Sub(f.Bucket[i-LockFailures]) <= LockWindow {
				t.Fatalf("%d failures in %v", LockFailures+1, last.Sub(f.Bucket[i-LockFailures]))
			}
		}
	})
}
