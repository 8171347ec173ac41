package finding

import (
	"context"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/line"
)

const (
	// MaxPage is how many findings one List returns at most.
	MaxPage = 200
	// MaxNote is how many characters (code points) a note has at most.
	MaxNote = 500
)

// The faults of findings.
var (
	ErrUnknown     = fault.New(fault.KindNotFound, "finding.unknown", "There is no such finding. Findings are forgotten after 180 days.")
	ErrState       = fault.New(fault.KindInvalid, "finding.state_invalid", "A finding is open, taken or closed.").At("/state")
	ErrNote        = fault.Newf(fault.KindInvalid, "finding.note_invalid", "Please say in 1 to %d characters, on one line, what it was.", MaxNote).At("/note")
	ErrHandledElse = fault.New(fault.KindConflict, "finding.changed", "Somebody else has just changed this finding. Please look at it again.")
)

// Store keeps findings.
type Store interface {
	// Findings returns at most limit findings of a tenant, the newest first: those after the one with the id after, or all
	// when that is empty or unknown.
	Findings(ctx context.Context, tenant, after string, limit int) ([]Finding, error)
	// Finding returns one, and the place in the audit log of each of its entries, -1 where it has none yet. It fails with ErrUnknown.
	Finding(ctx context.Context, tenant, id string) (Finding, []int64, error)
	// HandleFinding gives a finding the state, note, account and time of f, unless its state and time are not those of was any more:
	// then it fails with ErrHandledElse. It writes the entry in the same transaction.
	HandleFinding(ctx context.Context, f, was Finding, entry audit.Entry) error
}

// Service shows findings to those who may see them.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService returns a Service on the store that takes the time from now.
func NewService(store Store, now func() time.Time) *Service { return &Service{store, now} }

// List returns findings of the actor's organisation, the newest first, at most limit (and MaxPage) of them, after the one with
// the id after. Faults: access.
func (s *Service) List(ctx context.Context, actor access.Actor, after string, limit int) ([]Finding, error) {
	if err := access.Decide(actor, access.FindingList, access.Object{Kind: "finding", Tenant: actor.Tenant}).Err(); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	return s.store.Findings(ctx, actor.Tenant, after, limit)
}

// Read returns one finding, and the place in the audit log of each of its entries, -1 where it has none yet. Faults: access,
// finding.unknown.
func (s *Service) Read(ctx context.Context, actor access.Actor, id string) (Finding, []int64, error) {
	if err := access.Decide(actor, access.FindingList, access.Object{Kind: "finding", ID: id, Tenant: actor.Tenant}).Err(); err != nil {
		return Finding{}, nil, err
	}
	return s.store.Finding(ctx, actor.Tenant, id)
}

// Handle gives a finding a state. Seen is the Version that whoever does it has looked at: when it has been changed since, nothing
// happens. Whoever closes it says in a note what it was; the other states have none. Faults: access, finding.unknown,
// finding.state_invalid, finding.note_invalid, finding.changed.
func (s *Service) Handle(ctx context.Context, actor access.Actor, id, seen string, state State, note string) (Finding, error) {
	if err := access.Decide(actor, access.FindingHandle, access.Object{Kind: "finding", ID: id, Tenant: actor.Tenant}).Err(); err != nil {
		return Finding{}, err
	}
	switch state {
	case Open, Taken:
		note = ""
	case Closed:
		clean, err := line.Clean(note, MaxNote)
		if err != nil {
			return Finding{}, ErrNote.Because(err)
		}
		note = clean
	default:
		return Finding{}, ErrState
	}
	f, _, err := s.store.Finding(ctx, actor.Tenant, id)
	if err != nil {
		return Finding{}, err
	}
	if f.Version() != seen {
		return Finding{}, ErrHandledElse
	}
	was := f
	f.State, f.Note, f.HandledBy, f.HandledAt = state, note, actor.UserID, later(was.HandledAt, s.now())
	entry := audit.FindingHandled(audit.Origin{At: f.HandledAt, Actor: actor}, f.ID, string(f.Kind), string(state))
	return f, s.store.HandleFinding(ctx, f, was, entry)
}

// later is the time of a change after one at that time, in whole milliseconds: never the same, so that each change makes a version.
func later(last, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if !now.After(last) {
		return last.Add(time.Millisecond)
	}
	return now
}
