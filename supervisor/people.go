package supervisor

import (
	"bytes"
	"maps"
	"sync"

	"konklave/access"
	"konklave/conference"
	"konklave/control"
)

// people is whom the controller admitted to a conference, and which of them is which participant. Reports of the worker are
// held against it.
type people struct {
	mu       sync.Mutex // guards what follows
	admitted map[conference.Admission]struct{}
	present  map[conference.ParticipantID]conference.Admission
	lastSeq  int64 // of the last append that was stored
	lastSum  []byte
}

func newPeople() *people {
	return &people{admitted: map[conference.Admission]struct{}{}, present: map[conference.ParticipantID]conference.Admission{}}
}

// admit remembers a redeemed ticket. One account may be admitted several times, a guest also under several names.
func (p *people) admit(a conference.Admission) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Rejoin = ""
	p.admitted[a] = struct{}{}
}

// adopt believes a worker that ran before this controller about who was admitted and who is there.
func (p *people) adopt(st control.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range st.Admitted {
		p.admitted[a] = struct{}{}
	}
	for id, a := range st.People {
		p.admitted[a] = struct{}{}
		p.present[id] = a
	}
}

// stored reports whether the last append that was stored is this one.
func (p *people) stored(seq int64, sum []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastSeq == seq && bytes.Equal(p.lastSum, sum)
}

// draft is people while an append is being checked; commit keeps what it found.
type draft struct {
	people  *people
	present map[conference.ParticipantID]conference.Admission
}

func (p *people) draft() *draft {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &draft{p, maps.Clone(p.present)}
}

func (p *people) wasAdmitted(a conference.Admission) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.admitted[a]
	return ok
}

func (p *people) commit(d *draft, seq int64, sum []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present, p.lastSeq, p.lastSum = d.present, seq, sum
}

// actor is who did what the event tells, or the worker itself; errForgedActor when the controller knows nobody like that.
func (d *draft) actor(w *worker, e conference.Event) (access.Actor, error) {
	switch f := e.Fact.(type) {
	case *conference.ParticipantJoined:
		p := f.Participant
		a := conference.Admission{Account: f.Account, Kind: p.Kind, Role: p.Role, Name: p.Name}
		if !d.people.wasAdmitted(a) {
			return access.Actor{}, errForgedActor
		}
		d.present[p.ID] = a
		return d.person(w, f.Participant.ID)
	case *conference.SessionOpened:
		return d.person(w, f.ID)
	case *conference.ParticipantLeft:
		actor, err := d.person(w, f.ID)
		delete(d.present, f.ID)
		if e.By == f.ID {
			return actor, err
		}
		return access.Worker(w.id, w.tenant), err
	case *conference.ChatMessage:
		if e.By != f.Message.From {
			return access.Actor{}, errForgedActor
		}
	case *conference.Ended:
		if f.Reason == conference.EndedByHost && d.present[e.By].Role != conference.RoleHost {
			return access.Actor{}, errForgedActor
		}
	}
	if e.By == "" {
		return access.Worker(w.id, w.tenant), nil
	}
	return d.person(w, e.By)
}

func (d *draft) person(w *worker, id conference.ParticipantID) (access.Actor, error) {
	a, ok := d.present[id]
	if !ok {
		return access.Actor{}, errForgedActor
	}
	actor := access.Actor{Kind: access.KindGuest, ID: a.Account, Tenant: w.tenant}
	if a.Kind == conference.KindAccount {
		actor.Kind, actor.UserID = access.KindAccount, a.Account
	}
	return actor, nil
}
