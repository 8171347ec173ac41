package signalling_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"konklave/conference"
	"konklave/signalling"
)

// patience bounds the wait for one frame; nothing should take nearly as long.
const patience = time.Minute

// peer is a client that speaks the protocol by hand.
type peer struct {
	t    *testing.T
	ws   *websocket.Conn
	self string
	hold struct{ token string }
	seq  int64
}

type message struct {
	Type  string `json:"type"`
	Self  string `json:"self"`
	Seq   int64  `json:"seq"`
	Epoch int64  `json:"epoch"`
	ID    int64  `json:"id"`
	Code  string `json:"code"`
	Nonce string `json:"nonce"`
	Error *struct {
		Code string `json:"code"`
		ID   string `json:"id"`
	} `json:"error"`
	Resume struct {
		Token         string `json:"token"`
		WindowSeconds int    `json:"windowSeconds"`
	} `json:"resume"`
	Media struct {
		Path  string `json:"path"`
		Token string `json:"token"`
	} `json:"media"`
	State *conference.View `json:"state"`
	Event struct {
		Kind      string             `json:"kind"`
		ID        string             `json:"id"`
		Reason    string             `json:"reason"`
		Connected bool               `json:"connected"`
		Message   conference.Message `json:"message"`
	} `json:"event"`
}

func (w *world) dial(t *testing.T, header http.Header) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	url := "ws" + strings.TrimPrefix(w.URL, "http") + signalling.Path("c1")
	return websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{signalling.Subprotocol}, HTTPHeader: header, HTTPClient: w.dialer})
}

func (w *world) open(t *testing.T) *peer {
	t.Helper()
	ws, _, err := w.dial(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 24)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &peer{t: t, ws: ws}
}

func (p *peer) send(frame string) {
	p.t.Helper()
	if err := p.ws.Write(p.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() message {
	p.t.Helper()
	m, err := p.read()
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *peer) read() (message, error) {
	var m message
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, raw, err := p.ws.Read(ctx)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		p.t.Fatalf("%s: %v", raw, err)
	}
	if m.Type == "event" {
		if m.Seq <= p.seq {
			p.t.Errorf("event %d after %d", m.Seq, p.seq)
		}
		p.seq = m.Seq
	}
	return m, nil
}

// barrier returns the frames that came before the pong.
func (p *peer) barrier() []message {
	p.t.Helper()
	p.send(`{"type":"ping","nonce":"b"}`)
	var before []message
	for {
		m := p.next()
		if m.Type == "pong" && m.Nonce == "b" {
			return before
		}
		before = append(before, m)
	}
}

// until reads to the frame of a type.
func (p *peer) until(kind string) message {
	p.t.Helper()
	for {
		if m := p.next(); m.Type == kind {
			return m
		}
	}
}

func (w *world) join(t *testing.T, name string, role conference.Role) *peer {
	t.Helper()
	p := w.open(t)
	p.hello(w.ticket(name, role, ""))
	return p
}

func (p *peer) hello(ticket string) message {
	p.t.Helper()
	p.send(fmt.Sprintf(`{"type":"hello","ticket":%q}`, ticket))
	m := p.next()
	if m.Type != "welcome" {
		p.t.Fatalf("after hello: %+v", m)
	}
	p.self, p.hold.token, p.seq = m.Self, m.Resume.Token, m.Seq
	return m
}

// goodbye reads to the end and returns the code said and the close code.
func (p *peer) goodbye() (string, websocket.StatusCode) {
	p.t.Helper()
	said := ""
	for {
		m, err := p.read()
		if err != nil {
			return said, websocket.CloseStatus(err)
		}
		if m.Type == "goodbye" {
			said = m.Code
		}
	}
}
