package auth

import (
	"context"
	"slices"
	"sync"
	"time"

	"konklave/audit"
	"konklave/finding"
)

// When many accounts tried from one network, or many unknown tickets shown to one conference, are more than mistakes.
const (
	SprayAccounts = 10
	SprayWindow   = LockWindow

	GuessedTickets = 10
	GuessWindow    = 600 * time.Second
)

// Trace is one failed proof that is remembered.
type Trace struct {
	Entry   string // id of its audit entry
	Account string // as in Failure
	Source  string // as in Failure
	Known   bool   // as in Failure
}

// Trail asks for failed proofs; an empty Account or Source means any.
type Trail struct {
	Tenant, Account, Source string
	Since                   time.Time
}

// notice makes the findings of a failure that is about to be recorded with these entries. Until is when a lock ends that it
// brings about, or zero.
func (g *guard) notice(ctx context.Context, userID string, f Failure, before Failures, l lock, entries []audit.Entry) ([]finding.Finding, error) {
	var found []finding.Finding
	if l.scope != "" {
		made, err := g.lockFinding(ctx, userID, f, l, entries)
		if err != nil {
			return nil, err
		}
		found = append(found, made)
	}
	if f.Known {
		return found, nil
	}
	accounts := before.Accounts
	if !slices.ContainsFunc(before.Bucket, func(at time.Time) bool { return f.At.Sub(at) <= SprayWindow }) {
		accounts++
	}
	if accounts < SprayAccounts {
		return found, nil
	}
	evidence, err := g.evidence(ctx, Trail{Tenant: f.Tenant, Source: f.Source, Since: f.At.Add(-SprayWindow)}, f, entries, nil)
	if err != nil {
		return nil, err
	}
	evidence.Accounts = accounts
	return append(found, finding.New(f.Tenant, f.At, finding.SignInSpray, "", f.Source, SprayWindow, evidence)), nil
}

func (g *guard) lockFinding(ctx context.Context, userID string, f Failure, l lock, entries []audit.Entry) (finding.Finding, error) {
	trail := Trail{Tenant: f.Tenant, Account: f.Account, Source: f.Source, Since: f.At.Add(-LockWindow)}
	counted := func(Trace) bool { return true }
	switch l.scope {
	case audit.LockAccount:
		trail.Source, trail.Since = "", f.At.Add(-AccountLockWindow)
		counted = func(t Trace) bool { return !t.Known }
	case audit.LockSource:
		trail.Account, trail.Since = "", f.At.Add(-SourceLockWindow)
	case audit.LockAccountSource:
	}
	evidence, err := g.evidence(ctx, trail, f, entries, counted)
	if err != nil {
		return finding.Finding{}, err
	}
	evidence.Scope, evidence.Until = string(l.scope), l.until.UTC().Format(time.RFC3339)
	return finding.New(f.Tenant, f.At, finding.SignInLocked, userID, f.Account+"@"+f.Source, 0, evidence), nil
}

// evidence bundles a failure with those before it; counted says which of them matter, nil all.
func (g *guard) evidence(ctx context.Context, trail Trail, f Failure, entries []audit.Entry, counted func(Trace) bool) (finding.Evidence, error) {
	traces, err := g.store.FailureTrail(ctx, trail, finding.MaxEvidence)
	if err != nil {
		return finding.Evidence{}, err
	}
	e := finding.Evidence{Sources: []string{f.Source}, Failures: 1}
	for _, entry := range slices.Backward(entries) {
		e.Entries = append(e.Entries, entry.Record().ID)
	}
	for _, t := range traces {
		if counted != nil && !counted(t) {
			continue
		}
		e.Failures++
		if t.Entry != "" && len(e.Entries) < finding.MaxEvidence {
			e.Entries = append(e.Entries, t.Entry)
		}
		if !slices.Contains(e.Sources, t.Source) {
			e.Sources = append(e.Sources, t.Source)
		}
	}
	return e, nil
}

// newBrowser is the finding of a session in a browser that the account's owner was not known in.
func newBrowser(s Session, entry audit.Entry) finding.Finding {
	return finding.New(s.Tenant, s.CreatedAt, finding.NewBrowser, s.UserID, s.ID, 0, finding.Evidence{
		Entries: []string{entry.Record().ID}, Sources: []string{s.Source}, Sessions: []string{s.ID}, Agent: s.UserAgent,
	})
}

// guesses counts the unknown tickets that are shown to each conference.
type guesses struct {
	mu sync.Mutex
	at map[string][]time.Time // by conference, within GuessWindow, the oldest first
}

// add counts one and returns how many there were within GuessWindow.
func (g *guesses) add(conference string, now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, times := range g.at {
		g.at[id] = slices.DeleteFunc(times, func(at time.Time) bool { return now.Sub(at) > GuessWindow })
		if len(g.at[id]) == 0 {
			delete(g.at, id)
		}
	}
	times := append(g.at[conference], now)
	g.at[conference] = times[max(0, len(times)-2*GuessedTickets):]
	return len(g.at[conference])
}
