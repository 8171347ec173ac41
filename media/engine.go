package media

import (
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/livekit/livekit-server/pkg/config"
	"github.com/livekit/livekit-server/pkg/rtc"
	"github.com/livekit/livekit-server/pkg/rtc/types"
	"github.com/livekit/livekit-server/pkg/telemetry"
	"github.com/livekit/protocol/codecs/mime"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/utils"
	"github.com/livekit/protocol/utils/guid"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// engine is LiveKit as we run it: its configuration, the mux on our sockets, and the one room.
type engine struct {
	conf    *config.Config
	rtc     *rtc.WebRTCConfig
	mux     ice.UDPMux
	room    *rtc.Room
	codecs  []*livekit.Codec
	version utils.TimedVersionGenerator
}

func openEngine(conns []net.PacketConn, codecs []*livekit.Codec, t *traffic, log *slog.Logger) (*engine, error) {
	if err := startEngine(log); err != nil {
		return nil, fmt.Errorf("start engine: %w", err)
	}
	conf, err := config.NewConfig("", true, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("configure engine: %w", err)
	}
	closed := false
	conf.RTC.TCPPort = 0
	conf.RTC.UDPPort.Start, conf.RTC.UDPPort.End = 0, 0
	conf.RTC.ICEPortRangeStart, conf.RTC.ICEPortRangeEnd = 0, 0
	conf.RTC.UseICELite = true // answer checks, never send any: no scanning through us, and no STUN server
	conf.RTC.AllowTCPFallback = &closed
	conf.EnableDataTracks = false
	rtcConf, err := rtc.NewWebRTCConfig(conf)
	if err != nil {
		return nil, fmt.Errorf("configure engine: %w", err)
	}
	rtcConf.Configuration.ICEServers = nil
	mux, loopback, err := openMux(conns, t, ice.UDPMuxParams{Logger: rtcConf.SettingEngine.LoggerFactory.NewLogger("ice")})
	if err != nil {
		return nil, err
	}
	rtcConf.UDPMux = mux
	rtcConf.SettingEngine.SetICEUDPMux(mux)
	rtcConf.SettingEngine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	rtcConf.SettingEngine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	rtcConf.SettingEngine.SetIncludeLoopbackCandidate(loopback)
	// Every remote candidate is found by its checks, so waiting for better kinds would only delay the start.
	rtcConf.SettingEngine.SetPrflxAcceptanceMinWait(0)
	// The client begins the DTLS handshake, so that nothing is sent to one that is not ready for it.
	if err := rtcConf.SettingEngine.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, fmt.Errorf("configure engine: %w", err)
	}
	e := &engine{conf: conf, rtc: rtcConf, mux: mux, codecs: codecs, version: utils.NewDefaultTimedVersionGenerator()}
	e.room = rtc.NewRoom(
		&livekit.Room{Sid: guid.New(utils.RoomPrefix), Name: "conference", EnabledCodecs: codecs},
		nil, *rtcConf, conf.Room, &conf.Audio,
		&livekit.ServerInfo{Edition: livekit.ServerInfo_Standard, Version: "1.13.5", Protocol: types.CurrentProtocol},
		telemetry.NullTelemetryService{}, nil, nil, nil,
	)
	return e, nil
}

// enabledCodecs is the list of the policy; the first video codec is the preferred one.
func enabledCodecs(policy Codec) ([]*livekit.Codec, error) {
	preferred, ok := policy.mime()
	if !ok {
		return nil, fmt.Errorf("open media: unknown codec %q", policy)
	}
	codecs := []*livekit.Codec{{Mime: mime.MimeTypeOpus.String()}, {Mime: mime.MimeTypeRED.String()}, {Mime: preferred}}
	if policy != CodecVP8 && policy != "" {
		codecs = append(codecs, &livekit.Codec{Mime: mime.MimeTypeVP8.String()})
	}
	return append(codecs, &livekit.Codec{Mime: mime.MimeTypeRTX.String()}), nil
}

func (e *engine) close() {
	e.room.Close(types.ParticipantCloseReasonServiceRequestDeleteRoom)
	_ = e.mux.Close()
}

// enabled reports whether a client may publish with a codec, given by its short name.
func (e *engine) enabled(codec string) bool {
	if codec == "" {
		return true
	}
	for _, c := range e.codecs {
		if _, name, _ := strings.Cut(c.Mime, "/"); strings.EqualFold(name, codec) || strings.EqualFold(c.Mime, codec) {
			return true
		}
	}
	return false
}
