package media

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"

	"konklave/fault"
)

// Handler serves the media connections. It expects the paths /rtc/v1, /rtc/v1/validate, /rtc and /rtc/validate:
// mount it with http.StripPrefix below the media path that clients are told.
func (r *Room) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rtc/v1", func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, true) })
	mux.HandleFunc("GET /rtc", func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, false) })
	mux.HandleFunc("GET /rtc/v1/validate", func(w http.ResponseWriter, req *http.Request) { r.validate(w, req, true) })
	mux.HandleFunc("GET /rtc/validate", func(w http.ResponseWriter, req *http.Request) { r.validate(w, req, false) })
	return mux
}

// validate tells a client whose WebSocket failed whether its token is the reason.
func (r *Room) validate(w http.ResponseWriter, req *http.Request, v1 bool) {
	if _, _, err := r.admission(req, v1); err != nil {
		refuse(w, err)
		return
	}
	_, _ = w.Write([]byte("success"))
}

func token(req *http.Request) string {
	if t, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	return req.URL.Query().Get("access_token")
}

// serve runs one media connection to its end.
func (r *Room) serve(w http.ResponseWriter, req *http.Request, v1 bool) {
	a, j, err := r.admission(req, v1)
	if err != nil {
		refuse(w, err)
		return
	}
	if !a.connects.Allow() {
		refuse(w, ErrTooFast)
		return
	}
	describeBrowser(j.client, req)
	// Accept refuses an Origin that is not this host.
	ws, err := websocket.Accept(w, req, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		r.log.Debug("media connection refused", "participant", a.id, "error", err)
		return
	}
	r.used(token(req))
	ws.SetReadLimit(maxSignalBytes)
	r.run(a, j, newConnection(ws))
}

// admission returns who asks, and for what. Nothing of the request is read for one without a token.
func (r *Room) admission(req *http.Request, v1 bool) (*participant, *join, error) {
	a, spare, err := r.lookup(token(req))
	if err != nil {
		return nil, nil, err
	}
	read := readPlainJoin
	if v1 {
		read = readJoin
	}
	j, err := read(req.URL.Query())
	if spare && (err != nil || !j.reconnect) {
		return nil, nil, ErrTokenUnknown
	}
	return a, j, err
}

func (r *Room) run(a *participant, j *join, c *connection) {
	writer := make(chan struct{})
	go func() {
		defer close(writer)
		c.write()
	}()
	s, err := r.connect(a, j, c)
	if err != nil {
		r.log.Debug("media session refused", "participant", a.id, "error", err)
		_ = c.send(leaveFor(err))
		c.Close()
		<-writer
		return
	}
	r.read(s, c)
	s.detach(c)
	c.Close()
	c.cancel()
	<-writer
}

// read hands the client's messages to the session until the connection ends.
func (r *Room) read(s *session, c *connection) {
	for {
		kind, b, err := c.ws.Read(c.ctx)
		if err != nil {
			return
		}
		if !c.messages.Allow() || !c.bytes.AllowN(time.Now(), len(b)) {
			c.cut(closeTooMuch, "client.too_many")
			return
		}
		var m livekit.SignalRequest
		if kind != websocket.MessageBinary || proto.Unmarshal(b, &m) != nil {
			c.cut(closeMalformed, "protocol.malformed")
			return
		}
		if !r.answer(c, &m) {
			continue
		}
		if !s.handle(&m) {
			c.cut(closeMalformed, "protocol.malformed")
			return
		}
	}
}

// answer replies to what concerns the connection alone and reports whether the engine should see the message.
func (r *Room) answer(c *connection, m *livekit.SignalRequest) bool {
	switch msg := m.Message.(type) {
	case *livekit.SignalRequest_Ping:
		_ = c.send(&livekit.SignalResponse{Message: &livekit.SignalResponse_Pong{Pong: time.Now().UnixMilli()}})
		return false
	case *livekit.SignalRequest_PingReq:
		_ = c.send(&livekit.SignalResponse{Message: &livekit.SignalResponse_PongResp{PongResp: &livekit.Pong{
			LastPingTimestamp: msg.PingReq.GetTimestamp(), Timestamp: time.Now().UnixMilli(),
		}}})
	}
	return true
}

// leaveFor tells the client what to do after a failed start: a resume that is not possible becomes a new join.
func leaveFor(err error) *livekit.SignalResponse {
	leave := &livekit.LeaveRequest{Reason: livekit.DisconnectReason_JOIN_FAILURE, Action: livekit.LeaveRequest_DISCONNECT}
	if errors.Is(err, errNothingToResume) {
		leave = &livekit.LeaveRequest{
			CanReconnect: true, Reason: livekit.DisconnectReason_STATE_MISMATCH, Action: livekit.LeaveRequest_RECONNECT,
		}
	}
	return &livekit.SignalResponse{Message: &livekit.SignalResponse_Leave{Leave: leave}}
}

// refuse answers before the upgrade. The client library looks at the status only; people and tests read the code.
func refuse(w http.ResponseWriter, err error) {
	f := fault.As(err)
	status := http.StatusInternalServerError
	switch f.Kind {
	case fault.KindUnauthenticated:
		status = http.StatusUnauthorized
	case fault.KindInvalid:
		status = http.StatusBadRequest
	case fault.KindTooLarge:
		status = http.StatusRequestEntityTooLarge
	case fault.KindGone:
		status = http.StatusGone
	case fault.KindTooMany:
		status = http.StatusTooManyRequests
	default: // there are no others here
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "code": string(f.Code), "detail": f.Message})
}
