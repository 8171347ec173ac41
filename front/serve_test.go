package front

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"konklave/config"
)

// pipeListener hands out the far ends of pipes, so that time-outs can be tested in virtual time.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// slowClient runs a client against the front's server and returns after which time it was cut off.
func slowClient(t *testing.T, handler http.Handler, client func(net.Conn) error) time.Duration {
	t.Helper()
	f, err := New(Options{
		Static: fstest.MapFS{"big.txt": {Data: []byte(strings.Repeat("a", 1<<20))}},
		Limits: config.Default().Limits, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := f.httpServer(f)
	if handler != nil {
		server.Handler = handler
	}
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	near, far := net.Pipe()
	start := time.Now()
	l.conns <- far
	if err := client(near); err == nil {
		t.Error("the client was served to the end")
	}
	took := time.Since(start)
	_ = near.Close()
	_ = server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	return took
}

// drip sends a first part and then a byte every second, until the connection is closed.
func drip(first string) func(net.Conn) error {
	return func(c net.Conn) error {
		go func() { _, _ = io.Copy(io.Discard, c) }()
		if _, err := io.WriteString(c, first); err != nil {
			return err
		}
		for range 1000 {
			time.Sleep(time.Second) // virtual
			if _, err := io.WriteString(c, "a"); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestA53SlowHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took := slowClient(t, nil, drip("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "))
		if took < HeaderTimeout || took > HeaderTimeout+2*time.Second {
			t.Errorf("cut off after %v, want %v", took, HeaderTimeout)
		}
	})
}

func TestA53SlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				t.Error("the whole body arrived")
			}
		})
		took := slowClient(t, read, drip("POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"))
		if took < BodyTimeout || took > BodyTimeout+2*time.Second {
			t.Errorf("cut off after %v, want %v", took, BodyTimeout)
		}
	})
}

func TestA53SlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took := slowClient(t, nil, func(c net.Conn) error {
			if _, err := io.WriteString(c, "GET /big.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				return err
			}
			one := make([]byte, 1)
			for range 1000 {
				time.Sleep(time.Second) // virtual
				if _, err := c.Read(one); err != nil {
					return err
				}
			}
			return nil
		})
		if took < AnswerTimeout || took > AnswerTimeout+2*time.Second {
			t.Errorf("cut off after %v, want %v", took, AnswerTimeout)
		}
	})
}
