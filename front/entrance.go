package front

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// relayProtocol is the ALPN name of TURN over TLS (RFC 7443).
const relayProtocol = "stun.turn"

// HandshakeTimeout is how long a client may take for the TLS handshake.
const HandshakeTimeout = 10 * time.Second

// The pauses after which an accept that failed, for want of descriptors, is tried again.
const (
	acceptFirst = 5 * time.Millisecond
	acceptMax   = time.Second
)

// entrance is the public listener behind which it is known what each connection is for: Accept returns those for HTTP, those
// for the relay are handed to it. The two are told apart by ALPN, and where the client names no protocol by the first byte
// after the handshake: the two highest bits of a STUN message are 0 (RFC 8489, section 5), no HTTP method begins like that.
type entrance struct {
	net.Listener
	crowd *crowd
	tls   *tls.Config    // nil for plain HTTP
	relay func(net.Conn) // nil when there is no relay; takes the connection over
	log   *slog.Logger

	open      chan net.Conn
	closed    chan struct{}
	once      sync.Once
	failed    error          // why Accept ends; set before closed is closed
	admitting sync.WaitGroup // connections that are not handed out yet
	relaying  sync.WaitGroup // connections that the relay has not closed yet
}

// enter starts to accept. It returns at once.
func (e *entrance) enter() *entrance {
	e.open, e.closed = make(chan net.Conn), make(chan struct{})
	go e.run()
	return e
}

// Accept returns the next connection for HTTP, its handshake done.
func (e *entrance) Accept() (net.Conn, error) {
	select {
	case c := <-e.open:
		return c, nil
	case <-e.closed:
		return nil, e.failed
	}
}

// Close stops accepting. Connections under way in their handshake are closed, those handed out stay.
func (e *entrance) Close() error {
	err := e.Listener.Close()
	e.end(net.ErrClosed)
	if errors.Is(err, net.ErrClosed) {
		return nil // it was drained before
	}
	return err
}

// drain stops accepting and returns when all who came before are handed out: they are served here, those who come later by
// whoever has the listener as well.
func (e *entrance) drain() {
	_ = e.Listener.Close() // then nobody comes anyway
	<-e.closed
}

func (e *entrance) end(err error) {
	e.once.Do(func() {
		e.failed = err
		close(e.closed)
	})
}

func (e *entrance) run() {
	pause := acceptFirst
	for {
		raw, err := e.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			e.admitting.Wait()
			e.end(err)
			return
		}
		if err != nil {
			e.log.Error("no connection can be accepted", "error", err)
			select {
			case <-time.After(pause):
				pause = min(2*pause, acceptMax)
				continue
			case <-e.closed:
				return
			}
		}
		pause = acceptFirst
		conn, room := e.crowd.enter(raw)
		if !room {
			e.log.Debug("too many connections", "from", raw.RemoteAddr())
			_ = raw.Close() // nothing was said
			continue
		}
		e.admitting.Go(func() { e.admit(conn) })
	}
}

// admit shakes hands and finds out what the connection is for.
func (e *entrance) admit(raw net.Conn) {
	if e.tls == nil {
		e.hand(raw)
		return
	}
	conn := tls.Server(raw, e.tls)
	ctx, cancel := context.WithTimeout(context.Background(), HandshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err := conn.HandshakeContext(ctx)
	if !stop() || err != nil {
		e.log.Debug("no TLS handshake", "from", raw.RemoteAddr(), "error", err)
		_ = raw.Close() // there is nothing more to say
		return
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case relayProtocol:
		e.pass(conn)
	case "h2":
		e.hand(conn)
	case "", "http/1.1":
		e.look(conn)
	default: // an ACME server has seen what it wanted to
		_ = conn.Close() // there is nothing more to say
	}
}

// look reads the first byte. A client that sends none is cut off, as one that sends no header.
func (e *entrance) look(conn *tls.Conn) {
	first := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(HeaderTimeout)) // fails with the read
	n, err := conn.Read(first)
	if err != nil || n == 0 {
		_ = conn.Close() // it has gone, or is too slow
		return
	}
	_ = conn.SetReadDeadline(time.Time{}) // fails with the next read
	known := &begun{Conn: conn, first: first}
	if first[0]>>6 == 0 {
		e.pass(known)
		return
	}
	e.hand(known)
}

// pass gives a connection to the relay.
func (e *entrance) pass(conn net.Conn) {
	if e.relay == nil {
		_ = conn.Close() // there is nobody for it
		return
	}
	e.relaying.Add(1)
	e.relay(&counted{Conn: conn, leave: sync.OnceFunc(e.relaying.Done)})
}

// hand gives a connection to the web server.
func (e *entrance) hand(conn net.Conn) {
	select {
	case e.open <- conn:
	case <-e.closed:
		_ = conn.Close() // nobody takes it any more
	}
}

// begun is a connection whose first byte was read already.
type begun struct {
	*tls.Conn
	first []byte
}

// Read returns the first byte first.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}
