package conference

import (
	"context"
	"time"
)

// run is the actor's private side; only its goroutine touches it.
//
// head is the state with everything decided, shown the state with everything committed. Between them lies waiting: events
// and answers in the order of their decisions, released from the front as far as commits have come.
type run struct {
	*Actor
	head, shown *State
	waiting     []pending
	undurable   [][]Event // durable events not yet handed to the journal, by decision
	inFlight    []Event   // durable events the journal is committing
	commits     chan committed
	subscribers map[ParticipantID]Subscriber
	history     []Delivery

	began time.Time     // by the clock that only goes on
	opens time.Time     // the same moment by the clock of the wall
	moved time.Duration // how far the latter has been put forward since; back when negative
}

// clockJump is from where on a difference between the two clocks counts as a clock that was put.
const clockJump = time.Second

// pending is an event to show or something to answer once all before it is shown.
type pending struct {
	event  *Event
	answer func()
}

func (r *run) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for {
		if _, over := r.shown.Ended(); over && len(r.waiting) == 0 {
			return nil
		}
		r.arm(timer)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			r.keepTime()
			r.decide(Command{Body: Tick{}}, nil)
		case m := <-r.inbox:
			r.handle(m)
		case c := <-r.commits:
			if c.err != nil {
				return c.err
			}
			r.inFlight = nil
		}
		r.flush(ctx)
		r.release()
	}
}

// keepTime keeps what is waited for as long as it is to last when the clock of the wall was put forward or back.
func (r *run) keepTime() {
	moved := r.now().Round(0).Sub(r.opens) - time.Since(r.began)
	if by := moved - r.moved; by.Abs() >= clockJump {
		r.moved = moved
		r.log.Warn("the clock was put", "by", by.Round(time.Millisecond))
		r.decide(Command{Body: PutClock{By: by}}, nil)
	}
}

func (r *run) arm(timer *time.Timer) {
	r.keepTime()
	wait := time.Hour
	if due, ok := r.head.NextDeadline(); ok {
		wait = max(0, due.Sub(r.now()))
	}
	timer.Reset(wait)
}

func (r *run) handle(m any) {
	switch m := m.(type) {
	case doRequest:
		r.keepTime()
		r.decide(m.command, m.answer)
	case barrierRequest:
		r.waiting = append(r.waiting, pending{answer: m.reached})
	case attachRequest:
		r.waiting = append(r.waiting, pending{answer: func() { r.attach(m) }})
	case probeRequest:
		close(m.reached)
	case detachRequest:
		if r.subscribers[m.participant] == m.from {
			delete(r.subscribers, m.participant)
		}
	}
}

func (r *run) decide(c Command, answer func(Outcome, error)) {
	if c.By != "" && len(r.waiting) >= WaitingMax {
		if answer != nil {
			answer(Outcome{}, ErrBehind)
		}
		return
	}
	events, outcome, err := Decide(r.head, c, r.now())
	var durable []Event
	for i := range events {
		r.head.Evolve(events[i])
		if events[i].Fact.Durable() {
			durable = append(durable, events[i])
		}
		r.waiting = append(r.waiting, pending{event: &events[i]})
	}
	if len(durable) > 0 {
		r.undurable = append(r.undurable, durable)
	}
	if answer != nil {
		r.waiting = append(r.waiting, pending{answer: func() { answer(outcome, err) }})
	}
}

// flush hands the next batch to the journal when the one before is safe. What was decided together is committed together.
func (r *run) flush(ctx context.Context) {
	if len(r.inFlight) > 0 || len(r.undurable) == 0 {
		return
	}
	var batch []Event
	for len(r.undurable) > 0 && (batch == nil || len(batch)+len(r.undurable[0]) <= batchMax) {
		batch = append(batch, r.undurable[0]...)
		r.undurable = r.undurable[1:]
	}
	r.inFlight = batch
	go func() { r.commits <- committed{r.journal.Append(ctx, batch)} }()
}

// release shows and answers everything that waits on nothing uncommitted.
func (r *run) release() {
	limit := r.head.Seq
	if len(r.inFlight) > 0 {
		limit = r.inFlight[0].Seq - 1
	} else if len(r.undurable) > 0 {
		limit = r.undurable[0][0].Seq - 1
	}
	for len(r.waiting) > 0 {
		next := r.waiting[0]
		if next.event != nil && next.event.Seq > limit {
			return
		}
		r.waiting = r.waiting[1:]
		if next.event != nil {
			r.show(*next.event)
		} else {
			next.answer()
		}
	}
}

func (r *run) show(e Event) {
	r.shown.Evolve(e)
	view, err := EncodeView(e.Fact)
	if err != nil {
		r.log.Error("event cannot be shown", "kind", e.Fact.Kind(), "error", err)
		return
	}
	d := Delivery{Event: e, View: view}
	r.history = append(r.history, d)
	if len(r.history) >= 2*HistoryKept {
		r.history = append([]Delivery(nil), r.history[len(r.history)-HistoryKept:]...)
	}
	audience := e.Fact.Audience()
	for p, s := range r.subscribers {
		if audience.Includes(p) && !s.Offer(d) {
			delete(r.subscribers, p)
		}
	}
	if r.observe != nil {
		r.observe(d)
	}
}

func (r *run) attach(q attachRequest) {
	p := r.shown.presence.find(q.participant)
	switch {
	case p == nil:
		q.reply <- attachReply{err: ErrNotPresent}
		return
	case p.line != q.line:
		q.reply <- attachReply{err: ErrReplaced}
		return
	}
	r.subscribers[q.participant] = q.to
	a := Attachment{Seq: r.shown.Seq}
	if missed, ok := r.missed(q.participant, q.seen); ok {
		a.Missed = missed
	} else {
		v := r.shown.Project(q.participant)
		a.View = &v
	}
	q.reply <- attachReply{attachment: a}
}

// missed returns what p may see after seen; false when history does not reach back so far.
func (r *run) missed(p ParticipantID, seen int64) ([]Delivery, bool) {
	if seen < 0 || seen > r.shown.Seq || len(r.history) == 0 && seen < r.shown.Seq {
		return nil, false
	}
	if len(r.history) > 0 && r.history[0].Event.Seq > seen+1 {
		return nil, false
	}
	var missed []Delivery
	for _, d := range r.history {
		if d.Event.Seq > seen && d.Event.Fact.Audience().Includes(p) {
			missed = append(missed, d)
		}
	}
	return missed, true
}
