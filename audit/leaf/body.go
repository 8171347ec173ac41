package leaf

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/audit"
)

// Body says what happened: an entry without what is personal, or a certificate.
type Body struct {
	Entry       audit.Record      // in clear; Seq is 0
	Keys        []string          // the keys with which the personal parts are sealed, in the order of the parts
	Marks       map[string]string // keyed hashes of what may be searched for, by the name of the detail
	Certificate *Certificate      // when there is one, there is no entry
}

type bodyText struct {
	ActorID     string            `json:"actorId,omitzero"`
	ActorKind   access.Kind       `json:"actorKind,omitzero"`
	ActorUser   string            `json:"actorUser,omitzero"`
	At          int64             `json:"at"`
	Certificate *certificateText  `json:"certificate,omitzero"`
	Details     jsontext.Value    `json:"details,omitzero"`
	ID          string            `json:"id,omitzero"`
	Keys        []string          `json:"keys,omitzero"`
	Kind        audit.Kind        `json:"kind,omitzero"`
	Marks       map[string]string `json:"marks,omitempty"`
	ObjectID    string            `json:"objectId,omitzero"`
	ObjectKind  string            `json:"objectKind,omitzero"`
	Outcome     audit.Outcome     `json:"outcome,omitzero"`
	ReportedBy  string            `json:"reportedBy,omitzero"`
	Tenant      string            `json:"tenant,omitzero"`
	Version     int               `json:"v"`
}

// Encode writes the body in version [Version]. It fails when it would be larger than BodyMax, when an entry has more than
// PartsMax keys, or when its details are not JSON.
func (b Body) Encode() ([]byte, error) {
	e := b.Entry
	t := bodyText{
		ActorID: e.ActorID, ActorKind: e.ActorKind, ActorUser: e.ActorUser, At: e.At.UnixMilli(),
		ID: e.ID, Keys: b.Keys, Kind: e.Kind, Marks: b.Marks,
		ObjectID: e.ObjectID, ObjectKind: e.ObjectKind, Outcome: e.Outcome, ReportedBy: e.ReportedBy, Tenant: e.Tenant, Version: Version,
	}
	if e.Details != "" {
		t.Details = jsontext.Value(e.Details)
	}
	if b.Certificate != nil {
		t.Certificate = b.Certificate.text()
	}
	text, err := json.Marshal(t)
	if err == nil {
		err = (*jsontext.Value)(&text).Canonicalize()
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("encode body: %w", err)
	case len(text) > BodyMax || len(b.Keys) > PartsMax:
		return nil, ErrTooLarge
	}
	return text, nil
}

// DecodeBody reads a body. It fails with ErrMalformed, ErrVersion, ErrTooLarge.
func DecodeBody(text []byte) (Body, error) {
	if len(text) > BodyMax {
		return Body{}, ErrTooLarge
	}
	var t bodyText
	if err := strict(text, &t); err != nil {
		return Body{}, err
	}
	b := Body{Keys: t.Keys, Marks: t.Marks, Entry: audit.Record{
		ID: t.ID, At: time.UnixMilli(t.At).UTC(), Kind: t.Kind, Outcome: t.Outcome, Tenant: t.Tenant,
		ActorKind: t.ActorKind, ActorID: t.ActorID, ActorUser: t.ActorUser, ObjectKind: t.ObjectKind, ObjectID: t.ObjectID,
		ReportedBy: t.ReportedBy, Details: string(t.Details),
	}}
	if t.Certificate != nil {
		if t.Kind != "" || len(t.Keys) > 0 {
			return Body{}, fmt.Errorf("%w: a certificate that is an entry too", ErrMalformed)
		}
		c, err := t.Certificate.certificate(b.Entry.At)
		if err != nil {
			return Body{}, err
		}
		b.Certificate = &c
	}
	if again, err := b.Encode(); err != nil || !bytes.Equal(again, text) {
		return Body{}, fmt.Errorf("%w: it is not canonical", ErrMalformed)
	}
	return b, nil
}
