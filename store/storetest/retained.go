package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/audit/signer"
	"konklave/audit/signing"
)

const aDay = 24 * time.Hour

// keeper is one that keeps everything for six months.
func (h *house) keeper() *retention.Keeper {
	return &retention.Keeper{
		Log: h.Store, Policy: retention.Default(), Certify: h.certify, Now: h.clock.Now, Logger: slog.New(slog.DiscardHandler),
		Origin: func() audit.Origin { return audit.Origin{At: h.clock.Now(), Actor: access.System("retention")} },
	}
}

// keep has a keeper look at a log that is signed, and wants it to let go of so many entries.
func (h *house) keep(t *testing.T, k *retention.Keeper, entries int64) {
	t.Helper()
	if c, note := h.checkpoint(t); c.Size > 0 {
		if err := h.SaveCheckpoint(t.Context(), c, note); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := k.Look(t.Context())
	if err != nil || gone.Entries != entries || gone.Elsewhere {
		t.Errorf("at %v: %+v, %v; want %d entries", h.clock.Now(), gone, err, entries)
	}
	h.integrate(t)
}

var retained = map[string]func(*testing.T, *house){
	"L8AnEventIsVerifiableForSixMonthsAndThenGone": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		h.signedIn(t, u) // on day 0
		h.integrate(t)
		first := h.entries(t)
		k := h.keeper()
		for _, days := range []int{182, 2} {
			h.clock.Advance(time.Duration(days) * aDay)
			k.ClockIsRight = true
			h.keep(t, k, 0)
			k.ClockIsRight = false
			if got := h.entries(t); got[1] != first[1] {
				t.Errorf("%v: %+v", h.clock.Now(), got[1])
			}
			h.wantExport(t)
		}
		midnight := h.clock.Now().Truncate(aDay).Add(aDay)
		h.clock.Advance(midnight.Add(-time.Second).Sub(h.clock.Now()))
		h.keep(t, k, 0)
		h.clock.Advance(2 * time.Second)
		h.keep(t, k, 2) // the account was made on that day too
		after := h.entries(t)
		if e := after[1]; e.Lost != audit.LossErased || e.ActorUser != "" || e.ObjectID != "" || e.Kind != audit.KindSessionStarted {
			t.Errorf("what is left: %+v", e)
		}
		if pruned := h.entries(t, audit.KindLogPruned); len(pruned) != 2 || !strings.Contains(pruned[0].Details, "security 184 days") || !strings.Contains(pruned[1].Details, "administration 184 days") {
			t.Errorf("certificates %+v", pruned)
		}
		h.wantExport(t) // the proof holds
		h.clock.Advance(time.Hour)
		h.keep(t, k, 0)
		if len(h.entries(t)) != len(after) {
			t.Error("there is a certificate for nothing")
		}
	},
	"AChangeOfRetentionIsRecordedWithOldAndNew": func(t *testing.T, h *house) {
		k := h.keeper()
		h.wantNewEntries(t, func() { h.keep(t, k, 0) }) // the default
		k.Policy.Security = 100
		e := h.wantNewEntries(t, func() { h.keep(t, k, 0); h.keep(t, k, 0) }, audit.KindRetentionChanged)[0]
		if want := `{"after":"security 100, administration 184, conference 184","before":"security 184, administration 184, conference 184"}`; e.Details != want || e.ActorID != "retention" || e.Lost != audit.LossNone {
			t.Errorf("%+v, want %s", e, want)
		}
		h.refuse(t, "audit_log")
		k.Policy.Security = 90
		if _, err := k.Look(t.Context()); err == nil {
			t.Error("changed without an entry")
		}
		h.allow(t, "audit_log")
		h.wantNewEntries(t, func() { h.keep(t, k, 0) }, audit.KindRetentionChanged)
	},
	"L4ACertificateThatTheSignerDidNotSignAllowsNothing": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for range 2 {
			h.signedIn(t, u)
		}
		h.integrate(t)
		h.clock.Advance(time.Hour)
		forger := signer.New(newLogKey(t).signer, nil) // of somebody with all rights to the database, and without the key of the log
		forge := func(_ context.Context, c leaf.Certificate) (leaf.Certificate, error) {
			c.At = c.Before.Add(leaf.Floor(c.Category))
			return forger.Certify(c)
		}
		r := retention.Removal{Category: audit.CategorySecurity, Before: h.clock.Now(), Scope: leaf.ScopeEntry, Policy: "p", Reason: "r"}
		if n, err := h.PruneAudit(t.Context(), r, forge); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		h.integrate(t)
		h.wantExport(t, "removed 1 2", "removed 2 3", "uncertified 3 4")
	},
	"WhereAnotherMachineSignsNothingIsLetGo": func(t *testing.T, h *house) {
		h.signedIn(t, h.account(t, "anna@example.org", access.Ordinary))
		h.integrate(t)
		h.clock.Advance(200 * aDay)
		k := h.keeper()
		k.ClockIsRight = true
		if gone, err := k.Look(t.Context()); err != nil || !gone.Foreign || gone.Entries != 0 {
			t.Errorf("nobody has signed yet: %+v, %v", gone, err)
		}
		c, note := h.checkpoint(t)
		if err := h.SaveCheckpoint(t.Context(), c, note); err != nil {
			t.Fatal(err)
		}
		mine := k.Certify
		k.Certify = func(ctx context.Context, c leaf.Certificate) (leaf.Certificate, error) {
			c, err := mine(ctx, c)
			c.Log = "meet.example.org/another"
			return c, err
		}
		if gone, err := k.Look(t.Context()); err != nil || !gone.Foreign || gone.Entries != 0 {
			t.Errorf("another one signs: %+v, %v", gone, err)
		}
		k.Certify = func(context.Context, leaf.Certificate) (leaf.Certificate, error) {
			return leaf.Certificate{}, signing.ErrUnavailable
		}
		if gone, err := k.Look(t.Context()); !errors.Is(err, signing.ErrUnavailable) || gone.Entries != 0 {
			t.Errorf("the signer is away: %+v, %v", gone, err)
		}
		k.Certify = mine
		h.keep(t, k, 2)
	},
	"L18AClockThatIsFarAheadLetsNothingGo": func(t *testing.T, h *house) {
		h.signedIn(t, h.account(t, "anna@example.org", access.Ordinary))
		h.integrate(t)
		c, note := h.checkpoint(t)
		if err := h.SaveCheckpoint(t.Context(), c, note); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(retention.LeapMax + time.Millisecond) // nobody has ever looked
		k := h.keeper()
		if gone, err := k.Look(t.Context()); !errors.Is(err, retention.ErrClock) || gone != (retention.Gone{}) {
			t.Errorf("%+v, %v", gone, err)
		}
		h.clock.Advance(-time.Millisecond)
		h.keep(t, k, 0)
		looked := h.clock.Now()
		h.clock.Advance(retention.LeapMax)
		h.keep(t, k, 0)
		h.clock.Advance(200 * aDay)
		h.signedIn(t, h.account(t, "ben@example.org", access.Ordinary)) // what is logged meanwhile makes it no better
		for range 2 {
			if gone, err := k.Look(t.Context()); !errors.Is(err, retention.ErrClock) || gone != (retention.Gone{}) {
				t.Errorf("%+v, %v", gone, err)
			}
			h.clock.Advance(time.Hour)
		}
		if end, err := h.LeaseEnd(t.Context(), retention.Lease); err != nil || !end.Equal(looked.Add(retention.LeapMax)) {
			t.Errorf("a look that was refused counts: %v, %v", end, err)
		}
		k.ClockIsRight = true
		h.keep(t, k, 2)
		k.ClockIsRight = false
		h.keep(t, k, 0)
	},
	"OneAtATimeLetsGo": func(t *testing.T, h *house) {
		for _, k := range []*retention.Keeper{h.keeper(), h.keeper()} { // one after the other
			h.keep(t, k, 0)
		}
		if holder, err := h.TakeLease(t.Context(), retention.Lease, "another", time.Minute); err != nil || holder != "another" {
			t.Fatalf("%q has the lease, %v", holder, err)
		}
		h.clock.Advance(time.Minute - time.Millisecond)
		if gone, err := h.keeper().Look(t.Context()); err != nil || !gone.Elsewhere {
			t.Errorf("just before the lease ends: %+v, %v", gone, err)
		}
		h.clock.Advance(time.Millisecond)
		h.keep(t, h.keeper(), 0)
	},
	"ALeaseThatEndsFarAheadIsNone": func(t *testing.T, h *house) {
		for ahead, want := range map[time.Duration]error{retention.AheadMax: nil, retention.AheadMax + time.Millisecond: retention.ErrLease} {
			if holder, err := h.TakeLease(t.Context(), retention.Lease, "somebody", ahead); err != nil || holder != "somebody" {
				t.Fatalf("%q has the lease, %v", holder, err)
			}
			if gone, err := h.keeper().Look(t.Context()); !errors.Is(err, want) || gone.Elsewhere != (want == nil) {
				t.Errorf("%s ahead: %+v, %v", ahead, gone, err)
			}
		}
		if _, err := h.TakeLease(t.Context(), retention.Lease, "somebody", 300*aDay); err != nil {
			t.Fatal(err)
		}
		k := h.keeper()
		if _, err := k.Look(t.Context()); !errors.Is(err, retention.ErrLease) {
			t.Errorf("for most of a year: %v", err)
		}
		k.ClockIsRight = true
		if gone, err := k.Look(t.Context()); err != nil || gone.Elsewhere {
			t.Errorf("an operator says that the clock is right: %+v, %v", gone, err)
		}
		k.ClockIsRight = false
		h.keep(t, k, 0)
	},
	"ALeaseHasOneHolder": func(t *testing.T, h *house) {
		if holder, err := h.LeaseHolder(t.Context(), "l"); err != nil || holder != "" {
			t.Errorf("before: %q, %v", holder, err)
		}
		taken := make([]string, 8)
		_, failures := sideBySide(len(taken), func(i int) (err error) {
			taken[i], err = h.TakeLease(t.Context(), "l", fmt.Sprint("h", i), time.Minute)
			return err
		})
		if holder, err := h.LeaseHolder(t.Context(), "l"); err != nil || len(failures) > 0 || holder == "" || strings.Join(taken, " ") != strings.TrimSuffix(strings.Repeat(holder+" ", len(taken)), " ") {
			t.Errorf("%q has it, and they were told %q; %v, %v", holder, taken, failures, err)
		}
		h.clock.Advance(time.Minute)
		if holder, err := h.LeaseHolder(t.Context(), "l"); err != nil || holder != "" {
			t.Errorf("when it is over: %q, %v", holder, err)
		}
		if end, err := h.LeaseEnd(t.Context(), "l"); err != nil || !end.Equal(h.clock.Now()) {
			t.Errorf("it ended at %v, %v", end, err)
		}
		if end, err := h.LeaseEnd(t.Context(), "none"); err != nil || !end.IsZero() {
			t.Errorf("none ended at %v, %v", end, err)
		}
	},
	"CheckpointsAreThinnedOut": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		for i := range 40 { // a checkpoint every 20 minutes
			h.signedIn(t, u)
			h.integrate(t)
			c, note := h.checkpoint(t)
			if i == 4 {
				note = append(note, "— witness.example.net/1 q2K5KnRlc3Q=\n"...)
			}
			if err := h.SaveCheckpoint(t.Context(), c, note); err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(20 * time.Minute)
		}
		h.clock.Advance(2 * aDay)
		k := h.keeper()
		gone, err := k.Look(t.Context())
		left, errLeft := h.Checkpoints(t.Context(), math.MaxInt64, 100)
		if err != nil || errLeft != nil || gone.Checkpoints != 40-int64(len(left)) || len(left) != 15 { // of 14 hours, and the cosigned one
			t.Errorf("%+v, %v; %d are left, %v", gone, err, len(left), errLeft)
		}
		last, err := h.AuditSize(t.Context())
		if err != nil || left[0].Size != last {
			t.Errorf("the newest is of %d, the log has %d; %v", left[0].Size, last, err)
		}
		if again, err := k.Look(t.Context()); err != nil || again.Checkpoints != 0 {
			t.Errorf("again: %+v, %v", again, err)
		}
		h.wantExport(t)
		h.behind(t, "DELETE FROM audit_checkpoints WHERE size = 3")
		if _, err := h.Raw.ExecContext(t.Context(), fmt.Sprintf("DELETE FROM audit_checkpoints WHERE size = %d", last)); err == nil || !strings.Contains(err.Error(), "only grows") {
			t.Errorf("the newest was removed: %v", err)
		}
		if _, err := h.Raw.ExecContext(t.Context(), "UPDATE audit_checkpoints SET note = (SELECT note FROM audit_checkpoints ORDER BY size LIMIT 1)"); err == nil || !strings.Contains(err.Error(), "only grows") {
			t.Errorf("a checkpoint says something else: %v", err)
		}
	},
}
