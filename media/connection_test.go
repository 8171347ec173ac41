package media

import (
	"errors"
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
