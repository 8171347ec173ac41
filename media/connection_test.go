package media

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
	"github.com/livekit/livekit-server/pkg/routing"
	"github.com/livekit/protocol/livekit"
)

// pair returns a connection whose writer does not run, and the client's end of it.
func pair(t *testing.T) (*connection, *websocket.Conn) {
	t.Helper()
	accepted := make(chan *connection, 1)
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		accepted <- newConnection(ws)
		<-done
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	ws, resp, err := websocket.Dial(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body != nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return <-accepted, ws
}

func TestA53AFullQueueCutsItsClient(t *testing.T) {
	t.Parallel()
	c, client := pair(t)
	m := &livekit.SignalResponse{}
	for i := range sendQueue {
		if err := c.send(m); err != nil {
			t.Fatalf("message %d: %v", i+1, err)
		}
	}
	if c.IsClosed() {
		t.Fatal("a full queue is not yet too much")
	}
	if err := c.send(m); !errors.Is(err, errSlow) {
		t.Fatalf("message %d: %v", sendQueue+1, err)
	}
	if err := c.send(m); !errors.Is(err, routing.ErrChannelClosed) {
		t.Errorf("after the cut: %v", err)
	}
	if _, _, err := client.Read(t.Context()); websocket.CloseStatus(err) != closeTooMuch {
		t.Errorf("the client was told %v", err)
	}
	<-c.ctx.Done()
}

func TestTheQueueIsSentBeforeTheClose(t *testing.T) {
	t.Parallel()
	c, client := pair(t)
	for range 3 {
		if err := c.send(&livekit.SignalResponse{Message: &livekit.SignalResponse_Pong{Pong: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	c.Close()
	go c.write()
	for range 3 {
		if _, _, err := client.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := client.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the client was told %v", err)
	}
}

// A connection that takes a session over and fails at once leaves the session as one that is lost: it does not live for ever.
func TestAResumeThatFailsLeavesTheSessionItsLimit(t *testing.T) {
	t.Parallel()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(Options{Conns: []net.PacketConn{socket}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	a, err := r.lookup(r.Admit("anna", Permission{Publish: Sources(), Subscribe: true}))
	if err != nil {
		t.Fatal(err)
	}
	limited := func(s *session) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.conn == nil && s.loss != nil
	}
	first, _ := pair(t)
	s, err := r.connect(a, &join{client: &livekit.ClientInfo{}}, first)
	if err != nil {
		t.Fatal(err)
	}
	if limited(s) {
		t.Fatal("a session with a connection has a limit")
	}
	slow, _ := pair(t)
	for range sendQueue {
		if err := slow.send(&livekit.SignalResponse{}); err != nil {
			t.Fatal(err)
		}
	}
	resume := &join{client: &livekit.ClientInfo{}, reconnect: true, sid: s.engine.ID()}
	if _, err := r.connect(a, resume, slow); !errors.Is(err, errSlow) {
		t.Fatalf("resumed with %v", err)
	}
	if !limited(s) {
		t.Error("the session has no limit after a resume that failed")
	}
	good, _ := pair(t)
	if again, err := r.connect(a, resume, good); err != nil || again != s {
		t.Fatalf("resumed with %v", err)
	}
	if limited(s) {
		t.Error("a session that was resumed has a limit")
	}
}
