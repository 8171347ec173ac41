package auth

import (
	"context"
	"encoding/hex"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/finding"
	"konklave/notify"
)

// Failure is a failed proof of identity, to be counted.
type Failure struct {
	Tenant  string
	Account string // hash of the name that was given, whether or not there is such an account
	Source  string // the network, or the known browser
	Known   bool   // Source is a browser in which the account's owner signed in before
	Entry   string // id of the audit entry about it
	At      time.Time
	Mail    *notify.Mail // to be queued unless another was within LockMailQuiet; or nil
}

// FailureStore keeps what limits guessing.
type FailureStore interface {
	// KnowsDevice reports whether the user signed in with this browser and it is not forgotten at that time.
	KnowsDevice(ctx context.Context, userID string, device Hash, now time.Time) (bool, error)
	// SignInFailures returns the failures that matter at a time.
	SignInFailures(ctx context.Context, tenant, account, source string, now time.Time) (Failures, error)
	// FailureTrail returns the newest failures of a trail, at most so many, the newest first.
	FailureTrail(ctx context.Context, t Trail, atMost int) ([]Trace, error)
	// RecordFailure counts a failure, keeps what was found, queues its mail, and forgets the failures before forget; it writes the
	// entries in the same transaction.
	RecordFailure(ctx context.Context, f Failure, forget time.Time, entries []audit.Entry, found []finding.Finding) error
}

// guard limits guessing, whatever is guessed at.
type guard struct {
	store FailureStore
	now   func() time.Time
	turns turns
}

func newGuard(store FailureStore, now func() time.Time) *guard {
	return &guard{store: store, now: now, turns: turns{keys: map[string]*turn{}}}
}

// trial is one proof of identity, to be tried.
type trial struct {
	actor   access.Actor
	account string // accountKey, or loginKey
	userID  string // the account's, when it is known before the proof
	address string
	device  Hash // nil when the browser shows none
	// check says why the proof is not accepted; nothing when it is. An error is no failed proof and is not counted.
	check  func() (audit.FailureReason, error)
	failed error // what to answer when it is not

	tells   bool // a lock that it brings about causes a mail
	machine bool // it is one: others who guess at it from elsewhere keep it out nowhere
	// failure makes the entry about a failed proof; nil means that of a sign-in.
	failure func(reason audit.FailureReason, at time.Time) audit.Entry
}

// matter are the failures that a lock can follow from.
func (t trial) matter(f Failures) Failures {
	if t.machine {
		f.Account = nil
	}
	return f
}

// failure is under what a proof of an account from somewhere is counted when it fails.
func (g *guard) failure(ctx context.Context, tenant, userID, account, address string, device Hash) (Failure, error) {
	f := Failure{Tenant: tenant, Account: account, Source: sourceOf(address)}
	var err error
	if f.Known, err = g.store.KnowsDevice(ctx, userID, device, g.now()); err != nil {
		return Failure{}, err
	}
	if f.Known {
		f.Source = "device:" + hex.EncodeToString(device)
	}
	return f, nil
}

// try makes the trial unless a lock is in force, and counts a failure. It returns under what failures of this kind are
// counted, or fails with the trial's failed, ErrRoles, ErrLocked, or what check fails with.
func (g *guard) try(ctx context.Context, t trial) (Failure, error) {
	f, err := g.failure(ctx, t.actor.Tenant, t.userID, t.account, t.address, t.device)
	if err != nil {
		return Failure{}, err
	}
	release, err := g.turns.take(ctx, f.Account+f.Source)
	if err != nil {
		return Failure{}, err
	}
	defer release()

	f.At = wholeMillis(g.now())
	before, err := g.store.SignInFailures(ctx, f.Tenant, f.Account, f.Source, f.At)
	if err != nil {
		return Failure{}, err
	}
	before = t.matter(before)
	if lockOf(before, f.Known, f.At).scope != "" {
		return Failure{}, ErrLocked
	}
	reason, err := t.check()
	if err != nil {
		return Failure{}, err
	}
	if reason != "" {
		return Failure{}, g.refuse(ctx, t, f, before, reason)
	}
	return f, nil
}

// refuse counts the failure and returns what to answer.
func (g *guard) refuse(ctx context.Context, t trial, f Failure, before Failures, reason audit.FailureReason) error {
	origin, source := audit.Origin{At: f.At, Actor: t.actor}, shortSource(t.address)
	failed := audit.SessionFailed(origin, t.userID, reason, source)
	if t.failure != nil {
		failed = t.failure(reason, f.At)
	}
	f.Entry = failed.Record().ID
	entries := []audit.Entry{failed}
	answer := t.failed
	if reason == audit.FailureRoles {
		answer = ErrRoles
	}
	l := lockOf(before.with(f.Known, f.At), f.Known, f.At)
	if l.scope != "" {
		entries = append(entries, audit.SessionLocked(origin, t.userID, l.scope, source, l.until))
		answer = ErrLocked
		if t.tells {
			f.Mail = lockMail(f, t.userID, l.scope, reason)
		}
	}
	found, err := g.notice(ctx, t.userID, f, before, l, entries)
	if err != nil {
		return err
	}
	if err := g.store.RecordFailure(ctx, f, f.At.Add(-FailureMemory), entries, found); err != nil {
		return err
	}
	return answer
}
