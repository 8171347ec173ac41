package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/fault"
)

func (a *API) addAuditEntries() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/audit/entries", ID: "searchAudit", Tag: "Audit log", Action: access.AuditRead,
		Summary: "Entries of the audit log, the newest first; a search leaves an entry itself, once for all its pages",
		Audits:  []audit.Kind{audit.KindLogSearched}, Codes: []fault.Code{"audit.filter", "audit.cursor"},
	}, a.searchAudit)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/audit/entries/{index}", ID: "getAuditEntry", Tag: "Audit log", Action: access.AuditRead,
		Summary: "One entry with the bytes that prove it; this leaves an entry itself",
		Audits:  []audit.Kind{audit.KindLogEntryRead}, Codes: []fault.Code{"audit.range"},
	}, a.getAuditEntry)
}

// AuditEntry is what can be shown of an entry of the audit log.
type AuditEntry struct {
	Index      int64          `json:"index" doc:"Place in the log, from 0."`
	State      archive.State  `json:"state" enum:"whole,erased,removed,damaged,newer" doc:"What is left of it: everything; not what it told about a person; only its leaf; it was changed in the database, or its content is gone too soon; a later version wrote it."`
	At         time.Time      `json:"at,omitzero" doc:"Absent when not even the leaf is there."`
	Category   audit.Category `json:"category,omitzero"`
	ID         string         `json:"id,omitzero"`
	Kind       audit.Kind     `json:"kind,omitzero" doc:"What happened; absent when that cannot be shown."`
	Outcome    audit.Outcome  `json:"outcome,omitzero" doc:"success or failure."`
	ActorKind  access.Kind    `json:"actorKind,omitzero" doc:"account, token, guest, anonymous, worker or system."`
	ActorID    string         `json:"actorId,omitzero"`
	ActorUser  string         `json:"actorUser,omitzero" doc:"Id of the account behind the actor."`
	ObjectKind string         `json:"objectKind,omitzero"`
	ObjectID   string         `json:"objectId,omitzero"`
	ReportedBy string         `json:"reportedBy,omitzero" doc:"Id of the conference whose worker reported it; absent when the server saw it itself."`
	Details    map[string]any `json:"details,omitempty" doc:"What more there is to say; which members there are depends on the kind."`
}

func showAuditEntry(s archive.Shown) AuditEntry {
	r := s.Record
	e := AuditEntry{
		Index: s.Index, State: s.State, At: s.At, Category: s.Category, ID: r.ID, Kind: r.Kind, Outcome: r.Outcome,
		ActorKind: r.ActorKind, ActorID: r.ActorID, ActorUser: r.ActorUser, ObjectKind: r.ObjectKind, ObjectID: r.ObjectID, ReportedBy: r.ReportedBy,
	}
	if r.Details != "" && json.Unmarshal([]byte(r.Details), &e.Details) != nil {
		e.State = archive.StateDamaged
	}
	return e
}

// AuditPage is a part of what a search found.
type AuditPage struct {
	Items []AuditEntry `json:"items" nullable:"false" doc:"Those that were changed in the database are there whatever was looked for."`
	Next  string       `json:"next,omitzero" doc:"Give it as after to go on, with the same search; absent at the end. A page can be empty and have one: it looks at 10,000 entries at most."`
	Back  time.Time    `json:"back,omitzero" doc:"Time of the oldest entry that was looked at."`
	Size  int64        `json:"size" doc:"Entries of the whole log."`
}

type searchAuditInput struct {
	Kind     string    `query:"kind" doc:"What happened."`
	Category string    `query:"category" doc:"security, administration, conference or log."`
	Outcome  string    `query:"outcome" doc:"success or failure."`
	About    string    `query:"about" doc:"Id of an account, a guest, a meeting or anything else that stands in entries; at most 200 bytes."`
	As       string    `query:"as" doc:"With about: actor for who did it, object for whom or what it was done to; absent for either."`
	From     time.Time `query:"from" doc:"Not before this time."`
	Until    time.Time `query:"until" doc:"Before this time."`
	After    string    `query:"after" doc:"The next of an earlier page."`
	Limit    int       `query:"limit" doc:"At most this many, up to 100, which is also the default."`
}

func (a *API) searchAudit(ctx context.Context, in *searchAuditInput) (*body[AuditPage], error) {
	q := archive.Query{
		Kind: audit.Kind(in.Kind), Category: audit.Category(in.Category), Outcome: audit.Outcome(in.Outcome),
		About: in.About, As: archive.As(in.As), From: in.From, Until: in.Until,
	}
	p, err := a.audit.Search(ctx, callerOf(ctx).actor, q, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return &body[AuditPage]{AuditPage{Items: show(p.Entries, showAuditEntry), Next: p.Next, Back: p.Back, Size: p.Size}}, nil
}

// WholeAuditEntry is an entry with what its hash in the tree was made of.
type WholeAuditEntry struct {
	Entry AuditEntry  `json:"entry"`
	Hash  []byte      `json:"hash" nullable:"false" doc:"As it is stored in the tree, in base64 like everything here."`
	Leaf  []byte      `json:"leaf,omitempty" nullable:"false" doc:"What the tree hashes."`
	Body  []byte      `json:"body,omitempty" nullable:"false" doc:"What happened; absent when it was removed."`
	Parts []AuditPart `json:"parts" nullable:"false" doc:"What it tells about persons, sealed."`
}

// AuditPart is what an entry tells about one person.
type AuditPart struct {
	Sealed []byte `json:"sealed" nullable:"false"`
	Key    []byte `json:"key,omitempty" nullable:"false" doc:"Opens this part and nothing else; absent when it was erased."`
}

func (a *API) getAuditEntry(ctx context.Context, in *entryInput) (*body[WholeAuditEntry], error) {
	w, err := a.audit.Show(ctx, callerOf(ctx).actor, in.Index)
	if err != nil {
		return nil, err
	}
	return &body[WholeAuditEntry]{WholeAuditEntry{
		Entry: showAuditEntry(w.Shown), Hash: w.Hash[:], Leaf: w.Leaf, Body: w.Body,
		Parts: show(w.Parts, func(p archive.Part) AuditPart { return AuditPart(p) }),
	}}, nil
}
