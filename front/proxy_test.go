package front_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"konklave/front"
)

func TestProxyToWorker(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	url := "ws" + strings.TrimPrefix(h.URL, "http") + "/conference/" + conferenceID + "/signalling"
	ws, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{
		Subprotocols: []string{"konklave.v1"},
		HTTPHeader:   http.Header{"Cookie": {"__Host-konklave-session=secret"}, "Origin": {h.URL}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	if ws.Subprotocol() != "konklave.v1" {
		t.Errorf("sub-protocol %q", ws.Subprotocol())
	}
	r := <-h.seen
	if r.Header.Get("Cookie") != "" {
		t.Error("the worker got the session cookie")
	}
	if r.Header.Get("Origin") != h.URL || r.Host != h.Listener.Addr().String() {
		t.Errorf("Origin %q, Host %q", r.Header.Get("Origin"), r.Host)
	}
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := ws.Read(t.Context()); err != nil || string(data) != "hello" {
		t.Errorf("%q %v", data, err)
	}
}

// The front hands the Origin on as it is, so that the worker's own check decides.
func TestA59ForeignOriginReachesNoConference(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	url := "ws" + strings.TrimPrefix(h.URL, "http") + "/conference/" + conferenceID + "/signalling"
	for _, origin := range []string{"https://evil.example", "null", "http://sub.localhost", "http://localhost:1"} {
		_, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("Origin %s: %v", origin, err)
		}
		if r := <-h.seen; r.Header.Get("Origin") != origin {
			t.Errorf("Origin %s became %q", origin, r.Header.Get("Origin"))
		}
	}
}

func TestConferenceErrors(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/conference/unknownunknown/signalling": {404, "conference.unknown"},
		"/conference/" + deadID + "/signalling": {503, "server.unavailable"},
	} {
		resp, body := h.get(t, path)
		if resp.StatusCode != want.status || !strings.Contains(body, `"code":"`+want.code+`"`) || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if resp, _ := h.do(t, http.MethodPost, "/conference/"+conferenceID+"/media/rtc", nil); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}

// A hostile worker cannot plant cookies, pages or scripts on our origin.
func TestA89WorkerAnswersAreTamed(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	resp, body := h.get(t, "/conference/"+conferenceID+"/media/rtc/validate")
	if body != "from behind" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
		resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%q %v", body, resp.Header)
	}
	if resp, _ := h.get(t, "/api/x"); resp.Header.Get("Set-Cookie") == "" {
		t.Error("the controller's cookie was taken away too")
	}
}

func TestProvisioningReachesTheController(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for path, status := range map[string]int{
		"/scim/v2/Users": http.StatusOK, "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User": http.StatusOK,
		"/scim/v2/%3a": http.StatusNotFound, "/api/a:b": http.StatusNotFound, "/scim/../api/x": http.StatusNotFound,
	} {
		if resp, _ := h.get(t, path); resp.StatusCode != status || status == http.StatusOK && resp.Header.Get("Set-Cookie") == "" {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
}

func TestControllerDown(t *testing.T) {
	t.Parallel()
	h := setup(t, func(o *front.Options) { o.Controller += ".gone" })
	resp, body := h.get(t, "/api/v1/instance")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "server.unavailable") || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestServeEndsWebSockets(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	f := h.Config.Handler.(*front.Front)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, l) }()
	ws, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String()+"/conference/"+conferenceID+"/signalling", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := ws.Read(t.Context()); err == nil {
		t.Error("the WebSocket goes on")
	}
}
