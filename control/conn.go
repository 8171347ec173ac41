package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/fault"
)

// Handler answers the calls of the other side. It is called on a goroutine of its own for each call; what it returns is
// encoded as JSON, an error travels as its fault.
type Handler func(ctx context.Context, call string, body []byte) (any, error)

// ErrClosed is returned by calls on a connection that is gone.
var ErrClosed = errors.New("control: connection is closed")

// ErrFrameTooLarge ends a connection whose other side sends more than FrameMax in one message.
var ErrFrameTooLarge = errors.New("control: message is too large")

// ErrMalformed ends a connection whose other side sends what is no message.
var ErrMalformed = errors.New("control: malformed message")

// ErrUnknownCall is the answer to a call that the Handler does not know.
var ErrUnknownCall = fault.New(fault.KindInvalid, "control.unknown_call", "The other side does not know this call.")

// Conn is a proven connection. All methods may be called from any goroutine.
type Conn struct {
	nc    net.Conn
	in    *bufio.Reader
	serve Handler
	done  chan struct{}

	version int // agreed in the handshake
	limits  *Limits
	held    stopwatch // how long the limits have kept the other side waiting

	writeMu sync.Mutex // orders lines on nc

	mu      sync.Mutex // guards what follows
	lastID  int64
	waiting map[int64]chan frame
	err     error
}

// Start begins to read answers and to serve calls; once, before the first Call.
func (c *Conn) Start() { go c.read() }

// Version is what both sides speak: the lower of their highest.
func (c *Conn) Version() int { return c.version }

// Call asks the other side and decodes its answer into result, which may be nil. An error of the other side is a
// *fault.Fault; ErrClosed means that it is unknown whether the call was served.
func (c *Conn) Call(ctx context.Context, call string, body, result any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", call, err)
	}
	id, answer, err := c.register()
	if err != nil {
		return err
	}
	defer c.forget(id)
	if err := c.send(frame{ID: id, Call: call, Body: raw}); err != nil {
		c.close(err)
		return ErrClosed
	}
	select {
	case f := <-answer:
		if f.Fault != nil {
			return fault.New(f.Fault.Kind, f.Fault.Code, f.Fault.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(f.Body, result)
	case <-c.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Conn) register() (int64, chan frame, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, ErrClosed
	}
	c.lastID++
	answer := make(chan frame, 1)
	c.waiting[c.lastID] = answer
	return c.lastID, answer, nil
}

func (c *Conn) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// Done is closed when the connection is gone.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection is gone, nil while it lives: ErrClosed after Close, ErrFrameTooLarge or ErrMalformed when the
// other side does not keep to the rules, or what the network says.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection; calls under way return ErrClosed.
func (c *Conn) Close() error {
	c.close(ErrClosed)
	return nil
}

func (c *Conn) close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	_ = c.nc.Close() // nothing can be done about it
	close(c.done)
}

func (c *Conn) read() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-c.done
		cancel()
	}()
	for {
		line, err := c.line()
		if err != nil {
			c.close(err)
			return
		}
		if c.hold(func() error { return c.limits.pace(ctx, len(line)) }) != nil {
			return
		}
		var f frame
		if err := json.Unmarshal(line, &f, json.RejectUnknownMembers(true)); err != nil {
			c.close(fmt.Errorf("%w: %w", ErrMalformed, err))
			return
		}
		if f.Re != 0 {
			c.answered(f)
			continue
		}
		var over func()
		if c.hold(func() (err error) {
			over, err = c.limits.enter(ctx, len(f.Body)) // a flood waits in the other side's socket
			return err
		}) != nil {
			return
		}
		go func() {
			defer over()
			c.answer(ctx, f)
		}()
	}
}

// hold takes the time of a wait of the other side.
func (c *Conn) hold(wait func() error) error {
	c.held.start()
	defer c.held.stop()
	return wait()
}

// Responds asks the other side for a sign of life with a call, and returns an error when there is none before ctx ends. It
// counts as one that this side has not read for the larger part of that time, because of the limits.
func (c *Conn) Responds(ctx context.Context, call string) error {
	began, held := time.Now(), c.held.total()
	err := c.Call(ctx, call, struct{}{}, nil)
	if errors.Is(err, context.DeadlineExceeded) && c.held.total()-held > time.Since(began)/2 {
		return nil
	}
	return err
}

// stopwatch adds up spans of time.
type stopwatch struct {
	mu    sync.Mutex // guards what follows
	sum   time.Duration
	since time.Time // zero while it stands
}

func (s *stopwatch) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
}

func (s *stopwatch) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum += time.Since(s.since)
	s.since = time.Time{}
}

func (s *stopwatch) total() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return s.sum
	}
	return s.sum + time.Since(s.since)
}

func (c *Conn) answered(f frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, ok := c.waiting[f.Re]; ok {
		delete(c.waiting, f.Re)
		answer <- f
	}
}

func (c *Conn) answer(ctx context.Context, f frame) {
	reply := frame{Re: f.ID}
	result, err := c.serve(ctx, f.Call, f.Body)
	if err == nil && result != nil {
		reply.Body, err = json.Marshal(result)
	}
	if err != nil {
		w := fault.As(err)
		reply.Body, reply.Fault = nil, &wireFault{w.Kind, w.Code, w.Message}
	}
	if err := c.send(reply); err != nil {
		c.close(err)
	}
}

// send writes a message, which the other side has to take within WriteTimeout.
func (c *Conn) send(v any) error {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if err := c.nc.SetWriteDeadline(time.Now().Add(WriteTimeout)); err != nil {
		return err
	}
	return c.writeLine(v)
}

// writeLine writes a message; one at a time.
func (c *Conn) writeLine(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(line)+1 > FrameMax {
		return ErrFrameTooLarge
	}
	_, err = c.nc.Write(append(line, '\n'))
	return err
}

// line reads one message of at most FrameMax bytes.
func (c *Conn) line() ([]byte, error) {
	var whole []byte
	for {
		part, err := c.in.ReadSlice('\n')
		if len(whole)+len(part) > FrameMax {
			return nil, ErrFrameTooLarge
		}
		if err == nil && whole == nil {
			return part, nil
		}
		whole = append(whole, part...)
		if err == nil {
			return whole, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

// Decode reads the body of a call strictly.
func Decode(body []byte, into any) error {
	if len(body) == 0 {
		body = jsontext.Value("{}")
	}
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return fault.New(fault.KindInvalid, "control.malformed", "The call could not be understood.").Because(err)
	}
	return nil
}
