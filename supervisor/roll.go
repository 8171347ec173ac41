package supervisor

import (
	"maps"

	"konklave/conference"
)

// person is a participant as far as the controller has to know him.
type person struct {
	conference.Admission
	opened bool  // a session of his has begun
	last   int64 // the highest id of a command in it
}

// roll is what a controller knows of the state that the events of a conference have led to.
type roll struct {
	present map[conference.ParticipantID]person
	event   int64 // number of the last event
	ended   bool

	// Since the roll was copied: the sessions that began, and whose command the last event is of.
	begun   map[string]struct{}
	by      conference.ParticipantID
	command int64
}

// rollOf is the roll of a state.
func rollOf(s *conference.State) roll {
	r := roll{present: map[conference.ParticipantID]person{}, event: s.Seq}
	_, r.ended = s.Ended()
	for _, who := range s.Standings() {
		a := conference.Admission{Account: who.Account, Kind: who.Kind, Role: who.Role, Name: who.Name}
		r.present[who.ID] = person{a, true, who.LastCommand}
	}
	return r
}

func (r roll) clone() roll {
	r.present = maps.Clone(r.present)
	if r.present == nil {
		r.present = map[conference.ParticipantID]person{}
	}
	r.begun, r.by, r.command = map[string]struct{}{}, "", 0
	return r
}

func (r *roll) isPresent(id conference.ParticipantID) bool {
	_, ok := r.present[id]
	return ok
}

// evolve includes an event that was checked.
func (r *roll) evolve(e conference.Event) {
	switch f := e.Fact.(type) {
	case *conference.ParticipantJoined:
		r.present[f.Participant.ID] = person{Admission: admissionOf(f)}
	case *conference.SessionOpened:
		if p, ok := r.present[f.ID]; ok {
			p.opened, p.last = true, 0
			r.present[f.ID] = p
			r.begun[f.Session] = struct{}{}
		}
	case *conference.ParticipantLeft:
		delete(r.present, f.ID)
	case *conference.Ended:
		r.ended = true
	}
	if p, ok := r.present[e.By]; ok {
		p.last = max(p.last, e.CommandID)
		r.present[e.By] = p
	}
	r.event, r.by, r.command = e.Seq, e.By, e.CommandID
}

// admissionOf is the admission of somebody who has come.
func admissionOf(f *conference.ParticipantJoined) conference.Admission {
	p := f.Participant
	return conference.Admission{Account: f.Account, Kind: p.Kind, Role: p.Role, Name: p.Name}
}
