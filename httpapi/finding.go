package httpapi

import (
	"context"
	"net/http"
	"time"

	"konklave/access"
	"konklave/finding"
)

func (a *API) addFindings() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/findings", ID: "listFindings", Tag: "Security", Action: access.FindingList,
		Summary: "What was noticed that somebody should look at, the newest first",
	}, a.listFindings)
}

// Finding is one thing that was noticed, with the evidence.
type Finding struct {
	ID       string           `json:"id"`
	At       time.Time        `json:"at"`
	Kind     finding.Kind     `json:"kind" enum:"sign_in.locked,sign_in.spray,ticket.guessing,browser.new,passkey.copied"`
	Severity finding.Severity `json:"severity" enum:"notice,warning,alarm"`
	UserID   string           `json:"userId,omitempty" doc:"The account it is about; absent where there is none, or nobody's."`
	Evidence Evidence         `json:"evidence"`
}

// Evidence is what a finding rests on; what does not apply is absent.
type Evidence struct {
	Entries    []string `json:"entries,omitempty" nullable:"false" doc:"Ids of audit entries, the newest first, 200 at most."`
	Sources    []string `json:"sources,omitempty" nullable:"false" doc:"Networks; a known browser begins with device:."`
	Sessions   []string `json:"sessions,omitempty" nullable:"false" doc:"Ids of sessions."`
	Failures   int      `json:"failures,omitempty" doc:"How many proofs failed."`
	Accounts   int      `json:"accounts,omitempty" doc:"How many accounts were tried."`
	Scope      string   `json:"scope,omitempty" doc:"What is locked: account_source, account or source."`
	Until      string   `json:"until,omitempty" doc:"When the lock ends by itself."`
	Conference string   `json:"conference,omitempty"`
	Agent      string   `json:"agent,omitempty" doc:"What the browser says it is, shortened."`
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
	return &body[page[Finding]]{page[Finding]{show(list, func(f finding.Finding) Finding {
		return Finding{ID: f.ID, At: f.At, Kind: f.Kind, Severity: f.Kind.Severity(), UserID: f.UserID, Evidence: Evidence(f.Evidence)}
	})}}, nil
}
