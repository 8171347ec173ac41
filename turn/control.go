package turn

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
)

// The limits of a call to the relay.
const (
	callMax     = 1 << 10 // bytes of its body
	callTimeout = 2 * time.Second
	endPath     = "/relay/end"
)

// ending is the body of the call that ends allocations.
type ending struct {
	Conference  string    `json:"conference"`
	Participant string    `json:"participant,omitempty"`
	At          time.Time `json:"at"`
}

// Control serves the calls of the controller; it belongs on a unix socket that nobody else can reach.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+endPath, func(w http.ResponseWriter, r *http.Request) {
		var e ending
		body := http.MaxBytesReader(w, r.Body, callMax)
		if err := json.UnmarshalRead(body, &e, json.RejectUnknownMembers(true)); err != nil || e.Conference == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.End(e.Conference, e.Participant, e.At)
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// Remote is the relay as the controller sees it: at the path of its unix socket.
type Remote struct{ client *http.Client }

// NewRemote speaks to the relay that serves Control at a unix socket.
func NewRemote(socket string) *Remote {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &Remote{&http.Client{Timeout: callTimeout, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// End is [Server.End]. An error means that it is unknown whether the relay has heard.
func (r *Remote) End(ctx context.Context, conference, participant string, at time.Time) error {
	body, err := json.Marshal(ending{conference, participant, at})
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://relay"+endPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := r.client.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("relay: %s", answer.Status)
	}
	return nil
}
