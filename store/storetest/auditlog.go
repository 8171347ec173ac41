package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/audit/checkpoint"
	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/meeting"
	"konklave/store"
	"konklave/user"
)

var auditLogs = map[string]func(*testing.T, *house){
	"L2ARefusedEntryUndoesTheChange": func(t *testing.T, h *house) {
		for _, table := range []string{"audit_log", "audit_waiting", "audit_keys"} {
			before := len(h.entries(t))
			h.refuse(t, table)
			u, err := user.New{Email: table + "@example.org", Name: "x", Roles: access.Ordinary.List()}.Prepare(access.DefaultTenant, h.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			entry := audit.UserCreated(audit.Origin{At: h.clock.Now(), Actor: access.System("test")}, u.ID, u.Roles)
			if err := h.InsertUser(t.Context(), u, h.passwordHash, entry); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("%s is refused: %v", table, err)
			}
			h.allow(t, table)
			if _, err := h.Store.User(t.Context(), u.Tenant, u.ID); !errors.Is(err, user.ErrUnknown) {
				t.Errorf("%s was refused, and the account is there: %v", table, err)
			}
			if after := len(h.entries(t)); after != before {
				t.Errorf("%d entries, want %d", after, before)
			}
			if err := h.InsertUser(t.Context(), u, h.passwordHash, entry); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		}
	},
	"L2AnEntryThatCannotBeSealedUndoesTheChange": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.meeting(t, u, "x")
		before := len(h.entries(t))
		h.behind(t, "UPDATE audit_keys SET wrapped = (SELECT leaf FROM audit_log WHERE seq = 1)")
		if _, err := h.meetings.Create(t.Context(), u.Actor(), meeting.New{Title: "y"}); err == nil {
			t.Error("a meeting was made")
		}
		if page, err := h.Store.Meetings(t.Context(), u.Tenant, u.ID, "", 10); err != nil || len(page) != 1 {
			t.Errorf("%d meetings, %v", len(page), err)
		}
		if after := h.entries(t); len(after) != before || after[0].Lost != audit.LossDamaged {
			t.Errorf("entries %+v", after)
		}
	},
	"WithoutTheVaultNothingIsDoneThatBelongsInTheLog": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		locked, err := store.Open(t.Context(), h.DSN, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer locked.Close()
		entry := audit.UserCreated(audit.Origin{Actor: access.System("test")}, "x", access.Ordinary)
		if err := locked.InsertUser(t.Context(), user.User{ID: "x", Tenant: u.Tenant, Email: "x", Roles: u.Roles}, "", entry); !errors.Is(err, store.ErrLocked) {
			t.Errorf("insert: %v", err)
		}
		if _, err := locked.AuditEntries(t.Context(), 0, 1); !errors.Is(err, store.ErrLocked) {
			t.Errorf("list: %v", err)
		}
		if got, err := locked.User(t.Context(), u.Tenant, u.ID); err != nil || got != u {
			t.Errorf("read: %+v, %v", got, err)
		}
		if n, err := locked.AuditSize(t.Context()); err != nil || n != 0 {
			t.Errorf("size %d, %v", n, err)
		}
	},
	"NothingPersonalIsInTheClear": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		in := h.signedIn(t, u).Identity.Session.ID
		rows, err := h.Raw.QueryContext(t.Context(), "SELECT leaf, body, personal FROM audit_log")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		count := 0
		for ; rows.Next(); count++ {
			var texts [3][]byte
			if err := rows.Scan(&texts[0], &texts[1], &texts[2]); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{u.ID, in, "192.0.2."} {
				if bytes.Contains(bytes.Join(texts[:], nil), []byte(secret)) {
					t.Errorf("%q is in the clear: %q", secret, texts)
				}
			}
		}
		if err := rows.Err(); err != nil || count != 2 {
			t.Errorf("%d rows, %v", count, err)
		}
	},
	"L7WhoIsErasedCannotBeReadAnyMore": func(t *testing.T, h *house) {
		anna, ben := h.account(t, "anna@example.org", access.Ordinary), h.account(t, "ben@example.org", access.Ordinary)
		for _, u := range []user.User{anna, ben} {
			h.signedIn(t, u)
		}
		h.integrate(t)
		before := h.entries(t)
		c, _ := h.checkpoint(t)
		if err := h.EraseSubject(t.Context(), anna.Tenant, anna.ID); err != nil {
			t.Fatal(err)
		}
		for i, e := range h.entries(t) {
			switch {
			case strings.Contains(before[i].ActorUser+before[i].ObjectID, anna.ID):
				if e.Lost != audit.LossErased || e.ActorUser == anna.ID || e.ObjectID == anna.ID || strings.Contains(e.Details, "192.0.2") || e.Kind != before[i].Kind {
					t.Errorf("what is left of %+v: %+v", before[i], e)
				}
			case e != before[i]:
				t.Errorf("%+v became %+v", before[i], e)
			}
		}
		if after, _ := h.checkpoint(t); after != c {
			t.Errorf("the tree became %+v", after)
		}
		h.signedIn(t, anna) // somebody who is still there is logged anew
		if all := h.entries(t); all[len(all)-1].ActorUser != anna.ID || all[len(all)-1].Lost != audit.LossNone {
			t.Errorf("afterwards %+v", all[len(all)-1])
		}
	},
	"TheTreeIsThatOfTheEntries": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		if n, err := h.AuditSize(t.Context()); err != nil || n != 0 {
			t.Errorf("size before anything was integrated: %d, %v", n, err)
		}
		total := 1
		for _, n := range []int{1, 2, 5, 300} {
			var entries []audit.Entry
			for range n {
				entries = append(entries, audit.MeetingDeleted(audit.Origin{At: h.clock.Now(), Actor: u.Actor()}, "m"))
			}
			if err := h.Record(t.Context(), entries...); err != nil {
				t.Fatal(err)
			}
			h.integrate(t)
			h.integrate(t) // nothing is left to do
			total += n
			h.wantTree(t, total)
		}
		if all, err := h.AuditLog(t.Context(), int64(total), 1); err != nil || len(all) != 0 {
			t.Errorf("after the last: %d, %v", len(all), err)
		}
		if some, err := h.AuditLog(t.Context(), 4, 3); err != nil || len(some) != 3 || some[0].Index != 4 {
			t.Errorf("some: %+v, %v", some, err)
		}
	},
	"TheLogIsReadInPages": func(t *testing.T, h *house) {
		const total = store.AuditLogMax + 1
		h.fabricate(t, total)
		for _, c := range []struct {
			from        int64
			limit, want int
		}{
			{0, total, store.AuditLogMax}, {0, store.AuditLogMax, store.AuditLogMax}, {0, store.AuditLogMax - 1, store.AuditLogMax - 1},
			{1, total, store.AuditLogMax}, {2, total, store.AuditLogMax - 1}, {total - 1, 7, 1}, {total, 7, 0}, {-1, 7, 0}, {0, 0, 0}, {0, -1, 0},
		} {
			got, err := h.AuditLog(t.Context(), c.from, c.limit)
			if err != nil || len(got) != c.want || c.want > 0 && (got[0].Index != c.from || got[c.want-1].Hash != tlog.RecordHash(got[c.want-1].Leaf)) {
				t.Errorf("%d from %d: %d, %v; want %d", c.limit, c.from, len(got), err, c.want)
			}
		}
	},
	"ACertificateCoversNoMoreThanOneTransactionRemoves": func(t *testing.T, h *house) {
		h.fabricate(t, store.PruneMax+1)
		r := retention.Removal{Category: audit.CategorySecurity, Before: h.clock.Now(), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r"}
		for _, want := range []int64{store.PruneMax, 1, 0} {
			if n, err := h.PruneAudit(t.Context(), r, h.certify); err != nil || n != want {
				t.Errorf("pruned %d, %v; want %d", n, err, want)
			}
		}
	},
	"TheNewestCheckpointsAreFound": func(t *testing.T, h *house) {
		if note, err := h.Checkpoint(t.Context(), math.MaxInt64); err != nil || len(note) != 0 {
			t.Errorf("before the first: %q, %v", note, err)
		}
		notes := map[int64][]byte{}
		for range 3 {
			c, note := h.checkpoint(t)
			if err := h.SaveCheckpoint(t.Context(), c, note); err != nil {
				t.Fatal(err)
			}
			notes[c.Size] = note
			h.account(t, fmt.Sprintf("u%d@example.org", c.Size), access.Ordinary)
			h.integrate(t)
		}
		for atMost, want := range map[int64]int64{0: 0, 1: 1, 2: 2, 3: 2, math.MaxInt64: 2} {
			if note, err := h.Checkpoint(t.Context(), atMost); err != nil || !bytes.Equal(note, notes[want]) {
				t.Errorf("at most %d: %q, %v", atMost, note, err)
			}
		}
		c, note := h.checkpoint(t)
		for name, bad := range map[string]func() (checkpoint.Checkpoint, []byte){
			"another note": func() (checkpoint.Checkpoint, []byte) { return c, notes[1] },
			"no note":      func() (checkpoint.Checkpoint, []byte) { return c, nil },
			"too large": func() (checkpoint.Checkpoint, []byte) {
				d := c
				d.Size++
				return d, h.sign(t, d)
			},
			"another root": func() (checkpoint.Checkpoint, []byte) {
				d := c
				d.Root[0]++
				return d, h.sign(t, d)
			},
		} {
			d, other := bad()
			if err := h.SaveCheckpoint(t.Context(), d, other); !errors.Is(err, store.ErrCheckpointForeign) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := h.SaveCheckpoint(t.Context(), c, note); err != nil {
			t.Fatal(err)
		}
		more := append(bytes.Clone(note), "— witness.example.net/1 q2K5KnRlc3Q=\n"...)
		if err := h.SaveCheckpoint(t.Context(), c, more); err != nil {
			t.Errorf("with a cosignature: %v", err)
		}
		if got, err := h.Checkpoint(t.Context(), c.Size); err != nil || !bytes.Equal(got, more) {
			t.Errorf("got %q, %v", got, err)
		}
	},
	"L8RetentionRemovesWhatIsOlderAndCertifiesIt": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		var old []string
		for range 3 { // at T-1 ms, T and T+1 ms
			old = append(old, h.signedIn(t, u).Identity.Session.ID)
			h.clock.Advance(time.Millisecond)
		}
		h.meeting(t, u, "x") // of another category
		before := h.clock.Now().Add(-2 * time.Millisecond)
		r := retention.Removal{Category: audit.CategorySecurity, Before: before, Scope: leaf.ScopeEntry, Policy: "retention.security=1ms", Reason: "test"}
		if n, err := h.PruneAudit(t.Context(), r, h.certify); err != nil || n != 0 {
			t.Errorf("what is not in the tree yet: %d, %v", n, err)
		}
		h.integrate(t)
		all := h.entries(t)
		if n, err := h.PruneAudit(t.Context(), r, h.certify); err != nil || n != 1 {
			t.Fatalf("pruned %d, %v; want 1", n, err)
		}
		h.integrate(t)
		after := h.entries(t)
		if e := after[1]; e.Lost != audit.LossErased || e.ObjectID == old[0] || e.ActorUser != "" || e.Kind != audit.KindSessionStarted {
			t.Errorf("what is left: %+v", e)
		}
		for _, i := range []int{0, 2, 3, 4} {
			if after[i] != all[i] {
				t.Errorf("%+v became %+v", all[i], after[i])
			}
		}
		if e := after[5]; e.Kind != audit.KindLogPruned || !strings.Contains(e.Details, `"policy":"retention.security=1ms"`) || len(after) != 6 {
			t.Errorf("certificate %+v of %d entries", e, len(after))
		}
		if n, err := h.PruneAudit(t.Context(), r, h.certify); err != nil || n != 0 || len(h.entries(t)) != 6 {
			t.Errorf("again: %d, %v", n, err)
		}
		for name, bad := range map[string]func(*retention.Removal){
			"the log about itself": func(r *retention.Removal) { r.Category = audit.CategoryLog },
			"no reason":            func(r *retention.Removal) { r.Reason = "" },
			"no policy":            func(r *retention.Removal) { r.Policy = "" },
			"no scope":             func(r *retention.Removal) { r.Scope = "" },
		} {
			changed := r
			changed.Before = h.clock.Now().AddDate(1, 0, 0) // the certificate too
			bad(&changed)
			if n, err := h.PruneAudit(t.Context(), changed, h.certify); !errors.Is(err, leaf.ErrMalformed) || n != 0 {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	},
	"L8ARefusedCertificateKeepsEverything": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.signedIn(t, u)
		h.integrate(t)
		before := h.entries(t)
		h.clock.Advance(time.Hour)
		h.refuse(t, "audit_log")
		r := retention.Removal{Category: audit.CategorySecurity, Before: h.clock.Now(), Scope: leaf.ScopePersonal, Policy: "p", Reason: "r"}
		if n, err := h.PruneAudit(t.Context(), r, h.certify); err == nil || n != 0 {
			t.Errorf("pruned %d without a certificate", n)
		}
		h.allow(t, "audit_log")
		if after := h.entries(t); after[1] != before[1] {
			t.Errorf("%+v became %+v", before[1], after[1])
		}
		if n, err := h.PruneAudit(t.Context(), r, h.certify); err != nil || n != 1 {
			t.Errorf("pruned %d, %v", n, err)
		}
		if e := h.entries(t)[1]; e.Lost != audit.LossErased || e.Outcome != audit.OutcomeSuccess || e.ActorUser != "" {
			t.Errorf("without its personal parts: %+v", e)
		}
	},
	"WhatWasChangedInTheDatabaseIsNotShown": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for range 3 {
			h.signedIn(t, u)
		}
		h.integrate(t)
		before := h.entries(t)
		h.unguard(t, "audit_log", "audit_log_no_update")
		h.behind(t, "UPDATE audit_log SET body = (SELECT body FROM audit_log WHERE seq = 3) WHERE seq = 2", "UPDATE audit_log SET personal = leaf WHERE seq = 4")
		after := h.entries(t)
		for i, e := range after {
			if damaged := i == 1 || i == 3; (e.Lost == audit.LossDamaged) != damaged || damaged && e.ActorUser != "" || !damaged && e != before[i] {
				t.Errorf("entry %d: %+v", i, e)
			}
		}
		h.wantExport(t, "changed 1 2", "changed 3 4")
	},
	"L4AnExportOfTheDatabaseIsIntact": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for range 5 {
			h.signedIn(t, u)
			h.meeting(t, u, "x")
			h.clock.Advance(time.Hour)
		}
		h.integrate(t)
		h.wantExport(t)
		for _, scope := range []leaf.Scope{leaf.ScopePersonal, leaf.ScopeEntry} {
			r := retention.Removal{Category: audit.CategorySecurity, Before: h.clock.Now().Add(-2 * time.Hour), Scope: scope, Policy: "p", Reason: "r"}
			if n, err := h.PruneAudit(t.Context(), r, h.certify); err != nil || n != 3 {
				t.Errorf("%s: pruned %d, %v", scope, n, err)
			}
			h.integrate(t)
			h.wantExport(t)
		}
		if err := h.EraseSubject(t.Context(), u.Tenant, u.ID); err != nil {
			t.Fatal(err)
		}
		h.wantExport(t)
		h.unguard(t, "audit_log", "audit_log_no_update")
		h.behind(t, "UPDATE audit_log SET body = NULL, personal = NULL WHERE seq = 9")
		h.wantExport(t, "removed 8 9")
	},
	"L4WhatWasChangedIsInEverySearch": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for range 3 {
			h.signedIn(t, u)
			h.clock.Advance(time.Hour)
		}
		h.integrate(t)
		auditor := access.Actor{Kind: access.KindAccount, ID: "a", UserID: "a", Roles: []access.Role{access.RoleAuditor}, Tenant: u.Tenant}
		look := func(q archive.Query) (found string) {
			page, err := archive.New(h.Store, nil, nil, h.clock.Now).Search(t.Context(), auditor, q, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				found += fmt.Sprint(e.Index, " ", e.State, " ", e.Record.Kind, ";")
			}
			return found
		}
		want := "3 whole session.started;2 whole session.started;1 whole session.started;0 whole user.created;"
		if found := look(archive.Query{About: u.ID}); found != want {
			t.Error(found)
		}
		h.unguard(t, "audit_log", "audit_log_no_update")
		h.behind(t, "UPDATE audit_log SET kind = 'x', body = (SELECT body FROM audit_log WHERE seq = 1) WHERE seq = 3")
		if found := look(archive.Query{Kind: audit.KindUserCreated}); found != "2 damaged ;0 whole user.created;" {
			t.Error(found)
		}
		if err := h.EraseSubject(t.Context(), u.Tenant, u.ID); err != nil {
			t.Fatal(err)
		}
		if found := look(archive.Query{Kind: audit.KindSessionStarted}); found != "3 erased session.started;2 damaged ;1 erased session.started;" {
			t.Error(found)
		}
	},
}
