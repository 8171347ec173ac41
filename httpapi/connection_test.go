package httpapi_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"konklave/httpapi"
)

// testAccess is what the harness makes for tests of the way to the relay.
func testAccess(now time.Time) httpapi.RelayAccess {
	return httpapi.RelayAccess{URLs: []string{"turn:k.example.org:3478?transport=udp"}, Username: "u", Credential: "p", ExpiresAt: now.Add(time.Minute)}
}

func TestAnybodyGetsWhatATestOfTheConnectionNeeds(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	got := decode[httpapi.ConnectionTest](e.browser().get("/api/v1/connection-test").want(http.StatusOK))
	if want := (httpapi.ConnectionTest{Socket: "/api/v1/connection-test/socket", Relay: testAccess(e.clock.now())}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestTheSocketOfAConnectionTestSaysOKAndCloses(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	ws, resp, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(e.url, "http")+"/api/v1/connection-test/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	defer func() { _ = ws.CloseNow() }()
	if _, text, err := ws.Read(t.Context()); err != nil || string(text) != "ok" {
		t.Fatalf("%q %v", text, err)
	}
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("closed with %v", err)
	}
}

func TestTheSocketOfAConnectionTestIsForOurOwnPages(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	header := http.Header{"Origin": {"https://elsewhere.example.org"}}
	ws, resp, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(e.url, "http")+"/api/v1/connection-test/socket", &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		_ = ws.CloseNow()
		t.Fatal("accepted from a foreign page")
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Error(resp.Status)
	}
}

func TestTestsOfTheConnectionAreLimited(t *testing.T) {
	t.Parallel()
	e := start(t, options{})
	c := e.browser()
	for range httpapi.TestBurst {
		c.get("/api/v1/connection-test").want(http.StatusOK)
	}
	c.get("/api/v1/connection-test").problem(http.StatusTooManyRequests, "rate.limited")
	c.get("/api/v1/connection-test/socket").problem(http.StatusTooManyRequests, "rate.limited")
	c.get("/api/v1/instance").want(http.StatusOK)
}
