package audit

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
)

// Approval is the request for a second person as entries tell of it.
type Approval struct {
	ID         string
	Action     access.Action
	About      string // the account it is about; empty when there is none
	Parameters string // a JSON object in which nothing is about a person
}

type approvalDetails struct {
	Action     access.Action  `json:"action"`
	Approval   string         `json:"approval"`
	ExpiresAt  string         `json:"expiresAt,omitzero"`
	Parameters jsontext.Value `json:"parameters"`
}

func approvalEntry(o Origin, kind Kind, a Approval, expiresAt string) Entry {
	object := "user"
	if a.About == "" {
		object = "approval"
	}
	d := approvalDetails{Action: a.Action, Approval: a.ID, ExpiresAt: expiresAt, Parameters: jsontext.Value(a.Parameters)}
	return newEntry(o, kind, OutcomeSuccess, object, a.About, d)
}

// ApprovalRequested says that somebody asked for a second person's agreement, and how long it may be given.
func ApprovalRequested(o Origin, a Approval, expiresAt time.Time) Entry {
	return approvalEntry(o, KindApprovalRequested, a, instant(expiresAt))
}

// ApprovalGranted says that a second person agreed.
func ApprovalGranted(o Origin, a Approval) Entry {
	return approvalEntry(o, KindApprovalGranted, a, "")
}

// ApprovalRefused says that a second person did not agree.
func ApprovalRefused(o Origin, a Approval) Entry {
	return approvalEntry(o, KindApprovalRefused, a, "")
}

// ApprovalWithdrawn says that whoever asked does not want it any more.
func ApprovalWithdrawn(o Origin, a Approval) Entry {
	return approvalEntry(o, KindApprovalWithdrawn, a, "")
}

// ApprovalExpired says that nobody answered, or used what was agreed to, in time.
func ApprovalExpired(o Origin, a Approval) Entry {
	return approvalEntry(o, KindApprovalExpired, a, "")
}

// ApprovalUsed says that whoever asked began to do what was agreed to.
func ApprovalUsed(o Origin, a Approval) Entry {
	return approvalEntry(o, KindApprovalUsed, a, "")
}
