package conference

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"konklave/fault"
)

func asCode(err error) fault.Code { return fault.As(err).Code }

// gateJournal commits when it is told to.
type gateJournal struct {
	batches chan []Event
	answers chan error
}

func (j *gateJournal) Append(ctx context.Context, events []Event) error {
	j.batches <- events
	select {
	case err := <-j.answers:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// openJournal commits at once.
type openJournal struct{}

func (openJournal) Append(context.Context, []Event) error { return nil }

// listener keeps what it is offered, up to its room.
type listener struct {
	room int
	got  []Delivery
}

func (l *listener) Offer(d Delivery) bool {
	if len(l.got) >= l.room {
		return false
	}
	l.got = append(l.got, d)
	return true
}

func startActor(t *testing.T, j Journal) *Actor {
	t.Helper()
	a := NewActor(ActorOptions{Journal: j, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		<-a.Done()
	})
	go func() { _ = a.Run(ctx, New(settings(), time.Now(), time.Now())) }() // the cause is read through Err
	return a
}

func do(t *testing.T, a *Actor, c Command) Outcome {
	t.Helper()
	o, err := a.Do(t.Context(), c)
	if err != nil {
		t.Fatalf("%T: %v", c.Body, err)
	}
	return o
}

func TestNothingDurableIsShownBeforeItsCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &gateJournal{batches: make(chan []Event), answers: make(chan error)}
		a := startActor(t, j)
		joined := make(chan Outcome, 1)
		if err := a.Submit(t.Context(), join("host", RoleHost), func(o Outcome, _ error) { joined <- o }); err != nil {
			t.Fatal(err)
		}
		attached := make(chan Attachment, 1)
		go func() {
			at, err := a.Attach(t.Context(), "host", 1, -1, &listener{room: 10})
			if err != nil {
				t.Error(err)
			}
			attached <- at
		}()
		batch := <-j.batches
		synctest.Wait()
		select {
		case <-joined:
			t.Error("the join was answered before its commit")
		case <-attached:
			t.Error("a view was given that waits for a commit")
		default:
		}
		j.answers <- nil
		o := <-joined
		if o.Seq != batch[len(batch)-1].Seq || o.Participant != "host" {
			t.Errorf("outcome %+v", o)
		}
		if at := <-attached; at.View == nil || len(at.View.Participants) != 1 {
			t.Errorf("attachment %+v", at)
		}
	})
}

func TestEphemeralEventsKeepTheirPlaceBehindDurableOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &gateJournal{batches: make(chan []Event), answers: make(chan error)}
		a := startActor(t, j)
		go func() { <-j.batches; j.answers <- nil }()
		do(t, a, join("host", RoleHost))
		l := &listener{room: 10}
		if _, err := a.Attach(t.Context(), "host", 1, -1, l); err != nil {
			t.Fatal(err)
		}
		if err := a.Submit(t.Context(), Command{By: "host", Line: 1, ID: 1, Body: &ChatSend{Text: "x", Nonce: "m"}}, nil); err != nil {
			t.Fatal(err)
		}
		<-j.batches
		if err := a.Submit(t.Context(), Command{Body: Disconnect{ID: "host", Line: 1}}, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(l.got) != 0 {
			t.Errorf("%d events were shown before the commit", len(l.got))
		}
		j.answers <- nil
		synctest.Wait()
		if len(l.got) != 2 || l.got[0].Event.Fact.Kind() != "chat.message" || l.got[1].Event.Fact.Kind() != "participant.connection" {
			t.Errorf("shown: %v", l.got)
		}
	})
}

func TestAJournalThatRefusesStopsTheConference(t *testing.T) {
	t.Parallel()
	stale := errors.New("stale epoch")
	j := &gateJournal{batches: make(chan []Event, 1), answers: make(chan error, 1)}
	j.answers <- stale
	a := startActor(t, j)
	if _, err := a.Do(t.Context(), join("host", RoleHost)); !errors.Is(err, ErrStopped) {
		t.Errorf("join: %v", err)
	}
	if err := a.Err(); !errors.Is(err, stale) {
		t.Errorf("cause: %v", err)
	}
}

func TestResumeGivesExactlyWhatWasMissed(t *testing.T) {
	t.Parallel()
	a := startActor(t, openJournal{})
	do(t, a, join("host", RoleHost))
	seen := do(t, a, join("anna", RoleParticipant)).Seq
	for i := int64(1); i <= 3; i++ {
		do(t, a, Command{By: "host", Line: 1, ID: i, Body: &ChatSend{Text: "x", Nonce: "m"}})
	}
	at, err := a.Attach(t.Context(), "anna", 1, seen, &listener{room: 10})
	if err != nil || at.View != nil || len(at.Missed) != 3 {
		t.Errorf("after %d: %+v, %v", seen, at, err)
	}
	for _, beyond := range []int64{-1, at.Seq + 1} {
		if at, err := a.Attach(t.Context(), "anna", 1, beyond, &listener{room: 10}); err != nil || at.View == nil {
			t.Errorf("after %d: %+v, %v", beyond, at, err)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	a := startActor(t, openJournal{})
	seen := do(t, a, join("host", RoleHost)).Seq
	for i := int64(1); i <= 2*HistoryKept; i++ {
		do(t, a, Command{By: "host", Line: 1, ID: i, Body: &ChatSend{Text: "x", Nonce: "m"}})
	}
	if at, err := a.Attach(t.Context(), "host", 1, seen, &listener{room: 10}); err != nil || at.View == nil {
		t.Errorf("an event out of history: %+v, %v", at, err)
	}
	last := seen + 2*HistoryKept
	if at, err := a.Attach(t.Context(), "host", 1, last-HistoryKept+1, &listener{room: 10}); err != nil || at.View != nil {
		t.Errorf("an event in history: %+v, %v", at, err)
	}
}

func TestASubscriberWithoutRoomIsForgottenAndNobodyElseIsDelayed(t *testing.T) {
	t.Parallel()
	a := startActor(t, openJournal{})
	do(t, a, join("host", RoleHost))
	do(t, a, join("slow", RoleParticipant))
	fast, slow := &listener{room: 100}, &listener{room: 1}
	for id, l := range map[ParticipantID]*listener{"host": fast, "slow": slow} {
		if _, err := a.Attach(t.Context(), id, 1, -1, l); err != nil {
			t.Fatal(err)
		}
	}
	for i := int64(1); i <= 5; i++ {
		do(t, a, Command{By: "host", Line: 1, ID: i, Body: &ChatSend{Text: "x", Nonce: "m"}})
	}
	do(t, a, Command{Body: Tick{}})
	if len(fast.got) != 5 || len(slow.got) != 1 {
		t.Errorf("fast got %d, slow %d", len(fast.got), len(slow.got))
	}
}

func TestDeadlinesComeByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startActor(t, openJournal{})
		do(t, a, join("host", RoleHost))
		do(t, a, Command{Body: Disconnect{ID: "host", Line: 1}})
		time.Sleep(settings().ResumeWindow - time.Millisecond)
		synctest.Wait()
		if _, err := a.Do(t.Context(), Command{Body: Connect{ID: "host", Line: 2}}); err != nil {
			t.Errorf("back within the window: %v", err)
		}
		do(t, a, Command{Body: Disconnect{ID: "host", Line: 2}})
		began := time.Now()
		<-a.Done()
		if got, want := time.Since(began), settings().ResumeWindow+settings().Linger; got != want {
			t.Errorf("ended after %v, want %v", got, want)
		}
		if err := a.Err(); err != nil {
			t.Errorf("a regular end: %v", err)
		}
		if _, err := a.Do(context.Background(), join("late", RoleHost)); !errors.Is(err, ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// batches keeps the sizes of what it commits.
type batches struct{ sizes chan int }

func (b batches) Append(_ context.Context, events []Event) error {
	b.sizes <- len(events)
	return nil
}

// The clock is put while somebody is waited for and while the conference is empty, by hours forward or back.
func TestA87AClockThatIsPutEndsNoWaitEarlyOrLate(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{2 * time.Hour, -2 * time.Hour, clockJump, -clockJump} {
		synctest.Test(t, func(t *testing.T) {
			var put atomic.Int64
			wall := func() time.Time { return time.Now().Add(time.Duration(put.Load())) }
			a := NewActor(ActorOptions{Journal: openJournal{}, Now: wall, Log: slog.New(slog.DiscardHandler)})
			go func() { _ = a.Run(t.Context(), New(settings(), wall(), wall())) }() // the cause is read through Err
			do(t, a, join("host", RoleHost))
			do(t, a, Command{Body: Disconnect{ID: "host", Line: 1}})
			time.Sleep(settings().ResumeWindow / 2)
			put.Add(int64(jump))
			time.Sleep(settings().ResumeWindow/2 - time.Millisecond)
			if _, err := a.Do(t.Context(), Command{Body: Connect{ID: "host", Line: 2}}); err != nil {
				t.Errorf("%v: back within the window: %v", jump, err)
			}
			do(t, a, Command{Body: Disconnect{ID: "host", Line: 2}})
			began := time.Now()
			put.Add(int64(-jump))
			time.Sleep(settings().ResumeWindow + settings().Linger/2)
			put.Add(int64(jump))
			<-a.Done()
			if got, want := time.Since(began), settings().ResumeWindow+settings().Linger; got != want {
				t.Errorf("%v: ended after %v, want %v", jump, got, want)
			}
			if err := a.Err(); err != nil {
				t.Errorf("%v: a regular end: %v", jump, err)
			}
		})
	}
}

// A journal that stands still: what people want is refused at the limit, what the server notices is not.
func TestWhatWaitsForTheJournalIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &gateJournal{batches: make(chan []Event, 1), answers: make(chan error, 1)}
		a := startActor(t, j)
		j.answers <- nil
		do(t, a, join("host", RoleHost))
		<-j.batches
		refused := 0
		const each = 2 // an event and an answer wait for each message
		for i := range WaitingMax/each + 1 {
			c := Command{By: "host", Line: 1, ID: int64(i + 1), Body: &ChatSend{Text: "x", Nonce: "m"}}
			answer := func(_ Outcome, err error) {
				if refused++; asCode(err) != ErrBehind.Code || i != WaitingMax/each {
					t.Errorf("message %d: %v", i+1, err)
				}
			}
			if err := a.Submit(t.Context(), c, answer); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if refused != 1 {
			t.Errorf("%d messages were answered before the journal", refused)
		}
		if err := a.Submit(t.Context(), Command{By: "host", Line: 1, ID: WaitingMax, Body: &Leave{}}, nil); err != nil { // nobody asks for the answer
			t.Fatal(err)
		}
		if err := a.Submit(t.Context(), Command{Body: Disconnect{ID: "host", Line: 1}}, nil); err != nil {
			t.Fatal(err)
		}
		if err := a.Responds(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsDecidedTogetherIsCommittedTogether(t *testing.T) {
	t.Parallel()
	const people = batchMax + 50
	j := batches{make(chan int, people+1)}
	a := NewActor(ActorOptions{Journal: j, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	large := settings()
	large.MaxParticipants = people
	go func() { _ = a.Run(t.Context(), New(large, time.Now(), time.Now())) }() // the cause is read through Err
	for i := range people {
		do(t, a, join(string(rune('A'+i)), RoleHost))
		<-j.sizes
	}
	do(t, a, Command{By: "A", Line: 1, ID: 1, Body: &End{}})
	if n := <-j.sizes; n != people+1 {
		t.Errorf("the end of %d people came in a commit of %d events", people, n)
	}
	if err := a.Err(); err != nil {
		t.Error(err)
	}
}

func TestNobodyListensWhoHasLeftOrWasReplaced(t *testing.T) {
	t.Parallel()
	a := startActor(t, openJournal{})
	do(t, a, join("host", RoleHost))
	do(t, a, join("anna", RoleParticipant))
	do(t, a, Command{Body: Connect{ID: "anna", Line: 2}})
	l := &listener{room: 10}
	if _, err := a.Attach(t.Context(), "anna", 1, -1, l); !errors.Is(err, ErrReplaced) {
		t.Errorf("an older connection: %v", err)
	}
	do(t, a, Command{By: "anna", Line: 2, ID: 1, Body: &Leave{}})
	if _, err := a.Attach(t.Context(), "anna", 2, -1, l); !errors.Is(err, ErrNotPresent) {
		t.Errorf("after leaving: %v", err)
	}
	do(t, a, Command{By: "host", Line: 1, ID: 1, Body: &ChatSend{Text: "x", Nonce: "m"}})
	if len(l.got) != 0 {
		t.Errorf("%d events reached somebody who is not there", len(l.got))
	}
}

// stuck is a subscriber that breaks its word and blocks.
type stuck struct{ until chan struct{} }

func (s stuck) Offer(Delivery) bool {
	<-s.until
	return true
}

// TestAnActorRespondsUnlessItHangs: while a commit takes its time it responds, and after its end.
func TestAnActorRespondsUnlessItHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &gateJournal{make(chan []Event), make(chan error)}
		a := NewActor(ActorOptions{Journal: j, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		responds := func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return a.Responds(ctx)
		}
		if err := responds(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before it runs: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() { _ = a.Run(ctx, New(settings(), time.Now(), time.Now())) }() // ended below
		if err := a.Submit(ctx, join("host", RoleHost), nil); err != nil {
			t.Fatal(err)
		}
		<-j.batches
		if err := responds(); err != nil {
			t.Errorf("while it commits: %v", err)
		}
		j.answers <- nil
		hang := stuck{make(chan struct{})}
		if _, err := a.Attach(ctx, "host", 1, -1, hang); err != nil {
			t.Fatal(err)
		}
		if err := a.Submit(ctx, Command{Body: Disconnect{ID: "host", Line: 1}}, nil); err != nil {
			t.Fatal(err)
		}
		if err := responds(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while it hangs: %v", err)
		}
		close(hang.until)
		if err := responds(); err != nil {
			t.Errorf("after that: %v", err)
		}
		cancel()
		<-a.Done()
		if err := responds(); err != nil {
			t.Errorf("after its end: %v", err)
		}
	})
}
