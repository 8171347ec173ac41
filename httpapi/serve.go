package httpapi

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"konklave/access"
)

// The times that one request to the controller may take.
const (
	readTimeout    = 30 * time.Second
	handlerTimeout = 60 * time.Second
	idleTimeout    = 2 * time.Minute
)

// retryAfter is what a caller over a rate limit is told to wait, in seconds.
const retryAfter = "1"

// Server returns a server for the API with its time-outs; the caller gives it a listener and shuts it down.
func (a *API) Server() *http.Server {
	return &http.Server{
		Handler: a, ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: handlerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: a.limits.HeaderBytes,
	}
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(requestContext(r.Context(), r.Header.Get("X-Request-Id")))
	defer a.recover(w, r)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	health := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
	source := sourceKey(clientAddress(r))
	if !health {
		a.traffic.Source(access.DefaultTenant, source)
	}
	if !health && !a.sources.allow(source) {
		writeProblem(w, r, a.log, tooMany(w))
		return
	}
	if _, pattern := a.mux.Handler(r); pattern == "" {
		writeProblem(w, r, a.log, a.notFound(w, r))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// tooMany is the answer to a caller over a rate limit.
func tooMany(w http.ResponseWriter) error {
	w.Header().Set("Retry-After", retryAfter)
	return ErrRateLimited
}

// notFound tells an unknown address from an unknown method.
func (a *API) notFound(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return ErrRouteUnknown
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return ErrMethod
}

// recover turns a panic into an internal error; the process and the other requests go on.
func (a *API) recover(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // compared as the server does
		panic(cause)
	}
	a.log.ErrorContext(r.Context(), "request panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	writeProblem(w, r, a.log, fmt.Errorf("panic: %v", cause))
}
