package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/approval"
	"konklave/audit"
	"konklave/auth"
	"konklave/user"
)

// board is an installation in which a second person must agree.
type board struct {
	*house
	guarded         *user.Service
	asking          *approval.Service
	anna, carl, ben user.User // two administrators, and one of whom they decide
}

func newBoard(t *testing.T, h *house) board {
	t.Helper()
	return board{
		house: h, guarded: h.users.NeedingApproval(), asking: approval.NewService(h.Store, true, h.clock.Now),
		anna: h.account(t, "anna@example.org", access.Administrator), carl: h.account(t, "carl@example.org", access.Administrator),
		ben: h.account(t, "ben@example.org", access.Ordinary),
	}
}

// ask has anna ask for roles of ben.
func (b board) ask(t *testing.T, roles ...access.Role) approval.Request {
	t.Helper()
	r, err := b.asking.AskRoles(t.Context(), b.anna.Actor(), b.ben.ID, "ben leads the audit", roles...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantRoles checks the roles of ben.
func (b board) wantRoles(t *testing.T, want access.Roles) {
	t.Helper()
	u, err := b.User(t.Context(), access.DefaultTenant, b.ben.ID)
	if err != nil || u.Roles != want {
		t.Errorf("roles %q, %v, want %q", u.Roles, err, want)
	}
}

// state is how far a request has come, as its owner sees it.
func (b board) state(t *testing.T, id string) approval.State {
	t.Helper()
	list, err := b.asking.List(t.Context(), b.anna.Actor())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.ID == id {
			return r.State
		}
	}
	return ""
}

// exports counts how often each part of the audit log could be had with an approval.
func (b board) export(ctx context.Context, actor access.Actor, id string, from int64) error {
	entry := audit.LogExported(audit.Origin{At: b.clock.Now(), Actor: actor}, "log", from, from+1)
	return b.asking.UseExport(ctx, actor, id, from, entry)
}

var approvals = map[string]func(*testing.T, *house){
	"ClosedRequestsDoNotPushOpenOnesOut": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		open := b.ask(t, access.RoleAuditor)
		closed := b.ask(t, access.RoleSecurityOfficer)
		if _, err := b.asking.Withdraw(t.Context(), b.anna.Actor(), closed.ID); err != nil {
			t.Fatal(err)
		}
		newest, err := h.Approvals(t.Context(), access.DefaultTenant, 1)
		if err != nil || len(newest) != 1 || newest[0].ID != open.ID {
			t.Errorf("the first is %+v, %v", newest, err)
		}
		all, err := h.Approvals(t.Context(), access.DefaultTenant, approval.MaxPage)
		if err != nil || len(all) != 2 || all[1].ID != closed.ID {
			t.Errorf("all are %+v, %v", all, err)
		}
	},
	"A49ASecondPersonGivesGuardedRoles": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		in := b.signedIn(t, b.ben)
		b.wantNewEntries(t, func() {
			if _, err := b.guarded.Assign(t.Context(), b.anna.Actor(), b.ben.ID, access.RoleAuditor); !errors.Is(err, access.ErrApprovalRequired) {
				t.Errorf("alone: %v", err)
			}
			n := user.New{Email: "new@example.org", Name: "New", Roles: []access.Role{access.RoleOperator}, Password: password}
			if _, err := b.guarded.Create(t.Context(), b.anna.Actor(), n); !errors.Is(err, access.ErrApprovalRequired) {
				t.Errorf("a new operator, alone: %v", err)
			}
		})
		var r approval.Request
		added := b.wantNewEntries(t, func() { r = b.ask(t, access.RoleAuditor) }, audit.KindApprovalRequested)
		const parameters = `"parameters":{"after":["auditor"],"before":["user"]}`
		if e := added[0]; e.ObjectID != b.ben.ID || e.ActorUser != b.anna.ID || !strings.Contains(e.Details, parameters) || !strings.Contains(e.Details, r.ID) {
			t.Errorf("entry %+v", e)
		}
		b.wantRoles(t, access.Ordinary)
		added = b.wantNewEntries(t, func() {
			used, err := b.asking.Approve(t.Context(), b.carl.Actor(), r.ID, " yes ")
			if err != nil || used.State != approval.Used || used.DecidedBy != b.carl.ID || used.Note != "yes" {
				t.Errorf("%+v, %v", used, err)
			}
		}, audit.KindApprovalGranted, audit.KindRolesAssigned)
		if added[0].ActorUser != b.carl.ID || added[1].ActorUser != b.anna.ID || added[1].ObjectID != b.ben.ID {
			t.Errorf("entries %+v", added)
		}
		b.wantRoles(t, "auditor")
		b.wantSession(t, in.Session, auth.ErrSessionInvalid) // the role user was taken away
		b.wantNewEntries(t, func() {
			if _, err := b.asking.Approve(t.Context(), b.carl.Actor(), r.ID, ""); !errors.Is(err, approval.ErrClosed) {
				t.Errorf("twice: %v", err)
			}
		})
	},
	"WhatNeedsNoSecondPerson": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		if _, err := b.guarded.Assign(t.Context(), b.anna.Actor(), b.ben.ID, access.RoleMeetingManager); err != nil {
			t.Errorf("a role that is not guarded: %v", err)
		}
		if _, err := b.guarded.Assign(t.Context(), b.anna.Actor(), b.carl.ID, access.RoleUserAdmin); err != nil {
			t.Errorf("roles taken away: %v", err)
		}
		if _, err := b.guarded.Assign(t.Context(), access.System("command-line"), b.ben.ID, access.RoleAuditor); err != nil {
			t.Errorf("on the command line: %v", err)
		}
		for name, err := range map[string]error{
			"a role that is not guarded": second(b.asking.AskRoles(t.Context(), b.carl.Actor(), b.anna.ID, "why", access.RoleUser)),
			"where it is off": second(approval.NewService(h.Store, false, h.clock.Now).
				AskRoles(t.Context(), b.carl.Actor(), b.ben.ID, "why", access.RoleOperator)),
		} {
			if !errors.Is(err, approval.ErrNotNeeded) {
				t.Errorf("%s: %v", name, err)
			}
		}
	},
	"A49RequestsThatAreRefused": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		officer := b.account(t, "sec@example.org", "security_officer")
		ask := func(actor access.Actor, id, reason string, roles ...access.Role) error {
			return second(b.asking.AskRoles(t.Context(), actor, id, reason, roles...))
		}
		long := strings.Repeat("x", approval.MaxTextLength)
		b.wantNewEntries(t, func() {
			for name, tt := range map[string]struct{ err, want error }{
				"for oneself":           {ask(b.anna.Actor(), b.anna.ID, "why", access.RoleAuditor), user.ErrOwnAccess},
				"by a security officer": {ask(officer.Actor(), b.ben.ID, "why", access.RoleAuditor), access.ErrDenied},
				"roles apart":           {ask(b.anna.Actor(), b.ben.ID, "why", access.RoleAuditor, access.RoleOperator), access.ErrRoleConflict},
				"nobody's":              {ask(b.anna.Actor(), "x", "why", access.RoleAuditor), user.ErrUnknown},
				"without a reason":      {ask(b.anna.Actor(), b.ben.ID, " ", access.RoleAuditor), approval.ErrTextInvalid},
				"with a long reason":    {ask(b.anna.Actor(), b.ben.ID, long+"x", access.RoleAuditor), approval.ErrTextInvalid},
				"an export, by an administrator": {
					second(b.asking.AskExport(t.Context(), b.anna.Actor(), 0, "why")), access.ErrDenied},
			} {
				if !errors.Is(tt.err, tt.want) {
					t.Errorf("%s: %v, want %v", name, tt.err, tt.want)
				}
			}
		})
		if err := ask(b.anna.Actor(), b.ben.ID, long, access.RoleAuditor); err != nil {
			t.Errorf("a reason of %d characters: %v", approval.MaxTextLength, err)
		}
		if err := ask(b.carl.Actor(), b.ben.ID, "why", access.RoleAuditor); !errors.Is(err, approval.ErrAsked) {
			t.Errorf("the same again: %v", err)
		}
	},
	"WhereNobodyCouldAgreeItIsSaid": func(t *testing.T, h *house) {
		anna, ben := h.account(t, "anna@example.org", access.Administrator), h.account(t, "ben@example.org", access.Administrator)
		asking := approval.NewService(h.Store, true, h.clock.Now)
		ask := func() error {
			return second(asking.AskRoles(t.Context(), anna.Actor(), ben.ID, "why", access.RoleSecurityOfficer))
		}
		if err := ask(); !errors.Is(err, approval.ErrNobody) {
			t.Errorf("the one who asks and the one about whom: %v", err)
		}
		officer := h.account(t, "sec@example.org", "security_officer")
		if _, err := h.users.Disable(t.Context(), anna.Actor(), officer.ID); err != nil {
			t.Fatal(err)
		}
		if err := ask(); !errors.Is(err, approval.ErrNobody) {
			t.Errorf("one who is disabled: %v", err)
		}
		if _, err := h.users.Enable(t.Context(), anna.Actor(), officer.ID); err != nil {
			t.Fatal(err)
		}
		if err := ask(); err != nil {
			t.Errorf("with a security officer: %v", err)
		}
	},
	"OnePersonHasSoManyRequestsOpen": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		ask := func(i int) error {
			u := b.account(t, fmt.Sprintf("p%d@example.org", i), access.Ordinary)
			return second(b.asking.AskRoles(t.Context(), b.anna.Actor(), u.ID, "why", access.RoleAuditor))
		}
		for i := range approval.MaxOpen {
			if err := ask(i); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		if err := ask(approval.MaxOpen); !errors.Is(err, approval.ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
		b.clock.Advance(approval.Lifetime) // nobody answered
		b.wantNewEntries(t, func() {
			if err := ask(approval.MaxOpen + 1); err != nil {
				t.Errorf("after their time: %v", err)
			}
		}, append([]audit.Kind{audit.KindUserCreated}, append(repeat(audit.KindApprovalExpired, approval.MaxOpen), audit.KindApprovalRequested)...)...)
	},
	"WhatHasChangedIsNotApproved": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		r := b.ask(t, access.RoleUser, access.RoleOperator)
		approve := func(want error) {
			t.Helper()
			if _, err := b.asking.Approve(t.Context(), b.carl.Actor(), r.ID, ""); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		officer := b.account(t, "sec@example.org", "security_officer").Actor()
		do := func(_ user.User, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		do(b.guarded.Assign(t.Context(), b.carl.Actor(), b.ben.ID, access.RoleMeetingManager))
		approve(approval.ErrChanged)
		do(b.guarded.Assign(t.Context(), b.carl.Actor(), b.ben.ID, access.RoleUser))
		do(b.guarded.Disable(t.Context(), officer, b.anna.ID))
		approve(approval.ErrChanged)
		do(b.guarded.Enable(t.Context(), b.carl.Actor(), b.anna.ID))
		do(b.guarded.Assign(t.Context(), b.carl.Actor(), b.anna.ID, access.RoleUser))
		approve(approval.ErrChanged)
		do(b.users.Assign(t.Context(), access.System("command-line"), b.anna.ID, access.RoleUserAdmin))
		do(b.guarded.Disable(t.Context(), officer, b.carl.ID))
		approve(access.ErrDenied) // with what he was when he asked for the page
		do(b.guarded.Enable(t.Context(), b.anna.Actor(), b.carl.ID))
		b.wantRoles(t, access.Ordinary)
		approve(nil)
		b.wantRoles(t, "user operator")
	},
	"RefusedWithdrawnAndExpired": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		r := b.ask(t, access.RoleAuditor)
		b.wantNewEntries(t, func() {
			if _, err := b.asking.Refuse(t.Context(), b.carl.Actor(), r.ID, ""); !errors.Is(err, approval.ErrTextInvalid) {
				t.Errorf("without a word: %v", err)
			}
			if _, err := b.asking.Refuse(t.Context(), b.anna.Actor(), r.ID, "no"); !errors.Is(err, approval.ErrOwn) {
				t.Errorf("one's own: %v", err)
			}
			if _, err := b.asking.Withdraw(t.Context(), b.carl.Actor(), r.ID); !errors.Is(err, access.ErrDenied) {
				t.Errorf("withdrawn by another: %v", err)
			}
			if _, err := b.asking.Approve(t.Context(), b.carl.Actor(), "x", ""); !errors.Is(err, approval.ErrUnknown) {
				t.Errorf("one that is not there: %v", err)
			}
		})
		b.wantNewEntries(t, func() {
			if refused, err := b.asking.Refuse(t.Context(), b.carl.Actor(), r.ID, "not now"); err != nil || refused.State != approval.Refused || refused.Note != "not now" {
				t.Errorf("%+v, %v", refused, err)
			}
		}, audit.KindApprovalRefused)
		again := b.ask(t, access.RoleAuditor)
		b.wantNewEntries(t, func() {
			if _, err := b.asking.Withdraw(t.Context(), b.anna.Actor(), again.ID); err != nil {
				t.Error(err)
			}
		}, audit.KindApprovalWithdrawn)
		last := b.ask(t, access.RoleAuditor)
		expire := func() {
			t.Helper()
			if err := b.asking.Expire(t.Context()); err != nil {
				t.Error(err)
			}
		}
		b.clock.Advance(approval.Lifetime - time.Millisecond)
		b.wantNewEntries(t, expire)
		b.clock.Advance(time.Millisecond)
		if s := b.state(t, last.ID); s != approval.Expired {
			t.Errorf("before it was closed it is shown as %s", s)
		}
		b.wantNewEntries(t, expire, audit.KindApprovalExpired)
		b.wantNewEntries(t, expire)
		b.clock.Advance(approval.Kept)
		expire()
		if s := b.state(t, last.ID); s != approval.Expired {
			t.Errorf("to the millisecond of its time it is %q", s)
		}
		b.clock.Advance(time.Millisecond)
		expire()
		if s := b.state(t, last.ID); s != "" {
			t.Errorf("long after its time it is %s", s)
		}
	},
	"WhoSeesRequests": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		auditor, officer := b.account(t, "audit@example.org", "auditor"), b.account(t, "sec@example.org", "security_officer")
		b.ask(t, access.RoleUserAdmin)
		if _, err := b.asking.AskExport(t.Context(), auditor.Actor(), 3, "yearly review"); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			who  user.User
			want int
		}{{b.anna, 1}, {b.carl, 1}, {b.ben, 0}, {auditor, 1}, {officer, 2}} {
			list, err := b.asking.List(t.Context(), tt.who.Actor())
			if err != nil || len(list) != tt.want {
				t.Errorf("%s sees %+v, %v", tt.who.Email, list, err)
			}
		}
		elsewhere := officer.Actor()
		elsewhere.Tenant = "another"
		if list, err := b.asking.List(t.Context(), elsewhere); err != nil || len(list) != 0 {
			t.Errorf("another organisation sees %+v, %v", list, err)
		}
	},
	"AnExportIsApprovedAndUsedOnce": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		dora, emil := b.account(t, "dora@example.org", "auditor"), b.account(t, "emil@example.org", "auditor")
		r, err := b.asking.AskExport(t.Context(), dora.Actor(), 5, "yearly review")
		if err != nil {
			t.Fatal(err)
		}
		wantExport := func(actor access.Actor, id string, from int64, want error, kinds ...audit.Kind) {
			t.Helper()
			b.wantNewEntries(t, func() {
				if err := b.export(t.Context(), actor, id, from); !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			}, kinds...)
		}
		wantExport(dora.Actor(), "", 5, access.ErrApprovalRequired)
		wantExport(dora.Actor(), r.ID, 5, approval.ErrClosed)
		if _, err := b.asking.Approve(t.Context(), emil.Actor(), r.ID, ""); err != nil {
			t.Fatal(err)
		}
		wantExport(dora.Actor(), r.ID, 4, approval.ErrMismatch)
		wantExport(emil.Actor(), r.ID, 5, approval.ErrUnknown)
		wantExport(dora.Actor(), "", 4, access.ErrApprovalRequired)
		wantExport(emil.Actor(), "", 5, access.ErrApprovalRequired)
		wantExport(dora.Actor(), "", 5, nil, audit.KindApprovalUsed, audit.KindLogExported)
		wantExport(dora.Actor(), r.ID, 6, nil, audit.KindLogExported)
		wantExport(dora.Actor(), "", 7, nil, audit.KindLogExported)
		b.clock.Advance(approval.ExportWindow)
		wantExport(dora.Actor(), r.ID, 7, approval.ErrClosed)
		if _, err := b.asking.AskExport(t.Context(), dora.Actor(), 5, "again"); err != nil {
			t.Errorf("once more: %v", err)
		}
	},
	"OfTwoWhoDecideAtOnceOneDoes": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		officer := b.account(t, "sec@example.org", "security_officer")
		r := b.ask(t, access.RoleAuditor)
		deciders := [...]access.Actor{b.carl.Actor(), officer.Actor()}
		succeeded, failures := sideBySide(len(deciders), func(i int) error {
			return second(b.asking.Approve(t.Context(), deciders[i], r.ID, ""))
		})
		if succeeded != 1 || !errors.Is(failures[0], approval.ErrClosed) {
			t.Errorf("%d did, %v", succeeded, failures)
		}
		if n := len(b.entries(t, audit.KindRolesAssigned)); n != 1 {
			t.Errorf("%d assignments", n)
		}
	},
	"OfApproveAndWithdrawAtOnceOneHappens": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		r := b.ask(t, access.RoleAuditor)
		succeeded, failures := sideBySide(2, func(i int) error {
			if i == 0 {
				return second(b.asking.Approve(t.Context(), b.carl.Actor(), r.ID, ""))
			}
			return second(b.asking.Withdraw(t.Context(), b.anna.Actor(), r.ID))
		})
		if succeeded != 1 || !errors.Is(failures[0], approval.ErrClosed) {
			t.Errorf("%d did, %v", succeeded, failures)
		}
		want := map[approval.State]access.Roles{approval.Used: "auditor", approval.Withdrawn: access.Ordinary}
		b.wantRoles(t, want[b.state(t, r.ID)])
	},
	"AnApprovalIsBegunToBeUsedOnce": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		dora, emil := b.account(t, "dora@example.org", "auditor"), b.account(t, "emil@example.org", "auditor")
		r, err := b.asking.AskExport(t.Context(), dora.Actor(), 0, "yearly review")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.asking.Approve(t.Context(), emil.Actor(), r.ID, ""); err != nil {
			t.Fatal(err)
		}
		if succeeded, failures := sideBySide(4, func(int) error { return b.export(t.Context(), dora.Actor(), r.ID, 0) }); succeeded != 4 {
			t.Error(failures)
		}
		if used := b.entries(t, audit.KindApprovalUsed); len(used) != 1 {
			t.Errorf("begun %d times", len(used))
		}
	},
	"OfTwoWhoAskForTheSameOneDoes": func(t *testing.T, h *house) {
		b := newBoard(t, h)
		askers := [...]access.Actor{b.anna.Actor(), b.carl.Actor()}
		b.account(t, "sec@example.org", "security_officer")
		succeeded, failures := sideBySide(len(askers), func(i int) error {
			return second(b.asking.AskRoles(t.Context(), askers[i], b.ben.ID, "why", access.RoleAuditor))
		})
		if succeeded != 1 || !errors.Is(failures[0], approval.ErrAsked) {
			t.Errorf("%d did, %v", succeeded, failures)
		}
	},
}

func second[T any](_ T, err error) error { return err }

func repeat(k audit.Kind, n int) []audit.Kind {
	all := make([]audit.Kind, n)
	for i := range all {
		all[i] = k
	}
	return all
}
