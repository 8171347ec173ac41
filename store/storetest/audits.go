package storetest

import (
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
		before := h.entries(t)
		for _, statement := range []string{
			"UPDATE audit_entries SET actor_id = 'somebody'",
			"UPDATE audit_entries SET actor_id = 'somebody' WHERE seq = 1",
			"DELETE FROM audit_entries",
			"DELETE FROM audit_entries WHERE seq = 1",
			"TRUNCATE audit_entries",
			"INSERT OR REPLACE INTO audit_entries SELECT seq, id, tenant, at, kind, outcome, actor_kind, 'somebody', actor_user, object_kind, object_id, reported_by, details FROM audit_entries",
			"INSERT INTO audit_entries SELECT * FROM audit_entries WHERE true ON CONFLICT DO UPDATE SET actor_id = 'somebody'",
		} {
			if _, err := h.Raw.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s: succeeded", statement)
			} else if (strings.HasPrefix(statement, "UPDATE") || strings.HasPrefix(statement, "DELETE")) && !strings.Contains(err.Error(), "only grows") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		after := h.entries(t)
		if len(after) != len(before) || after[0] != before[0] {
			t.Errorf("before %+v, after %+v", before, after)
		}
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
