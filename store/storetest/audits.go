package storetest

import (
	"slices"
	"strings"
	"testing"

	"konklave/access"
	"konklave/audit"
	"konklave/meeting"
)

var audits = map[string]func(*testing.T, *house){
	"EntriesAreListedInPages": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for range 4 {
			h.meeting(t, u, "x")
		}
		all := h.entries(t)
		var paged []audit.Record
		for after := int64(0); ; {
			page, err := h.AuditEntries(t.Context(), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				if r.Seq <= after {
					t.Errorf("%d comes after %d", r.Seq, after)
				}
				paged, after = append(paged, r), r.Seq
			}
			if len(page) < 2 {
				break
			}
		}
		if len(paged) != 5 || len(all) != 5 {
			t.Errorf("%d entries, %d in pages; want 5", len(all), len(paged))
		}
	},
	"A81EntriesCannotBeChanged": func(t *testing.T, h *house) {
		h.account(t, "anna@example.org", access.Ordinary)
		h.integrate(t)
		if c, text := h.checkpoint(t); h.SaveCheckpoint(t.Context(), c, text) != nil {
			t.Fatal("no checkpoint")
		}
		h.account(t, "ben@example.org", access.Ordinary) // waits for its place
		before := h.entries(t)
		for _, statement := range []string{
			"UPDATE audit_log SET tenant = 'somebody'",
			"UPDATE audit_log SET at = 7 WHERE seq = 1",
			"UPDATE audit_log SET leaf = body",
			"UPDATE audit_log SET body = leaf",
			"UPDATE audit_log SET id = 'x', body = NULL, personal = NULL",
			"UPDATE audit_log SET body = NULL", // and personal parts without it
			"DELETE FROM audit_log",
			"DELETE FROM audit_log WHERE seq = 1",
			"TRUNCATE audit_log CASCADE",
			"INSERT OR REPLACE INTO audit_log SELECT seq, id, 'somebody', at, kind, category, leaf, body, personal FROM audit_log",
			"INSERT INTO audit_log SELECT * FROM audit_log WHERE true ON CONFLICT DO UPDATE SET tenant = 'somebody'",
			"DELETE FROM audit_waiting",
			"UPDATE audit_waiting SET seq = 7",
			"TRUNCATE audit_waiting",
			"UPDATE audit_places SET leaf_index = 7",
			"DELETE FROM audit_places",
			"TRUNCATE audit_places",
			"INSERT OR REPLACE INTO audit_places SELECT leaf_index, 2 FROM audit_places",
			"UPDATE audit_hashes SET hashes = leaf FROM audit_log",
			"DELETE FROM audit_hashes",
			"TRUNCATE audit_hashes",
			"INSERT OR REPLACE INTO audit_hashes SELECT first_index, leaf FROM audit_hashes, audit_log",
			"DELETE FROM audit_checkpoints",
			"TRUNCATE audit_checkpoints",
		} {
			if _, err := h.Raw.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s: succeeded", statement)
			} else if (strings.HasPrefix(statement, "UPDATE") || strings.HasPrefix(statement, "DELETE")) && !strings.Contains(err.Error(), "only grows") && !strings.Contains(err.Error(), "no place in the log yet") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		after := h.entries(t)
		if !slices.Equal(after, before) {
			t.Errorf("before %+v, after %+v", before, after)
		}
		h.wantExport(t)
	},
	"ChangeWithoutEntryDoesNotHappen": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		m := h.meeting(t, u, "Rat")
		taken := audit.MeetingCreated(audit.Origin{At: h.clock.Now(), Actor: u.Actor()}, "x", true)
		r, _, err := h.OpenConference(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if r.Epoch, err = h.nextEpoch(t, r.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.append(t, batch(r.ID, r.Epoch, 1, 1, "a", taken)); err != nil {
			t.Fatal(err)
		}
		// The same entry cannot be written twice: from here on writing it fails.
		h.wantNewEntries(t, func() {
			if err := h.append(t, ending(batch(r.ID, r.Epoch, 2, 1, "b", h.chat(r), taken))); err == nil {
				t.Error("append succeeded")
			}
			lost := m
			lost.ID, lost.Link = "lost", "lost"
			if err := h.InsertMeeting(t.Context(), lost, taken); err == nil {
				t.Error("insert succeeded")
			}
			if _, err := h.ChangeMeeting(t.Context(), m.Tenant, m.ID, func(m meeting.Meeting) (meeting.Meeting, audit.Entry, error) {
				m.Title = "changed"
				return m, taken, nil
			}); err == nil {
				t.Error("change succeeded")
			}
		})
		if got, err := h.Conference(t.Context(), r.ID); err != nil || got.Seq != 1 || !got.Live() {
			t.Errorf("conference %+v, %v", got, err)
		}
		if got, err := h.meetings.Get(t.Context(), u.Actor(), m.ID); err != nil || got != m {
			t.Errorf("meeting %+v, %v", got, err)
		}
		if _, err := h.meetings.Get(t.Context(), u.Actor(), "lost"); err == nil {
			t.Error("a meeting without entry was stored")
		}
	},
}
