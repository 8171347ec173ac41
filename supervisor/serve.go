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
	errNoSession     = fault.New(fault.KindInvalid, "journal.no_session", "A ticket is redeemed for one session, which has to be told.")
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
	case control.CallArrive:
		return nil, w.arrive(ctx, body)
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
	if q.Session == "" && !w.tellsNoSessions() {
		return nil, errNoSession
	}
	grant, err := w.s.Tickets.Redeem(ctx, q.Ticket, w.id, q.Session, w.s.Places.Kept(q.Address))
	if err != nil {
		return nil, err
	}
	a := admission(grant)
	if q.Session != "" {
		if err := w.s.Places.Arrive(ctx, w.id, q.Session, q.Address); err != nil {
			return nil, w.keepOut(ctx, q.Session, err)
		}
		w.people.admit(q.Session, a)
	}
	return a, nil
}

// keepOut makes what was admitted undone, so that the session is nobody's.
func (w *worker) keepOut(ctx context.Context, session string, why error) error {
	return errors.Join(why, w.s.Records.ForgetAdmissions(ctx, w.id, []string{session}))
}

func (w *worker) arrive(ctx context.Context, body []byte) error {
	var q control.Arrive
	if err := control.Decode(body, &q); err != nil {
		return err
	}
	if !w.quota.redeems.AllowN(w.s.Now(), 1) {
		return errArrivalsFast
	}
	return w.s.Places.Arrive(ctx, w.id, q.Session, q.Address)
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

// append checks and stores what the worker reports, one report at a time. Who did it is taken from the admissions of the
// controllers, when it was reported from the controller's clock; what is stored is what was checked, in the controller's own
// words, so that it can be replayed for ever after.
func (w *worker) append(ctx context.Context, body []byte) error {
	var q control.Append
	if err := control.Decode(body, &q); err != nil {
		return err
	}
	switch {
	case q.Epoch != w.epoch:
		return journal.ErrStaleEpoch
	case len(q.Events) == 0:
		return journal.ErrEmptyBatch
	case len(q.Events) > EventsMax:
		return errEventsMany
	case !w.quota.events.AllowN(w.s.Now(), len(q.Events)):
		return errEventsFast
	}
	over, err := w.appending.enter(ctx)
	if err != nil {
		return err
	}
	defer over()
	repeated, err := w.know(ctx, q.Seq)
	if err != nil {
		return err
	}
	if repeated { // the answer to the first time was lost, or it is refused
		return w.repeat(ctx, q)
	}
	r, err := w.check(ctx, q.Events)
	if err != nil {
		return err
	}
	err = w.s.Journal.Append(ctx, w.id, q.Epoch, q.Seq, r.events, r.entries, r.ended)
	if errors.Is(err, journal.ErrFull) {
		return w.full(ctx)
	}
	if err != nil {
		return err
	}
	w.people.commit(r.roll, q.Seq+int64(len(r.events))-1)
	w.endRelays(r.facts)
	if r.ended {
		w.ended.Store(true)
	}
	return nil
}

// repeat answers a report whose number is stored already; it succeeds when it is the one that is stored.
func (w *worker) repeat(ctx context.Context, q control.Append) error {
	for i := range q.Events {
		e, err := q.Events[i].Event()
		if err != nil {
			return err
		}
		e.At = e.At.UTC()
		if q.Events[i], err = conference.Store(e); err != nil {
			return err
		}
	}
	return w.s.Journal.Append(ctx, w.id, q.Epoch, q.Seq, q.Events, nil, false)
}

// report is what of an append is to be stored, and what is so afterwards.
type report struct {
	events  []conference.Stored
	entries []audit.Entry
	facts   []conference.Fact
	roll    roll
	ended   bool
}

func (w *worker) check(ctx context.Context, events []conference.Stored) (report, error) {
	var r report
	draft, now := w.draft(), w.s.Now()
	for _, st := range events {
		e, kept, err := st.Checked(w.epoch, now)
		if err != nil {
			return report{}, err
		}
		actor, err := draft.take(ctx, e)
		if err != nil {
			return report{}, err
		}
		about, err := entries(audit.Report{At: now, Actor: actor, Conference: w.id}, e.Fact)
		if err != nil {
			return report{}, err
		}
		r.events, r.entries, r.facts = append(r.events, kept), append(r.entries, about...), append(r.facts, e.Fact)
	}
	r.roll, r.ended = draft.roll, draft.ended
	return r, draft.done()
}

// entries derives the audit entries of an event: one line for each kind.
func entries(r audit.Report, fact conference.Fact) ([]audit.Entry, error) {
	switch f := fact.(type) {
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
	return nil, fault.Newf(fault.KindInvalid, "journal.unknown_kind", "The event kind %q has no audit entry.", fact.Kind())
}

// turns lets one call in at a time.
type turns chan struct{}

// enter waits for the turn; over lets the next one in.
func (t turns) enter(ctx context.Context) (over func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
