package storetest

import (
	"errors"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/conference"
	"konklave/journal"
	"konklave/meeting"
	"konklave/store"
)

// conference opens a conference and begins its first epoch.
func (h *house) conference(t *testing.T) conference.Record {
	t.Helper()
	m := h.meeting(t, h.account(t, "host@example.org", access.Ordinary), "Rat")
	r, created, err := h.OpenConference(t.Context(), m.ID)
	if err != nil || !created {
		t.Fatalf("open: %v, %v", created, err)
	}
	if r.Epoch, err = h.nextEpoch(t, r.ID); err != nil || r.Epoch != 1 {
		t.Fatalf("first epoch %d, %v", r.Epoch, err)
	}
	return r
}

// nextEpoch claims the epoch after the present one.
func (h *house) nextEpoch(t *testing.T, id string) (int64, error) {
	r, err := h.Conference(t.Context(), id)
	if err != nil {
		return 0, err
	}
	r, err = h.ClaimEpoch(t.Context(), id, r.Epoch)
	return r.Epoch, err
}

// chat is an entry as a worker's event leads to.
func (h *house) chat(r conference.Record) audit.Entry {
	return audit.ChatSent(audit.Report{At: h.clock.Now(), Actor: access.Guest("g1"), Conference: r.ID}, "msg")
}

var conferences = map[string]func(*testing.T, *house){
	"A47ConferenceIsOpenedOnce": func(t *testing.T, h *house) {
		m := h.meeting(t, h.account(t, "host@example.org", access.Ordinary), "Rat")
		ids, made := make([]string, 20), make([]bool, 20)
		added := h.wantNewEntries(t, func() {
			succeeded, failures := sideBySide(len(ids), func(i int) error {
				r, created, err := h.OpenConference(t.Context(), m.ID)
				ids[i], made[i] = r.ID, created
				return err
			})
			if succeeded != len(ids) {
				t.Errorf("%d succeeded, the others %v", succeeded, failures)
			}
		}, audit.KindConferenceStarted)
		creators := 0
		for i := range ids {
			if ids[i] != ids[0] || ids[i] == "" {
				t.Errorf("conferences %q and %q", ids[0], ids[i])
			}
			if made[i] {
				creators++
			}
		}
		if creators != 1 || added[0].ObjectID != ids[0] || added[0].ActorKind != access.KindSystem {
			t.Errorf("%d made it, entry %+v", creators, added[0])
		}
		live, err := h.LiveConferences(t.Context())
		if err != nil || len(live) != 1 || live[0].ID != ids[0] || live[0].MeetingID != m.ID || !live[0].Live() || !live[0].StartedAt.Equal(h.clock.Now()) {
			t.Errorf("live %+v, %v", live, err)
		}
		if _, _, err := h.OpenConference(t.Context(), "unknown"); !errors.Is(err, meeting.ErrUnknown) {
			t.Errorf("unknown meeting: %v", err)
		}
	},
	"BatchIsAppendedOnce": func(t *testing.T, h *house) {
		r := h.conference(t)
		add := func(seq int64, count int, digest string) error {
			return h.append(t, batch(r.ID, 1, seq, count, digest, h.chat(r)))
		}
		h.wantNewEntries(t, func() {
			for i, step := range []struct {
				seq    int64
				count  int
				digest string
				want   error
			}{
				{1, 2, "a", nil}, {3, 1, "b", nil},
				{3, 1, "b", nil}, {1, 2, "a", nil}, // again
				{3, 1, "x", journal.ErrOutOfOrder}, {3, 2, "b", journal.ErrOutOfOrder}, {2, 1, "a", journal.ErrOutOfOrder},
				{5, 1, "c", journal.ErrOutOfOrder}, {0, 1, "c", journal.ErrOutOfOrder}, {-1, 1, "c", journal.ErrOutOfOrder},
				{4, 0, "c", journal.ErrEmptyBatch},
				{4, 1, "c", nil},
			} {
				if err := add(step.seq, step.count, step.digest); !errors.Is(err, step.want) {
					t.Errorf("step %d: %v, want %v", i, err, step.want)
				}
			}
		}, audit.KindChatSent, audit.KindChatSent, audit.KindChatSent)
		if got, err := h.Conference(t.Context(), r.ID); err != nil || got.Seq != 4 || got.Epoch != 1 {
			t.Errorf("record %+v, %v", got, err)
		}
	},
	"A47OneOfTwoWorkersAppends": func(t *testing.T, h *house) {
		r := h.conference(t)
		digests := []string{"a", "b", "c", "d"}
		succeeded, failures := sideBySide(len(digests), func(i int) error {
			return h.append(t, batch(r.ID, 1, 1, 1, digests[i]))
		})
		if succeeded != 1 {
			t.Errorf("%d of %d appended different first events", succeeded, len(digests))
		}
		for _, err := range failures {
			if !errors.Is(err, journal.ErrOutOfOrder) {
				t.Errorf("got %v", err)
			}
		}
	},
	"A46StaleEpochIsRefused": func(t *testing.T, h *house) {
		r := h.conference(t)
		if err := h.append(t, batch(r.ID, 1, 1, 1, "a")); err != nil {
			t.Fatal(err)
		}
		if epoch, err := h.nextEpoch(t, r.ID); err != nil || epoch != 2 {
			t.Fatalf("epoch %d, %v", epoch, err)
		}
		h.wantNewEntries(t, func() {
			for _, c := range []struct{ epoch, seq int64 }{{1, 2}, {1, 1}, {0, 2}, {3, 2}} {
				if err := h.append(t, batch(r.ID, c.epoch, c.seq, 1, "a", h.chat(r))); !errors.Is(err, journal.ErrStaleEpoch) {
					t.Errorf("epoch %d, seq %d: %v", c.epoch, c.seq, err)
				}
			}
		})
		if err := h.append(t, batch(r.ID, 2, 1, 1, "a")); !errors.Is(err, journal.ErrOutOfOrder) {
			t.Errorf("the batch of another epoch: %v", err)
		}
		if err := h.append(t, batch(r.ID, 2, 2, 1, "b")); err != nil {
			t.Errorf("the new worker: %v", err)
		}
	},
	"A46NothingIsAppendedAfterTheEnd": func(t *testing.T, h *house) {
		r := h.conference(t)
		report := audit.Report{At: h.clock.Now(), Actor: access.Worker(r.ID, r.Tenant), Conference: r.ID}
		end := func() error {
			return h.append(t, ending(batch(r.ID, 1, 1, 1, "end", audit.ConferenceEnded(report, "host"))))
		}
		added := h.wantNewEntries(t, func() {
			for range 2 {
				if err := end(); err != nil {
					t.Error(err)
				}
			}
		}, audit.KindConferenceEnded)
		if added[0].ReportedBy != r.ID {
			t.Errorf("entry %+v", added[0])
		}
		if err := h.append(t, batch(r.ID, 1, 2, 1, "late")); !errors.Is(err, store.ErrConferenceEnded) {
			t.Errorf("append: %v", err)
		}
		if _, err := h.nextEpoch(t, r.ID); !errors.Is(err, store.ErrConferenceEnded) {
			t.Errorf("next epoch: %v", err)
		}
		h.wantNewEntries(t, func() {
			if err := h.CloseConference(t.Context(), r.ID, access.System("controller"), "lost"); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		if got, err := h.Conference(t.Context(), r.ID); err != nil || got.Live() || !got.EndedAt.Equal(h.clock.Now()) {
			t.Errorf("record %+v, %v", got, err)
		}
		next, created, err := h.OpenConference(t.Context(), r.MeetingID)
		if err != nil || !created || next.ID == r.ID {
			t.Errorf("the next conference of the meeting: %+v, %v, %v", next, created, err)
		}
	},
	"ConferenceIsClosedWithoutItsWorker": func(t *testing.T, h *house) {
		r := h.conference(t)
		h.wantNewEntries(t, func() {
			for range 2 {
				if err := h.CloseConference(t.Context(), r.ID, access.System("controller"), "lost"); err != nil {
					t.Error(err)
				}
			}
		}, audit.KindConferenceEnded)
		if live, err := h.LiveConferences(t.Context()); err != nil || len(live) != 0 {
			t.Errorf("live %+v, %v", live, err)
		}
	},
	"UnknownConference": func(t *testing.T, h *house) {
		_, errGet := h.Conference(t.Context(), "x")
		_, errEpoch := h.nextEpoch(t, "x")
		errAppend := h.append(t, batch("x", 1, 1, 1, ""))
		errClose := h.CloseConference(t.Context(), "x", access.System("controller"), "lost")
		for i, err := range []error{errGet, errEpoch, errAppend, errClose} {
			if !errors.Is(err, store.ErrConferenceUnknown) {
				t.Errorf("%d: %v", i, err)
			}
		}
	},
}
