package conference

import (
	"time"

	"konklave/access"
)

// EndReason is why a conference is over.
type EndReason string

// The reasons.
const (
	EndedByHost   EndReason = "host"
	EndedEmpty    EndReason = "empty"
	EndedShutdown EndReason = "shutdown"
)

// End is the host's wish to end the conference for all.
type End struct{}

// Action is conference.end.
func (End) Action() access.Action { return access.ConferenceEnd }

func (End) decide(s *State, _ *Participant, _ time.Time) ([]Fact, error) {
	return endFacts(s, EndedByHost), nil
}

// Shutdown ends the conference because its server stops.
type Shutdown struct{}

// Action is none: the operator has decided.
func (Shutdown) Action() access.Action { return serverAction }

func (Shutdown) decide(s *State, _ *Participant, _ time.Time) ([]Fact, error) {
	return endFacts(s, EndedShutdown), nil
}

// endFacts lets everybody go and then closes. The end is announced first, so that clients know why they leave.
func endFacts(s *State, reason EndReason) []Fact {
	facts := []Fact{&Ended{Reason: reason}}
	for _, p := range s.presence.present {
		facts = append(facts, &ParticipantLeft{ID: p.ID, Reason: LeftEnded})
	}
	return facts
}

// Tick does what has become due: participants whose resume window is over have left, and an empty conference ends.
type Tick struct{}

// Action is none: time has passed.
func (Tick) Action() access.Action { return serverAction }

func (Tick) decide(s *State, _ *Participant, now time.Time) ([]Fact, error) {
	if due, ok := s.NextDeadline(); !ok || now.Before(due) {
		return nil, nil
	}
	if len(s.presence.present) == 0 {
		return endFacts(s, EndedEmpty), nil
	}
	var facts []Fact
	for _, p := range s.presence.present {
		if !p.Connected && !now.Before(p.lostAt.Add(s.Settings.ResumeWindow)) {
			facts = append(facts, &ParticipantLeft{ID: p.ID, Reason: LeftLost})
		}
	}
	return facts, nil
}

// PutClock says that the clock was put forward by so much, or back when it is negative, so that no wait ends early or late.
type PutClock struct{ By time.Duration }

// Action is none: the server noticed it.
func (PutClock) Action() access.Action { return serverAction }

func (c PutClock) decide(s *State, _ *Participant, _ time.Time) ([]Fact, error) {
	if _, waits := s.NextDeadline(); !waits {
		return nil, nil
	}
	return []Fact{&ClockPut{By: c.By}}, nil
}

// ClockPut is the fact that waits began at another time than it was thought.
type ClockPut struct{ By time.Duration }

// Kind is "clock.put".
func (*ClockPut) Kind() string { return "clock.put" }

// Durable is false: after a restart all waits begin anew, see [State.Reopen].
func (*ClockPut) Durable() bool { return false }

// Audience is nobody.
func (*ClockPut) Audience() Audience { return Nobody() }

func (f *ClockPut) evolve(s *State, _ Event) { s.presence.shift(f.By) }

// Ended is the fact that the conference is over.
type Ended struct {
	Reason EndReason `json:"reason"`
}

// Kind is "conference.ended".
func (*Ended) Kind() string { return "conference.ended" }

// Durable is true.
func (*Ended) Durable() bool { return true }

// Audience is everyone.
func (*Ended) Audience() Audience { return Everyone() }

func (f *Ended) evolve(s *State, _ Event) { s.ended = &Ended{Reason: f.Reason} }
