package httpapi

import (
	"context"
	"net/http"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/finding"
)

func (a *API) addFindings() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/findings", ID: "listFindings", Tag: "Security", Action: access.FindingList,
		Summary: "What was noticed that somebody should look at, the newest first",
	}, a.listFindings)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/findings/{id}", ID: "getFinding", Tag: "Security", Action: access.FindingList,
		Summary: "One thing that was noticed, with the places of its entries in the audit log", Codes: []fault.Code{"finding.unknown"},
	}, a.getFinding)
	add(a, Route{
		Method: http.MethodPatch, Path: prefix + "/findings/{id}", ID: "handleFinding", Tag: "Security", Action: access.FindingHandle,
		Summary: "Take a finding up, close it with a note, or open it again", Audits: []audit.Kind{audit.KindFindingHandled},
		Codes: []fault.Code{"finding.unknown", "finding.state_invalid", "finding.note_invalid", "finding.changed"},
	}, a.handleFinding)
}

// Finding is one thing that was noticed, with the evidence.
type Finding struct {
	ID       string           `json:"id"`
	At       time.Time        `json:"at"`
	Kind     finding.Kind     `json:"kind" enum:"sign_in.locked,sign_in.spray,ticket.guessing,browser.new,passkey.copied,country.new,travel.impossible,session.reused,browser.reused,api_token.reused,access_token.reused,traffic.spike,admin.burst,admin.network,admin.hour"`
	Severity finding.Severity `json:"severity" enum:"notice,warning,alarm"`
	UserID   string           `json:"userId,omitempty" doc:"The account it is about; absent where there is none, or nobody's."`
	Evidence Evidence         `json:"evidence"`
	State    finding.State    `json:"state" enum:"open,taken,closed"`
	Version  string           `json:"version" doc:"Names what it is like now; who changes it says it again."`
	Note     string           `json:"note,omitempty" doc:"What somebody wrote who has closed it."`

	HandledBy string     `json:"handledBy,omitempty" doc:"The account that gave it its state."`
	HandledAt *time.Time `json:"handledAt,omitempty" doc:"Absent while it is open."`
	Numbers   []int64    `json:"numbers,omitempty" nullable:"false" doc:"The place in the audit log of each of the entries, -1 where it has none yet. In a list it is absent."`
}

// Evidence is what a finding rests on; what does not apply is absent.
type Evidence struct {
	Entries    []string `json:"entries,omitempty" nullable:"false" doc:"Ids of audit entries, the newest first, 200 at most."`
	Sources    []string `json:"sources,omitempty" nullable:"false" doc:"Networks; a known browser begins with device:."`
	Sessions   []string `json:"sessions,omitempty" nullable:"false" doc:"Ids of sessions."`
	Failures   int      `json:"failures,omitzero,omitempty" doc:"How many proofs failed."`
	Accounts   int      `json:"accounts,omitzero,omitempty" doc:"How many accounts were tried."`
	Scope      string   `json:"scope,omitempty" doc:"What is locked: account_source, account or source."`
	Until      string   `json:"until,omitempty" doc:"When the lock ends by itself."`
	Conference string   `json:"conference,omitempty"`
	Agent      string   `json:"agent,omitempty" doc:"What the browser says it is, shortened."`
	Token      string   `json:"token,omitempty" doc:"Id of an API token."`
	Machine    string   `json:"machine,omitempty" doc:"Id of a machine."`
	Countries  []string `json:"countries,omitempty" nullable:"false" doc:"ISO 3166 codes: where it was used now, and where before."`
	Kilometres int      `json:"kilometres,omitzero,omitempty" doc:"At least so far between the two places."`
	Minutes    int      `json:"minutes,omitzero,omitempty" doc:"In so much time."`
	Acts       int      `json:"acts,omitzero,omitempty" doc:"How many acts of an administrator or a machine."`
	Requests   int      `json:"requests,omitzero,omitempty" doc:"How many requests in one minute."`
	Usual      int      `json:"usual,omitzero,omitempty" doc:"How many there usually are in a minute."`
	Hour       string   `json:"hour,omitempty" doc:"Hour of the day in UTC, as 14:00."`
}

type listFindingsInput struct {
	After string `query:"after" doc:"Continue after the finding with this id."`
	Limit int    `query:"limit" doc:"At most this many, up to 200, which is also the default."`
}

func (a *API) listFindings(ctx context.Context, in *listFindingsInput) (*body[page[Finding]], error) {
	list, err := a.findings.List(ctx, callerOf(ctx).actor, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[page[Finding]]{page[Finding]{show(list, showFinding)}}, nil
}

func showFinding(f finding.Finding) Finding {
	shown := Finding{
		ID: f.ID, At: f.At, Kind: f.Kind, Severity: f.Kind.Severity(), UserID: f.UserID, Evidence: Evidence(f.Evidence),
		State: f.State, Version: f.Version(), Note: f.Note, HandledBy: f.HandledBy,
	}
	if !f.HandledAt.IsZero() {
		shown.HandledAt = &f.HandledAt
	}
	return shown
}

func (a *API) getFinding(ctx context.Context, in *idInput) (*body[Finding], error) {
	f, numbers, err := a.findings.Read(ctx, callerOf(ctx).actor, in.ID)
	if err != nil {
		return nil, err
	}
	shown := showFinding(f)
	shown.Numbers = numbers
	return &body[Finding]{shown}, nil
}

// FindingChange is what becomes of a finding.
type FindingChange struct {
	Version string        `json:"version" maxLength:"40" doc:"Of the finding, as it was read: when somebody has changed it since, nothing happens."`
	State   finding.State `json:"state" enum:"open,taken,closed"`
	Note    string        `json:"note,omitempty" maxLength:"500" doc:"What it was; needed to close it, and for nothing else."`
}

type handleFindingInput struct {
	ID   string `path:"id"`
	Body FindingChange
}

func (a *API) handleFinding(ctx context.Context, in *handleFindingInput) (*body[Finding], error) {
	f, err := a.findings.Handle(ctx, callerOf(ctx).actor, in.ID, in.Body.Version, in.Body.State, in.Body.Note)
	if err != nil {
		return nil, err
	}
	return &body[Finding]{showFinding(f)}, nil
}
