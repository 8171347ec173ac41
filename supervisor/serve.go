package supervisor

import (
	"context"
	"errors"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/journal"
)

// EventsMax is how many events one append may bring.
const EventsMax = 16384

// Faults of appends that a worker should not have sent.
var (
	errEventsMany    = fault.Newf(fault.KindTooLarge, "journal.too_many", "One append may bring at most %d events.", EventsMax)
	errForgedActor   = fault.New(fault.KindDenied, "journal.forged_actor", "An event names somebody whom the controller did not admit.")
	errEventsUnorder = fault.New(fault.KindInvalid, "journal.unordered", "The events of an append are not in order.")
)

// serve answers a worker's calls.
func (w *worker) serve(ctx context.Context, call string, body []byte) (any, error) {
	result, err := w.answer(ctx, call, body)
	if err != nil {
		w.suspect(call, err)
	}
	return result, err
}

// answer is one line for each call.
func (w *worker) answer(ctx context.Context, call string, body []byte) (any, error) {
	switch call {
	case control.CallRedeem:
		return w.redeem(ctx, body)
	case control.CallAppend:
		return nil, w.append(ctx, body)
	case control.CallHistory:
		return w.history(ctx, body)
	case control.CallRelay:
		return w.relay(ctx, body)
	}
	return nil, control.ErrUnknownCall
}

func (w *worker) redeem(ctx context.Context, body []byte) (any, error) {
	var q control.Redeem
	if err := control.Decode(body, &q); err != nil {
		return nil, err
	}
	if !w.quota.redeems.AllowN(w.s.Now(), 1) {
		return nil, errRedeemsFast
	}
	grant, err := w.s.Tickets.Redeem(ctx, q.Ticket, w.id, q.Session)
	if err != nil {
		return nil, err
	}
	a := admission(grant)
	w.people.admit(a)
	return a, nil
}

func admission(g auth.Grant) conference.Admission {
	kind := conference.KindGuest
	if g.Kind == access.KindAccount {
		kind = conference.KindAccount
	}
	return conference.Admission{
		Account: g.ActorID, Kind: kind, Role: conference.Role(g.Role), Name: g.Name, Rejoin: conference.ParticipantID(g.Participant),
	}
}

// append checks and stores what the worker reports. Who did it is taken from the admissions of this controller.
func (w *worker) append(ctx context.Context, body []byte) error {
	var q control.Append
	if err := control.Decode(body, &q); err != nil {
		return err
	}
	if q.Epoch != w.epoch {
		return journal.ErrStaleEpoch
	}
	switch {
	case len(q.Events) == 0:
		return journal.ErrEmptyBatch
	case len(q.Events) > EventsMax:
		return errEventsMany
	case !w.quota.events.AllowN(w.s.Now(), len(q.Events)):
		return errEventsFast
	}
	repeated, err := w.know(ctx, q.Seq)
	if err != nil {
		return err
	}
	if repeated { // the answer to the first time was lost, or it is refused
		return w.s.Journal.Append(ctx, w.id, q.Epoch, q.Seq, q.Events, nil, false)
	}
	people := w.draft()
	entries, facts := make([]audit.Entry, 0, len(q.Events)), make([]conference.Fact, 0, len(q.Events))
	ended, last := false, int64(0)
	for _, st := range q.Events {
		e, err := st.Event()
		if err != nil {
			return err
		}
		if e.Seq <= last {
			return errEventsUnorder
		}
		last = e.Seq
		about, err := w.entries(ctx, people, e)
		if err != nil {
			return err
		}
		entries, facts = append(entries, about...), append(facts, e.Fact)
		if _, ok := e.Fact.(*conference.Ended); ok {
			ended = true
		}
	}
	err = w.s.Journal.Append(ctx, w.id, q.Epoch, q.Seq, q.Events, entries, ended)
	if errors.Is(err, journal.ErrFull) {
		return w.full(ctx)
	}
	if err != nil {
		return err
	}
	w.people.commit(people, q.Seq+int64(len(q.Events))-1)
	w.endRelays(facts)
	if ended {
		w.ended.Store(true)
	}
	return nil
}

// entries derives the audit entries of an event: one line for each kind.
func (w *worker) entries(ctx context.Context, people *draft, e conference.Event) ([]audit.Entry, error) {
	actor, err := people.actor(ctx, e)
	if err != nil {
		return nil, err
	}
	r := audit.Report{At: e.At, Actor: actor, Conference: w.id}
	switch f := e.Fact.(type) {
	case *conference.ParticipantJoined:
		return []audit.Entry{audit.ParticipantJoined(r, string(f.Participant.ID), access.Role(f.Participant.Role))}, nil
	case *conference.SessionOpened:
		return nil, nil // the ticket that it was opened with has its entry
	case *conference.ParticipantLeft:
		return []audit.Entry{audit.ParticipantLeft(r, string(f.ID), string(f.Reason))}, nil
	case *conference.ChatMessage:
		return []audit.Entry{audit.ChatSent(r, f.Message.ID)}, nil
	case *conference.Ended:
		return []audit.Entry{audit.ConferenceEnded(r, string(f.Reason))}, nil
	}
	return nil, fault.Newf(fault.KindInvalid, "journal.unknown_kind", "The event kind %q has no audit entry.", e.Fact.Kind())
}
