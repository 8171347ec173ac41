// Package conference is one live run of a meeting: who is in it, what was said, when it ends.
//
// The logic is pure. [Decide] turns a command into events and changes nothing; [State.Evolve] applies one event and is the
// only mutation of a conference that runs ([Restore] and [State.Reopen] come before its worker's first event);
// [State.NextDeadline] says when a [Tick] is due, also after downtime. There is no I/O, no clock, no goroutine and no
// randomness in it: time is a parameter and ids arrive in the command.
//
// The [Actor] is the one goroutine that owns a state. It decides, has durable events committed, and only then shows them.
//
// Each subject is a module, one file with its commands, its events and its part of the state: presence.go, chat.go,
// lifecycle.go. A new module adds its file and its lines in kinds.go.
package conference

import (
	"slices"
	"time"

	"konklave/access"
	"konklave/fault"
)

// ParticipantID names a person in one conference; it means nothing elsewhere.
type ParticipantID string

// Kind tells how a participant was admitted.
type Kind string

// The kinds of participants.
const (
	KindAccount Kind = "account"
	KindGuest   Kind = "guest"
)

// Role is what a participant is in this conference.
type Role string

// The roles.
const (
	RoleHost        Role = "host"
	RoleParticipant Role = "participant"
)

// Settings are fixed when the conference starts.
type Settings struct {
	ID              string        `json:"id"`
	Title           string        `json:"title"`
	Codec           string        `json:"codec"`           // video codec by policy: vp8, vp9, av1
	ResumeWindow    time.Duration `json:"resumeWindow"`    // how long a participant without a connection stays
	Linger          time.Duration `json:"linger"`          // how long the conference stays after the last one left
	MaxParticipants int           `json:"maxParticipants"` // at least 1
}

// State is everything that is true in a conference. The zero value is not usable; see [New].
type State struct {
	Settings  Settings
	StartedAt time.Time
	Seq       int64 // number of the last event
	presence  presence
	chat      chat
	ended     *Ended
	applied   map[ParticipantID]*applied
}

// New returns the state before the first event. The conference started at startedAt; its worker opened the door at openedAt.
func New(settings Settings, startedAt, openedAt time.Time) *State {
	return &State{
		Settings:  settings,
		StartedAt: startedAt,
		presence:  presence{emptySince: openedAt},
		applied:   map[ParticipantID]*applied{},
	}
}

// Command is one thing that somebody wants. Commands from the server itself (Join, Disconnect, Tick) have no By and no ID.
type Command struct {
	By   ParticipantID // who, from the session and never from the message; empty for the server
	Line int64         // the connection it came over; only the participant's newest counts
	ID   int64         // the participant's own counter, from 1; 0 for the server
	Body Body
}

// Body is the content of a command: one type for each kind.
type Body interface {
	// Action is what access must allow to the participant; empty for commands of the server.
	Action() access.Action
	decide(s *State, by *Participant, now time.Time) ([]Fact, error)
}

// Event is a fact with its place in the conference's history.
type Event struct {
	Seq       int64
	At        time.Time     // UTC, milliseconds
	By        ParticipantID // whose command caused it; empty for the server
	CommandID int64         // the id of that command; 0 for the server
	Fact      Fact
}

// Nonced is a command whose effect needs an identity of its own; the worker gives it, never the client.
type Nonced interface{ SetNonce(nonce string) }

// Fact is the content of an event: one type for each kind. It is encoded to JSON as clients see it, with its kind added.
type Fact interface {
	Kind() string
	// Durable facts are committed before anybody learns of them.
	Durable() bool
	// Audience says who may see it.
	Audience() Audience
	evolve(s *State, e Event)
}

// Audience is who may see an event.
type Audience struct {
	nobody bool
	only   ParticipantID
}

// Everyone is the audience of all participants; Nobody is that of none.
func Everyone() Audience { return Audience{} }

// Nobody is the audience of bookkeeping.
func Nobody() Audience { return Audience{nobody: true} }

// Includes reports whether participant p belongs to the audience.
func (a Audience) Includes(p ParticipantID) bool {
	return !a.nobody && (a.only == "" || a.only == p)
}

// Faults that Decide returns.
var (
	ErrEnded          = fault.New(fault.KindGone, "conference.ended", "This conference has ended.")
	ErrReplaced       = fault.New(fault.KindConflict, "session.replaced", "You have joined from another window or device, and the connection moved there.")
	ErrNotPresent     = fault.New(fault.KindConflict, "participant.left", "You are no longer in this conference. Join again.")
	ErrCommandSkipped = fault.New(fault.KindConflict, "command.skipped", "This command was overtaken by a later one and was not applied.")
)

// Decide checks a command against the state and returns the events it causes, in order; it changes nothing.
// A command id that was applied before yields its first outcome and no events, so that a resend is harmless.
func Decide(s *State, c Command, now time.Time) ([]Event, Outcome, error) {
	if c.By != "" {
		if p := s.presence.find(c.By); p != nil && p.line != c.Line {
			return nil, Outcome{}, ErrReplaced
		}
		if prior, ok := s.priorOutcome(c.By, c.ID); ok {
			return nil, prior, prior.err()
		}
	}
	facts, err := s.decide(c, now)
	if err != nil {
		f := fault.As(err)
		if c.By == "" || f.Kind == fault.KindInternal || s.presence.find(c.By) == nil {
			return nil, Outcome{}, err
		}
		facts = []Fact{&CommandRefused{Code: f.Code, Message: f.Message, Status: f.Kind}}
	} else if len(facts) == 0 && c.By != "" {
		facts = []Fact{&CommandApplied{}}
	}
	events := make([]Event, len(facts))
	for i, f := range facts {
		events[i] = Event{Seq: s.Seq + int64(i) + 1, At: now.UTC().Truncate(time.Millisecond), By: c.By, CommandID: c.ID, Fact: f}
	}
	outcome := Outcome{Seq: s.Seq}
	switch b := c.Body.(type) {
	case Join:
		outcome.Participant = b.place(s)
	case Connect:
		if p := b.who(s); p != nil {
			outcome.Participant = p.ID
		}
	}
	if n := len(events); n > 0 {
		outcome.Seq = events[n-1].Seq
	}
	return events, outcome, err
}

func (s *State) decide(c Command, now time.Time) ([]Fact, error) {
	if s.ended != nil {
		return nil, ErrEnded
	}
	var by *Participant
	if c.By != "" {
		if by = s.presence.find(c.By); by == nil {
			return nil, ErrNotPresent
		}
		if err := access.Decide(by.actor(), c.Body.Action(), access.Object{Kind: "conference", ID: s.Settings.ID}).Err(); err != nil {
			return nil, err
		}
	}
	return c.Body.decide(s, by, now)
}

// Evolve applies one event. Events come in order and without gaps.
func (s *State) Evolve(e Event) {
	s.Seq = e.Seq
	e.Fact.evolve(s, e)
	s.recordOutcome(e)
}

// NextDeadline is when the next Tick is due; false when nothing waits.
func (s *State) NextDeadline() (time.Time, bool) {
	if s.ended != nil {
		return time.Time{}, false
	}
	return s.presence.nextDeadline(s.Settings)
}

// Ended tells how the conference ended, or false while it lives.
func (s *State) Ended() (Ended, bool) {
	if s.ended == nil {
		return Ended{}, false
	}
	return *s.ended, true
}

// Participants returns those present, in the order of joining.
func (s *State) Participants() []Participant { return slices.Clone(s.presence.present) }
