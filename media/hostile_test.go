package media_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"

	"konklave/client"
	"konklave/media"
)

// witnesses are two participants whose conversation must not suffer from what a third one does.
type witnesses struct {
	*stage
	anna, bert *client.Participant
}

func newWitnesses(s *stage) witnesses {
	w := witnesses{s, s.join("anna", everything, client.ParticipantOptions{}), s.join("bert", everything, client.ParticipantOptions{})}
	s.publish(w.anna, microphone, s.tone())
	s.publish(w.anna, camera, s.video()[0])
	w.unharmed()
	return w
}

// unharmed waits for new sound and pictures on the same connections.
func (w witnesses) unharmed() {
	w.Helper()
	w.expectSound(w.bert, "anna", w.bert.Stream("anna", microphone).Loud+10)
	w.expect(w.bert, "anna", camera, w.bert.Stream("anna", camera).Frames+5)
	for _, p := range []*client.Participant{w.anna, w.bert} {
		if err := p.Barrier(w.ctx); err != nil {
			w.Errorf("a witness lost its connection: %v", err)
		}
		if n := p.Messages()["join"]; n != 1 {
			w.Errorf("a witness joined %d times", n)
		}
	}
}

// dial opens the WebSocket by hand and returns the status of a refusal.
func (s *stage) dial(path string, q url.Values, origin string) (*websocket.Conn, int, error) {
	s.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	ws, resp, err := websocket.Dial(s.ctx, s.base()+path+"?"+q.Encode(), &websocket.DialOptions{HTTPHeader: header})
	status := 0
	if resp != nil {
		status = resp.StatusCode
		if ws == nil {
			defer func() { _ = resp.Body.Close() }()
		}
	}
	if ws != nil {
		s.Cleanup(func() { _ = ws.CloseNow() })
	}
	return ws, status, err
}

func wrapped(t *testing.T, compression livekit.WrappedJoinRequest_Compression, body []byte) string {
	t.Helper()
	b, err := proto.Marshal(&livekit.WrappedJoinRequest{Compression: compression, JoinRequest: body})
	if err != nil {
		t.Fatal(err)
	}
	return base64.URLEncoding.EncodeToString(b)
}

// plainJoin is the request of a client that wants nothing.
func plainJoin(t *testing.T) string {
	t.Helper()
	b, err := proto.Marshal(&livekit.JoinRequest{ClientInfo: &livekit.ClientInfo{Protocol: 16}})
	if err != nil {
		t.Fatal(err)
	}
	return wrapped(t, livekit.WrappedJoinRequest_NONE, b)
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestA50TheJoinRequestIsBounded(t *testing.T) {
	s := newStage(t, media.Options{})
	token := s.room.Admit("eve", everything)
	gz, plain := livekit.WrappedJoinRequest_GZIP, livekit.WrappedJoinRequest_NONE
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"none":                 {"", http.StatusBadRequest},
		"no base64":            {"***", http.StatusBadRequest},
		"no message":           {base64.URLEncoding.EncodeToString([]byte{0xff, 0xff}), http.StatusBadRequest},
		"unknown compression":  {wrapped(t, 7, nil), http.StatusBadRequest},
		"no gzip":              {wrapped(t, gz, []byte("plain")), http.StatusBadRequest},
		"cut gzip":             {wrapped(t, gz, zipped(t, []byte("abc"))[:12]), http.StatusBadRequest},
		"no request inside":    {wrapped(t, plain, []byte{0xff, 0xff}), http.StatusBadRequest},
		"a bomb of 16 MB":      {wrapped(t, gz, zipped(t, make([]byte, 16<<20))), http.StatusRequestEntityTooLarge},
		"one byte over":        {wrapped(t, gz, zipped(t, make([]byte, 512<<10+1))), http.StatusRequestEntityTooLarge},
		"at the limit, zeroes": {wrapped(t, gz, zipped(t, make([]byte, 512<<10))), http.StatusBadRequest},
	} {
		_, status, err := s.dial("/rtc/v1", url.Values{"access_token": {token}, "join_request": {c.request}}, s.server.URL)
		if err == nil || status != c.want {
			t.Errorf("%s: status %d (%v), want %d", name, status, err, c.want)
		}
	}
}

func TestA59AForeignOriginIsRefused(t *testing.T) {
	s := newStage(t, media.Options{})
	token := s.room.Admit("eve", everything)
	host := strings.TrimPrefix(s.server.URL, "http://")
	for _, origin := range []string{"https://evil.example", "null", "http://sub." + host, "http://" + host + ".evil.example"} {
		for _, path := range []string{"/rtc/v1", "/rtc"} {
			q := url.Values{"access_token": {token}, "protocol": {"16"}, "join_request": {plainJoin(t)}}
			if _, status, err := s.dial(path, q, origin); err == nil || status != http.StatusForbidden {
				t.Errorf("%s from %s: status %d (%v)", path, origin, status, err)
			}
		}
	}
}

func TestA18A20UnknownAndForeignTokensAndPlainRequestsAreRefused(t *testing.T) {
	s := newStage(t, media.Options{})
	other := newStage(t, media.Options{})
	token := other.room.Admit("eve", everything)
	for _, bad := range []string{"", "x", strings.Repeat("x", 10_000), token} {
		_, status, _ := s.dial("/rtc", url.Values{"access_token": {bad}}, s.server.URL)
		if status != http.StatusUnauthorized {
			t.Errorf("token of %d characters: status %d", len(bad), status)
		}
	}
	resp, err := http.Get(s.base() + "/rtc?access_token=" + s.room.Admit("eve", everything))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("without an upgrade: %d", resp.StatusCode)
	}
}

// A participant opens connection after connection; what is no WebSocket counts, too.
func TestA52ConnectionsOfOneParticipantAreLimited(t *testing.T) {
	s := newStage(t, media.Options{})
	open := func(token string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.base()+"/rtc?access_token="+token, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	eve := s.room.Admit("eve", everything)
	s.room.StandStill("eve")
	for i := range media.ConnectBurst {
		if status := open(eve); status != http.StatusUpgradeRequired {
			t.Fatalf("connection %d: %d", i+1, status)
		}
	}
	if status := open(eve); status != http.StatusTooManyRequests {
		t.Errorf("one connection more: %d", status)
	}
	if status := open(s.room.Admit("eve", everything)); status != http.StatusTooManyRequests {
		t.Errorf("one more with a new token: %d", status)
	}
	if status := open(s.room.Admit("anna", everything)); status != http.StatusUpgradeRequired {
		t.Errorf("somebody else: %d", status)
	}
}

// closed waits for the server to close a participant's WebSocket.
func (s *stage) closed(p *client.Participant, name string) {
	s.Helper()
	if err := p.WaitSignalLost(s.ctx); err != nil && s.ctx.Err() != nil {
		s.Errorf("%s: the connection stays: %v", name, err)
	}
}

func TestA50A54MalformedMessagesEndTheirSenderOnly(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	w := newWitnesses(s)
	offer := func(sdp string) []byte {
		b, err := proto.Marshal(&livekit.SignalRequest{Message: &livekit.SignalRequest_Offer{Offer: &livekit.SessionDescription{Type: "offer", Sdp: sdp}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"no message":            {0xff, 0xff, 0xff},
		"empty message":         {},
		"larger than the limit": offer(strings.Repeat("x", 4<<20)),
		"SDP over the limit":    offer(strings.Repeat("x", 2<<20+1)),
		"10,000 sections":       offer("v=0\r\n" + strings.Repeat("m=a 9 U 0\r\n", 10_000)),
	} {
		eve := s.join("eve", everything, client.ParticipantOptions{})
		_ = eve.SendRaw(s.ctx, b) // the server may cut it in the middle
		s.closed(eve, name)
	}
	w.unharmed()
}

func TestA52BytesAreLimitedToo(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	w := newWitnesses(s)
	eve := s.join("eve", everything, client.ParticipantOptions{})
	s.room.StandStill("eve")
	large := &livekit.SignalRequest{Message: &livekit.SignalRequest_UpdateMetadata{UpdateMetadata: &livekit.UpdateParticipantMetadata{Name: strings.Repeat("x", media.MaxSignalBytes-64)}}}
	for range media.ByteBurst/media.MaxSignalBytes + 1 {
		if eve.Send(s.ctx, large) != nil {
			break // the client's own messages count too
		}
	}
	s.closed(eve, "large messages")
	w.unharmed()
}

func TestA54NonsenseInDescriptionsHarmsNobody(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	w := newWitnesses(s)
	for name, sdp := range map[string]string{
		"empty":        "",
		"text":         "hello",
		"null bytes":   "v=0\x00\r\no=\x00",
		"no sections":  "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
		"900 sections": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", 900),
		"binary":       string([]byte{0xc3, 0x28}) + "\r\n",
	} {
		eve := s.join("eve", everything, client.ParticipantOptions{})
		for _, kind := range []string{"offer", "answer", "rollback", "x"} {
			d := &livekit.SessionDescription{Type: kind, Sdp: sdp, Id: 99}
			_ = eve.Send(s.ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Offer{Offer: d}}) // the server may have cut it
			_ = eve.Send(s.ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Answer{Answer: d}})
		}
		if name == "binary" {
			continue // not even a message; the connection is cut
		}
		_ = eve.Barrier(s.ctx)
	}
	w.unharmed()
}

func TestA54CandidatesOfAClientAreNotUsed(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	trap := listen(t)
	t.Cleanup(func() { _ = trap.Close() })
	host, port, _ := strings.Cut(trap.LocalAddr().String(), ":")
	candidate := "candidate:1 1 udp 2130706431 " + host + " " + port + " typ host"
	named := func(session, section string) client.ParticipantOptions {
		return client.ParticipantOptions{TwoConnections: true, Describe: func(sdp string) string {
			return strings.Replace(strings.Replace(sdp, "m=", session+"m=", 1), "a=setup:", section+"a=setup:", 1)
		}}
	}
	// A server that offers must check the candidates of a lite client itself, and readers differ in what ends a line.
	const lite = "a=ice-lite\r\n"
	eve := s.join("eve", everything, named("", strings.Repeat("a="+candidate+"\r\n", 50)))
	mallory := s.join("mallory", everything, named(lite, "a="+candidate+"\r\n"))
	s.join("oscar", everything, named(lite, "\ra="+candidate+"\r\n")) // is cut with his first answer
	init := `{"candidate":"` + candidate + `","sdpMid":"0","sdpMLineIndex":0}`
	for range 50 {
		for _, target := range []livekit.SignalTarget{livekit.SignalTarget_PUBLISHER, livekit.SignalTarget_SUBSCRIBER} {
			for _, p := range []*client.Participant{eve, mallory} {
				if err := p.Send(s.ctx, &livekit.SignalRequest{Message: &livekit.SignalRequest_Trickle{
					Trickle: &livekit.TrickleRequest{CandidateInit: init, Target: target},
				}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	// The clients' own candidates are found by their checks all the same.
	bert := s.join("bert", everything, client.ParticipantOptions{})
	for id, p := range map[string]*client.Participant{"eve": eve, "mallory": mallory} {
		s.waitState(id, media.StateActive, 1)
		s.publish(p, microphone, s.tone())
		s.expectSound(bert, id, 50)
	}
	if n, from := received(t, trap); n != 0 {
		t.Errorf("%d bytes came to a third party's socket from %v", n, from)
	}
}

func TestA52AFloodEndsItsSenderOnly(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	w := newWitnesses(s)
	eve := s.join("eve", everything, client.ParticipantOptions{})
	s.room.StandStill("eve")
	ping := &livekit.SignalRequest{Message: &livekit.SignalRequest_Ping{Ping: 1}}
	for range media.SignalBurst + 1 {
		if eve.Send(s.ctx, ping) != nil {
			break
		}
	}
	s.closed(eve, "flood")
	w.unharmed()
}

func TestA53AStalledReaderDelaysNobody(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	w := newWitnesses(s)
	q := url.Values{"access_token": {s.room.Admit("eve", everything)}, "join_request": {plainJoin(t)}}
	if _, _, err := s.dial("/rtc/v1", q, s.server.URL); err != nil {
		t.Fatal(err)
	}
	s.waitState("eve", media.StateJoined, 1)
	// She reads nothing of this.
	for range 100 {
		s.room.SetPlace("eve", in("room1"))
		s.room.SetPlace("eve", in(media.MainPlace))
	}
	w.unharmed()
}

func TestForbiddenRequestsDoNothing(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	w := newWitnesses(s)
	eve := s.join("eve", everything, client.ParticipantOptions{})
	for _, m := range []*livekit.SignalRequest{
		{Message: &livekit.SignalRequest_Simulate{Simulate: &livekit.SimulateScenario{Scenario: &livekit.SimulateScenario_SpeakerUpdate{SpeakerUpdate: 100}}}},
		{Message: &livekit.SignalRequest_Simulate{Simulate: &livekit.SimulateScenario{Scenario: &livekit.SimulateScenario_NodeFailure{NodeFailure: true}}}},
		{Message: &livekit.SignalRequest_SubscriptionPermission{SubscriptionPermission: &livekit.SubscriptionPermission{}}},
		{Message: &livekit.SignalRequest_UpdateMetadata{UpdateMetadata: &livekit.UpdateParticipantMetadata{Name: "anna", Metadata: "x"}}},
		{Message: &livekit.SignalRequest_PublishDataTrackRequest{PublishDataTrackRequest: &livekit.PublishDataTrackRequest{PubHandle: 1, Name: "x"}}},
		{Message: &livekit.SignalRequest_StoreDataBlobRequest{StoreDataBlobRequest: &livekit.StoreDataBlobRequest{RequestId: 1}}},
		{Message: &livekit.SignalRequest_Subscription{Subscription: &livekit.UpdateSubscription{TrackSids: []string{"TR_unknown"}, Subscribe: true}}},
		{Message: &livekit.SignalRequest_TrackSetting{TrackSetting: &livekit.UpdateTrackSettings{TrackSids: []string{"TR_unknown"}}}},
		{Message: &livekit.SignalRequest_Mute{Mute: &livekit.MuteTrackRequest{Sid: "TR_unknown"}}},
	} {
		if err := eve.Send(s.ctx, m); err != nil {
			t.Fatalf("%T: %v", m.Message, err)
		}
	}
	if err := eve.Barrier(s.ctx); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"publishdatatrackresponse", "storedatablobresponse", "leave"} {
		if n := eve.Messages()[kind]; n != 0 {
			t.Errorf("eve got %d answers of kind %s", n, kind)
		}
	}
	w.unharmed()
}

func TestA14AWrongCertificateGetsNoMedia(t *testing.T) {
	forwards(t)
	s := newStage(t, media.Options{})
	w := newWitnesses(s)
	eve := s.join("eve", everything, client.ParticipantOptions{Describe: func(sdp string) string {
		// The fingerprint of another certificate.
		before, rest, _ := strings.Cut(sdp, "a=fingerprint:sha-256 ")
		print, after, _ := strings.Cut(rest, "\r\n")
		wrong := "00" + print[2:]
		if wrong == print {
			wrong = "01" + print[2:]
		}
		return strings.ReplaceAll(before+"a=fingerprint:sha-256 "+print+"\r\n"+after, print, wrong)
	}})
	w.unharmed()
	ctx, cancel := context.WithTimeout(s.ctx, 0)
	cancel()
	if _, err := eve.WaitActive(ctx); err == nil {
		t.Error("media flow with a wrong certificate")
	}
	if streams := eve.Streams(); len(streams) != 0 {
		t.Errorf("eve received %v", streams)
	}
	for _, sdp := range []string{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"} {
		sdes := s.join("sdes", everything, client.ParticipantOptions{Describe: func(offer string) string {
			return strings.ReplaceAll(offer, "a=fingerprint:", sdp+"a=x-was-fingerprint:")
		}})
		w.unharmed()
		if _, err := sdes.WaitActive(ctx); err == nil {
			t.Error("media flow without a fingerprint")
		}
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	for name, o := range map[string]media.Options{
		"no socket":     {},
		"unknown codec": {Conns: sockets(t), Codec: "h264"},
	} {
		if r, err := media.Open(o); err == nil {
			_ = r.Close()
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := media.Open(media.Options{Conns: everywhere(t)}); err == nil {
		t.Error("a socket on all addresses was accepted")
	}
}

func sockets(t *testing.T) []net.PacketConn {
	t.Helper()
	c := listen(t)
	t.Cleanup(func() { _ = c.Close() })
	return []net.PacketConn{c}
}

func everywhere(t *testing.T) []net.PacketConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return []net.PacketConn{c}
}

// received takes what has arrived at a socket, without waiting.
func received(t *testing.T, c net.PacketConn) (int, net.Addr) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, from, err := c.ReadFrom(make([]byte, 2000))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return n, from
}
