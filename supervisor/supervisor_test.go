package supervisor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/launch"
	"konklave/meeting"
	"konklave/supervisor"
)

func TestReportsOfAWorkerAreStoredOnceWithTheirEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	anna := w.admit(t, id, worker, "Anna")
	before := len(w.entries(t))
	batch := append(enters(t, 1, anna, "p1"), stored(t, 3, "p1", said("m1", "p1")))
	for range 2 { // the answer to the first was lost
		if err := appending(worker, 1, 1, batch...); err != nil {
			t.Fatal(err)
		}
	}
	added := w.entries(t)[before:]
	if len(added) != 2 || added[0].Kind != audit.KindParticipantJoined || added[1].Kind != audit.KindChatSent {
		t.Fatalf("entries: %+v", added)
	}
	for _, e := range added {
		if e.ReportedBy != id || e.ActorID != anna.Account {
			t.Errorf("entry of %q reported by %q", e.ActorID, e.ReportedBy)
		}
		if strings.Contains(e.Details, "secret text") {
			t.Error("the audit log says what was said")
		}
	}
	if err := appending(worker, 1, 4, stored(t, 4, "", &conference.Ended{Reason: conference.EndedShutdown})); err != nil {
		t.Fatal(err)
	}
	if w.Running(w.meeting.ID) {
		t.Error("an ended conference is reported as running")
	}
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}})
	if again, _ := w.open(t); again == id {
		t.Error("an ended conference was opened again")
	}
}

func TestA89AHostileWorkerIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	anna, bob := w.admit(t, id, worker, "Anna"), w.admit(t, id, worker, "Bob")
	if err := appending(worker, 1, 1, enters(t, 1, anna, "p1")...); err != nil {
		t.Fatal(err)
	}
	host := anna
	host.Role = conference.RoleHost
	stranger := anna
	stranger.Account = "somebody"
	renamed := anna
	renamed.Name = "Mayor"
	renamedMessage := said("m", "p1")
	renamedMessage.(*conference.ChatMessage).Message.Name = "Mayor"
	other := anna
	other.session = sessionOf("another")
	malformed := stored(t, 3, "p1", said("m", "p1"))
	malformed.Fact = jsontext.Value(`{"message":{"id":"m"},"extra":1}`)
	unknown := stored(t, 3, "p1", said("m", "p1"))
	unknown.Kind = "vote.cast"
	newer := stored(t, 3, "p1", said("m", "p1"))
	newer.Version = conference.StoredVersion + 1
	late := stored(t, 3, "p1", said("m", "p1"))
	late.At = late.At.Add(-2 * conference.EventLate)
	repeated := stored(t, 3, "p1", said("m", "p1"))
	repeated.CommandID = 0
	one := func(st conference.Stored) []conference.Stored { return []conference.Stored{st} }
	ended := stored(t, 3, "", &conference.Ended{Reason: conference.EndedShutdown})
	before := len(w.entries(t))
	for _, tt := range []struct {
		name   string
		epoch  int64
		seq    int64
		events []conference.Stored
		want   fault.Code
	}{
		{"forged speaker", 1, 3, one(stored(t, 3, "p9", said("m", "p9"))), "journal.forged_actor"},
		{"speaks for another", 1, 3, one(stored(t, 3, "p1", said("m", "p2"))), "journal.impossible"},
		{"speaks under another name", 1, 3, one(stored(t, 3, "p1", renamedMessage)), "journal.forged_actor"},
		{"forged account", 1, 3, enters(t, 3, stranger, "p2"), "journal.forged_actor"},
		{"raised role", 1, 3, enters(t, 3, host, "p2"), "journal.forged_actor"},
		{"another name", 1, 3, enters(t, 3, renamed, "p2"), "journal.forged_actor"},
		{"a session without a ticket", 1, 3, one(stored(t, 3, "", opened(other, "p1"))), "journal.forged_actor"},
		{"the same session again", 1, 3, one(stored(t, 3, "", opened(anna, "p1"))), "journal.session_spent"},
		{"the same ticket for another place", 1, 3, enters(t, 3, anna, "p2"), "journal.session_spent"},
		{"coming without a session", 1, 3, one(stored(t, 3, "", joined(bob, "p2"))), "journal.forged_actor"},
		{"a session for another place than the one taken", 1, 3, []conference.Stored{stored(t, 3, "", joined(bob, "p2")), stored(t, 4, "", opened(bob, "p1"))}, "journal.forged_actor"},
		{"somebody's session for another", 1, 3, one(stored(t, 3, "", opened(bob, "p1"))), "journal.forged_actor"},
		{"coming again", 1, 3, enters(t, 3, bob, "p1"), "journal.forged_actor"},
		{"end in the host's name", 1, 3, one(stored(t, 3, "p1", &conference.Ended{Reason: conference.EndedByHost})), "journal.forged_actor"},
		{"end of what is not empty", 1, 3, one(stored(t, 3, "", &conference.Ended{Reason: conference.EndedEmpty})), "journal.forged_actor"},
		{"leaving of one who is not there", 1, 3, one(stored(t, 3, "", &conference.ParticipantLeft{ID: "p9", Reason: "lost"})), "journal.forged_actor"},
		{"leaving with an end that is none", 1, 3, one(stored(t, 3, "", &conference.ParticipantLeft{ID: "p1", Reason: conference.LeftEnded})), "journal.forged_actor"},
		{"a message after the end", 1, 3, []conference.Stored{ended, stored(t, 4, "p1", said("m", "p1"))}, "journal.forged_actor"},
		{"stale epoch", 0, 3, one(stored(t, 3, "p1", said("m", "p1"))), "journal.stale_epoch"},
		{"epoch of the future", 2, 3, one(stored(t, 3, "p1", said("m", "p1"))), "journal.stale_epoch"},
		{"a gap", 1, 4, one(stored(t, 4, "p1", said("m", "p1"))), "journal.out_of_order"},
		{"other content at a number taken", 1, 1, one(stored(t, 1, "p1", said("m", "p1"))), "journal.out_of_order"},
		{"backwards", 1, 3, []conference.Stored{stored(t, 4, "p1", said("m", "p1")), stored(t, 3, "p1", said("m", "p1"))}, "journal.unordered"},
		{"the number of an event before", 1, 3, one(stored(t, 2, "p1", said("m", "p1"))), "journal.unordered"},
		{"a number of the next epoch", 1, 3, one(stored(t, conference.EpochSpan+1, "p1", said("m", "p1"))), "journal.impossible"},
		{"long ago", 1, 3, one(late), "journal.impossible"},
		{"no command", 1, 3, one(repeated), "journal.impossible"},
		{"nothing", 1, 3, nil, "journal.empty"},
		{"malformed", 1, 3, one(malformed), "journal.malformed"},
		{"unknown kind", 1, 3, one(unknown), "journal.unknown_kind"},
		{"unknown version", 1, 3, one(newer), "journal.version"},
	} {
		if err := appending(worker, tt.epoch, tt.seq, tt.events...); fault.As(err).Code != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	if after := len(w.entries(t)); after != before {
		t.Errorf("refused reports left %d entries", after-before)
	}
	if err := worker.Call(t.Context(), "users", struct{}{}, nil); fault.As(err).Code != "control.unknown_call" {
		t.Errorf("a call that does not exist: %v", err)
	}
	if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: "x"}, nil); fault.As(err).Code != "journal.no_session" {
		t.Errorf("a ticket for no session: %v", err)
	}
	if err := appending(worker, 1, 3, stored(t, 3, "p1", said("m", "p1"))); err != nil {
		t.Errorf("an honest report after all that: %v", err)
	}
	again := stored(t, 4, "p1", said("m2", "p1"))
	again.CommandID = 3
	if err := appending(worker, 1, 4, again); fault.As(err).Code != "journal.forged_actor" {
		t.Errorf("a command that was applied before: %v", err)
	}
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Signal: "killed"})
	next := <-w.workers // what is stored is sound
	var page control.HistoryPage
	if err := next.Call(t.Context(), control.CallHistory, control.History{Epoch: 2}, &page); err != nil || page.Seq != 3 {
		t.Errorf("the history for the next worker: %+v, %v", page, err)
	}
}

// forgetful is a journal that does not write what is appended: only the number of events is of interest.
type forgetful struct{ supervisor.Journal }

func (forgetful) Append(context.Context, string, int64, int64, []conference.Stored, []audit.Entry, bool) error {
	return nil
}

func TestEventsMaxFromBothSides(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *supervisor.Options) { o.Journal = forgetful{o.Journal} })
	id, worker := w.open(t)
	anna := w.admit(t, id, worker, "Anna")
	events := enters(t, 1, anna, "p1")
	for seq := int64(3); seq <= supervisor.EventsMax+1; seq++ {
		message := said("m", "p1").(*conference.ChatMessage)
		message.Message.Text = "x" // all of them fit into a frame
		events = append(events, stored(t, seq, "p1", message))
	}
	if err := appending(worker, 1, 1, events...); fault.As(err).Code != "journal.too_many" {
		t.Errorf("over the limit: %v", err)
	}
	if err := appending(worker, 1, 1, events[:supervisor.EventsMax]...); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

func TestARestartedControllerKnowsWhoWasAdmittedAndARetryIsNotForged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	anna := w.admit(t, id, worker, "Anna")
	batch := append(enters(t, 1, anna, "p1"), stored(t, 3, "p1", &conference.ParticipantLeft{ID: "p1", Reason: conference.LeftByChoice}))
	for range 2 { // the answer to the first was lost; p1 has left meanwhile
		if err := appending(worker, 1, 1, batch...); err != nil {
			t.Fatal(err)
		}
	}
	bob := w.admit(t, id, worker, "Bob")
	next := supervisor.New(w.options)
	if err := next.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := <-w.workers
	if err := appending(again, 1, 4, append(enters(t, 4, bob, "p2"), stored(t, 6, "p2", said("m", "p2")))...); err != nil {
		t.Errorf("what was admitted before the restart: %v", err)
	}
	stranger := anna
	stranger.Account = "somebody"
	if err := appending(again, 1, 7, enters(t, 7, stranger, "p3")...); fault.As(err).Code != "journal.forged_actor" {
		t.Errorf("a stranger after the restart: %v", err)
	}
	if got, err := next.Ensure(t.Context(), w.meeting); err != nil || got != id {
		t.Errorf("a join after the restart: %s, %v", got, err)
	}
}

func TestATicketOfAnotherConferenceIsForeign(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, worker := w.open(t)
	_, guest := auth.NewGuest()
	ticket, _, err := w.tickets.Issue(t.Context(), access.Guest(guest), auth.Grant{Conference: "another", Meeting: w.meeting.ID, Name: "Anna", Role: access.RoleParticipant})
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Call(t.Context(), control.CallRedeem, control.Redeem{Ticket: ticket, Session: sessionOf(ticket)}, nil); fault.As(err).Code != "ticket.foreign" {
		t.Errorf("A-20: got %v", err)
	}
}

func TestManyWhoJoinAtOnceStartOneWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ids := make(chan string, 20)
	for range cap(ids) {
		go func() {
			id, err := w.Ensure(t.Context(), w.meeting)
			if err != nil {
				t.Error(err)
			}
			ids <- id
		}()
	}
	first := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != first {
			t.Errorf("two conferences: %s and %s", first, id)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.started) != 1 || w.started[0].Epoch != 1 || w.started[0].JournalSeq != 0 {
		t.Errorf("started: %d", len(w.started))
	}
}

func TestADeadWorkerIsReplacedInTheNextEpoch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	anna := w.admit(t, id, worker, "Anna")
	if err := appending(worker, 1, 1, enters(t, 1, anna, "p1")...); err != nil {
		t.Fatal(err)
	}
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Signal: "killed"})
	again, next := w.open(t)
	if again != id {
		t.Errorf("another conference was opened: %s, then %s", id, again)
	}
	w.mu.Lock()
	if len(w.started) != 2 || w.started[1].Epoch != 2 || w.started[1].JournalSeq != 2 {
		t.Errorf("the second start: %+v", w.started[1:])
	}
	w.mu.Unlock()
	if err := appending(next, 1, 3, stored(t, 3, "", &conference.Ended{Reason: conference.EndedEmpty})); fault.As(err).Code != "journal.stale_epoch" {
		t.Errorf("the old epoch: %v", err)
	}
}

func TestMaxRunningFromBothSides(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *supervisor.Options) { o.MaxRunning = 1 })
	w.open(t)
	if _, err := w.Ensure(t.Context(), w.meeting); err != nil {
		t.Errorf("a conference that runs: %v", err)
	}
	second, err := meeting.NewService(w.db, time.Now).Create(t.Context(), w.owner, meeting.New{Title: "Second"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Ensure(t.Context(), second); !errors.Is(err, supervisor.ErrFull) {
		t.Errorf("one more: %v", err)
	}
}
