package supervisor_test

import (
	"context"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/journal"
	"konklave/launch"
	"konklave/meeting"
	"konklave/supervisor"
)

// damage stores an event that does not open.
func (w *world) damage(t *testing.T, id string, seq int64) {
	t.Helper()
	row := journal.Row{Number: seq, Epoch: 1, Kind: "chat.message", Sealed: []byte("not sealed at all")}
	if err := w.db.AppendJournal(t.Context(), []journal.Batch{{Conference: id, Epoch: 1, Seq: seq, Rows: []journal.Row{row}, Digest: []byte("x")}})[0]; err != nil {
		t.Fatal(err)
	}
}

// overfull is a journal that takes nothing after the first append.
type overfull struct{ supervisor.Journal }

func (o overfull) Append(ctx context.Context, id string, epoch, seq int64, events []conference.Stored, entries []audit.Entry, ended bool) error {
	if seq > 1 {
		return journal.ErrFull
	}
	return o.Journal.Append(ctx, id, epoch, seq, events, entries, ended)
}

// talk has somebody join and say something.
func (w *world) talk(t *testing.T, id string, worker *control.Conn) {
	t.Helper()
	anna := w.admit(t, id, worker, "Anna")
	if err := appending(worker, 1, 1, append(enters(t, 1, anna, "p1"), stored(t, 3, "p1", said("m", "p1")))...); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedConferenceIsRefusedUntilItIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	w.talk(t, id, worker)
	stranger := access.Actor{Kind: access.KindAccount, ID: "x", UserID: "x", Roles: []access.Role{access.RoleUser}, Tenant: w.owner.Tenant}
	admin := access.Actor{Kind: access.KindAccount, ID: "y", UserID: "y", Roles: access.Administrator.List(), Tenant: w.owner.Tenant}
	refused := func(actor access.Actor, meetingID string, want fault.Code) {
		t.Helper()
		before := len(w.entries(t))
		if err := w.Abandon(t.Context(), actor, meetingID); fault.As(err).Code != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if rec, err := w.db.Conference(t.Context(), id); err != nil || !rec.Live() || len(w.entries(t)) != before {
			t.Errorf("the refusal left a trace: %+v, %v", rec, err)
		}
	}
	refused(w.owner, w.meeting.ID, "conference.running")
	w.damage(t, id, 4)
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Signal: "killed"})
	for range 2 {
		if _, err := w.Ensure(t.Context(), w.meeting); fault.As(err).Code != "journal.corrupt" {
			t.Fatalf("a join: %v", err)
		}
	}
	other, err := meeting.NewService(w.db, w.options.Now).Create(t.Context(), w.owner, meeting.New{Title: "Other", GuestsAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Ensure(t.Context(), other); err != nil {
		t.Errorf("another meeting: %v", err)
	}
	<-w.workers
	refused(stranger, w.meeting.ID, "access.denied")
	refused(access.Guest("g"), w.meeting.ID, "access.signin_required")
	refused(w.owner, "unknown", "meeting.unknown")
	refused(w.owner, other.ID, "conference.running")
	if err := w.Abandon(t.Context(), admin, w.meeting.ID); err != nil {
		t.Fatal(err)
	}
	entries := w.entries(t)
	if last := entries[len(entries)-1]; last.Kind != audit.KindConferenceEnded || last.ObjectID != id || last.ActorUser != "y" || last.Details != `{"reason":"lost"}` {
		t.Errorf("entry %+v", last)
	}
	if err := w.Abandon(t.Context(), w.owner, w.meeting.ID); fault.As(err).Code != "conference.unknown" {
		t.Errorf("nothing is live: %v", err)
	}
	next, _ := w.open(t)
	if rec, err := w.db.Conference(t.Context(), next); err != nil || next == id || rec.Seq != 0 {
		t.Errorf("after that: %q, %+v, %v", next, rec, err)
	}
}

func TestASoundConferenceIsNotGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rec, _, err := w.db.OpenConference(t.Context(), w.meeting.ID) // as a controller left it that died before the start
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Abandon(t.Context(), w.owner, w.meeting.ID); fault.As(err).Code != "journal.sound" {
		t.Errorf("got %v", err)
	}
	if got, err := w.db.Conference(t.Context(), rec.ID); err != nil || !got.Live() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAFullConferenceIsClosedAndTheNextOneBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *supervisor.Options) { o.Journal = overfull{o.Journal} })
	id, worker := w.open(t)
	w.talk(t, id, worker)
	if err := appending(worker, 1, 4, stored(t, 4, "p1", said("m2", "p1"))); fault.As(err).Code != "journal.full" {
		t.Fatalf("got %v", err)
	}
	entries := w.entries(t)
	if last := entries[len(entries)-1]; last.Kind != audit.KindConferenceEnded || last.ObjectID != id || last.Details != `{"reason":"full"}` || last.ActorKind != access.KindSystem {
		t.Errorf("entry %+v", last)
	}
	if rec, err := w.db.Conference(t.Context(), id); err != nil || rec.Live() {
		t.Errorf("the record is %+v, %v", rec, err)
	}
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Code: 1})
	if next, _ := w.open(t); next == id {
		t.Error("the full conference goes on")
	}
}
