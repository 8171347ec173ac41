package media

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"
)

// Limits of the request that opens a media connection.
const (
	maxJoinQuery   = 512 << 10 // characters of the join_request parameter
	maxJoinBytes   = 512 << 10 // after decompression; the offer may be as large as any later one
	maxClientField = 256       // characters of each text a client tells about itself
)

// join is what a client asks for when it opens the connection, in either of the two forms of LiveKit's protocol.
// What a client says about its name, metadata or attributes is not taken over: these come from our signalling.
type join struct {
	client         *livekit.ClientInfo
	autoSubscribe  bool
	adaptiveStream bool
	allowPause     bool
	single         bool // one peer connection for both directions
	tracks         []*livekit.AddTrackRequest
	offer          *livekit.SessionDescription

	reconnect bool
	reason    livekit.ReconnectReason
	sid       livekit.ParticipantID
	syncState *livekit.SyncState
}

// readJoin decodes the request of /rtc/v1, whose parameters are one message.
func readJoin(q url.Values) (*join, error) {
	m, err := unwrapJoin(q.Get("join_request"))
	if err != nil {
		return nil, err
	}
	settings := m.GetConnectionSettings()
	return &join{
		client:         cleanClient(m.GetClientInfo()),
		autoSubscribe:  settings.GetAutoSubscribe(),
		adaptiveStream: settings.GetAdaptiveStream(),
		allowPause:     settings.GetSubscriberAllowPause(),
		single:         true,
		tracks:         m.GetAddTrackRequests(),
		offer:          m.GetPublisherOffer(),
		reconnect:      m.GetReconnect(),
		reason:         m.GetReconnectReason(),
		sid:            livekit.ParticipantID(m.GetParticipantSid()),
		syncState:      m.GetSyncState(),
	}, nil
}

// readPlainJoin decodes the request of /rtc, whose parameters are plain; it uses a peer connection for each direction.
func readPlainJoin(q url.Values) (*join, error) {
	protocol, _ := strconv.ParseInt(q.Get("protocol"), 10, 32)
	sdk := livekit.ClientInfo_SDK(livekit.ClientInfo_SDK_value[strings.ToUpper(q.Get("sdk"))])
	reason, _ := strconv.ParseInt(q.Get("reconnect_reason"), 10, 32)
	return &join{
		client: cleanClient(&livekit.ClientInfo{
			Sdk: sdk, Version: q.Get("version"), Protocol: int32(protocol),
			Os: q.Get("os"), Browser: q.Get("browser"), BrowserVersion: q.Get("browser_version"), DeviceModel: q.Get("device_model"),
		}),
		autoSubscribe:  q.Get("auto_subscribe") == "" || isTrue(q.Get("auto_subscribe")),
		adaptiveStream: isTrue(q.Get("adaptive_stream")),
		allowPause:     isTrue(q.Get("subscriber_allow_pause")),
		reconnect:      isTrue(q.Get("reconnect")),
		reason:         livekit.ReconnectReason(reason),
		sid:            livekit.ParticipantID(q.Get("sid")),
	}, nil
}

func isTrue(v string) bool { return v == "1" || v == "true" }

func unwrapJoin(parameter string) (*livekit.JoinRequest, error) {
	if len(parameter) > maxJoinQuery {
		return nil, ErrJoinTooLarge
	}
	raw, err := base64.URLEncoding.DecodeString(parameter)
	if err != nil || len(raw) == 0 {
		return nil, ErrJoinMalformed.Because(err)
	}
	var wrapped livekit.WrappedJoinRequest
	if err := proto.Unmarshal(raw, &wrapped); err != nil {
		return nil, ErrJoinMalformed.Because(err)
	}
	body := wrapped.JoinRequest
	switch wrapped.Compression {
	case livekit.WrappedJoinRequest_NONE:
	case livekit.WrappedJoinRequest_GZIP:
		if body, err = gunzip(body); err != nil {
			return nil, err
		}
	default:
		return nil, ErrJoinMalformed
	}
	var m livekit.JoinRequest
	if err := proto.Unmarshal(body, &m); err != nil {
		return nil, ErrJoinMalformed.Because(err)
	}
	return &m, nil
}

// gunzip decompresses at most maxJoinBytes, so that a small bomb stays small.
func gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, ErrJoinMalformed.Because(err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxJoinBytes+1))
	if len(out) > maxJoinBytes {
		return nil, ErrJoinTooLarge
	}
	if err != nil {
		return nil, ErrJoinMalformed.Because(errors.Join(err, z.Close()))
	}
	return out, nil
}

// cleanClient keeps what the engine adapts to: the kind and version of browser and library.
func cleanClient(in *livekit.ClientInfo) *livekit.ClientInfo {
	cut := func(s string) string { return s[:min(len(s), maxClientField)] }
	return &livekit.ClientInfo{
		Sdk:            in.GetSdk(),
		Version:        cut(in.GetVersion()),
		Protocol:       in.GetProtocol(),
		ClientProtocol: in.GetClientProtocol(),
		Os:             cut(in.GetOs()),
		OsVersion:      cut(in.GetOsVersion()),
		Browser:        cut(in.GetBrowser()),
		BrowserVersion: cut(in.GetBrowserVersion()),
		DeviceModel:    cut(in.GetDeviceModel()),
	}
}

// describeBrowser fills in the browser, which the client library leaves to the server to find out.
// The engine needs no more than to know Firefox and Safari from the rest.
func describeBrowser(c *livekit.ClientInfo, r *http.Request) {
	if c.Browser != "" {
		return
	}
	agent := r.UserAgent()
	switch {
	case strings.Contains(agent, "Firefox/"):
		c.Browser = "Firefox"
		if strings.Contains(agent, "Mobile") {
			c.Browser = "Firefox Mobile"
		}
	case strings.Contains(agent, "Chrome/"), strings.Contains(agent, "Chromium/"):
		c.Browser = "Chrome"
	case strings.Contains(agent, "Safari/"):
		c.Browser = "Safari"
	}
	if c.Os == "" {
		switch {
		case strings.Contains(agent, "Android"):
			c.Os = "Android"
		case strings.Contains(agent, "Linux"):
			c.Os = "Linux"
		}
	}
}
