package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"konklave/fault"
	"konklave/scim"
	"konklave/telemetry"
)

// The faults of a request that no domain package knows.
var (
	ErrRouteUnknown  = fault.New(fault.KindNotFound, "route.unknown", "There is nothing at this address. The API is described at /api/docs.")
	ErrMethod        = fault.New(fault.KindInvalid, "route.method", "This address does not take this method.")
	ErrForeignOrigin = fault.New(fault.KindDenied, "origin.foreign", "This request came from another web site and was refused.")
	ErrRateLimited   = fault.New(fault.KindTooMany, "rate.limited", "Too many requests. Please wait a moment and try again.")
	ErrParameter     = fault.New(fault.KindInvalid, "parameter.invalid", "A parameter in the address of the request is not valid.")
	ErrUnavailable   = fault.New(fault.KindUnavailable, "server.unavailable", "The server cannot answer right now. Please try again in a moment.")
)

// Problem is the body of every answer that is an error (RFC 9457, application/problem+json).
type Problem struct {
	Title  string       `json:"title" doc:"The HTTP status in words."`
	Status int          `json:"status" doc:"The HTTP status."`
	Code   fault.Code   `json:"code" doc:"Stable name of the error; clients branch on it and translate it."`
	Detail string       `json:"detail" doc:"What happened and what to do, in English."`
	ID     string       `json:"id" doc:"Names this one error; an administrator finds it in the log."`
	Errors []FieldError `json:"errors,omitempty" nullable:"false" doc:"The offending fields."`
}

// FieldError says which field of the request is wrong.
type FieldError struct {
	Field  string     `json:"field" doc:"JSON pointer into the request body, or the name of the parameter."`
	Code   fault.Code `json:"code"`
	Detail string     `json:"detail"`
}

// statusOf is the one mapping from faults to HTTP.
func statusOf(f *fault.Fault) int {
	switch {
	case errors.Is(f, ErrMethod):
		return http.StatusMethodNotAllowed
	case errors.Is(f, ErrContentType):
		return http.StatusUnsupportedMediaType
	case errors.Is(f, scim.ErrVersion):
		return http.StatusPreconditionFailed
	}
	switch f.Kind {
	case fault.KindInvalid:
		return http.StatusBadRequest
	case fault.KindUnauthenticated:
		return http.StatusUnauthorized
	case fault.KindDenied:
		return http.StatusForbidden
	case fault.KindNotFound:
		return http.StatusNotFound
	case fault.KindConflict:
		return http.StatusConflict
	case fault.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.KindTooMany:
		return http.StatusTooManyRequests
	case fault.KindUnavailable:
		return http.StatusServiceUnavailable
	case fault.KindGone:
		return http.StatusGone
	case fault.KindInternal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// problemError is a Problem on its way through huma.
type problemError struct{ Problem }

func (p *problemError) Error() string  { return p.Detail }
func (p *problemError) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *problemError) ContentType(string) string { return "application/problem+json" }

// problem turns any error into what the caller is told, and logs what the caller is not told.
func problem(ctx context.Context, log *slog.Logger, err error) *problemError {
	f := fault.As(err)
	p := Problem{Status: statusOf(f), Code: f.Code, Detail: f.Message, ID: telemetry.RequestID(ctx)}
	p.Title = http.StatusText(p.Status)
	if f.Field != "" {
		p.Errors = []FieldError{{Field: f.Field, Code: f.Code, Detail: f.Message}}
	}
	level := slog.LevelDebug
	if f.Kind == fault.KindInternal && ctx.Err() == nil {
		level = slog.LevelError
	}
	log.Log(ctx, level, "request failed", "code", string(f.Code), "error_id", p.ID, "err", err)
	return &problemError{p}
}

// rephrase turns what huma itself complains about, which is parameters only, into a Problem; values are not repeated.
func rephrase(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := Problem{
		Title: m.Title, Status: m.Status, Code: ErrParameter.Code, Detail: ErrParameter.Message, ID: telemetry.RequestID(ctx.Context()),
	}
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, FieldError{Field: e.Location, Code: ErrParameter.Code, Detail: ErrParameter.Message})
	}
	return &problemError{p}, nil
}

// writeProblem answers with an error outside huma.
func writeProblem(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	p := problem(r.Context(), log, err)
	if isProvisioning(r) {
		writeScimError(w, p.Problem)
		return
	}
	body, err := json.Marshal(p.Problem)
	if err != nil {
		panic("httpapi: a problem does not encode: " + err.Error())
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client is gone
}
