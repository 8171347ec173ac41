package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"konklave/conference"
	"konklave/control"
	"konklave/fault"
)

// archive plays a controller that keeps a history and tells it in small pieces.
type archive struct {
	snapshot []byte
	after    int64
	events   []conference.Stored
	piece    int // bytes of the snapshot, and events, in one page
	asked    int
	fail     []error // answers before it works
	spoil    func(*control.HistoryPage)
}

func (a *archive) call(_ context.Context, name string, body, result any) error {
	if len(a.fail) > 0 {
		err := a.fail[0]
		a.fail = a.fail[1:]
		return err
	}
	if name != control.CallHistory {
		return control.ErrUnknownCall
	}
	a.asked++
	q := body.(control.History)           //nolint:forcetypeassert // what replay asks
	page := result.(*control.HistoryPage) //nolint:forcetypeassert // and wants
	last := a.after + int64(len(a.events))
	*page = control.HistoryPage{SnapshotSize: int64(len(a.snapshot)), SnapshotSeq: a.after, Seq: last}
	if q.After < a.after {
		end := min(q.Offset+int64(a.piece), int64(len(a.snapshot)))
		page.Snapshot, page.More = a.snapshot[q.Offset:end], true
	} else {
		rest := a.events[q.After-a.after:]
		page.Events = rest[:min(a.piece, len(rest))]
		page.More = len(rest) > a.piece
	}
	if a.spoil != nil {
		a.spoil(page)
	}
	return nil
}

func settings() conference.Settings {
	return conference.Settings{ID: "c1", Title: "Council", Codec: "vp8", ResumeWindow: time.Minute, Linger: time.Minute, MaxParticipants: 10}
}

// lived makes the history of a conference with one person and n messages, the first kept of them in a snapshot.
func lived(t *testing.T, n, kept int) *archive {
	t.Helper()
	a := &archive{piece: 7}
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := conference.New(settings(), now, now)
	do := func(c conference.Command) {
		t.Helper()
		events, _, err := conference.Decide(s, c, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			s.Evolve(e)
			st, err := conference.Store(e)
			if err != nil {
				t.Fatal(err)
			}
			a.events = append(a.events, st)
		}
	}
	do(conference.Command{Body: conference.Join{Admission: conference.Admission{Account: "u", Kind: conference.KindGuest, Role: conference.RoleHost, Name: "Anna"}, ID: "anna", Line: 1, Session: "hash"}})
	for i := range n {
		if i == kept && kept > 0 {
			raw, err := s.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			a.snapshot, a.after, a.events = raw, int64(len(a.events)), nil
		}
		do(conference.Command{By: "anna", Line: 1, ID: int64(i + 1), Body: &conference.ChatSend{Text: fmt.Sprint("message ", i+1), Nonce: fmt.Sprint("m", i+1)}})
	}
	return a
}

func TestAWorkerStartsFromWhatTheOneBeforeHasLeft(t *testing.T) {
	t.Parallel()
	for _, kept := range []int{0, 1, 20, 39} {
		a := lived(t, 40, kept)
		at := time.Now()
		s, seq, err := replay(t.Context(), a, 2, settings(), at, at)
		if err != nil {
			t.Fatalf("%d in the snapshot: %v", kept, err)
		}
		people, chat := s.Participants(), s.Project("anna").Chat
		if len(people) != 1 || people[0].Connected || len(chat) != 40 || chat[39].Text != "message 40" || seq != 42 || s.Seq != conference.SeqBefore(2) {
			t.Errorf("%d in the snapshot: %+v, %d messages, journal at %d, events at %d", kept, people, len(chat), seq, s.Seq)
		}
		connect := conference.Command{Body: conference.Connect{Session: "hash", Line: 1}}
		events, o, err := conference.Decide(s, connect, at)
		if err != nil || o.Participant != "anna" {
			t.Fatalf("%d in the snapshot: the resume token: %+v, %v", kept, o, err)
		}
		for _, e := range events {
			s.Evolve(e)
		}
		resend := conference.Command{By: "anna", Line: 1, ID: 40, Body: &conference.ChatSend{Text: "message 40", Nonce: "again"}}
		if events, o, err := conference.Decide(s, resend, at); err != nil || len(events) != 0 || o.Seq != 42 {
			t.Errorf("%d in the snapshot: a command sent again gives %d events, %+v, %v", kept, len(events), o, err)
		}
	}
}

func TestAFirstWorkerFindsNothing(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*archive{"an empty journal": {piece: 1}, "an older controller": {fail: []error{errNoHistory}}} {
		s, seq, err := replay(t.Context(), a, 1, settings(), time.Now(), time.Now())
		if err != nil || seq != 0 || s.Seq != 0 || len(s.Participants()) != 0 {
			t.Errorf("%s: %+v, %d, %v", name, s, seq, err)
		}
	}
}

func TestReplayWaitsForAController(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := lived(t, 3, 0)
		a.fail = []error{errNoController, errNoController, errors.New("database is locked")}
		began := time.Now()
		if _, seq, err := replay(t.Context(), a, 2, settings(), began, began); err != nil || seq != 5 {
			t.Errorf("%d, %v", seq, err)
		}
		if time.Since(began) != 7*callPauseFirst {
			t.Errorf("it took %v", time.Since(began))
		}
	})
}

func TestAHistoryThatDoesNotFitTogetherIsRefused(t *testing.T) {
	t.Parallel()
	corrupt := fault.New(fault.KindConflict, "journal.corrupt", "Damaged.")
	for name, tt := range map[string]struct {
		change func(*archive)
		want   error
	}{
		"refused":                     {func(a *archive) { a.fail = []error{corrupt} }, corrupt},
		"a page without events":       {func(a *archive) { a.spoil = func(p *control.HistoryPage) { p.Events = nil } }, errHistory},
		"an event less":               {func(a *archive) { a.spoil = func(p *control.HistoryPage) { p.Seq++ } }, errHistory},
		"a snapshot without an end":   {func(a *archive) { a.spoil = func(p *control.HistoryPage) { p.Snapshot = nil } }, errHistory},
		"a snapshot that is too long": {func(a *archive) { a.spoil = func(p *control.HistoryPage) { p.SnapshotSize -= 3 } }, errHistory},
		"another snapshot in between": {func(a *archive) { a.spoil = func(p *control.HistoryPage) { p.SnapshotSeq += int64(a.asked) } }, errHistory},
		"a snapshot that is no state": {func(a *archive) { a.snapshot[0] = 'x' }, conference.ErrSnapshot},
		"an event of an unknown kind": {func(a *archive) { a.events[0].Kind = "x" }, fault.New(fault.KindInvalid, "journal.unknown_kind", "")},
	} {
		a := lived(t, 20, 10)
		tt.change(a)
		_, _, err := replay(t.Context(), a, 2, settings(), time.Now(), time.Now())
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
