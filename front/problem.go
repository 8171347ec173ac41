package front

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"konklave/fault"
	"konklave/telemetry"
)

// refusal is a fault with the HTTP status that the front answers it with.
type refusal struct {
	status int
	*fault.Fault
}

// problemType is the media type of a refusal (RFC 9457).
const problemType = "application/problem+json"

// problem is the body of a refusal (RFC 9457), in the form of the API's.
type problem struct {
	Title  string     `json:"title"`
	Status int        `json:"status"`
	Code   fault.Code `json:"code"`
	Detail string     `json:"detail"`
	ID     string     `json:"id"`
}

func refusals(status int, kind fault.Kind, code fault.Code, message string) refusal {
	return refusal{status, fault.New(kind, code, message)}
}

// What the front refuses by itself.
var (
	errHost       = refusals(http.StatusMisdirectedRequest, fault.KindInvalid, "host.unknown", "This server does not answer to this name. Please use its public address.")
	errRoute      = refusals(http.StatusNotFound, fault.KindNotFound, "route.unknown", "There is nothing at this address.")
	errMethod     = refusals(http.StatusMethodNotAllowed, fault.KindInvalid, "route.method", "This address does not take this method.")
	errConference = refusals(http.StatusNotFound, fault.KindNotFound, "conference.unknown", "There is no such conference, or it has ended. Please join again.")
	errPlain      = refusals(http.StatusForbidden, fault.KindDenied, "transport.plain", "This address is reached by HTTPS only.")
	errTooLarge   = refusals(http.StatusRequestEntityTooLarge, fault.KindTooLarge, "body.too_large", "The body of the request is too large.")
	errDown       = refusals(http.StatusServiceUnavailable, fault.KindUnavailable, "server.unavailable", "The server cannot answer right now. Please try again in a moment.")
)

// refuse answers with a problem.
func (f *Front) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	body, err := json.Marshal(problem{
		Title: http.StatusText(why.status), Status: why.status, Code: why.Code, Detail: why.Message, ID: telemetry.RequestID(r.Context()),
	})
	if err != nil {
		panic("front: a problem does not encode: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", problemType)
	h.Set("Cache-Control", "no-store")
	if why.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	f.log.DebugContext(r.Context(), "refused", "code", string(why.Code), "method", r.Method, "path", logPath(r.URL.Path))
	w.WriteHeader(why.status)
	_, _ = w.Write(body) // the client is gone
}

// logPath is a path without the secret of a join link.
func logPath(path string) string {
	if before, _, ok := strings.Cut(path, "/join/"); ok {
		return before + "/join/***"
	}
	return path
}
