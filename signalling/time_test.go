package signalling_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"konklave/conference"
	"konklave/signalling"
)

// wire is a listener in memory, whose connections hold nothing: a write waits for its reader.
type wire struct {
	dialled chan net.Conn
	done    context.Context
	close   context.CancelFunc
}

func (w wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.dialled:
		return c, nil
	case <-w.done.Done():
		return nil, net.ErrClosed
	}
}

func (w wire) Close() error   { w.close(); return nil }
func (w wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (w wire) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.dialled <- server:
		return client, nil
	case <-w.done.Done():
		return nil, net.ErrClosed
	}
}

// inVirtualTime runs a test in a world whose time passes when everybody waits.
func inVirtualTime(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done, stop := context.WithCancel(context.Background())
		l := wire{make(chan net.Conn), done, stop}
		w := worldAt(t, conference.New(settings(), time.Now(), time.Now()), 1, l)
		w.dialer = &http.Client{Transport: &http.Transport{DialContext: l.dial, DisableKeepAlives: true}}
		test(t, w)
	})
}

func TestA53WhoeverSaysNothingIsSentAway(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *world) {
		began := time.Now()
		if code, status := w.open(t).goodbye(); code != "protocol.timeout" || status != 4408 {
			t.Errorf("got %q, %d", code, status)
		}
		if took := time.Since(began); took != signalling.HelloTimeout {
			t.Errorf("after %v, want %v", took, signalling.HelloTimeout)
		}
		p := w.open(t)
		time.Sleep(signalling.HelloTimeout - time.Millisecond)
		p.hello(w.ticket("slow", conference.RoleParticipant, ""))
		time.Sleep(signalling.HelloTimeout)
		p.barrier() // whoever came in at the last moment stays
	})
}

// ignore reads to the end, so that pings are answered.
func (p *peer) ignore() {
	for {
		if _, _, err := p.ws.Read(context.Background()); err != nil {
			return
		}
	}
}

// A line of which only the server's end is left: others see it within the time of silence, and not a moment before.
func TestA53AHalfOpenLineIsFound(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *world) {
		ws, _, err := websocket.Dial(t.Context(), w.URL+signalling.Path("c1"), &websocket.DialOptions{
			Subprotocols: []string{signalling.Subprotocol}, HTTPClient: w.dialer,
			OnPingReceived: func(context.Context, []byte) bool { return false }, // it does not get there
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		silent := &peer{t: t, ws: ws}
		began := time.Now()
		silent.hello(w.ticket("silent", conference.RoleParticipant, ""))
		go silent.ignore() // the kernel takes what is sent
		watch := w.join(t, "watch", conference.RoleParticipant)
		m := watch.next()
		for m.Event.Kind != "participant.connection" || m.Event.Connected {
			m = watch.next()
		}
		if took := time.Since(began); took != signalling.SilenceMax {
			t.Errorf("noticed after %v, want %v", took, signalling.SilenceMax)
		}
	})
}

func TestA52FramesOfOneConnectionAreCounted(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *world) {
		p := w.join(t, "flood", conference.RoleParticipant) // has sent one
		for range signalling.FrameBurst - 1 {
			p.send(`{"type":"ping","nonce":"b"}`)
			p.until("pong")
		}
		p.send(`{"type":"ping","nonce":"b"}`)
		if code, status := p.goodbye(); code != "client.too_many" || status != 4429 {
			t.Errorf("one frame too many: %q, %d", code, status)
		}
		p = w.join(t, "steady", conference.RoleParticipant)
		for range 2 * signalling.FrameBurst {
			time.Sleep(time.Second / signalling.FrameRate)
			p.barrier()
		}
	})
}

func TestA52BarriersThatWaitAreCounted(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *world) {
		p := w.join(t, "impatient", conference.RoleParticipant)
		stands := make(chan struct{})
		w.mu.Lock()
		w.stands = stands
		w.mu.Unlock()
		p.send(`{"type":"command","id":1,"command":{"kind":"chat.send","text":"x"}}`)
		for i := range signalling.PingsMax {
			p.send(fmt.Sprintf(`{"type":"ping","nonce":"%d"}`, i))
		}
		synctest.Wait()
		close(stands)
		for i := range signalling.PingsMax {
			if m := p.until("pong"); m.Nonce != fmt.Sprint(i) {
				t.Fatalf("barrier %d: %+v", i, m)
			}
		}
		stands = make(chan struct{})
		w.mu.Lock()
		w.stands = stands
		w.mu.Unlock()
		p.send(`{"type":"command","id":2,"command":{"kind":"chat.send","text":"x"}}`)
		for range signalling.PingsMax + 1 {
			p.send(`{"type":"ping","nonce":"b"}`)
		}
		if code, status := p.goodbye(); code != "client.too_many" || status != 4429 {
			t.Errorf("one barrier too many: %q, %d", code, status)
		}
		close(stands)
	})
}

func TestA51FramesAreText(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *world) {
		for name, p := range map[string]*peer{"first": w.open(t), "later": w.join(t, "anna", conference.RoleParticipant)} {
			if err := p.ws.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping","nonce":"b"}`)); err != nil {
				t.Fatal(err)
			}
			if code, status := p.goodbye(); code != "protocol.malformed" || status != 4400 {
				t.Errorf("%s: %q, %d", name, code, status)
			}
		}
	})
}
