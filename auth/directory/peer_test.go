package directory_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// listen accepts connections until the test ends or stop is called, and serves each on a goroutine of its own.
func listen(t *testing.T, serve func(net.Conn)) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wait.Go(func() { defer c.Close(); serve(c) })
		}
	})
	stop = sync.OnceFunc(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wait.Wait()
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// pipe leads a connection to another address and copies what the client says.
func pipe(c net.Conn, address string, said io.Writer) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { defer c.Close(); _, _ = io.Copy(c, server) }()
	_, _ = io.Copy(io.MultiWriter(server, said), c)
}

// record keeps what several connections said.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
