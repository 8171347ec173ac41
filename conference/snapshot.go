package conference

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/fault"
)

// SnapshotVersion is the version that Snapshot writes; it grows when the meaning of a field changes.
const SnapshotVersion = 1

// EpochSpan is how many numbers the events of one epoch have at most: those of epoch e follow (e-1) * EpochSpan, so that a
// worker never repeats a number that a client may have seen from the one before, whose ephemeral events nobody remembers.
// Clients count exactly up to 2^53, which is enough for 2^21 epochs.
const EpochSpan = 1 << 32

// SeqBefore is the number that the first event of an epoch (counted from 1) follows.
func SeqBefore(epoch int64) int64 { return max(0, epoch-1) * EpochSpan }

// ErrSnapshot is the refusal of a snapshot that cannot be read.
var ErrSnapshot = fault.New(fault.KindInvalid, "journal.snapshot", "The stored state of this conference cannot be read.")

// snapshot is a state as it is kept. Settings and StartedAt are told to every worker anew and are no part of it.
type snapshot struct {
	Version    int              `json:"v"`
	Seq        int64            `json:"seq"`
	Present    []presentPart    `json:"present"`
	EmptySince time.Time        `json:"emptySince,omitzero"`
	Visited    bool             `json:"visited"`
	Chat       []Message        `json:"chat"`
	Ended      EndReason        `json:"ended,omitempty"`
	Applied    []sessionApplied `json:"applied"`           // of those present, in their order
	Revoked    []string         `json:"revoked,omitempty"` // sessions that may not begin any more; never in a journal
}

type presentPart struct {
	Participant Participant `json:"participant"`
	Account     string      `json:"account"`
	Session     string      `json:"session"` // hash of the resume token
	LostAt      time.Time   `json:"lostAt,omitzero"`
	Line        int64       `json:"line,omitzero"`
}

type sessionApplied struct {
	Last     int64         `json:"last"`
	Outcomes []outcomePart `json:"outcomes"` // the oldest first
}

type outcomePart struct {
	ID      int64           `json:"id"`
	Seq     int64           `json:"seq"`
	Refusal *CommandRefused `json:"refusal,omitempty"`
}

// Snapshot encodes everything that is true, so that Restore gives the same state: people with the hashes of their resume
// tokens, chat, end, and the outcomes of commands.
func (s *State) Snapshot() ([]byte, error) {
	out := snapshot{
		Version: SnapshotVersion, Seq: s.Seq, Present: []presentPart{}, EmptySince: s.presence.emptySince,
		Visited: s.presence.visited, Chat: append([]Message{}, s.chat.messages...), Applied: []sessionApplied{},
		Revoked: slices.Sorted(maps.Keys(s.presence.revoked)),
	}
	if s.ended != nil {
		out.Ended = s.ended.Reason
	}
	for _, p := range s.presence.present {
		out.Present = append(out.Present, presentPart{p, p.Account, p.session, p.lostAt, p.line})
		out.Applied = append(out.Applied, s.applied[p.ID].part())
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return raw, nil
}

func (a *applied) part() sessionApplied {
	part := sessionApplied{Last: a.last, Outcomes: []outcomePart{}}
	for _, id := range a.order {
		o := a.outcomes[id]
		kept := outcomePart{ID: id, Seq: o.Seq}
		if r := o.Refusal; r != nil {
			kept.Refusal = &CommandRefused{Code: r.Code, Message: r.Message, Status: r.Kind}
		}
		part.Outcomes = append(part.Outcomes, kept)
	}
	return part
}

// Restore is the state that a snapshot holds; nil gives a state before its first event, see [New]. A snapshot that cannot be
// read is ErrSnapshot.
func Restore(settings Settings, startedAt, openedAt time.Time, raw []byte) (*State, error) {
	s := New(settings, startedAt, openedAt)
	if raw == nil {
		return s, nil
	}
	var in snapshot
	if err := json.Unmarshal(raw, &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, ErrSnapshot.Because(err)
	}
	switch {
	case in.Version != SnapshotVersion:
		return nil, ErrSnapshot.Because(fmt.Errorf("it has version %d; this server knows %d", in.Version, SnapshotVersion))
	case len(in.Present) != len(in.Applied):
		return nil, ErrSnapshot.Because(fmt.Errorf("%d people with the commands of %d", len(in.Present), len(in.Applied)))
	}
	s.Seq = in.Seq
	s.presence.emptySince, s.presence.visited = in.EmptySince, in.Visited
	s.chat.messages = in.Chat
	for _, session := range in.Revoked {
		s.presence.revoke(session)
	}
	if in.Ended != "" {
		s.ended = &Ended{Reason: in.Ended}
	}
	for i, q := range in.Present {
		p := q.Participant
		p.Account, p.session, p.lostAt, p.line = q.Account, q.Session, q.LostAt, q.Line
		s.presence.present = append(s.presence.present, p)
		s.applied[p.ID] = in.Applied[i].restore()
	}
	return s, nil
}

func (part sessionApplied) restore() *applied {
	a := newApplied()
	a.last = part.Last
	for _, o := range part.Outcomes {
		outcome := Outcome{Seq: o.Seq}
		if r := o.Refusal; r != nil {
			outcome.Refusal = fault.New(r.Status, r.Code, r.Message)
		}
		a.order = append(a.order, o.ID)
		a.outcomes[o.ID] = outcome
	}
	return a
}

// clone shares no memory with the state.
func (s *State) clone() (*State, error) {
	raw, err := s.Snapshot()
	if err != nil {
		return nil, err
	}
	return Restore(s.Settings, s.StartedAt, s.StartedAt, raw)
}

// Reopen begins the time of a new worker at a moment, after Restore and the replay of what was stored since: everybody
// present is without a connection from now on, with the whole resume window before them, an empty conference waits as a new
// one does, and the numbers of events go on where no earlier worker's can have been.
func (s *State) Reopen(epoch int64, at time.Time) {
	at = at.UTC().Truncate(time.Millisecond)
	s.Seq = max(s.Seq, SeqBefore(epoch))
	s.presence.revoked = nil // whoever was on the way to an earlier worker does not come to this one
	for i := range s.presence.present {
		p := &s.presence.present[i]
		p.Connected, p.lostAt, p.line = false, at, 0
	}
	if len(s.presence.present) == 0 {
		s.presence.emptySince, s.presence.visited = at, false
	}
}
