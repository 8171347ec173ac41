package supervisor

import (
	"maps"
	"sync"

	"konklave/access"
	"konklave/conference"
)

// people is whom the controller admitted to a conference, and which of them is which participant. Reports of the worker are
// held against it.
type people struct {
	mu       sync.Mutex // guards what follows
	admitted map[conference.Admission]struct{}
	present  map[conference.ParticipantID]conference.Admission
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

// adopt believes a worker that ran before this controller about who is there.
func (p *people) adopt(there map[conference.ParticipantID]conference.Admission) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.admitted) > 0 {
		return
	}
	for id, a := range there {
		p.admitted[a] = struct{}{}
		p.present[id] = a
	}
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

func (p *people) commit(d *draft) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present = d.present
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
