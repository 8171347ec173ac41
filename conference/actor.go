package conference

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"konklave/fault"
)

// Sizes of the actor's queues.
const (
	inboxSize   = 256  // commands waiting; a sender waits when it is full
	HistoryKept = 1024 // events held for participants who come back
	batchMax    = 256  // events in one commit, unless one decision brings more
	WaitingMax  = 8192 // events and answers waiting for a commit; beyond it, participants' commands are refused
)

// Journal makes durable events durable. Append is called by one goroutine at a time, in order, and returns when the events
// are safe. It retries what can be retried; an error means that this worker may not go on.
type Journal interface {
	Append(ctx context.Context, events []Event) error
}

// Subscriber receives what one participant may see. Offer must not block; false means that it takes no more, and the actor
// forgets it.
type Subscriber interface {
	Offer(Delivery) bool
}

// Delivery is one event on its way to participants; View is its encoding for clients, shared by all of them.
type Delivery struct {
	Event Event
	View  []byte
}

// Attachment is the answer to Attach: a fresh view, or the events missed since the given sequence number.
type Attachment struct {
	Seq    int64
	View   *View      // nil when Missed continues where the participant was
	Missed []Delivery // in order
}

// ErrBehind is the refusal of a command while too many wait for the journal.
var ErrBehind = fault.New(fault.KindUnavailable, "server.unavailable", "The server is catching up. Please try again in a moment.")

// ErrStopped is returned once the actor has ended.
var ErrStopped = errors.New("conference: actor has stopped")

// Actor is the goroutine that owns a conference. All methods may be called from any goroutine.
type Actor struct {
	journal Journal
	now     func() time.Time
	log     *slog.Logger
	observe func(Delivery)
	inbox   chan any
	done    chan struct{}
	cause   error // why it stopped; read after done
}

// ActorOptions are what an actor needs. Observe, if not nil, is called on the actor's goroutine for each event shown, to
// everybody or to nobody, and must not block.
type ActorOptions struct {
	Journal Journal
	Now     func() time.Time
	Log     *slog.Logger
	Observe func(Delivery)
}

// NewActor prepares an actor; Run makes it live.
func NewActor(o ActorOptions) *Actor {
	return &Actor{journal: o.Journal, now: o.Now, log: o.Log, observe: o.Observe, inbox: make(chan any, inboxSize), done: make(chan struct{})}
}

type (
	doRequest struct {
		command Command
		answer  func(Outcome, error)
	}
	barrierRequest struct{ reached func() }
	attachRequest  struct {
		participant ParticipantID
		line        int64
		seen        int64 // -1: a fresh view
		to          Subscriber
		reply       chan attachReply // buffered, 1
	}
	attachReply struct {
		attachment Attachment
		err        error
	}
	probeRequest  struct{ reached chan struct{} }
	detachRequest struct {
		participant ParticipantID
		from        Subscriber
	}
	committed struct{ err error }
)

// Submit hands a command over, in the order of the calls, and returns at once. The answer is called on the actor's
// goroutine when the effects are durable and have been shown; it must not block. It is not called if the actor stops first.
func (a *Actor) Submit(ctx context.Context, c Command, answer func(Outcome, error)) error {
	return a.send(ctx, doRequest{c, answer})
}

// Do is Submit that waits for the answer.
func (a *Actor) Do(ctx context.Context, c Command) (Outcome, error) {
	type result struct {
		outcome Outcome
		err     error
	}
	reply := make(chan result, 1)
	if err := a.Submit(ctx, c, func(o Outcome, err error) { reply <- result{o, err} }); err != nil {
		return Outcome{}, err
	}
	select {
	case r := <-reply:
		return r.outcome, r.err
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	case <-a.done:
	}
	select {
	case r := <-reply: // answered with its last breath
		return r.outcome, r.err
	default:
		return Outcome{}, ErrStopped
	}
}

// Barrier calls reached on the actor's goroutine once everything submitted before is answered.
func (a *Actor) Barrier(ctx context.Context, reached func()) error {
	return a.send(ctx, barrierRequest{reached})
}

// Attach subscribes a participant after everything up to now; an earlier subscriber of the same participant is forgotten.
// With seen >= 0 it continues after that event if history still holds what follows. It fails with ErrNotPresent when the
// participant has left meanwhile, with ErrReplaced when line is no longer the newest connection.
func (a *Actor) Attach(ctx context.Context, p ParticipantID, line, seen int64, to Subscriber) (Attachment, error) {
	q := attachRequest{p, line, seen, to, make(chan attachReply, 1)}
	if err := a.send(ctx, q); err != nil {
		return Attachment{}, err
	}
	select {
	case r := <-q.reply:
		return r.attachment, r.err
	case <-a.done:
		return Attachment{}, ErrStopped
	case <-ctx.Done():
		return Attachment{}, ctx.Err()
	}
}

// Responds returns when the actor's goroutine has looked at its next message, whether or not anything waits for the journal;
// an actor that has ended responds, too. An error means that ctx has ended before.
func (a *Actor) Responds(ctx context.Context) error {
	q := probeRequest{make(chan struct{})}
	err := a.send(ctx, q)
	if errors.Is(err, ErrStopped) {
		return nil
	}
	if err != nil {
		return err
	}
	select {
	case <-q.reached:
		return nil
	case <-a.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Detach forgets a subscriber, if it is still the participant's.
func (a *Actor) Detach(p ParticipantID, from Subscriber) {
	_ = a.send(context.Background(), detachRequest{p, from}) // a stopped actor has forgotten it already
}

// Done is closed when the actor has stopped; Err then tells why, nil after the conference's regular end.
func (a *Actor) Done() <-chan struct{} { return a.done }

// Err is the cause of the stop.
func (a *Actor) Err() error {
	<-a.done
	return a.cause
}

func (a *Actor) send(ctx context.Context, m any) error {
	select {
	case a.inbox <- m:
		return nil
	case <-a.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run owns the conference from the given state on until it has ended and everything is committed and shown, or ctx ends, or
// the journal refuses. The state is given away.
func (a *Actor) Run(ctx context.Context, s *State) error {
	defer close(a.done)
	a.cause = a.run(ctx, s)
	return a.cause
}

func (a *Actor) run(ctx context.Context, head *State) error {
	shown, err := head.clone()
	if err != nil {
		return err
	}
	r := &run{
		Actor: a, head: head, shown: shown, subscribers: map[ParticipantID]Subscriber{}, commits: make(chan committed, 1),
		began: time.Now(), opens: a.now().Round(0),
	}
	return r.loop(ctx)
}
