package signalling_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"konklave/conference"
	"konklave/signalling"
)

// smallBuffers makes the kernel hold little of what a client does not read.
type smallBuffers struct{ net.Listener }

const socketBuffer = 4096

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(socketBuffer) //nolint:forcetypeassert // a TCP listener accepts those
	}
	return c, err
}

// openSlow is open for a client whose kernel holds little too.
func (w *world) openSlow(t *testing.T) *peer {
	t.Helper()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(socketBuffer) //nolint:forcetypeassert // of a TCP address
		}
		return c, err
	}
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+signalling.Path("c1"), &websocket.DialOptions{
		Subprotocols: []string{signalling.Subprotocol}, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &peer{t: t, ws: ws}
}

func TestA52AFloodOfCommandsIsLimitedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bystander := w.join(t, "bystander", conference.RoleParticipant)
	p := w.join(t, "flood", conference.RoleParticipant)
	const sent = signalling.CommandBurst + 100
	for i := 1; i <= sent; i++ {
		p.send(fmt.Sprintf(`{"type":"command","id":%d,"command":{"kind":"chat.send","text":"x"}}`, i))
	}
	limited := 0
	for _, m := range p.barrier() {
		if m.Error != nil && m.Error.Code == "rate.limited" {
			limited++
		}
	}
	if limited == 0 || limited > sent-signalling.CommandBurst {
		t.Errorf("%d of %d were limited, at least %d must pass", limited, sent, signalling.CommandBurst)
	}
	bystander.barrier()
}

func TestA53ASlowReaderIsCutOffAndCanResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := w.openSlow(t)
	slow.hello(w.ticket("slow", conference.RoleParticipant, ""))
	text := strings.Repeat("x", 1000)
	var fast []*peer
	for i := range signalling.QueueMax/signalling.CommandBurst + 4 {
		fast = append(fast, w.join(t, fmt.Sprint("fast", i), conference.RoleParticipant))
	}
	for round := range signalling.CommandBurst {
		for _, p := range fast {
			p.send(fmt.Sprintf(`{"type":"command","id":%d,"command":{"kind":"chat.send","text":%q}}`, round+1, text))
		}
		for _, p := range fast {
			p.barrier()
		}
	}
	seen := 0
	for { // what had been written before the cut is still there
		if m, err := slow.read(); err != nil {
			break
		} else if m.Event.Kind == "chat.message" {
			seen++
		}
	}
	if sent := len(fast) * signalling.CommandBurst; seen == sent {
		t.Fatalf("the slow reader was not cut off: it got all %d messages", sent)
	}
	back := w.open(t)
	back.seq = slow.seq
	back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, slow.hold.token, slow.seq))
	if m := back.next(); m.Type != "resumed" {
		t.Fatalf("after resume: %+v", m)
	}
	for _, m := range back.barrier() {
		if m.Event.Kind == "chat.message" {
			seen++
		}
	}
	if sent := len(fast) * signalling.CommandBurst; seen != sent {
		t.Errorf("%d of %d messages arrived", seen, sent)
	}
}
