package launch

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/fault"
)

// The version of the launcher's protocol that this program speaks; see the package's text.
const (
	versionMajor = 1
	versionMinor = 2

	minorEpochs = 2 // the first with the epoch of a signal
)

// Version is one of the protocol.
type Version struct {
	Major int `json:"major"`
	Minor int `json:"minor"`
}

// Current is the version that this program speaks.
func Current() Version { return Version{versionMajor, versionMinor} }

// unversioned is spoken by programs from before there were versions.
func unversioned() Version { return Version{versionMajor, 0} }

// newer reports whether a peer of this version may send what this program does not know.
func (v Version) newer() bool {
	return cmp.Or(cmp.Compare(v.Major, versionMajor), cmp.Compare(v.Minor, versionMinor)) > 0
}

// knowsEpochs reports whether a launcher of this version holds the epoch of a signal against the worker that runs.
func (v Version) knowsEpochs() bool { return v.Major == versionMajor && v.Minor >= minorEpochs }

// String is the version as people write it.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// ErrVersion is the refusal of a peer with which nothing but a restart of the whole server helps.
func ErrVersion(peer Version) *fault.Fault {
	return fault.Newf(fault.KindUnavailable, CodeVersion,
		"Launcher and controller do not understand each other: one speaks version %s of their protocol, the other %s. Stop Konklave and start it again; running conferences end.",
		Current(), peer)
}

// envelope is what is read of a message before it is known how strictly to read the rest.
type envelope struct {
	ID      int64          `json:"id"`
	Version *Version       `json:"version"`
	Rest    jsontext.Value `json:",embed"`
}

// DecodeRequest reads a request. What it does not know it accepts only from a newer controller. The fault is an answer for the
// request of that id; any other error means that the message is none of the protocol.
func DecodeRequest(raw []byte) (Request, error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return Request{}, fmt.Errorf("malformed message from controller: %w", err)
	}
	peer := unversioned()
	if e.Version != nil {
		peer = *e.Version
	}
	q := Request{ID: e.ID}
	if peer.Major != versionMajor {
		return q, ErrVersion(peer)
	}
	if err := json.Unmarshal(raw, &q, json.RejectUnknownMembers(!peer.newer())); err != nil {
		return Request{ID: e.ID}, fault.New(fault.KindInvalid, CodeMalformed, "The launcher does not understand this request.").Because(err)
	}
	return q, nil
}

// decodeResponse reads an answer of a launcher whose version is known, or stands in the answer.
func decodeResponse(raw []byte, launcher Version) (Response, Version, error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return Response{}, launcher, err
	}
	if e.Version != nil {
		launcher = *e.Version
	}
	if launcher.Major != versionMajor {
		return Response{ID: e.ID, Version: e.Version}, launcher, nil
	}
	var r Response
	err := json.Unmarshal(raw, &r, json.RejectUnknownMembers(!launcher.newer()))
	return r, launcher, err
}

// hello asks for the launcher's version.
func (c *Client) hello() (Version, error) {
	r, err := c.exchange(Request{Verb: VerbHello}, nil)
	var f *fault.Fault
	switch {
	case errors.As(err, &f) && f.Code == CodeUnknownVerb:
		return unversioned(), nil
	case err != nil:
		return Version{}, err
	case r.Version == nil:
		return Version{}, errors.New("launch: empty answer to hello")
	case r.Version.Major != versionMajor:
		return Version{}, ErrVersion(*r.Version)
	}
	return *r.Version, nil
}
