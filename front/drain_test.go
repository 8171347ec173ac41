package front_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"konklave/front"
)

// secondListener is the same socket, as another process that inherited it has it.
func secondListener(t *testing.T, l net.Listener) net.Listener {
	t.Helper()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	second, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	return second
}

func TestADrainingFrontCarriesWhatItHasWhileTheNextOneTakesWhatComes(t *testing.T) {
	t.Parallel()
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := first.Addr().String()
	drain := make(chan struct{})
	start := func(l net.Listener, change func(*front.Options)) (*front.Front, chan error) {
		f := setup(t, change).Config.Handler.(*front.Front)
		ended := make(chan error, 1)
		go func() { ended <- f.Serve(t.Context(), l) }()
		return f, ended
	}
	second := secondListener(t, first)
	_, oldEnded := start(first, func(o *front.Options) { o.Drain = drain })
	ws, _, err := websocket.Dial(t.Context(), "ws://"+address+"/conference/"+conferenceID+"/signalling", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	say := func(what string) {
		t.Helper()
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(what)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.Read(t.Context()); err != nil || string(got) != what {
			t.Fatalf("%q, %v", got, err)
		}
	}
	say("before")
	start(second, nil)
	close(drain)
	for range 20 {
		r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + address + "/")
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("a newcomer gets %v, %v", r, err)
		}
		_ = r.Body.Close()
		say("meanwhile")
	}
	select {
	case err := <-oldEnded:
		t.Fatal("the old front has ended while somebody is connected:", err)
	default:
	}
	_ = ws.Close(websocket.StatusNormalClosure, "")
	if err := <-oldEnded; err != nil {
		t.Error(err)
	}
}

// Media that are relayed over TLS go on while the next front takes what comes, as WebSockets do.
func TestADrainingFrontWaitsForRelayedConnections(t *testing.T) {
	t.Parallel()
	drain := make(chan struct{})
	d := openDoor(t, func(o *front.Options) { o.Drain = drain })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = l.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- d.front.Serve(t.Context(), l) }()
	var relayed []net.Conn
	for range 2 {
		conn := d.dial(t, "stun.turn")
		if _, err := io.WriteString(conn, stunRequest); err != nil {
			t.Fatal(err)
		}
		relayed = append(relayed, <-d.relayed)
	}
	close(drain)
	for { // the front has heard it when it takes nobody any more
		conn, err := net.Dial("tcp", d.address)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	for _, conn := range relayed {
		got := make([]byte, len(stunRequest))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != stunRequest {
			t.Errorf("%q, %v", got, err)
		}
		select {
		case err := <-ended:
			t.Fatal("the front has ended while media are relayed:", err)
		default:
		}
		_ = conn.Close()
		_ = conn.Close() // again, which counts once
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the front goes on when nothing is left")
	}
}

func TestADrainingFrontCanBeToldToEnd(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	drain := make(chan struct{})
	f := setup(t, func(o *front.Options) { o.Drain = drain }).Config.Handler.(*front.Front)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, l) }()
	ws, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String()+"/conference/"+conferenceID+"/signalling", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	close(drain)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := ws.Read(t.Context()); err == nil {
		t.Error("the WebSocket goes on")
	}
}
