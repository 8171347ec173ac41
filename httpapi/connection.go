package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// What one network address may ask for tests of its connection: TestBurst requests at once, one more every testEvery.
const (
	TestBurst = 30
	testEvery = 2 * time.Second
)

// greetTimeout is how long a test of WebSockets may take.
const greetTimeout = 5 * time.Second

const testSocket = prefix + "/connection-test/socket"

// RelayAccess is what opens the relay for a test of the way to it. Nothing can be reached through it.
type RelayAccess struct {
	URLs       []string  `json:"urls" nullable:"false" doc:"Where the relay is (RFC 7065); empty when there is none."`
	Username   string    `json:"username"`
	Credential string    `json:"credential"`
	ExpiresAt  time.Time `json:"expiresAt" doc:"When the credential opens nothing any more."`
}

// ConnectionTest is what a client needs to try the ways to this installation.
type ConnectionTest struct {
	Socket string      `json:"socket" doc:"Path of a WebSocket that says ok and closes."`
	Relay  RelayAccess `json:"relay" doc:"A credential for the relay that allows an allocation, and no peer."`
}

func (a *API) addConnectionTest() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/connection-test", ID: "testConnection", Tag: "Instance",
		Summary: "What a client needs to try the ways to this installation: a WebSocket, and a credential for the relay that reaches nobody",
	}, a.testConnection)
	a.mux.HandleFunc("GET "+testSocket, a.greet)
}

func (a *API) testConnection(ctx context.Context, _ *empty) (*body[ConnectionTest], error) {
	if !a.tests.allow(sourceKey(callerOf(ctx).source)) {
		return nil, ErrRateLimited
	}
	relay, err := a.relayTest()
	if err != nil {
		return nil, err
	}
	return &body[ConnectionTest]{ConnectionTest{Socket: testSocket, Relay: relay}}, nil
}

// greet shows that a WebSocket comes through all that is between the client and the server.
func (a *API) greet(w http.ResponseWriter, r *http.Request) {
	if !a.tests.allow(sourceKey(clientAddress(r))) {
		writeProblem(w, r, a.log, tooMany(w))
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), greetTimeout)
	defer cancel()
	if ws.Write(ctx, websocket.MessageText, []byte("ok")) != nil {
		_ = ws.CloseNow() // the client is gone
		return
	}
	_ = ws.Close(websocket.StatusNormalClosure, "") // the client is gone
}
