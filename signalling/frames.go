package signalling

import (
	"strconv"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/conference"
	"konklave/fault"
)

// What a client sends.
type (
	helloFrame struct {
		Ticket string `json:"ticket"`
	}
	resumeFrame struct {
		Token string `json:"token"`
		Epoch int64  `json:"epoch"`
		Seen  int64  `json:"seen"`
	}
	commandFrame struct {
		ID      int64          `json:"id"`
		Command jsontext.Value `json:"command"`
	}
	pingFrame struct {
		Nonce string `json:"nonce"`
	}
)

// ICEServer is a relay that the participant's media may go through: RTCIceServer of the browser.
type ICEServer struct {
	URLs       []string `json:"urls"` // RFC 7065
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// What the server sends.
type (
	mediaPart struct {
		Path  string      `json:"path"`
		Token string      `json:"token"`
		ICE   []ICEServer `json:"ice"`
	}
	resumePart struct {
		Token         string `json:"token"`
		WindowSeconds int    `json:"windowSeconds"`
	}
	welcomeFrame struct {
		Type   string                   `json:"type"`
		Self   conference.ParticipantID `json:"self"`
		Resume resumePart               `json:"resume"`
		Epoch  int64                    `json:"epoch"`
		Seq    int64                    `json:"seq"`
		State  *conference.View         `json:"state"`
		Media  mediaPart                `json:"media"`
		Now    time.Time                `json:"now"`
	}
	resumedFrame struct {
		Type  string    `json:"type"`
		Epoch int64     `json:"epoch"`
		Seq   int64     `json:"seq"`
		Media mediaPart `json:"media"`
		Now   time.Time `json:"now"`
	}
	errorPart struct {
		Code    fault.Code `json:"code"`
		Message string     `json:"message"`
		ID      string     `json:"id"`
	}
	resultFrame struct {
		Type  string     `json:"type"`
		ID    int64      `json:"id"`
		Seq   int64      `json:"seq,omitzero"`
		Error *errorPart `json:"error,omitempty"`
	}
	pongFrame struct {
		Type  string `json:"type"`
		Nonce string `json:"nonce"`
	}
	goodbyeFrame struct {
		Type    string     `json:"type"`
		Code    fault.Code `json:"code"`
		Message string     `json:"message"`

		status websocket.StatusCode
	}
)

// nonceMax is the longest nonce of a ping.
const nonceMax = 64

// parseType splits a frame into its type and the rest.
func parseType(raw []byte) (string, jsontext.Value, error) {
	var head struct {
		Type string         `json:"type"`
		Rest jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return "", nil, errMalformed.Because(err)
	}
	if len(head.Rest) == 0 {
		head.Rest = jsontext.Value("{}")
	}
	return head.Type, head.Rest, nil
}

func parse[T any](rest jsontext.Value) (T, error) {
	var f T
	if err := json.Unmarshal(rest, &f, json.RejectUnknownMembers(true)); err != nil {
		return f, errMalformed.Because(err)
	}
	return f, nil
}

func encodeEvent(d conference.Delivery) []byte {
	out := make([]byte, 0, len(d.View)+48)
	out = append(out, `{"type":"event","seq":`...)
	out = strconv.AppendInt(out, d.Event.Seq, 10)
	out = append(out, `,"event":`...)
	out = append(out, d.View...)
	return append(out, '}')
}

// goodbyeOf is the one place that maps a fault to a close code.
func goodbyeOf(err error) goodbyeFrame {
	f := fault.As(err)
	g := goodbyeFrame{Type: "goodbye", Code: f.Code, Message: f.Message}
	switch f.Code {
	case "protocol.timeout":
		g.status = 4408
	case "session.replaced":
		g.status = 4409
	default:
		g.status = closeCodes[f.Kind]
	}
	return g
}

// closeCodes are the close codes by kind of fault; see docs/protocol.md, "Close codes".
var closeCodes = [...]websocket.StatusCode{
	fault.KindInternal:        4503,
	fault.KindInvalid:         4400,
	fault.KindUnauthenticated: 4401,
	fault.KindDenied:          4401,
	fault.KindNotFound:        4401,
	fault.KindConflict:        4401,
	fault.KindTooLarge:        websocket.StatusMessageTooBig,
	fault.KindTooMany:         4429,
	fault.KindUnavailable:     4503,
	fault.KindGone:            4410,
}
