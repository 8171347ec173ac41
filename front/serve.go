package front

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
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

// Serve answers on the public listener until ctx ends; then it lets requests finish within Grace and closes the rest,
// WebSockets too. When Options.Drain is closed, it gives the listener up and carries what it has, WebSockets and relayed
// connections too, until the last of it has ended or ctx ends. It returns nil after an orderly end.
func (f *Front) Serve(ctx context.Context, listener net.Listener) error {
	e := &entrance{
		Listener: listener, crowd: newCrowd(ConnectionsMax, SourceConnectionsMax, f.proxies),
		tls: f.tlsConfig(), relay: f.relay, log: f.log,
	}
	if f.certificates != nil {
		fresh, stop := context.WithCancel(ctx)
		defer stop()
		go f.certificates.Run(fresh)
	}
	return serve(ctx, f.drain, f.httpServer(f), e.enter()) //nolint:contextcheck // a handshake has a limit of its own
}

func serve(ctx context.Context, drain <-chan struct{}, server *http.Server, listener *entrance) error {
	base, closeAll := context.WithCancel(context.WithoutCancel(ctx))
	defer closeAll()
	server.BaseContext = func(net.Listener) context.Context { return base }
	var open, underWay sync.WaitGroup // connections that are the server's; requests, and the WebSockets that some have become
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		case http.StateActive, http.StateIdle:
		}
	}
	server.Handler = tracked(server.Handler, &underWay)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-drain:
		drained := make(chan error, 1)
		go func() {
			listener.drain()
			err := <-ended // no connection comes any more that could be counted
			// Shutdown would leave requests unanswered that come on connections which are there already.
			server.SetKeepAlivesEnabled(false)
			open.Wait()
			underWay.Wait()
			listener.relaying.Wait()
			if errors.Is(err, net.ErrClosed) {
				err = nil
			}
			drained <- err
		}()
		select {
		case err := <-drained:
			return err
		case <-ctx.Done():
		}
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

func tracked(h http.Handler, underWay *sync.WaitGroup) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		underWay.Add(1)
		defer underWay.Done()
		h.ServeHTTP(w, r)
	})
}

func (f *Front) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: HeaderTimeout, ReadTimeout: BodyTimeout, WriteTimeout: AnswerTimeout, IdleTimeout: IdleTimeout,
		MaxHeaderBytes: f.limits.HeaderBytes,
		ErrorLog:       slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
}

// tlsConfig is TLS 1.3 with the certificates of the source; nil for plain HTTP.
func (f *Front) tlsConfig() *tls.Config {
	if f.certificates == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: f.certificates.Certificate,
		NextProtos:     append([]string{"h2", "http/1.1", relayProtocol}, f.certificates.Protocols()...),
	}
}
