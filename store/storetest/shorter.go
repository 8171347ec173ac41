package storetest

import (
	"errors"
	"testing"
	"time"

	"konklave/access"
	"konklave/approval"
	"konklave/audit"
	"konklave/audit/retention"
)

// guardedKeeper is one whose policy waits for a second person where it keeps something for less long.
func (h *house) guardedKeeper(p retention.Policy) *retention.Keeper {
	k := h.keeper()
	k.Policy, k.Guarded = p, true
	return k
}

// startsWith is what a server does about retention when it starts with a policy, and what has to come of it.
func (h *house) startsWith(t *testing.T, asking *approval.Service, configured, inForce retention.Policy, waiting approval.State, kinds ...audit.Kind) {
	t.Helper()
	h.wantNewEntries(t, func() {
		k := h.guardedKeeper(configured)
		k.Guarded = asking.Required()
		if noted, err := k.Note(t.Context()); err != nil || noted != inForce {
			t.Errorf("noted %s, %v; want %s", noted, err, inForce)
		}
		is, state, err := asking.AskRetention(t.Context(), configured)
		if err != nil || is != inForce || state != waiting {
			t.Errorf("with %s: %s is in force, %q, %v; want %s, %q", configured, is, state, err, inForce, waiting)
		}
	}, kinds...)
}

// openRetention is the one request about retention that waits.
func (h *house) openRetention(t *testing.T, asking *approval.Service, by access.Actor) approval.Request {
	t.Helper()
	list, err := asking.List(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	var open []approval.Request
	for _, r := range list {
		if r.Open() && r.Act.Action == access.RetentionShorten {
			open = append(open, r)
		}
	}
	if len(open) != 1 || open[0].RequestedBy != "" {
		t.Fatalf("%+v", open)
	}
	return open[0]
}

func kept(days int) retention.Policy {
	return retention.Policy{Security: days, Administration: retention.DefaultDays, Conference: retention.DefaultDays}
}

var shorter = map[string]func(*testing.T, *house){
	"AShorterRetentionWaitsAndIsAgreedTo": func(t *testing.T, h *house) {
		asking := approval.NewService(h.Store, true, h.clock.Now)
		officer, admin := h.account(t, "sec@example.org", "security_officer"), h.account(t, "anna@example.org", access.Administrator)
		h.startsWith(t, asking, retention.Default(), retention.Default(), "")
		mixed := retention.Policy{Security: 90, Administration: 200, Conference: retention.DefaultDays}
		longer := retention.Policy{Security: retention.DefaultDays, Administration: 200, Conference: retention.DefaultDays}
		h.startsWith(t, asking, mixed, longer, approval.Pending, audit.KindRetentionChanged, audit.KindApprovalRequested)
		h.startsWith(t, asking, mixed, longer, approval.Pending) // asked for once
		h.integrate(t)
		h.clock.Advance(100 * aDay)
		k := h.guardedKeeper(mixed)
		k.ClockIsRight = true
		h.keep(t, k, 0) // what 90 days would not keep
		h.clock.Advance(-100 * aDay)
		r := h.openRetention(t, asking, officer.Actor())
		h.wantNewEntries(t, func() {
			if _, err := asking.Approve(t.Context(), admin.Actor(), r.ID, ""); !errors.Is(err, access.ErrDenied) {
				t.Errorf("by an administrator: %v", err)
			}
			if _, err := asking.Withdraw(t.Context(), officer.Actor(), r.ID); !errors.Is(err, access.ErrDenied) {
				t.Errorf("withdrawn by somebody: %v", err)
			}
		})
		h.refuse(t, "audit_log")
		if _, err := asking.Approve(t.Context(), officer.Actor(), r.ID, ""); err == nil {
			t.Error("agreed without an entry")
		}
		h.allow(t, "audit_log")
		if inForce, _, err := h.Retention(t.Context()); err != nil || inForce != longer {
			t.Errorf("in force without an entry: %s, %v", inForce, err)
		}
		added := h.wantNewEntries(t, func() {
			used, err := asking.Approve(t.Context(), officer.Actor(), r.ID, "")
			if err != nil || used.State != approval.Used || used.DecidedBy != officer.ID {
				t.Errorf("%+v, %v", used, err)
			}
		}, audit.KindApprovalGranted, audit.KindRetentionChanged)
		if want := `{"after":"` + mixed.String() + `","before":"` + longer.String() + `"}`; added[1].Details != want || added[1].ActorID != "retention" || added[0].ActorUser != officer.ID {
			t.Errorf("%+v, want %s", added, want)
		}
		h.startsWith(t, asking, mixed, mixed, "")
	},
	"ARefusedRetentionStaysRefusedUntilTheValuesChange": func(t *testing.T, h *house) {
		asking := approval.NewService(h.Store, true, h.clock.Now)
		auditor := h.account(t, "dora@example.org", "auditor").Actor()
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Pending, audit.KindApprovalRequested)
		h.wantNewEntries(t, func() {
			if _, err := asking.Refuse(t.Context(), auditor, h.openRetention(t, asking, auditor).ID, "not that short"); err != nil {
				t.Error(err)
			}
		}, audit.KindApprovalRefused)
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Refused)
		h.clock.Advance(approval.RetentionTime + approval.Kept + time.Hour) // the request is forgotten, and the answer is not
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Refused)
		h.startsWith(t, asking, kept(100), retention.Default(), approval.Pending, audit.KindApprovalRequested)
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Pending, audit.KindApprovalWithdrawn, audit.KindApprovalRequested)
		h.startsWith(t, asking, retention.Default(), retention.Default(), "", audit.KindApprovalWithdrawn)
	},
	"AShorterRetentionIsAskedForAnewWhenNobodyAnswered": func(t *testing.T, h *house) {
		asking := approval.NewService(h.Store, true, h.clock.Now)
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Pending, audit.KindApprovalRequested)
		h.clock.Advance(approval.RetentionTime - time.Millisecond)
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Pending)
		h.clock.Advance(time.Millisecond)
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Pending, audit.KindApprovalExpired, audit.KindApprovalRequested)
	},
	"WhatIsAgreedToIsShorterThanWhatIsInForce": func(t *testing.T, h *house) {
		asking := approval.NewService(h.Store, true, h.clock.Now)
		officer := h.account(t, "sec@example.org", "security_officer").Actor()
		h.startsWith(t, asking, kept(90), retention.Default(), approval.Pending, audit.KindApprovalRequested)
		r := h.openRetention(t, asking, officer)
		if _, err := h.guardedKeeper(kept(300)).Note(t.Context()); err != nil { // a controller with another configuration
			t.Fatal(err)
		}
		h.wantNewEntries(t, func() {
			if _, err := asking.Approve(t.Context(), officer, r.ID, ""); !errors.Is(err, approval.ErrChanged) {
				t.Errorf("agreed to what was asked for before: %v", err)
			}
		})
		if _, err := asking.Refuse(t.Context(), officer, r.ID, "too late"); err != nil {
			t.Error(err)
		}
		h.startsWith(t, asking, kept(90), kept(300), approval.Pending, audit.KindApprovalRequested) // another question
	},
	"WhereNoSecondPersonIsAskedAShorterRetentionIsInForceAtOnce": func(t *testing.T, h *house) {
		required, off := approval.NewService(h.Store, true, h.clock.Now), approval.NewService(h.Store, false, h.clock.Now)
		h.startsWith(t, required, kept(90), retention.Default(), approval.Pending, audit.KindApprovalRequested)
		h.startsWith(t, off, kept(90), kept(90), "", audit.KindRetentionChanged, audit.KindApprovalWithdrawn)
		h.startsWith(t, off, kept(300), kept(300), "", audit.KindRetentionChanged)
	},
	"OfTwoServersThatAskOneDoes": func(t *testing.T, h *house) {
		asking := approval.NewService(h.Store, true, h.clock.Now)
		_, failures := sideBySide(4, func(int) error {
			_, _, err := asking.AskRetention(t.Context(), kept(90))
			return err
		})
		if asked := h.entries(t, audit.KindApprovalRequested); len(asked) != 1 || len(failures) > 0 {
			t.Errorf("%d requests, %v", len(asked), failures)
		}
	},
}
