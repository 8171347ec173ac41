// Package media is the media engine of one conference: an SFU that forwards audio and video between its participants.
//
// It embeds LiveKit's pkg/rtc and hides it: who may connect, publish, speak to whom and hear whom is decided here and enforced here,
// and nothing of LiveKit's (tokens, message bus, STUN servers, listeners) is reachable from outside.
// One process holds one Room. A Room owns the UDP sockets it is given and opens none itself.
package media

import (
	"log/slog"
	"net"

	"github.com/livekit/protocol/livekit"

	"konklave/fault"
)

// Codec is the video codec that participants publish by policy; VP8 is always accepted beside it.
type Codec string

// The codecs a policy can name.
const (
	CodecVP8 Codec = "vp8"
	CodecVP9 Codec = "vp9"
	CodecAV1 Codec = "av1"
)

// Source is what a track shows or sounds.
type Source string

// The sources of the protocol.
const (
	SourceCamera           Source = "camera"
	SourceMicrophone       Source = "microphone"
	SourceScreenShare      Source = "screen_share"
	SourceScreenShareAudio Source = "screen_share_audio"
)

// Sources returns all sources, for a participant who may publish everything.
func Sources() []Source {
	return []Source{SourceCamera, SourceMicrophone, SourceScreenShare, SourceScreenShareAudio}
}

// Permission is what a participant may do with media. It is sticky: the client cannot undo it, also not by a new connection.
type Permission struct {
	Publish   []Source // nothing when empty
	Subscribe bool     // whether the participant receives at all
}

// MainPlace is the name of the place everybody is in who was not moved.
const MainPlace = "main"

// Place says where a participant is: A receives B if and only if A.Hears and B.Speaks share a name.
// A participant also learns nothing else (presence, tracks, speaking, quality) about those he does not receive.
type Place struct {
	Speaks []string
	Hears  []string
}

// Reason tells the client why its media ended.
type Reason int

// The reasons of Room.Remove.
const (
	ReasonLeft    Reason = iota // the participant left
	ReasonRemoved               // a moderator or the controller removed the participant
	ReasonEnded                 // the conference is over
)

// State is where the media of a participant stand.
type State int

// The states reported to Options.OnState.
const (
	StateJoined       State = iota // the media connection was requested and is being set up
	StateActive                    // media can flow
	StateDisconnected              // the media connection is gone for good; a new one starts again with StateJoined
)

// String returns the name of the state for logs.
func (s State) String() string {
	switch s {
	case StateJoined:
		return "joined"
	case StateActive:
		return "active"
	case StateDisconnected:
		return "disconnected"
	}
	return "unknown"
}

// Options configure a Room.
type Options struct {
	// Conns are the UDP sockets for media, each bound to one concrete address that clients can reach. The Room closes them.
	Conns []net.PacketConn
	// Codec is the policy; empty means VP8.
	Codec Codec
	// Log receives the engine's warnings and errors, without tokens and session descriptions; nil discards them.
	Log *slog.Logger
	// OnState is called for every change of a participant's media, in order, from one goroutine, without locks held; nil is allowed.
	OnState func(participant string, s State)
}

// Stats is a snapshot of the Room's counters.
type Stats struct {
	Participants int    // with a media connection
	Tracks       int    // published
	PacketsIn    uint64 // UDP datagrams since Open
	PacketsOut   uint64
	BytesIn      uint64 // UDP payload since Open
	BytesOut     uint64
}

// The faults of the media connection. Clients see the code in the body of the HTTP answer.
var (
	ErrTokenUnknown  = fault.New(fault.KindUnauthenticated, "media.token_unknown", "The media token is not valid. Join the conference again.")
	ErrJoinMalformed = fault.New(fault.KindInvalid, "media.join_malformed", "The request to open the media connection cannot be read.")
	ErrJoinTooLarge  = fault.New(fault.KindTooLarge, "media.join_too_large", "The request to open the media connection is too large.")
	ErrTooFast       = fault.New(fault.KindTooMany, "rate.limited", "The media connection was opened too often. Please wait a moment and try again.")
	ErrClosed        = fault.New(fault.KindGone, "media.closed", "The conference is over.")
)

func (c Codec) mime() (string, bool) {
	switch c {
	case CodecVP8, "":
		return "video/VP8", true
	case CodecVP9:
		return "video/VP9", true
	case CodecAV1:
		return "video/AV1", true
	}
	return "", false
}

func (s Source) track() livekit.TrackSource {
	switch s {
	case SourceCamera:
		return livekit.TrackSource_CAMERA
	case SourceMicrophone:
		return livekit.TrackSource_MICROPHONE
	case SourceScreenShare:
		return livekit.TrackSource_SCREEN_SHARE
	case SourceScreenShareAudio:
		return livekit.TrackSource_SCREEN_SHARE_AUDIO
	}
	return livekit.TrackSource_UNKNOWN
}

// hears reports whether somebody at p receives somebody at q.
func (p Place) hears(q Place) bool {
	for _, h := range p.Hears {
		for _, s := range q.Speaks {
			if h == s {
				return true
			}
		}
	}
	return false
}
