package front

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"strings"
)

// answerHeaderMax bounds the headers of an answer from behind, and of the informational answers before it, in bytes.
const answerHeaderMax = 64 << 10

// finalOnly passes on the one final answer to a request, without what could come before it and after its body:
// informational answers (RFC 9110, section 15.2) and trailers (section 6.5) carry headers of their own, of which nobody
// behind the front has need.
type finalOnly struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t finalOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r.WithContext(untraced{r.Context()})) //nolint:contextcheck // it is the same one, but for the trace
	if err != nil {
		return nil, err
	}
	kept := *answer // trailers that come with the end of the body are entered in the other one
	kept.Trailer = nil
	return &kept, nil
}

// untraced is a context that hides who wants to be told of informational answers.
type untraced struct{ context.Context }

// Value returns what the context holds, unless that is a trace.
func (c untraced) Value(key any) any {
	v := c.Context.Value(key)
	if _, trace := v.(*httptrace.ClientTrace); trace {
		return nil
	}
	return v
}

// keepAnswer leaves the controller's answer as it is but for what the front has set already, so that nothing is there twice
// or weaker.
func keepAnswer(r *http.Response) error {
	for _, header := range securityHeaders() {
		r.Header.Del(header[0])
	}
	r.Header.Del("Content-Security-Policy")
	r.Header.Del("Strict-Transport-Security")
	return nil
}

// workerHeaders are the headers that a worker may set when a WebSocket opens (RFC 6455, section 4.2.2), and otherwise.
func workerHeaders(status int) []string {
	if status == http.StatusSwitchingProtocols {
		return []string{"Sec-Websocket-Accept", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"}
	}
	return []string{"Retry-After"}
}

// tameAnswer leaves of a worker's answer what its work needs, so that a hostile one has nothing to use against our pages or
// the people who look at them: besides WebSockets it sends text and problems, never a script, a page, or a word about others.
func tameAnswer(r *http.Response) error {
	said := r.Header
	r.Header, r.Status = http.Header{}, ""
	for _, name := range workerHeaders(r.StatusCode) {
		if value := said.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	if r.StatusCode == http.StatusSwitchingProtocols {
		if !strings.EqualFold(said.Get("Upgrade"), webSocket) {
			return errNoAnswer
		}
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", webSocket)
		return nil
	}
	r.Header.Set("Cache-Control", "no-store")
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	if said.Get("Content-Type") == problemType {
		r.Header.Set("Content-Type", problemType)
	}
	return nil
}
