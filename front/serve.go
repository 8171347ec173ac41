package front

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The times that a client on the network may take. WebSockets are not bound by them.
const (
	HeaderTimeout = 10 * time.Second  // to send the header
	BodyTimeout   = 30 * time.Second  // to send header and body
	AnswerTimeout = 120 * time.Second // to receive the answer
	IdleTimeout   = 120 * time.Second // between two requests
)

// Grace is how long requests may go on after Serve was asked to end.
const Grace = 5 * time.Second

// Serve answers on the listener until ctx ends; then it lets requests finish within Grace and closes the rest, WebSockets
// too. It returns nil after an orderly end.
func (f *Front) Serve(ctx context.Context, listener net.Listener) error {
	base, closeAll := context.WithCancel(context.WithoutCancel(ctx))
	defer closeAll()
	server := f.server(base)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(base, Grace)
	defer cancel()
	err := server.Shutdown(grace)
	closeAll()
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return err
}

func (f *Front) server(base context.Context) *http.Server {
	return &http.Server{
		Handler:           f,
		ReadHeaderTimeout: HeaderTimeout, ReadTimeout: BodyTimeout, WriteTimeout: AnswerTimeout, IdleTimeout: IdleTimeout,
		MaxHeaderBytes: f.limits.HeaderBytes,
		BaseContext:    func(net.Listener) context.Context { return base },
		ErrorLog:       slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
}
