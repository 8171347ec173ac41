package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"
)

// pingTimeout is how long the database may take to answer for readiness.
const pingTimeout = 2 * time.Second

// addHealth serves what a process manager asks: is the process alive, and can it do its work.
func (a *API) addHealth() {
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeOK(w) })
	a.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pingTimeout)
		defer cancel()
		if err := a.database.Ping(ctx); err != nil {
			writeProblem(w, r, a.log, ErrUnavailable.Because(err))
			return
		}
		writeOK(w)
		if a.auditAlarm() {
			_, _ = io.WriteString(w, auditAlarm) // the client is gone
		}
	})
}

// auditAlarm is the detail of readiness that anybody may know; doctor and the log say more. The work goes on.
const auditAlarm = "alarm: the audit log is not signed; see `konklave doctor`\n"

func writeOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // the client is gone
}
