package control_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json"

	"konklave/control"
	"konklave/fault"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// pair opens a channel; each side serves with its handler.
func pair(t *testing.T, controller, worker control.Handler) (c, w *control.Conn) {
	t.Helper()
	a, b := net.Pipe()
	accepted := make(chan *control.Conn, 1)
	go func() {
		conn, err := control.Accept(b, "c1", key, worker)
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	c, err := control.Dial(a, "c1", key, controller, control.NewLimits())
	if err != nil {
		t.Fatal(err)
	}
	w = <-accepted
	c.Start()
	w.Start()
	t.Cleanup(func() {
		_ = c.Close()
		_ = w.Close()
	})
	return c, w
}

func echo(_ context.Context, call string, body []byte) (any, error) {
	if call == "fail" {
		return nil, fault.New(fault.KindConflict, "test.conflict", "No.")
	}
	var v struct {
		Text string `json:"text"`
	}
	return &v, control.Decode(body, &v)
}

func TestCallsRunInBothDirections(t *testing.T) {
	t.Parallel()
	c, w := pair(t, echo, echo)
	for name, side := range map[string]*control.Conn{"controller": c, "worker": w} {
		var got struct {
			Text string `json:"text"`
		}
		if err := side.Call(t.Context(), "echo", map[string]string{"text": name}, &got); err != nil || got.Text != name {
			t.Errorf("%s: %q, %v", name, got.Text, err)
		}
		err := side.Call(t.Context(), "fail", struct{}{}, nil)
		if f := fault.As(err); f.Code != "test.conflict" || f.Kind != fault.KindConflict {
			t.Errorf("%s: %v", name, err)
		}
		if err := side.Call(t.Context(), "echo", map[string]string{"Text": "wrong case"}, &got); fault.As(err).Code != "control.malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFrameMaxFromBothSides(t *testing.T) {
	t.Parallel()
	c, _ := pair(t, echo, echo)
	var got struct {
		Text string `json:"text"`
	}
	const around = 64 // what stands around the text in the longer of the two messages
	fits := strings.Repeat("x", control.FrameMax-around)
	if err := c.Call(t.Context(), "echo", map[string]string{"text": fits}, &got); err != nil || got.Text != fits {
		t.Errorf("just below the limit: %d bytes, %v", len(got.Text), err)
	}
	if err := c.Call(t.Context(), "echo", map[string]string{"text": strings.Repeat("x", control.FrameMax)}, &got); !errors.Is(err, control.ErrClosed) {
		t.Errorf("over the limit: %v", err)
	}
}

func TestNobodyWithoutTheKeyGetsIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, conference string
		key              []byte
	}{
		{"A-89 wrong key", "c1", bytes.Repeat([]byte("x"), 32)},
		{"A-89 key of another conference", "c2", key},
		{"no key", "c1", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := net.Pipe()
			var served atomic.Bool
			refused := make(chan error, 1)
			go func() {
				conn, err := control.Accept(b, "c1", key, func(context.Context, string, []byte) (any, error) {
					served.Store(true)
					return nil, nil //nolint:nilnil // a call without a result
				})
				if conn != nil {
					conn.Start()
				}
				refused <- err
			}()
			if _, err := control.Dial(a, tt.conference, tt.key, echo, control.NewLimits()); err == nil {
				t.Error("the controller's side believed a worker with another key")
			}
			if err := <-refused; err == nil || served.Load() {
				t.Errorf("the worker's side: %v, served %v", err, served.Load())
			}
		})
	}
}

// TestAProofCannotBeReflected: an attacker without the key answers a controller with what it said itself.
func TestAProofCannotBeReflected(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	go func() {
		buffer := make([]byte, 4096)
		n, err := b.Read(buffer)
		if err != nil {
			return
		}
		var h map[string]any
		_ = json.Unmarshal(buffer[:n], &h)
		h["proof"] = h["nonce"]
		raw, _ := json.Marshal(h)
		_, _ = b.Write(append(raw, '\n'))
	}()
	if _, err := control.Dial(a, "c1", key, echo, control.NewLimits()); !errors.Is(err, control.ErrNotProven) {
		t.Errorf("got %v", err)
	}
}

func TestMalformedMessagesEndTheConnection(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"nonsense\n", "{\"id\":1,\"call\":\"echo\",\"id\":2}\n", "{\"unknown\":1}\n"} {
		c, w := rawPair(t)
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if err := c.Call(t.Context(), "echo", struct{}{}, nil); !errors.Is(err, control.ErrClosed) {
			t.Errorf("after %q: %v", line, err)
		}
	}
}

func TestWhatEndsAConnectionIsTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		line string
		want error
	}{
		"too large": {strings.Repeat("x", control.FrameMax+64<<10), control.ErrFrameTooLarge},
		"malformed": {"nonsense\n", control.ErrMalformed},
	} {
		c, w := rawPair(t)
		if err := c.Err(); err != nil {
			t.Errorf("%s: %v before anything has happened", name, err)
		}
		_, _ = w.Write([]byte(tt.line)) // cut off in the middle
		<-c.Done()
		if err := c.Err(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// rawPair is a proven controller's connection whose other end is written by hand.
func rawPair(t *testing.T) (*control.Conn, net.Conn) {
	t.Helper()
	a, b := net.Pipe()
	relayIn, relayOut := net.Pipe()
	go func() { // the handshake goes through the real worker's side, then the test takes over
		_, _ = control.Accept(relayOut, "c1", key, echo)
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		copyLine(relayIn, b) // hello
		copyLine(b, relayIn) // its answer
		copyLine(relayIn, b) // the proof
	}()
	c, err := control.Dial(a, "c1", key, echo, control.NewLimits())
	if err != nil {
		t.Fatal(err)
	}
	<-done
	c.Start()
	t.Cleanup(func() { _ = c.Close() })
	return c, b
}

// copyLine passes one message on.
func copyLine(to, from net.Conn) {
	buffer := make([]byte, 4096)
	n, err := from.Read(buffer)
	if err == nil {
		_, _ = to.Write(buffer[:n])
	}
}
