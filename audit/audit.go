// Package audit holds the typed entries of the audit log. Entries are made only by constructors and are written by the
// store in the transaction of the change that they describe.
package audit

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
)

// Entry is one thing that happened. It cannot be made or changed outside this package; Record shows what is in it.
type Entry struct{ record Record }

// Record is an entry as it is stored and shown.
type Record struct {
	Seq        int64     // the place in the log, given by the store; 0 before that
	ID         string    // random
	At         time.Time // UTC, whole milliseconds
	Kind       Kind
	Outcome    Outcome
	Tenant     string
	ActorKind  access.Kind
	ActorID    string // empty for an anonymous actor
	ActorUser  string // the account behind the actor, or empty
	ObjectKind string
	ObjectID   string // empty when the object is not known
	ReportedBy string // the conference whose worker reported it; empty when the controller saw it itself
	Details    string // canonical JSON object, what more there is to say; never a secret, never what somebody wrote or said
	Lost       Loss   // what of the entry cannot be shown any more
}

// Loss says why something of an entry cannot be shown.
type Loss string

// The losses.
const (
	LossNone    Loss = ""
	LossErased  Loss = "erased"  // what it told about a person was erased, or its retention is over
	LossDamaged Loss = "damaged" // it was changed in the database; what is there is not shown
)

// Record returns what is in the entry. Seq is 0.
func (e Entry) Record() Record { return e.record }

// Origin is what all entries say of where they come from.
type Origin struct {
	At    time.Time
	Actor access.Actor
}

// Report is the Origin of what the worker of a conference reported about one of its participants, or about itself.
type Report struct {
	At         time.Time
	Actor      access.Actor // who did it according to the admission that the controller issued, or the worker itself
	Conference string       // whose worker reported it; taken from the channel, never from the message
}

func newEntry(o Origin, kind Kind, outcome Outcome, objectKind, objectID string, details any) Entry {
	text, err := json.Marshal(details, json.Deterministic(true))
	if err != nil {
		panic("audit: details of " + string(kind) + " do not encode: " + err.Error()) // all details are structs of this package
	}
	return Entry{record: Record{
		ID: strings.ToLower(rand.Text()), At: o.At.UTC().Truncate(time.Millisecond), Kind: kind, Outcome: outcome,
		Tenant: o.Actor.Tenant, ActorKind: o.Actor.Kind, ActorID: o.Actor.ID, ActorUser: o.Actor.UserID,
		ObjectKind: objectKind, ObjectID: objectID, Details: string(text),
	}}
}

func reported(r Report, kind Kind, objectKind, objectID string, details any) Entry {
	e := newEntry(Origin{At: r.At, Actor: r.Actor}, kind, OutcomeSuccess, objectKind, objectID, details)
	e.record.ReportedBy = r.Conference
	return e
}

type nothing struct{}

// instant is how details write a time: UTC with milliseconds.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
