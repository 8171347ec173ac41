package auth

import (
	"time"

	"konklave/audit"
)

// lockRule locks for a time when so many failures come within a window.
type lockRule struct {
	failures     int
	window, lock time.Duration
}

// The three stages. The first stops one guesser and harms nobody else. The second stops many guessers at one account and
// the third one guesser at many accounts; both are slow to act, because they can hit bystanders, and neither touches a
// browser that the account's owner has signed in with before: it is counted by itself.
const (
	LockFailures = 6
	LockWindow   = 600 * time.Second
	LockDuration = 600 * time.Second

	AccountLockFailures = 30
	AccountLockWindow   = time.Hour
	AccountLockDuration = 15 * time.Minute

	SourceLockFailures = 60
	SourceLockWindow   = 600 * time.Second
	SourceLockDuration = 600 * time.Second

	// FailureMemory is how long a failure may matter.
	FailureMemory = AccountLockWindow + AccountLockDuration
)

// Failures are the times of failed proofs within FailureMemory, the oldest first.
type Failures struct {
	Bucket  []time.Time // of this account from this source or known browser
	Account []time.Time // of this account from all sources, known browsers left out
	Source  []time.Time // of all accounts from this source

	Accounts int // how many accounts were tried from this source within SprayWindow
}

// lock is a lock that is in force; the zero lock is none.
type lock struct {
	scope audit.LockScope
	until time.Time
}

// lockOf finds the lock in force at a time. The slow stages do not count for a known browser.
func lockOf(f Failures, known bool, now time.Time) lock {
	stages := []struct {
		scope    audit.LockScope
		rule     lockRule
		failures []time.Time
	}{
		{audit.LockAccountSource, lockRule{LockFailures, LockWindow, LockDuration}, f.Bucket},
		{audit.LockAccount, lockRule{AccountLockFailures, AccountLockWindow, AccountLockDuration}, f.Account},
		{audit.LockSource, lockRule{SourceLockFailures, SourceLockWindow, SourceLockDuration}, f.Source},
	}
	if known {
		stages = stages[:1]
	}
	var last lock
	for _, s := range stages {
		if until := s.rule.until(s.failures); until.After(now) && until.After(last.until) {
			last = lock{s.scope, until}
		}
	}
	return last
}

// until is when the last lock ends that the failures brought about, or zero.
func (r lockRule) until(failures []time.Time) time.Time {
	for last := len(failures) - 1; last >= r.failures-1; last-- {
		if failures[last].Sub(failures[last-r.failures+1]) <= r.window {
			return failures[last].Add(r.lock)
		}
	}
	return time.Time{}
}

// with adds a failure that just happened.
func (f Failures) with(known bool, now time.Time) Failures {
	f.Bucket = append(f.Bucket, now)
	if !known {
		f.Account, f.Source = append(f.Account, now), append(f.Source, now)
	}
	return f
}
