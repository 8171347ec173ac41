package supervisor_test

import (
	"database/sql"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/conference"
	"konklave/control"
	"konklave/fault"
	"konklave/journal"
	"konklave/launch"
	"konklave/meeting"
)

// exec changes the database behind the program's back.
func (w *world) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+w.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	if _, err := raw.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// talk has somebody join and say something.
func (w *world) talk(t *testing.T, id string, worker *control.Conn) {
	t.Helper()
	anna := w.admit(t, id, worker, "Anna")
	if err := appending(worker, 1, 1, stored(t, 1, "", joined(anna, "p1")), stored(t, 2, "p1", said("m", "p1"))); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedConferenceIsRefusedUntilItIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id, worker := w.open(t)
	w.talk(t, id, worker)
	stranger := access.Actor{Kind: access.KindAccount, ID: "x", UserID: "x", Roles: []access.Role{access.RoleUser}, Tenant: w.owner.Tenant}
	admin := access.Actor{Kind: access.KindAccount, ID: "y", UserID: "y", Roles: []access.Role{access.RoleAdmin}, Tenant: w.owner.Tenant}
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
	w.exec(t, "UPDATE journal_events SET sealed = x'00' WHERE conference_id = ? AND number = 2", id)
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
	w := newWorld(t, nil)
	id, worker := w.open(t)
	w.talk(t, id, worker)
	w.exec(t, "UPDATE conferences SET journal_bytes = ? WHERE id = ?", journal.BytesMax, id)
	if err := appending(worker, 1, 3, stored(t, 3, "p1", said("m2", "p1"))); fault.As(err).Code != "journal.full" {
		t.Fatalf("got %v", err)
	}
	entries := w.entries(t)
	if last := entries[len(entries)-1]; last.Kind != audit.KindConferenceEnded || last.ObjectID != id || last.Details != `{"reason":"full"}` || last.ActorKind != access.KindSystem {
		t.Errorf("entry %+v", last)
	}
	if err := appending(worker, 1, 3, stored(t, 3, "p1", &conference.ParticipantLeft{ID: "p1", Reason: conference.LeftByChoice})); fault.As(err).Code != "conference.ended" {
		t.Errorf("after the end: %v", err)
	}
	w.end(launch.Exit{Running: launch.Running{Conference: id, Epoch: 1}, Code: 1})
	if next, _ := w.open(t); next == id {
		t.Error("the full conference goes on")
	}
}
