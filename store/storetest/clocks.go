package storetest

import (
	"errors"
	"testing"
	"time"

	"konklave/access"
	"konklave/store"
)

// clocks are tests of a machine whose clock is set: order comes from numbers, not from times.
var clocks = map[string]func(*testing.T, *house){
	"ClockJumpsDoNotDisturbAConference": func(t *testing.T, h *house) {
		r := h.conference(t)
		for seq, jump := range []time.Duration{0, -24 * time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
			h.clock.Advance(jump)
			if err := h.append(t, batch(r.ID, 1, int64(seq)+1, 1, "x", h.chat(r))); err != nil {
				t.Errorf("append after a jump of %v: %v", jump, err)
			}
			if again, created, err := h.OpenConference(t.Context(), r.MeetingID); err != nil || created || again.ID != r.ID {
				t.Errorf("open after a jump of %v: %+v, %v, %v", jump, again, created, err)
			}
		}
		if err := h.CloseConference(t.Context(), r.ID, access.System("controller"), "lost"); err != nil { // before it began, by the clock
			t.Fatal(err)
		}
		got, err := h.Conference(t.Context(), r.ID)
		if err != nil || got.Live() || got.Seq != 4 || !got.EndedAt.Before(got.StartedAt) {
			t.Errorf("record %+v, %v", got, err)
		}
		if _, err := h.nextEpoch(t, r.ID); !errors.Is(err, store.ErrConferenceEnded) {
			t.Errorf("epoch after the end: %v", err)
		}
		last := int64(0)
		for _, entry := range h.entries(t) {
			if entry.Seq <= last {
				t.Errorf("audit entry %d comes after %d", entry.Seq, last)
			}
			last = entry.Seq
		}
	},
	"ClockJumpsHideNoMeeting": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		const count = 5
		for i := range count {
			h.clock.Advance([]time.Duration{time.Hour, -2 * time.Hour}[i%2])
			h.meeting(t, u, "x")
		}
		seen := map[string]bool{}
		for before := ""; ; {
			page, err := h.Store.Meetings(t.Context(), u.Tenant, u.ID, before, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				if seen[m.ID] {
					t.Errorf("meeting %s is listed twice", m.ID)
				}
				seen[m.ID], before = true, m.ID
			}
			if len(page) < 2 {
				break
			}
		}
		if len(seen) != count {
			t.Errorf("%d of %d meetings are listed", len(seen), count)
		}
	},
}
