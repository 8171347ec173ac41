package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"konklave/audit"
	"konklave/conference"
	"konklave/fault"
	"konklave/journal"
)

// batch is what an append stores: count rows with some content.
func batch(id string, epoch, seq int64, count int, content string, entries ...audit.Entry) journal.Batch {
	b := journal.Batch{Conference: id, Epoch: epoch, Seq: seq, Digest: []byte(content), Entries: entries}
	for i := range count {
		b.Rows = append(b.Rows, journal.Row{Number: seq + int64(i), Epoch: epoch, Kind: "chat.message", Sealed: []byte(content)})
	}
	return b
}

func ending(b journal.Batch) journal.Batch {
	b.Ended = true
	return b
}

func (h *house) append(t *testing.T, b journal.Batch) error {
	return h.AppendJournal(t.Context(), []journal.Batch{b})[0]
}

// said is a stored message; n makes it one of its own.
func said(t *testing.T, n int64, text string) conference.Stored {
	t.Helper()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Millisecond)
	e := conference.Event{Seq: 2 * n, At: at, By: "p1", CommandID: n, Fact: &conference.ChatMessage{
		Message: conference.Message{ID: fmt.Sprintf("m%d", n), From: "p1", Name: "Anna", Text: text, At: at},
	}}
	st, err := conference.Store(e)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// sameEvents compares as the journal does.
func sameEvents(a, b []conference.Stored) bool {
	return bytes.Equal(journal.Digest(a), journal.Digest(b))
}

var journals = map[string]func(*testing.T, *house){
	"JournalGivesBackWhatWasAppended": func(t *testing.T, h *house) {
		r, j := h.conference(t), h.journal
		if got, err := j.Load(t.Context(), r.ID); err != nil || got.Seq != 0 || len(got.Events) != 0 || got.Snapshot != nil {
			t.Errorf("before the first event: %+v, %v", got, err)
		}
		var all []conference.Stored
		for seq := int64(1); seq <= 7; seq += 2 {
			events := []conference.Stored{said(t, seq, "Grüße, "+r.ID), said(t, seq+1, "😀")}
			for range 2 { // the second time does nothing
				if err := j.Append(t.Context(), r.ID, 1, seq, events, []audit.Entry{h.chat(r)}, false); err != nil {
					t.Fatal(err)
				}
			}
			all = append(all, events...)
		}
		got, err := j.Load(t.Context(), r.ID)
		if err != nil || got.Seq != 8 || !sameEvents(got.Events, all) {
			t.Errorf("got %+v, %v", got, err)
		}
		// Another controller, with the same master key, reads the same and goes on.
		if epoch, err := h.nextEpoch(t, r.ID); err != nil || epoch != 2 {
			t.Fatalf("epoch %d, %v", epoch, err)
		}
		if err := j.Append(t.Context(), r.ID, 1, 9, all[:1], nil, false); !errors.Is(err, journal.ErrStaleEpoch) {
			t.Errorf("A-46: an earlier worker appends: %v", err)
		}
		if err := j.Append(t.Context(), r.ID, 2, 9, []conference.Stored{said(t, 9, "end")}, nil, true); err != nil {
			t.Error(err)
		}
		if got, err := j.Load(t.Context(), r.ID); err != nil || got.Seq != 9 || len(got.Events) != 9 {
			t.Errorf("after the end: %d events up to %d, %v", len(got.Events), got.Seq, err)
		}
	},
	"AppendsThatShareATransactionDoNotTouchEachOther": func(t *testing.T, h *house) {
		r := h.conference(t)
		bad := h.chat(r) // cannot be written twice
		if err := h.append(t, batch(r.ID, 1, 1, 1, "a", bad)); err != nil {
			t.Fatal(err)
		}
		other, _, err := h.OpenConference(t.Context(), h.meeting(t, h.account(t, "b@example.org", "user"), "B").ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.nextEpoch(t, other.ID); err != nil {
			t.Fatal(err)
		}
		for name, refused := range map[string]journal.Batch{
			"a fault":                    batch(r.ID, 9, 2, 1, "x"),
			"a failure of the database":  batch(r.ID, 1, 2, 1, "x", bad),
			"an unknown conference":      batch("x", 1, 1, 1, "x"),
			"the same number once again": batch(r.ID, 1, 1, 1, "x"),
		} {
			before, err := h.Conference(t.Context(), other.ID)
			if err != nil {
				t.Fatal(err)
			}
			fine := batch(other.ID, 1, before.Seq+1, 3, name, h.chat(other))
			errs := h.AppendJournal(t.Context(), []journal.Batch{fine, refused, fine})
			if errs[0] != nil || errs[1] == nil || errs[2] != nil {
				t.Errorf("%s beside a good batch and its repetition: %v", name, errs)
			}
			rows, err := h.JournalRows(t.Context(), other.ID, before.Seq, 10)
			if err != nil || len(rows) != 3 {
				t.Errorf("%s: %d rows, %v", name, len(rows), err)
			}
		}
		if got, err := h.Conference(t.Context(), r.ID); err != nil || got.Seq != 1 {
			t.Errorf("the refused one is at %d, %v", got.Seq, err)
		}
	},
	"ManyAppendAtOnce": func(t *testing.T, h *house) {
		j, owner := h.journal, h.account(t, "host@example.org", "user")
		ids := make([]string, 16)
		for i := range ids {
			r, _, err := h.OpenConference(t.Context(), h.meeting(t, owner, fmt.Sprint(i)).ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.nextEpoch(t, r.ID); err != nil {
				t.Fatal(err)
			}
			ids[i] = r.ID
		}
		const each = 20
		_, failures := sideBySide(len(ids), func(i int) error {
			for n := int64(1); n <= each; n++ {
				if err := j.Append(context.WithoutCancel(t.Context()), ids[i], 1, n, []conference.Stored{said(t, n, ids[i])}, nil, false); err != nil {
					return err
				}
			}
			return nil
		})
		if len(failures) > 0 {
			t.Fatal(failures)
		}
		for _, id := range ids {
			got, err := j.Load(t.Context(), id)
			if err != nil || len(got.Events) != each {
				t.Fatalf("%d events, %v", len(got.Events), err)
			}
			for n, e := range got.Events {
				if want := said(t, int64(n)+1, id); !sameEvents([]conference.Stored{e}, []conference.Stored{want}) {
					t.Errorf("event %d is %+v", n+1, e)
				}
			}
		}
	},
	"NumberOfEventsIsBounded": func(t *testing.T, h *house) {
		r := h.conference(t)
		h.bring(t, r.ID, journal.EventsMax-2, 0)
		for _, step := range []struct {
			count int
			want  error
		}{{3, journal.ErrFull}, {2, nil}, {1, journal.ErrFull}} {
			got, err := h.Conference(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.append(t, batch(r.ID, 1, got.Seq+1, step.count, "a")); !errors.Is(err, step.want) {
				t.Errorf("%d more after %d: %v", step.count, got.Seq, err)
			}
		}
		if err := h.append(t, ending(batch(r.ID, 1, journal.EventsMax+1, 1, "end"))); err != nil {
			t.Errorf("the end: %v", err)
		}
	},
	"BytesAreBounded": func(t *testing.T, h *house) {
		r := h.conference(t)
		h.bring(t, r.ID, 0, journal.BytesMax-2)
		if err := h.append(t, batch(r.ID, 1, 1, 1, "abc")); !errors.Is(err, journal.ErrFull) {
			t.Errorf("a byte too many: %v", err)
		}
		if err := h.append(t, batch(r.ID, 1, 1, 2, "a")); err != nil {
			t.Errorf("exactly full: %v", err)
		}
		if err := h.append(t, batch(r.ID, 1, 3, 1, "a")); !errors.Is(err, journal.ErrFull) {
			t.Errorf("one more: %v", err)
		}
		if err := h.append(t, ending(batch(r.ID, 1, 3, 1, "end"))); err != nil {
			t.Errorf("the end: %v", err)
		}
	},
	"SnapshotTakesThePlaceOfAnEarlierOne": func(t *testing.T, h *house) {
		r := h.conference(t)
		if got, err := h.JournalSnapshot(t.Context(), r.ID); err != nil || got.Number != 0 || got.Sealed != nil {
			t.Errorf("none: %+v, %v", got, err)
		}
		for _, s := range []journal.Snapshot{{Number: 5, Sealed: []byte("a")}, {Number: 9, Sealed: []byte("b")}} {
			if err := h.PutJournalSnapshot(t.Context(), r.ID, s); err != nil {
				t.Fatal(err)
			}
			if got, err := h.JournalSnapshot(t.Context(), r.ID); err != nil || got.Number != s.Number || !slices.Equal(got.Sealed, s.Sealed) {
				t.Errorf("got %+v, %v", got, err)
			}
		}
		if err := h.PutJournalSnapshot(t.Context(), r.ID, journal.Snapshot{Number: 8, Sealed: []byte("late")}); err != nil {
			t.Error(err)
		}
		if got, err := h.JournalSnapshot(t.Context(), r.ID); err != nil || got.Number != 9 {
			t.Errorf("an older one took the place: %+v, %v", got, err)
		}
		if err := h.PutJournalSnapshot(t.Context(), "x", journal.Snapshot{Number: 1}); fault.As(err).Code != "conference.unknown" {
			t.Errorf("of an unknown conference: %v", err)
		}
	},
	"SettingIsAddedOnce": func(t *testing.T, h *house) {
		if got, err := h.Setting(t.Context(), "a"); err != nil || got != "" {
			t.Errorf("none: %q, %v", got, err)
		}
		kept := make([]string, 8)
		_, failures := sideBySide(len(kept), func(i int) (err error) {
			kept[i], err = h.AddSetting(t.Context(), "a", fmt.Sprint("value ", i))
			return err
		})
		got, err := h.Setting(t.Context(), "a")
		if err != nil || len(failures) > 0 || got == "" || slices.ContainsFunc(kept, func(k string) bool { return k != got }) {
			t.Errorf("kept %q, there is %q, %v, %v", kept, got, err, failures)
		}
	},
}

// bring has a conference look as if so much had been appended.
func (h *house) bring(t *testing.T, id string, events, size int64) {
	t.Helper()
	if _, err := h.Raw.ExecContext(t.Context(), "UPDATE conferences SET seq = $1, journal_bytes = $2 WHERE id = $3", events, size, id); err != nil {
		t.Fatal(err)
	}
}
