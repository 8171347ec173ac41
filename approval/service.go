package approval

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/retention"
	"konklave/line"
	"konklave/user"
)

// Parties are the people of a request as they are in the transaction that decides about it; none of them can change before its
// end. One who is not there any more, or is disabled, may nothing.
type Parties struct {
	Requester, Decider, Subject user.User
}

// Outcome is what a decision changes, all of it or nothing.
type Outcome struct {
	Request Request
	Access  *user.AccessChange // what changes about the subject's account; nil for nothing
	// Retention is the shorter retention that was decided about: in force from now on, or remembered as refused; nil for none.
	Retention *RetentionChange
	Entries   []audit.Entry // before that of Access
}

// Store keeps requests. A method that changes something writes the entries in the same transaction.
type Store interface {
	// InsertApproval fails with ErrAsked when the same act waits for an answer or its use already, and with ErrTooMany when the
	// person has MaxOpen open.
	InsertApproval(ctx context.Context, r Request, entry audit.Entry) error
	// Approvals returns at most limit requests: those that are open, and then the closed ones, the newest first of each.
	Approvals(ctx context.Context, tenant string, limit int) ([]Request, error)
	// ChangeApproval reads a request and its people, calls change and stores what comes of it, all in one transaction; by is
	// the account of who decides, or empty. It fails with ErrUnknown, with user.ErrLastAdmin, and with ErrChanged when another
	// retention is in force than the one that is to be shortened.
	ChangeApproval(ctx context.Context, tenant, id, by string, change func(Request, Parties) (Outcome, error)) (Request, error)
	// Staff returns the accounts that hold a role beyond that of most people and are not disabled.
	Staff(ctx context.Context, tenant string) ([]user.User, error)
	// OverdueApprovals returns requests that are open and expired before now, and forgets those that were closed before forget.
	OverdueApprovals(ctx context.Context, now, forget time.Time) ([]Request, error)
	// Retention returns the retention in force, and the shorter one that was refused; zero for none.
	Retention(ctx context.Context) (inForce, refused retention.Policy, err error)
	// User fails with user.ErrUnknown.
	User(ctx context.Context, tenant, id string) (user.User, error)
}

// Service asks for approvals, gives and uses them.
type Service struct {
	store    Store
	now      func() time.Time
	required bool
}

// NewService returns a Service that takes the time from now. Required says whether this installation asks for a second person.
func NewService(store Store, required bool, now func() time.Time) *Service {
	return &Service{store: store, required: required, now: func() time.Time { return now().UTC().Truncate(time.Millisecond) }}
}

// Required reports whether this installation asks for a second person.
func (s *Service) Required() bool { return s.required }

// AskRoles asks for somebody who agrees that an account get these roles. Faults: access, user.unknown, user.erased, role.*, and those of
// asking: approval.not_needed, approval.text_invalid, approval.nobody, approval.asked, approval.too_many.
func (s *Service) AskRoles(ctx context.Context, actor access.Actor, id, reason string, roles ...access.Role) (Request, error) {
	if err := access.Decide(actor, access.RoleAssign, access.Object{Kind: "user", ID: id, Tenant: actor.Tenant}).Err(); err != nil {
		return Request{}, err
	}
	after, err := access.RolesOf(roles...)
	if err != nil {
		return Request{}, err
	}
	u, err := s.store.User(ctx, actor.Tenant, id)
	switch {
	case err != nil:
		return Request{}, err
	case u.ID == actor.UserID:
		return Request{}, user.ErrOwnAccess
	case !u.ErasedAt.IsZero():
		return Request{}, user.ErrErased
	case !after.Guarded(u.Roles):
		return Request{}, ErrNotNeeded
	}
	return s.ask(ctx, actor, RolesAct(u.ID, u.Roles, after), reason)
}

// AskExport asks for somebody who agrees that the audit log be exported from an entry on. Faults: access, and those of asking.
func (s *Service) AskExport(ctx context.Context, actor access.Actor, start int64, reason string) (Request, error) {
	if err := access.Decide(actor, access.AuditExport, access.Object{Kind: "audit_log", Tenant: actor.Tenant}).Err(); err != nil {
		return Request{}, err
	}
	return s.ask(ctx, actor, ExportAct(max(start, 0)), reason)
}

func (s *Service) ask(ctx context.Context, actor access.Actor, act Act, reason string) (Request, error) {
	if !s.required {
		return Request{}, ErrNotNeeded
	}
	clean, err := line.Clean(reason, MaxTextLength)
	if err != nil {
		return Request{}, ErrTextInvalid.Because(err)
	}
	if err := s.Expire(ctx); err != nil { // what is overdue is no more in the way
		return Request{}, err
	}
	staff, err := s.store.Staff(ctx, actor.Tenant)
	if err != nil {
		return Request{}, err
	}
	var people []access.Actor
	for _, u := range staff {
		people = append(people, u.Actor())
	}
	if len(Deciders(act, actor.UserID, people)) == 0 {
		return Request{}, ErrNobody
	}
	at := s.now()
	r := Request{
		ID: strings.ToLower(rand.Text()), Tenant: actor.Tenant, Act: act, State: Pending, Reason: clean,
		RequestedBy: actor.UserID, RequestedAt: at, ExpiresAt: at.Add(Lifetime),
	}
	return r, s.store.InsertApproval(ctx, r, audit.ApprovalRequested(audit.Origin{At: at, Actor: actor}, r.audited(), r.ExpiresAt))
}

// audited is the request as entries tell of it.
func (r Request) audited() audit.Approval {
	return audit.Approval{ID: r.ID, Action: r.Act.Action, About: r.Act.About, Parameters: r.Act.Parameters}
}

// List returns the requests that concern the actor, as they stand now, open ones first and the newest first of each: their own, and those about which people
// like the actor decide.
func (s *Service) List(ctx context.Context, actor access.Actor) ([]Request, error) {
	if err := access.Decide(actor, access.ApprovalList, access.Object{Kind: "approval", OwnerID: actor.UserID, Tenant: actor.Tenant}).Err(); err != nil {
		return nil, err
	}
	all, err := s.store.Approvals(ctx, actor.Tenant, MaxPage)
	if err != nil {
		return nil, err
	}
	now, some := s.now(), []Request{}
	for _, r := range all {
		decides := access.Decide(actor, r.Act.Action.ApprovedBy(), access.Object{Kind: "approval", Tenant: r.Tenant}).Allowed
		if decides || r.RequestedBy == actor.UserID {
			some = append(some, r.As(now))
		}
	}
	return some, nil
}

// Decidable reports whether the actor could decide about a request now.
func (s *Service) Decidable(r Request, actor access.Actor) bool {
	return r.Decidable(actor, s.now()) == nil
}

// Person returns the account with an id as requests show it; an empty one when it is not there.
func (s *Service) Person(ctx context.Context, tenant, id string) (user.User, error) {
	u, err := s.store.User(ctx, tenant, id)
	if errors.Is(err, user.ErrUnknown) {
		return user.User{ID: id}, nil
	}
	return u, err
}

// Approve agrees to what was asked for. Roles are given, and a shorter retention is in force, in the same transaction; an export waits for who asked. Faults: access,
// approval.unknown, approval.own, approval.closed, approval.changed, approval.text_invalid, role.conflict.
func (s *Service) Approve(ctx context.Context, actor access.Actor, id, note string) (Request, error) {
	if note != "" {
		clean, err := line.Clean(note, MaxTextLength)
		if err != nil {
			return Request{}, ErrTextInvalid.Because(err)
		}
		note = clean
	}
	return s.decide(ctx, actor, id, func(r Request, by access.Actor, p Parties, at time.Time) (Outcome, error) {
		agreed, err := r.Approve(by, note, at)
		if err != nil {
			return Outcome{}, err
		}
		requester := requesterOf(r, p)
		if p.Requester.Disabled() || access.Decide(requester, r.Act.Action, access.Object{Tenant: r.Tenant}).Err() != nil {
			return Outcome{}, ErrChanged
		}
		o := Outcome{Request: agreed, Entries: []audit.Entry{audit.ApprovalGranted(audit.Origin{At: at, Actor: actor}, r.audited())}}
		switch r.Act.Action {
		case access.RoleAssign:
		case access.RetentionShorten:
			return shortened(o, requester, at)
		default:
			return o, nil
		}
		change, err := rolesOf(r, p.Subject, audit.Origin{At: at, Actor: requester})
		if err != nil {
			return Outcome{}, err
		}
		o.Access = &change
		o.Request.State, o.Request.UsedAt = Used, at
		return o, nil
	})
}

// Refuse does not agree, and says why. Faults: access, approval.unknown, approval.own, approval.closed, approval.text_invalid.
func (s *Service) Refuse(ctx context.Context, actor access.Actor, id, note string) (Request, error) {
	clean, err := line.Clean(note, MaxTextLength)
	if err != nil {
		return Request{}, ErrTextInvalid.Because(err)
	}
	return s.decide(ctx, actor, id, func(r Request, by access.Actor, _ Parties, at time.Time) (Outcome, error) {
		refused, err := r.Refuse(by, clean, at)
		o := Outcome{Request: refused, Entries: []audit.Entry{audit.ApprovalRefused(audit.Origin{At: at, Actor: actor}, r.audited())}}
		if err != nil || r.Act.Action != access.RetentionShorten {
			return o, err
		}
		change, err := r.Act.retention()
		o.Retention = &change
		return o, err
	})
}

// decide calls with what the actor may at the moment of the decision.
func (s *Service) decide(ctx context.Context, actor access.Actor, id string, with func(Request, access.Actor, Parties, time.Time) (Outcome, error)) (Request, error) {
	if err := access.Decide(actor, access.ApprovalDecide, access.Object{Kind: "approval", ID: id, Tenant: actor.Tenant}).Err(); err != nil {
		return Request{}, err
	}
	return s.store.ChangeApproval(ctx, actor.Tenant, id, actor.UserID, func(r Request, p Parties) (Outcome, error) {
		if p.Decider.ID == "" || p.Decider.Disabled() {
			return Outcome{}, access.ErrDenied
		}
		now := actor
		now.Roles = p.Decider.Actor().Roles
		return with(r, now, p, s.now())
	})
}

// rolesOf is what an approved change of roles does to an account, which must be as it was when the change was asked for.
func rolesOf(r Request, subject user.User, o audit.Origin) (user.AccessChange, error) {
	asked, err := r.Act.roles()
	if err != nil {
		return user.AccessChange{}, err
	}
	before := subject.Roles
	after, err := access.RolesOf(asked.After...)
	if err != nil {
		return user.AccessChange{}, err
	}
	if !subject.ErasedAt.IsZero() || RolesAct(subject.ID, before, after).Digest() != r.Act.Digest() {
		return user.AccessChange{}, ErrChanged
	}
	return user.Reassign(o, subject, after), nil
}

// Withdraw takes back what the actor asked for. Faults: access, approval.unknown, approval.closed.
func (s *Service) Withdraw(ctx context.Context, actor access.Actor, id string) (Request, error) {
	return s.store.ChangeApproval(ctx, actor.Tenant, id, "", func(r Request, _ Parties) (Outcome, error) {
		at := s.now()
		withdrawn, err := r.Withdraw(actor, at)
		return Outcome{Request: withdrawn, Entries: []audit.Entry{audit.ApprovalWithdrawn(audit.Origin{At: at, Actor: actor}, r.audited())}}, err
	})
}

// UseExport lets the actor have the entries of the audit log from an index on with the approval that has an id, or with whichever
// fits when that is empty, and records it. Faults: access.approval_required, approval.unknown, approval.mismatch, approval.closed.
func (s *Service) UseExport(ctx context.Context, actor access.Actor, id string, from int64, exported audit.Entry) error {
	if id == "" {
		fitting, err := s.exportOf(ctx, actor, from)
		if err != nil {
			return err
		}
		id = fitting
	}
	_, err := s.store.ChangeApproval(ctx, actor.Tenant, id, "", func(r Request, _ Parties) (Outcome, error) {
		at := s.now()
		used, first, err := r.UseExport(actor, from, at)
		o := Outcome{Request: used, Entries: []audit.Entry{exported}}
		if first {
			o.Entries = []audit.Entry{audit.ApprovalUsed(audit.Origin{At: at, Actor: actor}, r.audited()), exported}
		}
		return o, err
	})
	return err
}

// exportOf is the id of the actor's newest approval with which entries from an index on can be had now. It fails with
// access.ErrApprovalRequired.
func (s *Service) exportOf(ctx context.Context, actor access.Actor, from int64) (string, error) {
	all, err := s.store.Approvals(ctx, actor.Tenant, MaxPage)
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if _, _, err := r.UseExport(actor, from, s.now()); err == nil {
			return r.ID, nil
		}
	}
	return "", access.ErrApprovalRequired
}

// Expire closes what nobody answered or used in time, and forgets what was closed long ago.
func (s *Service) Expire(ctx context.Context) error {
	now, actor := s.now(), access.System("controller")
	overdue, err := s.store.OverdueApprovals(ctx, now, now.Add(-Kept))
	if err != nil {
		return err
	}
	for _, each := range overdue {
		_, err := s.store.ChangeApproval(ctx, each.Tenant, each.ID, "", func(r Request, _ Parties) (Outcome, error) {
			expired := r.As(now)
			if expired.State != Expired || r.State == Expired {
				return Outcome{}, ErrClosed
			}
			return Outcome{Request: expired, Entries: []audit.Entry{audit.ApprovalExpired(audit.Origin{At: now, Actor: actor}, r.audited())}}, nil
		})
		if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrUnknown) {
			return err
		}
	}
	return nil
}
