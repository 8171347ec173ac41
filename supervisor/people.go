package supervisor

import (
	"context"
	"maps"
	"sync"

	"konklave/access"
	"konklave/auth"
	"konklave/conference"
	"konklave/journal"
)

// people is whom the controllers admitted to a conference, and which of them is which participant. Reports of the worker are
// held against it. It is made of the journal and of the tickets, never of what a worker says: so it is right after a restart
// too, and when another controller has stored what came before.
type people struct {
	mu       sync.Mutex // guards what follows
	admitted map[conference.Admission]struct{}
	present  map[conference.ParticipantID]conference.Admission
	seq      int64 // number of the last stored event that present includes; -1 when it has to be read
}

func newPeople() *people {
	return &people{admitted: map[conference.Admission]struct{}{}, seq: -1}
}

// admit remembers a ticket that this controller redeemed. One account may be admitted several times, a guest also under
// several names.
func (p *people) admit(a conference.Admission) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Rejoin = ""
	p.admitted[a] = struct{}{}
}

func (p *people) wasAdmitted(a conference.Admission) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.admitted[a]
	return ok
}

// last is the number of the last event that is known to be stored, or -1.
func (p *people) last() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// learn takes who is there from what is stored.
func (p *people) learn(s *conference.State, seq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present, p.seq = map[conference.ParticipantID]conference.Admission{}, seq
	for _, who := range s.Participants() {
		p.present[who.ID] = conference.Admission{Account: who.Account, Kind: who.Kind, Role: who.Role, Name: who.Name}
	}
}

// know has people include what is stored before the event with number seq, or reports that seq is stored already.
func (w *worker) know(ctx context.Context, seq int64) (repeated bool, err error) {
	if last := w.people.last(); last >= 0 && seq <= last+1 {
		return seq <= last, nil
	}
	replay, err := w.s.Journal.Load(ctx, w.id)
	if err != nil {
		return false, err
	}
	if err := w.learn(replay); err != nil {
		return false, err
	}
	if seq > replay.Seq+1 {
		return false, journal.ErrOutOfOrder
	}
	return seq <= replay.Seq, nil
}

func (w *worker) learn(replay journal.Replay) error {
	s, err := stateOf(w.s.Settings, replay)
	if err == nil {
		w.people.learn(s, replay.Seq)
	}
	return err
}

// draft is people while an append is being checked; commit keeps what it found.
type draft struct {
	w       *worker
	present map[conference.ParticipantID]conference.Admission
}

func (w *worker) draft() *draft {
	w.people.mu.Lock()
	defer w.people.mu.Unlock()
	return &draft{w, maps.Clone(w.people.present)}
}

func (p *people) commit(d *draft, seq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present, p.seq = d.present, seq
}

// actor is who did what the event tells, or the worker itself; errForgedActor when no controller knows anybody like that.
func (d *draft) actor(ctx context.Context, e conference.Event) (access.Actor, error) {
	worker := access.Worker(d.w.id, d.w.tenant)
	switch f := e.Fact.(type) {
	case *conference.ParticipantJoined:
		return d.joined(ctx, f)
	case *conference.SessionOpened:
		return d.person(f.ID)
	case *conference.ParticipantLeft:
		actor, err := d.person(f.ID)
		delete(d.present, f.ID)
		if e.By == f.ID {
			return actor, err
		}
		return worker, err
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
		return worker, nil
	}
	return d.person(e.By)
}

func (d *draft) joined(ctx context.Context, f *conference.ParticipantJoined) (access.Actor, error) {
	p := f.Participant
	a := conference.Admission{Account: f.Account, Kind: p.Kind, Role: p.Role, Name: p.Name}
	known := d.w.people.wasAdmitted(a)
	if !known {
		var err error
		if known, err = d.w.s.Records.TicketRedeemed(ctx, grantOf(d.w.id, a)); err != nil {
			return access.Actor{}, err
		}
	}
	if _, taken := d.present[p.ID]; !known || taken {
		return access.Actor{}, errForgedActor
	}
	d.present[p.ID] = a
	return d.person(p.ID)
}

// grantOf is what the ticket of an admission stood for.
func grantOf(conferenceID string, a conference.Admission) auth.Grant {
	kind := access.KindGuest
	if a.Kind == conference.KindAccount {
		kind = access.KindAccount
	}
	return auth.Grant{Conference: conferenceID, Kind: kind, ActorID: a.Account, Name: a.Name, Role: access.Role(a.Role)}
}

func (d *draft) person(id conference.ParticipantID) (access.Actor, error) {
	a, ok := d.present[id]
	if !ok {
		return access.Actor{}, errForgedActor
	}
	actor := access.Actor{Kind: access.KindGuest, ID: a.Account, Tenant: d.w.tenant}
	if a.Kind == conference.KindAccount {
		actor.Kind, actor.UserID = access.KindAccount, a.Account
	}
	return actor, nil
}
