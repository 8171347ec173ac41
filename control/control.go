// Package control is the channel between the controller and one conference worker.
//
// The controller dials, the worker listens on an inherited socket and never dials. Both prove that they hold the key of this
// conference before anything else is said. After that, calls run in both directions over the one connection: small JSON
// messages, one a line, each with a version in the handshake so that an older worker can talk to a newer controller.
//
// Which conference speaks follows from the channel, never from a message.
package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"konklave/conference"
	"konklave/fault"
)

// Versions of the channel. Each side says its highest in the handshake, and the lower of the two counts: see [Conn.Version].
// A side that knows no version that the other one speaks ends the handshake. Bodies are decoded strictly, so that a field or a
// call that is new needs a new version, and is left out towards a side that does not have it.
const (
	Version        = 5 // what this build speaks
	VersionMin     = 1 // the oldest that it still speaks
	VersionHistory = 2 // the first with CallHistory
	VersionSession = 3 // the first with the session of a Redeem
	VersionRevoke  = 4 // the first with CallRevoke
	VersionArrive  = 5 // the first with CallArrive and the address of a Redeem
)

// Limits of the channel.
const (
	FrameMax         = 4 << 20 // bytes in one message, line end included
	handshakeTimeout = 5 * time.Second
	WriteTimeout     = 10 * time.Second // until the other side has taken a message; a side that does not is given up
	nonceSize        = 32
)

// The calls a worker makes.
const (
	// CallRedeem turns a ticket into a grant: [Redeem] → [conference.Admission].
	CallRedeem = "redeem"
	// CallAppend is the one write verb: [Append] → nothing.
	CallAppend = "append"
	// CallHistory reads back what was appended: [History] → [HistoryPage]. From VersionHistory on.
	CallHistory = "history"
	// CallRelay asks for a participant's way to the relay: [Relay] → [RelayGrant]. From VersionHistory on.
	CallRelay = "relay"
	// CallArrive tells from which address a session is used now: [Arrive] → nothing, or the fault network.denied. From
	// VersionArrive on.
	CallArrive = "arrive"
)

// The calls a controller makes.
const (
	// CallStatus asks how the worker is: nothing → [Status].
	CallStatus = "status"
	// CallRevoke ends sessions whose sign-in is over: [Revoke] → nothing, once they have ended. From VersionRevoke on.
	CallRevoke = "revoke"
)

// Redeem is the content of CallRedeem. The ticket is good for one session, which Session names by the hash of its resume token
// (SHA-256, base64url); from VersionSession on. Address is from where it comes, as the front says; from VersionArrive on.
type Redeem struct {
	Ticket  string `json:"ticket"`
	Session string `json:"session,omitempty"`
	Address string `json:"address,omitempty"`
}

// Arrive is the content of CallArrive: a session, named as in a Redeem, is used from another address than before.
type Arrive struct {
	Session string `json:"session"`
	Address string `json:"address"`
}

// Append is the content of CallAppend: events of which the first gets the number Seq in the journal, counted from 1 over the
// conference's whole life. A repetition with the same content succeeds; a number that does not follow is refused with
// journal.out_of_order, another epoch than the present one with journal.stale_epoch.
type Append struct {
	Epoch  int64               `json:"epoch"`
	Seq    int64               `json:"seq"`
	Events []conference.Stored `json:"events"`
}

// History is the content of CallHistory: it asks for what comes after the event with number After in the journal, 0 for all.
// While After is below the newest snapshot, the answer is the snapshot from its byte Offset on.
type History struct {
	Epoch  int64 `json:"epoch"`
	After  int64 `json:"after"`
	Offset int64 `json:"offset"`
}

// HistoryPage is the answer to CallHistory. A worker reads the snapshot until it has SnapshotSize bytes, then events from
// SnapshotSeq on until there is nothing More. Faults: journal.stale_epoch, journal.corrupt.
type HistoryPage struct {
	Snapshot     []byte              `json:"snapshot,omitempty"` // a piece of it, see conference.Restore
	SnapshotSize int64               `json:"snapshotSize"`       // bytes of the whole; 0 without one
	SnapshotSeq  int64               `json:"snapshotSeq"`        // number of the last event it includes; 0 without one
	Events       []conference.Stored `json:"events,omitempty"`
	Seq          int64               `json:"seq"` // number of the last event of the journal
	More         bool                `json:"more"`
}

// Relay is the content of CallRelay.
type Relay struct {
	Participant conference.ParticipantID `json:"participant"`
}

// RelayGrant is the answer to CallRelay: where the relay is (RFC 7065) and what opens it, until ExpiresAt. Without URLs there
// is no relay.
type RelayGrant struct {
	URLs       []string  `json:"urls"`
	Username   string    `json:"username"`
	Credential string    `json:"credential"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

// Revoke is the content of CallRevoke. Each session is named as in a Redeem; those that are not there yet may not come.
type Revoke struct {
	Sessions []string `json:"sessions"`
}

// Status is the answer to CallStatus. Nothing is decided by it.
type Status struct {
	Conference   string `json:"conference"`
	Epoch        int64  `json:"epoch"`
	MediaPackets uint64 `json:"mediaPackets"` // forwarded so far
}

// frame is one message: a call, or the answer to one.
type frame struct {
	ID    int64          `json:"id,omitempty"`   // of a call
	Call  string         `json:"call,omitempty"` // name of a call
	Re    int64          `json:"re,omitempty"`   // of the call that this answers
	Body  jsontext.Value `json:"body,omitempty"`
	Fault *wireFault     `json:"fault,omitempty"`
}

type wireFault struct {
	Kind    fault.Kind `json:"kind"`
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
}

// hello opens the handshake, from each side; proof answers the other's nonce.
type hello struct {
	Version    int    `json:"v"`
	Conference string `json:"conference"`
	Nonce      string `json:"nonce"`
	Proof      string `json:"proof,omitempty"`
}

// proof is what only a holder of the key can say about both nonces; the role keeps it from being reflected.
func proof(key []byte, role, conferenceID, mine, theirs string) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{"konklave control 1", role, conferenceID, mine, theirs} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func sameProof(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
