package storetest

import (
	"errors"
	"fmt"
	"testing"

	"konklave/access"
	"konklave/conference"
	"konklave/journal"
)

// another opens a conference of another meeting and begins its first epoch.
func (h *house) another(t *testing.T, name string) conference.Record {
	t.Helper()
	r, _, err := h.OpenConference(t.Context(), h.meeting(t, h.account(t, name+"@example.org", access.Ordinary), name).ID)
	if err == nil {
		_, err = h.nextEpoch(t, r.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fill appends messages up to number last, in batches of at most 100.
func (h *house) fill(t *testing.T, id string, last int64) {
	t.Helper()
	r, err := h.Conference(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for next := r.Seq + 1; next <= last; {
		var events []conference.Stored
		first := next
		for ; next <= last && len(events) < 100; next++ {
			events = append(events, said(t, next, fmt.Sprint("text ", next, " of ", id)))
		}
		if err := h.journal.Append(t.Context(), id, 1, first, events, nil, false); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *house) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	res, err := h.Raw.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := res.RowsAffected(); err != nil || rows == 0 {
		t.Fatalf("%s touched nothing (%v)", statement, err)
	}
}

// flip changes one bit of a column that holds bytes.
func (h *house) flip(t *testing.T, table, column, where string, place int) {
	t.Helper()
	var content []byte
	if err := h.Raw.QueryRowContext(t.Context(), "SELECT "+column+" FROM "+table+" WHERE "+where).Scan(&content); err != nil {
		t.Fatal(err)
	}
	content[place%len(content)] ^= 1
	h.exec(t, "UPDATE "+table+" SET "+column+" = $1 WHERE "+where, content)
}

// damagesOfJournals are the ways in which somebody who can write to the database may change what a conference left.
var damagesOfJournals = map[string]func(t *testing.T, h *house, id, other string){
	"BitOfARow":     func(t *testing.T, h *house, id, _ string) { h.flip(t, "journal_events", "sealed", rowOf(id, 3), 40) },
	"BitOfTheHead":  func(t *testing.T, h *house, id, _ string) { h.flip(t, "journal_events", "sealed", rowOf(id, 3), 0) },
	"BitOfTheKeyID": func(t *testing.T, h *house, id, _ string) { h.flip(t, "journal_events", "sealed", rowOf(id, 3), 5) },
	"BitOfTheNonce": func(t *testing.T, h *house, id, _ string) { h.flip(t, "journal_events", "sealed", rowOf(id, 3), 10) },
	"CutRow":        func(t *testing.T, h *house, id, _ string) { h.cut(t, id, 20) },
	"EmptyRow":      func(t *testing.T, h *house, id, _ string) { h.cut(t, id, 0) },
	"MissingRow": func(t *testing.T, h *house, id, _ string) {
		h.exec(t, "DELETE FROM journal_events WHERE "+rowOf(id, 3))
	},
	"MissingFirst": func(t *testing.T, h *house, id, _ string) {
		h.exec(t, "DELETE FROM journal_events WHERE "+rowOf(id, 1))
	},
	"MissingLast": func(t *testing.T, h *house, id, _ string) {
		h.exec(t, "DELETE FROM journal_events WHERE "+rowOf(id, 5))
	},
	"SwappedRows":   func(t *testing.T, h *house, id, _ string) { h.swap(t, id, 2, 3) },
	"ReplayedOlder": func(t *testing.T, h *house, id, _ string) { h.copyRow(t, id, 2, id, 4) },
	"RowOfAnother":  func(t *testing.T, h *house, id, other string) { h.copyRow(t, other, 3, id, 3) },
	"OtherEpoch": func(t *testing.T, h *house, id, _ string) {
		h.exec(t, "UPDATE journal_events SET epoch = 2 WHERE "+rowOf(id, 3))
	},
	"OtherKind": func(t *testing.T, h *house, id, _ string) {
		h.exec(t, "UPDATE journal_events SET kind = 'conference.ended' WHERE "+rowOf(id, 3))
	},
	"BitOfTheKey": func(t *testing.T, h *house, id, _ string) { h.flip(t, "conference_keys", "wrapped", keyOf(id), 30) },
	"KeyOfAnother": func(t *testing.T, h *house, id, other string) {
		h.exec(t, "UPDATE conference_keys SET wrapped = (SELECT k.wrapped FROM conference_keys k WHERE k.conference_id = '"+other+"') WHERE "+keyOf(id))
	},
	"MissingKey": func(t *testing.T, h *house, id, _ string) { h.exec(t, "DELETE FROM conference_keys WHERE "+keyOf(id)) },
	"CounterForward": func(t *testing.T, h *house, id, _ string) {
		h.exec(t, "UPDATE conferences SET seq = seq + 1 WHERE id = '"+id+"'")
	},
}

func rowOf(id string, number int) string {
	return fmt.Sprintf("conference_id = '%s' AND number = %d", id, number)
}

func keyOf(id string) string { return "conference_id = '" + id + "'" }

func (h *house) cut(t *testing.T, id string, length int) {
	t.Helper()
	var sealed []byte
	if err := h.Raw.QueryRowContext(t.Context(), "SELECT sealed FROM journal_events WHERE "+rowOf(id, 3)).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	h.exec(t, "UPDATE journal_events SET sealed = $1 WHERE "+rowOf(id, 3), sealed[:length:length])
}

func (h *house) swap(t *testing.T, id string, a, b int) {
	t.Helper()
	h.exec(t, "UPDATE journal_events SET number = -1 WHERE "+rowOf(id, a))
	h.exec(t, fmt.Sprintf("UPDATE journal_events SET number = %d WHERE ", a)+rowOf(id, b))
	h.exec(t, fmt.Sprintf("UPDATE journal_events SET number = %d WHERE ", b)+rowOf(id, -1))
}

// copyRow puts what one row holds into another one.
func (h *house) copyRow(t *testing.T, from string, number int, to string, place int) {
	t.Helper()
	h.exec(t, "UPDATE journal_events SET sealed = (SELECT e.sealed FROM journal_events e WHERE e."+rowOf(from, number)+") WHERE "+rowOf(to, place))
}

var damages = map[string]func(*testing.T, *house){
	"DamagedJournalIsRefusedAndNoOther": func(t *testing.T, h *house) {
		sound := h.another(t, "sound")
		h.fill(t, sound.ID, 5)
		for name, damage := range damagesOfJournals {
			r := h.another(t, name)
			h.fill(t, r.ID, 5)
			damage(t, h, r.ID, sound.ID)
			h.restart()
			got, err := h.journal.Load(t.Context(), r.ID)
			if !errors.Is(err, journal.ErrCorrupt) || got.Events != nil || got.Snapshot != nil {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			if got, err := h.journal.Load(t.Context(), sound.ID); err != nil || len(got.Events) != 5 {
				t.Errorf("%s: the sound one: %+v, %v", name, got, err)
			}
		}
		if err := h.journal.Append(t.Context(), sound.ID, 1, 6, []conference.Stored{said(t, 6, "on")}, nil, false); err != nil {
			t.Errorf("the sound one goes on: %v", err)
		}
	},
	"KeyIsNotMadeAnewForAConferenceThatHasEvents": func(t *testing.T, h *house) {
		r := h.conference(t)
		h.fill(t, r.ID, 5)
		h.exec(t, "DELETE FROM conference_keys WHERE "+keyOf(r.ID))
		h.restart()
		if err := h.journal.Append(t.Context(), r.ID, 1, 6, []conference.Stored{said(t, 6, "x")}, nil, false); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("got %v", err)
		}
	},
	"SnapshotIsMadeAfterManyEvents": func(t *testing.T, h *house) {
		r := h.conference(t)
		h.fill(t, r.ID, journal.SnapshotEvery-1)
		got, err := h.journal.Load(t.Context(), r.ID)
		if err != nil || got.SnapshotSeq != 0 || len(got.Events) != journal.SnapshotEvery-1 {
			t.Fatalf("one event too few: snapshot of %d, %d events, %v", got.SnapshotSeq, len(got.Events), err)
		}
		h.fill(t, r.ID, journal.SnapshotEvery)
		for range 2 { // made, then read
			got, err = h.journal.Load(t.Context(), r.ID)
			if err != nil || got.SnapshotSeq != journal.SnapshotEvery || len(got.Events) != 0 || got.Seq != journal.SnapshotEvery {
				t.Fatalf("snapshot of %d, %d events up to %d, %v", got.SnapshotSeq, len(got.Events), got.Seq, err)
			}
			state, err := conference.Restore(conference.Settings{ID: r.ID}, r.StartedAt, r.StartedAt, got.Snapshot)
			if err != nil {
				t.Fatal(err)
			}
			if said := state.Project("").Chat; len(said) == 0 || said[len(said)-1].ID != fmt.Sprint("m", journal.SnapshotEvery) {
				t.Errorf("the snapshot has %d messages", len(said))
			}
		}
		h.fill(t, r.ID, journal.SnapshotEvery+3)
		if got, err = h.journal.Load(t.Context(), r.ID); err != nil || got.SnapshotSeq != journal.SnapshotEvery || len(got.Events) != 3 {
			t.Errorf("after three more: snapshot of %d, %d events, %v", got.SnapshotSeq, len(got.Events), err)
		}
	},
	"DamagedSnapshotIsADetour": func(t *testing.T, h *house) {
		r := h.conference(t)
		h.fill(t, r.ID, journal.SnapshotEvery+3)
		if _, err := h.journal.Load(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		h.flip(t, "journal_snapshots", "sealed", keyOf(r.ID), 40)
		h.restart()
		got, err := h.journal.Load(t.Context(), r.ID)
		if err != nil || got.Seq != journal.SnapshotEvery+3 || got.SnapshotSeq+int64(len(got.Events)) != got.Seq {
			t.Errorf("snapshot of %d, %d events up to %d, %v", got.SnapshotSeq, len(got.Events), got.Seq, err)
		}
	},
	"JournalCutBehindItsSnapshotIsRefused": func(t *testing.T, h *house) {
		r := h.conference(t)
		h.fill(t, r.ID, journal.SnapshotEvery+3)
		if _, err := h.journal.Load(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		h.exec(t, "DELETE FROM journal_events WHERE conference_id = '"+r.ID+"' AND number > 900")
		h.exec(t, "UPDATE conferences SET seq = 900 WHERE id = '"+r.ID+"'")
		h.restart()
		if _, err := h.journal.Load(t.Context(), r.ID); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("got %v", err)
		}
	},
}
