package conference

import (
	"konklave/access"
	"konklave/fault"
)

// OutcomesKept is how many results are remembered for each participant, the newest first to stay.
const OutcomesKept = 256

// Outcome is the result of a command: the sequence number it reached, or the refusal; for a Join or Connect, the place taken.
type Outcome struct {
	Seq         int64
	Refusal     *fault.Fault
	Participant ParticipantID
}

func (o Outcome) err() error {
	if o.Refusal == nil {
		return nil
	}
	return o.Refusal
}

// applied remembers what a participant's commands led to.
type applied struct {
	last     int64 // the highest command id
	outcomes map[int64]Outcome
	order    []int64
}

func newApplied() *applied { return &applied{outcomes: map[int64]Outcome{}} }

// priorOutcome finds the result of a command that came before.
func (s *State) priorOutcome(p ParticipantID, id int64) (Outcome, bool) {
	a := s.applied[p]
	if a == nil || id > a.last {
		return Outcome{}, false
	}
	if o, ok := a.outcomes[id]; ok {
		return o, true
	}
	return Outcome{Refusal: ErrCommandSkipped}, true
}

func (s *State) recordOutcome(e Event) {
	if e.By == "" || e.CommandID == 0 {
		return
	}
	a := s.applied[e.By]
	if a == nil {
		return // the participant has just left
	}
	if _, again := a.outcomes[e.CommandID]; !again {
		a.order = append(a.order, e.CommandID)
		if len(a.order) > OutcomesKept {
			delete(a.outcomes, a.order[0])
			a.order = a.order[1:]
		}
	}
	o := Outcome{Seq: e.Seq}
	if r, ok := e.Fact.(*CommandRefused); ok {
		o.Refusal = fault.New(r.Status, r.Code, r.Message)
	}
	a.outcomes[e.CommandID] = o
	a.last = max(a.last, e.CommandID)
}

// CommandRefused records that a command was refused, so that a resend gets the same answer. Nobody sees it.
type CommandRefused struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Status  fault.Kind `json:"status"`
}

// Kind is "command.refused".
func (*CommandRefused) Kind() string { return "command.refused" }

// Durable is false: a refusal changes nothing that could be lost.
func (*CommandRefused) Durable() bool { return false }

// Audience is nobody; the sender gets the result.
func (*CommandRefused) Audience() Audience   { return Nobody() }
func (*CommandRefused) evolve(*State, Event) {}

// CommandApplied records a command that had nothing to do. Nobody sees it.
type CommandApplied struct{}

// Kind is "command.applied".
func (*CommandApplied) Kind() string { return "command.applied" }

// Durable is false.
func (*CommandApplied) Durable() bool { return false }

// Audience is nobody.
func (*CommandApplied) Audience() Audience   { return Nobody() }
func (*CommandApplied) evolve(*State, Event) {}

// serverAction is the action of commands that come from the server itself.
const serverAction access.Action = ""
