// Package approval is about the second person's word: listed sensitive acts are done only after somebody else has agreed to
// exactly them. What is agreed to is an Act with its parameters; it is used once, and not for ever.
package approval

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/fault"
)

// The bounds of approvals.
const (
	Lifetime      = 24 * time.Hour      // how long a request waits for an answer, and an answer for its use
	ExportWindow  = time.Hour           // how long an approved export may be fetched after it was begun
	RetentionTime = 30 * 24 * time.Hour // how long a shorter retention waits for an answer before it is asked for anew
	Kept          = 30 * 24 * time.Hour // how long after its time a closed request is kept; the audit log tells of it for longer
	MaxOpen       = 20                  // requests of one person that wait for an answer or for their use
	MaxTextLength = 300                 // characters (code points) of a reason or a note
	MaxPage       = 200                 // how many requests one List returns at most
)

// The faults of approvals.
var (
	ErrUnknown     = fault.New(fault.KindNotFound, "approval.unknown", "There is no such request.")
	ErrOwn         = fault.New(fault.KindConflict, "approval.own", "Nobody decides about what they asked for themselves, or about what is done to their own account. Please ask another person.")
	ErrClosed      = fault.New(fault.KindConflict, "approval.closed", "This request was decided, withdrawn or used already, or has expired.")
	ErrMismatch    = fault.New(fault.KindDenied, "approval.mismatch", "What was approved is something else. Please ask for exactly what is to be done.")
	ErrChanged     = fault.New(fault.KindConflict, "approval.changed", "Something has changed since this was asked for: the account, the retention in force, or what whoever asked may do. Please refuse it, and have it asked for again.")
	ErrAsked       = fault.New(fault.KindConflict, "approval.asked", "This was asked for already, and waits for a second person.")
	ErrNobody      = fault.New(fault.KindConflict, "approval.nobody", "There is no second person who could approve this. Whoever runs the server can do it on the command line; the operating manual says how.")
	ErrTooMany     = fault.Newf(fault.KindTooMany, "approval.too_many", "One person may have at most %d requests open. Please withdraw one first.", MaxOpen)
	ErrTextInvalid = fault.Newf(fault.KindInvalid, "approval.text_invalid", "Please give a reason in 1 to %d characters, on one line.", MaxTextLength).At("/reason")
	ErrNotNeeded   = fault.New(fault.KindInvalid, "approval.not_needed", "This needs no second person. Please just do it.")
)

// State is how far a request has come.
type State string

// The states.
const (
	Pending   State = "pending"   // waits for an answer
	Approved  State = "approved"  // waits for its use
	Used      State = "used"      // was done
	Refused   State = "refused"   // by the second person
	Withdrawn State = "withdrawn" // by whoever asked
	Expired   State = "expired"   // nobody answered, or nobody used it, in time
)

// States returns all states.
func States() []State { return []State{Pending, Approved, Used, Refused, Withdrawn, Expired} }

// Act is what is to be done, to the letter.
type Act struct {
	Action     access.Action
	About      string // the account that it is done to; empty when there is none
	Parameters string // a canonical JSON object; nothing in it is about a person
}

// RoleChange are the parameters of access.RoleAssign.
type RoleChange struct {
	After  []access.Role `json:"after"`
	Before []access.Role `json:"before"`
}

// Export are the parameters of access.AuditExport: from the entry with this index on, as far as the log is signed.
type Export struct {
	Start int64 `json:"start"`
}

// RolesAct is to give an account roles in place of those it has.
func RolesAct(userID string, before, after access.Roles) Act {
	return newAct(access.RoleAssign, userID, RoleChange{After: after.List(), Before: before.List()})
}

// ExportAct is to export the audit log.
func ExportAct(start int64) Act { return newAct(access.AuditExport, "", Export{Start: start}) }

func newAct(action access.Action, about string, parameters any) Act {
	text, err := json.Marshal(parameters, json.Deterministic(true))
	if err != nil {
		panic("approval: parameters of " + string(action) + " do not encode: " + err.Error()) // all are structs of this package
	}
	return Act{Action: action, About: about, Parameters: string(text)}
}

// roles are the parameters of access.RoleAssign.
func (a Act) roles() (RoleChange, error) {
	var c RoleChange
	err := json.Unmarshal([]byte(a.Parameters), &c, json.RejectUnknownMembers(true))
	return c, err
}

// start is where an export begins; false when this is none.
func (a Act) start() (int64, bool) {
	var e Export
	err := json.Unmarshal([]byte(a.Parameters), &e, json.RejectUnknownMembers(true))
	return e.Start, a.Action == access.AuditExport && err == nil
}

// Digest is the SHA-256, in hexadecimal, by which an act is known again.
func (a Act) Digest() string {
	text, _ := json.Marshal([]string{"konklave approval", string(a.Action), a.About, a.Parameters}) // strings encode
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Request is that a second person agree to an act, and what became of it.
type Request struct {
	ID          string
	Tenant      string
	Act         Act
	State       State
	Reason      string // why, in the words of whoever asks
	RequestedBy string // account; empty when the server asks for what its configuration says
	RequestedAt time.Time
	ExpiresAt   time.Time // when it is pending or approved no more
	DecidedBy   string    // account; empty before there was an answer
	DecidedAt   time.Time
	Note        string    // what the second person said to it
	UsedAt      time.Time // zero before that
}

// Open reports whether it waits for an answer or for its use.
func (r Request) Open() bool { return r.State == Pending || r.State == Approved }

// As is the request as it stands at a time: what was not answered or used by then has expired.
func (r Request) As(now time.Time) Request {
	if r.Open() && !now.Before(r.ExpiresAt) {
		r.State = Expired
	}
	return r
}

// Decidable reports whether the actor could decide now; the error says why not.
func (r Request) Decidable(by access.Actor, now time.Time) error {
	if by.UserID == "" || by.UserID == r.RequestedBy || by.UserID == r.Act.About {
		return ErrOwn
	}
	if err := access.Decide(by, r.Act.Action.ApprovedBy(), access.Object{Kind: "approval", ID: r.ID, Tenant: r.Tenant}).Err(); err != nil {
		return err
	}
	if r.As(now).State != Pending {
		return ErrClosed
	}
	return nil
}

// Approve agrees. Faults: access, approval.own, approval.closed.
func (r Request) Approve(by access.Actor, note string, now time.Time) (Request, error) {
	agreed, err := r.decided(by, Approved, note, now)
	agreed.ExpiresAt = now.Add(Lifetime)
	return agreed, err
}

// Refuse does not agree. Faults: access, approval.own, approval.closed.
func (r Request) Refuse(by access.Actor, note string, now time.Time) (Request, error) {
	return r.decided(by, Refused, note, now)
}

func (r Request) decided(by access.Actor, state State, note string, now time.Time) (Request, error) {
	if err := r.Decidable(by, now); err != nil {
		return Request{}, err
	}
	r.State, r.DecidedBy, r.DecidedAt, r.Note = state, by.UserID, now, note
	return r, nil
}

// Withdraw takes a request back, also one that was approved and not used. Faults: access, approval.closed.
func (r Request) Withdraw(by access.Actor, now time.Time) (Request, error) {
	if err := access.Decide(by, access.ApprovalWithdraw, access.Object{Kind: "approval", ID: r.ID, OwnerID: r.RequestedBy, Tenant: r.Tenant}).Err(); err != nil {
		return Request{}, err
	}
	if !r.As(now).Open() {
		return Request{}, ErrClosed
	}
	r.State = Withdrawn
	return r, nil
}

// Use does what was approved: this act, once, and only by whoever asked. Faults: approval.unknown, approval.mismatch,
// approval.closed.
func (r Request) Use(by access.Actor, act Act, now time.Time) (Request, error) {
	switch {
	case by.UserID == "" || by.UserID != r.RequestedBy:
		return Request{}, ErrUnknown
	case act.Digest() != r.Act.Digest():
		return Request{}, ErrMismatch
	case r.As(now).State != Approved:
		return Request{}, ErrClosed
	}
	r.State, r.UsedAt = Used, now
	return r, nil
}

// UseExport is Use for one part of an export, which is fetched part by part: what was begun goes on within ExportWindow. First
// reports whether this was its beginning.
func (r Request) UseExport(by access.Actor, from int64, now time.Time) (used Request, first bool, err error) {
	start, export := r.Act.start()
	if !export || from < start {
		return Request{}, false, ErrMismatch
	}
	if r.State == Used && by.UserID == r.RequestedBy && !now.Before(r.UsedAt) && now.Sub(r.UsedAt) < ExportWindow {
		return r, false, nil
	}
	used, err = r.Use(by, ExportAct(start), now)
	return used, err == nil, err
}

// Deciders are those of the people who could decide about an act that somebody asks for.
func Deciders(act Act, requestedBy string, people []access.Actor) []access.Actor {
	return slices.DeleteFunc(slices.Clone(people), func(p access.Actor) bool {
		r := Request{Act: act, Tenant: p.Tenant, State: Pending, RequestedBy: requestedBy, ExpiresAt: time.Unix(1, 0)}
		return r.Decidable(p, time.Unix(0, 0)) != nil
	})
}
