package worker

import (
	"log/slog"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"konklave/control"
	"konklave/launch"
)

// short is a listener that lacks descriptors for a while, and is closed after its one connection.
type short struct {
	net.Listener

	lacks int
	conns chan net.Conn
}

func (s *short) Accept() (net.Conn, error) {
	if s.lacks > 0 {
		s.lacks--
		return nil, syscall.EMFILE
	}
	if c, ok := <-s.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func TestAControllerCanConnectAfterDescriptorsWereShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := make([]byte, 32)
		w := &worker{config: launch.WorkerConfig{Conference: "c1", Key: key}, log: slog.New(slog.DiscardHandler), line: newLine()}
		ours, theirs := net.Pipe()
		l := &short{lacks: 9, conns: make(chan net.Conn, 1)}
		l.conns <- ours
		close(l.conns)
		over, began := make(chan struct{}), time.Now()
		go func() {
			defer close(over)
			w.acceptControllers(l)
		}()
		conn, err := control.Dial(theirs, "c1", key, nil, control.NewLimits())
		if err != nil {
			t.Fatal(err)
		}
		<-w.line.up()
		<-over
		if took, most := time.Since(began), 9*acceptMax; took < acceptMax || took > most {
			t.Errorf("it took %v, want at most %v", took, most)
		}
		conn.Start()
		_ = conn.Close() // never fails
		<-w.line.down()
	})
}
