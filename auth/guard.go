package auth

import (
	"context"
	"encoding/hex"
	"time"

	"konklave/access"
	"konklave/audit"
)

// Failure is a failed proof of identity, to be counted.
type Failure struct {
	Tenant  string
	Account string // hash of the name that was given, whether or not there is such an account
	Source  string // the network, or the known browser
	Known   bool   // Source is a browser in which the account's owner signed in before
	At      time.Time
}

// FailureStore keeps what limits guessing.
type FailureStore interface {
	// KnowsDevice reports whether the user signed in with this browser and it is not forgotten at that time.
	KnowsDevice(ctx context.Context, userID string, device Hash, now time.Time) (bool, error)
	// SignInFailures returns the failures at or after since.
	SignInFailures(ctx context.Context, tenant, account, source string, since time.Time) (Failures, error)
	// RecordFailure counts a failure and forgets those before forget; it writes the entries in the same transaction.
	RecordFailure(ctx context.Context, f Failure, forget time.Time, entries []audit.Entry) error
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
	// prove says why the proof is not accepted; nothing when it is. An error is no failed proof and is not counted.
	prove func() (audit.FailureReason, error)
}

// try makes the trial unless a lock is in force, and counts a failure. It returns under what failures of this kind are
// counted, or fails with ErrFailed, ErrRoles, ErrLocked, or what prove fails with.
func (g *guard) try(ctx context.Context, t trial) (Failure, error) {
	f := Failure{Tenant: t.actor.Tenant, Account: t.account, Source: sourceOf(t.address)}
	var err error
	if f.Known, err = g.store.KnowsDevice(ctx, t.userID, t.device, g.now()); err != nil {
		return Failure{}, err
	}
	if f.Known {
		f.Source = "device:" + hex.EncodeToString(t.device)
	}
	release, err := g.turns.take(ctx, f.Account+f.Source)
	if err != nil {
		return Failure{}, err
	}
	defer release()

	f.At = wholeMillis(g.now())
	before, err := g.store.SignInFailures(ctx, f.Tenant, f.Account, f.Source, f.At.Add(-FailureMemory))
	if err != nil {
		return Failure{}, err
	}
	if lockOf(before, f.Known, f.At).scope != "" {
		return Failure{}, ErrLocked
	}
	reason, err := t.prove()
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
	entries := []audit.Entry{audit.SessionFailed(origin, t.userID, reason, source)}
	answer := ErrFailed
	if reason == audit.FailureRoles {
		answer = ErrRoles
	}
	if l := lockOf(before.with(f.Known, f.At), f.Known, f.At); l.scope != "" {
		entries = append(entries, audit.SessionLocked(origin, t.userID, l.scope, source, l.until))
		answer = ErrLocked
	}
	if err := g.store.RecordFailure(ctx, f, f.At.Add(-FailureMemory), entries); err != nil {
		return err
	}
	return answer
}
