package supervisor

import (
	"context"
	"errors"
	"sync"

	"konklave/access"
	"konklave/auth"
	"konklave/conference"
	"konklave/control"
	"konklave/journal"
)

// admittedMax is how many redeemed tickets are remembered beside the database, which remembers them too.
const admittedMax = 4096

// people is whom the controllers admitted to a conference, and which of them is which participant. Reports of the worker are
// held against it. It is made of the journal and of the tickets, never of what a worker says: so it is right after a restart
// too, and when another controller has stored what came before.
type people struct {
	mu       sync.Mutex                      // guards what follows
	admitted map[string]conference.Admission // that this controller redeemed, by session; those who have not come yet
	roll     roll
	seq      int64 // number of the last stored event that roll includes; -1 when it has to be read
}

func newPeople() *people {
	return &people{admitted: map[string]conference.Admission{}, seq: -1}
}

// admit remembers a ticket that this controller redeemed for a session.
func (p *people) admit(session string, a conference.Admission) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.admitted) >= admittedMax {
		clear(p.admitted)
	}
	a.Rejoin = ""
	p.admitted[session] = a
}

func (p *people) admission(session string) (conference.Admission, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.admitted[session]
	return a, ok
}

// last is the number of the last event that is known to be stored, or -1.
func (p *people) last() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// draft is a copy to try events on.
func (p *people) draft() roll {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roll.clone()
}

// commit takes a roll over that includes everything up to the event with a number.
func (p *people) commit(r roll, seq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.roll, p.seq = r, seq
	for session := range r.begun {
		delete(p.admitted, session)
	}
	p.roll.begun = nil
}

// count is how many are there, or -1 when that has to be read.
func (p *people) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seq < 0 {
		return -1
	}
	return len(p.roll.present)
}

// has reports whether a participant is there.
func (p *people) has(id conference.ParticipantID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.roll.present[id]
	return ok
}

// know has people include what is stored before the event with number seq, or reports that seq is stored already. A number
// that is too high costs a look at the conference's row, and only what another controller has stored is read.
func (w *worker) know(ctx context.Context, seq int64) (repeated bool, err error) {
	last := w.people.last()
	if last < 0 || seq > last+1 {
		if last, err = w.catchUp(ctx); err != nil {
			return false, err
		}
	}
	if seq > last+1 {
		return false, journal.ErrOutOfOrder
	}
	return seq <= last, nil
}

// catchUp has people include everything that is stored, and returns the number of the last event.
func (w *worker) catchUp(ctx context.Context) (last int64, err error) {
	if !w.quota.looks.AllowN(w.s.Now(), 1) {
		return 0, errReadsFast
	}
	if last = w.people.last(); last < 0 {
		return w.learnAll(ctx)
	}
	rec, err := w.s.Records.Conference(ctx, w.id)
	if err != nil {
		return 0, err
	}
	roll := w.people.draft()
	for last < rec.Seq {
		if !w.quota.pages.AllowN(w.s.Now(), 1) {
			return 0, errReadsFast
		}
		events, err := w.s.Journal.Events(ctx, w.id, last, historyBytes)
		if err != nil {
			return 0, err
		}
		for _, st := range events {
			e, err := st.Event()
			if err != nil {
				return 0, journal.ErrCorrupt.Because(err)
			}
			roll.evolve(e)
		}
		last += int64(len(events))
	}
	w.people.commit(roll, last)
	return last, nil
}

// learnAll makes people of the whole journal.
func (w *worker) learnAll(ctx context.Context) (last int64, err error) {
	if !w.quota.pages.AllowN(w.s.Now(), 1) {
		return 0, errReadsFast
	}
	replay, err := w.s.Journal.Load(ctx, w.id)
	if err != nil {
		return 0, err
	}
	return replay.Seq, w.learn(replay)
}

func (w *worker) learn(replay journal.Replay) error {
	s, err := stateOf(w.s.Settings, replay)
	if err == nil {
		w.people.commit(rollOf(s), replay.Seq)
	}
	return err
}

// draft is a roll while an append is being checked.
type draft struct {
	roll
	w        *worker
	entering conference.ParticipantID // who has come with the event before; his session begins with this one
}

func (w *worker) draft() *draft { return &draft{roll: w.people.draft(), w: w} }

// take includes an event, and returns who did what it tells, or the worker itself. It fails with errForgedActor when no
// controller knows anybody like that, or when he cannot have done it, and with errEventsUnorder when it cannot follow.
func (d *draft) take(ctx context.Context, e conference.Event) (access.Actor, error) {
	if e.Seq <= d.event {
		return access.Actor{}, errEventsUnorder
	}
	if err := d.check(ctx, e); err != nil {
		return access.Actor{}, err
	}
	actor := d.actor(e)
	d.evolve(e)
	return actor, nil
}

func (d *draft) check(ctx context.Context, e conference.Event) error {
	goesOn := e.By == d.by && e.CommandID == d.command // one command has led to several events
	if left, ok := e.Fact.(*conference.ParticipantLeft); d.ended || ok && left.Reason == conference.LeftEnded {
		if !d.ended || !ok || left.Reason != conference.LeftEnded || !goesOn || !d.isPresent(left.ID) {
			return errForgedActor
		}
		return nil
	}
	if by, ok := d.present[e.By]; e.By != "" && (!ok || !by.opened || e.CommandID <= by.last && !goesOn) {
		return errForgedActor
	}
	switch f := e.Fact.(type) {
	case *conference.SessionOpened:
		return d.opens(ctx, f)
	case *conference.ParticipantJoined:
		if d.entering == "" && !d.isPresent(f.Participant.ID) {
			return d.enters(ctx, f)
		}
		return errForgedActor
	case *conference.ParticipantLeft:
		return known(d.entering == "" && d.isPresent(f.ID))
	case *conference.ChatMessage:
		return known(d.entering == "" && f.Message.Name == d.present[e.By].Name)
	case *conference.Ended:
		host := f.Reason != conference.EndedByHost || d.present[e.By].Role == conference.RoleHost
		empty := f.Reason != conference.EndedEmpty || len(d.present) == 0
		return known(d.entering == "" && host && empty)
	}
	return errForgedActor
}

func known(ok bool) error {
	if !ok {
		return errForgedActor
	}
	return nil
}

// enters takes note of somebody who comes. Whether he was admitted is seen with the session that has to follow; a worker that
// does not tell sessions is believed if there was a ticket like that.
func (d *draft) enters(ctx context.Context, f *conference.ParticipantJoined) error {
	if !d.w.tellsNoSessions() {
		d.entering = f.Participant.ID
		return nil
	}
	ok, err := d.w.s.Records.TicketRedeemed(ctx, grantOf(d.w.id, admissionOf(f)))
	if err != nil {
		return err
	}
	return known(ok)
}

// opens holds a session against the ticket that was redeemed for it: it must be of the one who has just come, word for word,
// or of the account or guest who takes his place again. That it begins only once is seen by the journal.
func (d *draft) opens(ctx context.Context, f *conference.SessionOpened) error {
	who, ok := d.present[f.ID]
	if !ok || d.entering != "" && d.entering != f.ID {
		return errForgedActor
	}
	if d.w.tellsNoSessions() {
		return nil
	}
	a, ok := d.w.people.admission(f.Session)
	if !ok {
		grant, err := d.w.s.Records.TicketOfSession(ctx, d.w.id, f.Session)
		if errors.Is(err, auth.ErrTicketUnknown) {
			return errForgedActor
		}
		if err != nil {
			return err
		}
		a = admission(grant)
		a.Rejoin = ""
	}
	if d.entering == "" {
		return known(a.Account == who.Account && a.Kind == who.Kind)
	}
	d.entering = ""
	return known(a == who.Admission)
}

// done reports whether the events may end here.
func (d *draft) done() error { return known(d.entering == "") }

// actor is who did what an event tells, as the audit log names him.
func (d *draft) actor(e conference.Event) access.Actor {
	who, ok := d.present[e.By]
	a := who.Admission
	switch f := e.Fact.(type) {
	case *conference.ParticipantJoined:
		a, ok = admissionOf(f), true
	case *conference.ParticipantLeft:
		ok = ok && e.By == f.ID
	}
	if !ok {
		return access.Worker(d.w.id, d.w.tenant)
	}
	actor := access.Actor{Kind: access.KindGuest, ID: a.Account, Tenant: d.w.tenant}
	if a.Kind == conference.KindAccount {
		actor.Kind, actor.UserID = access.KindAccount, a.Account
	}
	return actor
}

// grantOf is what the ticket of an admission stood for.
func grantOf(conferenceID string, a conference.Admission) auth.Grant {
	kind := access.KindGuest
	if a.Kind == conference.KindAccount {
		kind = access.KindAccount
	}
	return auth.Grant{Conference: conferenceID, Kind: kind, ActorID: a.Account, Name: a.Name, Role: access.Role(a.Role)}
}

// tellsNoSessions reports whether the worker is of a version that redeems tickets for no session.
func (w *worker) tellsNoSessions() bool {
	v := w.version.Load()
	return v > 0 && v < control.VersionSession
}
