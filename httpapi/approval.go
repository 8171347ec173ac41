package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/approval"
	"konklave/audit"
	"konklave/fault"
)

func (a *API) addApprovals() {
	asking := []fault.Code{"approval.not_needed", "approval.text_invalid", "approval.nobody", "approval.asked", "approval.too_many"}
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/approvals", ID: "listApprovals", Tag: "Approvals", Action: access.ApprovalList,
		Summary: "The newest requests for a second person: the caller's own, and those about which the caller may decide",
	}, a.listApprovals)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/approvals/roles", ID: "askForRoles", Tag: "Approvals", Action: access.RoleAssign,
		Summary: "Ask a second person to agree that an account get these roles in place of those it has; it gets them with the agreement",
		Audits:  []audit.Kind{audit.KindApprovalRequested}, Status: http.StatusCreated,
		Codes: append([]fault.Code{"user.unknown", "user.erased", "role.invalid", "role.conflict", "role.own"}, asking...),
	}, a.askForRoles)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/approvals/audit-export", ID: "askForExport", Tag: "Approvals", Action: access.ExportAsk,
		Summary: "Ask a second person to agree that the caller export the audit log",
		Audits:  []audit.Kind{audit.KindApprovalRequested}, Status: http.StatusCreated, Codes: asking,
	}, a.askForExport)
	add(a, Route{
		Method: http.MethodPut, Path: prefix + "/approvals/{id}/approved", ID: "approve", Tag: "Approvals", Action: access.ApprovalDecide,
		Summary: "Agree to what was asked for; roles are given, and a shorter retention is in force, at once",
		Audits:  []audit.Kind{audit.KindApprovalGranted, audit.KindRolesAssigned}, Status: http.StatusOK,
		Codes: []fault.Code{"approval.unknown", "approval.own", "approval.closed", "approval.changed", "approval.text_invalid", "role.conflict", "user.last_administrator"},
	}, a.approve)
	add(a, Route{
		Method: http.MethodPut, Path: prefix + "/approvals/{id}/refused", ID: "refuse", Tag: "Approvals", Action: access.ApprovalDecide,
		Summary: "Do not agree, and say why", Audits: []audit.Kind{audit.KindApprovalRefused}, Status: http.StatusOK,
		Codes: []fault.Code{"approval.unknown", "approval.own", "approval.closed", "approval.text_invalid"},
	}, a.refuse)
	add(a, Route{
		Method: http.MethodPut, Path: prefix + "/approvals/{id}/withdrawn", ID: "withdraw", Tag: "Approvals", Action: access.ApprovalWithdraw,
		Summary: "Take a request back that nobody has used", Audits: []audit.Kind{audit.KindApprovalWithdrawn}, Status: http.StatusOK,
		Codes: []fault.Code{"approval.unknown", "approval.closed"},
	}, a.withdraw)
}

// Person is somebody in a list of something else.
type Person struct {
	ID    string `json:"id"`
	Name  string `json:"name" doc:"Empty when the account is not there any more."`
	Email string `json:"email"`
}

// Approval is a request for a second person, and what became of it.
type Approval struct {
	ID          string         `json:"id"`
	Action      access.Action  `json:"action" enum:"role.assign,audit.export,audit.retention" doc:"What is to be done."`
	About       *Person        `json:"about,omitempty" doc:"Whose account it is done to."`
	Before      []access.Role  `json:"before,omitempty" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor" nullable:"false" doc:"Of role.assign: the roles that the account had."`
	After       []access.Role  `json:"after,omitempty" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor" nullable:"false" doc:"Of role.assign: the roles that it is to have."`
	Start       *int64         `json:"start,omitempty" doc:"Of audit.export: the index of the first entry."`
	KeptBefore  *approval.Days `json:"keptBefore,omitempty" doc:"Of audit.retention: for how many days the audit log is kept until somebody agrees."`
	KeptAfter   *approval.Days `json:"keptAfter,omitempty" doc:"Of audit.retention: for how many days it is to be kept."`
	State       approval.State `json:"state" enum:"pending,approved,used,refused,withdrawn,expired"`
	Reason      string         `json:"reason"`
	RequestedBy Person         `json:"requestedBy" doc:"With an empty id: the server, because its configuration says so."`
	RequestedAt time.Time      `json:"requestedAt"`
	ExpiresAt   time.Time      `json:"expiresAt" doc:"Of one that is open: until when it can be decided, or used."`
	DecidedBy   *Person        `json:"decidedBy,omitempty"`
	DecidedAt   *time.Time     `json:"decidedAt,omitempty"`
	Note        string         `json:"note,omitempty" doc:"What the second person said to it."`
	UsedAt      *time.Time     `json:"usedAt,omitempty"`
	Decidable   bool           `json:"decidable" doc:"The caller can decide about it now."`
	Own         bool           `json:"own" doc:"The caller asked for it."`
}

// showApproval shows a request as the caller sees it; people are looked up once each.
func (a *API) showApproval(ctx context.Context, r approval.Request, people map[string]Person) (Approval, error) {
	who := callerOf(ctx).actor
	person := func(id string) (Person, error) {
		if known, ok := people[id]; ok {
			return known, nil
		}
		u, err := a.approvals.Person(ctx, r.Tenant, id)
		people[id] = Person{ID: id, Name: u.Name, Email: u.Email}
		return people[id], err
	}
	shown := Approval{
		ID: r.ID, Action: r.Act.Action, State: r.State, Reason: r.Reason, RequestedAt: r.RequestedAt, ExpiresAt: r.ExpiresAt,
		Note: r.Note, Decidable: a.approvals.Decidable(r, who), Own: r.RequestedBy == who.UserID,
	}
	var err error
	if shown.RequestedBy, err = person(r.RequestedBy); err != nil {
		return Approval{}, err
	}
	for id, place := range map[string]**Person{r.Act.About: &shown.About, r.DecidedBy: &shown.DecidedBy} {
		if id == "" {
			continue
		}
		found, err := person(id)
		if err != nil {
			return Approval{}, err
		}
		*place = &found
	}
	if !r.DecidedAt.IsZero() {
		shown.DecidedAt = &r.DecidedAt
	}
	if !r.UsedAt.IsZero() {
		shown.UsedAt = &r.UsedAt
	}
	return shown, shown.parameters(r.Act)
}

// parameters shows those of an act.
func (p *Approval) parameters(act approval.Act) error {
	switch act.Action {
	case access.RoleAssign:
		var roles approval.RoleChange
		err := json.Unmarshal([]byte(act.Parameters), &roles)
		p.Before, p.After = roles.Before, roles.After
		return err
	case access.AuditExport:
		var export approval.Export
		err := json.Unmarshal([]byte(act.Parameters), &export)
		p.Start = &export.Start
		return err
	case access.RetentionShorten:
		var change approval.RetentionChange
		err := json.Unmarshal([]byte(act.Parameters), &change)
		p.KeptBefore, p.KeptAfter = &change.Before, &change.After
		return err
	}
	return nil
}

func (a *API) shownApproval(ctx context.Context, r approval.Request, err error) (*body[Approval], error) {
	if err != nil {
		return nil, err
	}
	shown, err := a.showApproval(ctx, r, map[string]Person{})
	return &body[Approval]{shown}, err
}

func (a *API) listApprovals(ctx context.Context, _ *struct{}) (*body[page[Approval]], error) {
	list, err := a.approvals.List(ctx, callerOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	items, people := []Approval{}, map[string]Person{}
	for _, r := range list {
		shown, err := a.showApproval(ctx, r, people)
		if err != nil {
			return nil, err
		}
		items = append(items, shown)
	}
	return &body[page[Approval]]{page[Approval]{items}}, nil
}

// RolesWanted asks for roles of an account.
type RolesWanted struct {
	User   string        `json:"user" doc:"Id of the account."`
	Roles  []access.Role `json:"roles" enum:"user,meeting_manager,operator,user_admin,security_officer,auditor" nullable:"false" doc:"All that it is to have."`
	Reason string        `json:"reason" minLength:"1" maxLength:"300" doc:"For the second person."`
}

func (a *API) askForRoles(ctx context.Context, in *body[RolesWanted]) (*body[Approval], error) {
	w := in.Body
	r, err := a.approvals.AskRoles(ctx, callerOf(ctx).actor, w.User, w.Reason, w.Roles...)
	return a.shownApproval(ctx, r, err)
}

// ExportWanted asks for the audit log.
type ExportWanted struct {
	Start  int64  `json:"start,omitempty" doc:"Index of the first entry, from 0, which is also the default."`
	Reason string `json:"reason" minLength:"1" maxLength:"300" doc:"For the second person."`
}

func (a *API) askForExport(ctx context.Context, in *body[ExportWanted]) (*body[Approval], error) {
	r, err := a.approvals.AskExport(ctx, callerOf(ctx).actor, in.Body.Start, in.Body.Reason)
	return a.shownApproval(ctx, r, err)
}

// Decision is what the second person says.
type Decision struct {
	Note string `json:"note,omitempty" maxLength:"300" doc:"Why; needed to refuse."`
}

type decisionInput struct {
	ID   string `path:"id"`
	Body Decision
}

func (a *API) approve(ctx context.Context, in *decisionInput) (*body[Approval], error) {
	r, err := a.approvals.Approve(ctx, callerOf(ctx).actor, in.ID, in.Body.Note)
	return a.shownApproval(ctx, r, err)
}

func (a *API) refuse(ctx context.Context, in *decisionInput) (*body[Approval], error) {
	r, err := a.approvals.Refuse(ctx, callerOf(ctx).actor, in.ID, in.Body.Note)
	return a.shownApproval(ctx, r, err)
}

func (a *API) withdraw(ctx context.Context, in *idInput) (*body[Approval], error) {
	r, err := a.approvals.Withdraw(ctx, callerOf(ctx).actor, in.ID)
	return a.shownApproval(ctx, r, err)
}
