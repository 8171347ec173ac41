package conference

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/fault"
)

// newCommand is the register of what a client may ask for: one line for each kind.
func newCommand(kind string) (Body, bool) {
	switch kind {
	case "chat.send":
		return &ChatSend{}, true
	case "leave":
		return &Leave{}, true
	case "end":
		return &End{}, true
	}
	return nil, false
}

// newFact is the register of durable facts: one line for each kind.
func newFact(kind string) (storable, bool) {
	switch kind {
	case "participant.joined":
		return &ParticipantJoined{}, true
	case "session.opened":
		return &SessionOpened{}, true
	case "participant.left":
		return &ParticipantLeft{}, true
	case "chat.message":
		return &ChatMessage{}, true
	case "conference.ended":
		return &Ended{}, true
	}
	return nil, false
}

// CommandKinds lists the kinds of commands that clients may send, with the action each needs.
func CommandKinds() map[string]access.Action {
	kinds := map[string]access.Action{}
	for _, kind := range []string{"chat.send", "leave", "end"} {
		body, _ := newCommand(kind)
		kinds[kind] = body.Action()
	}
	return kinds
}

// FactKinds lists the kinds of durable facts.
func FactKinds() []string {
	return []string{"participant.joined", "session.opened", "participant.left", "chat.message", "conference.ended"}
}

// Faults of decoding.
var (
	ErrUnknownCommand   = fault.New(fault.KindInvalid, "command.unknown", "The server does not know this command. Reload the page to get the current version.")
	ErrMalformedCommand = fault.New(fault.KindInvalid, "protocol.malformed", "The message could not be understood. Reload the page to get the current version.")
)

// ParseCommand decodes a client's command object strictly: unknown fields, duplicate keys and wrong case are errors.
func ParseCommand(raw []byte) (Body, error) {
	var head struct {
		Kind string         `json:"kind"`
		Rest jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, ErrMalformedCommand.Because(err)
	}
	body, ok := newCommand(head.Kind)
	if !ok {
		return nil, ErrUnknownCommand
	}
	rest := head.Rest
	if len(rest) == 0 {
		rest = jsontext.Value("{}")
	}
	if err := json.Unmarshal(rest, body, json.RejectUnknownMembers(true)); err != nil {
		return nil, ErrMalformedCommand.Because(err)
	}
	return body, nil
}

// viewed is a fact that shows its participants less than the journal keeps.
type viewed interface{ view() any }

func (f *ParticipantJoined) view() any {
	return struct {
		Participant Participant `json:"participant"`
	}{f.Participant}
}

// EncodeView gives the event's fact as clients see it: {"kind": …, fields}.
func EncodeView(f Fact) ([]byte, error) {
	var shown any = f
	if v, ok := f.(viewed); ok {
		shown = v.view()
	}
	fields, err := json.Marshal(shown)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", f.Kind(), err)
	}
	return withKind(f.Kind(), fields), nil
}

func withKind(kind string, object []byte) []byte {
	out := append([]byte(`{"kind":"`+kind+`"`), ',')
	if len(object) == len("{}") {
		out = out[:len(out)-1]
	}
	return append(out, object[1:]...)
}

// Stored is an event as a worker sends it to the journal and gets it back. Version grows when the meaning of a fact changes.
type Stored struct {
	Version   int            `json:"v"`
	Seq       int64          `json:"seq"`
	At        time.Time      `json:"at"`
	By        ParticipantID  `json:"by,omitempty"`
	CommandID int64          `json:"cmd,omitempty"`
	Kind      string         `json:"kind"`
	Fact      jsontext.Value `json:"fact"`
}

// StoredVersion is the version that Store writes.
const StoredVersion = 1

// Store encodes a durable event for the journal.
func Store(e Event) (Stored, error) {
	fact, err := json.Marshal(e.Fact)
	if err != nil {
		return Stored{}, fmt.Errorf("encode %s: %w", e.Fact.Kind(), err)
	}
	return Stored{Version: StoredVersion, Seq: e.Seq, At: e.At, By: e.By, CommandID: e.CommandID, Kind: e.Fact.Kind(), Fact: fact}, nil
}

// Session is the hash of the token of the session that the event begins; false when it begins none.
func (st Stored) Session() (hash string, ok bool) {
	if st.Kind != (*SessionOpened)(nil).Kind() {
		return "", false
	}
	e, err := st.Event()
	if err != nil {
		return "", false
	}
	opened, ok := e.Fact.(*SessionOpened)
	return opened.Session, ok
}

// Event decodes a stored event strictly.
func (st Stored) Event() (Event, error) {
	if st.Version != StoredVersion {
		return Event{}, fault.Newf(fault.KindInvalid, "journal.version", "This event has version %d; this server knows %d.", st.Version, StoredVersion)
	}
	f, ok := newFact(st.Kind)
	if !ok {
		return Event{}, fault.Newf(fault.KindInvalid, "journal.unknown_kind", "The event kind %q is not known.", st.Kind)
	}
	if err := json.Unmarshal(st.Fact, f, json.RejectUnknownMembers(true)); err != nil {
		return Event{}, fault.New(fault.KindInvalid, "journal.malformed", "An event could not be decoded.").Because(err)
	}
	return Event{Seq: st.Seq, At: st.At, By: st.By, CommandID: st.CommandID, Fact: f}, nil
}
