package signalling

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"

	"konklave/conference"
)

// conn is one WebSocket. Frames may be queued from any goroutine; one goroutine writes them.
type conn struct {
	ws     *websocket.Conn
	source string // the client's address
	log    *slog.Logger
	frames *rate.Limiter
	queue  chan []byte
	cut    chan struct{} // closed when the connection shall end
	line   int64         // its number, once greeted
	sub    *subscriber   // once attached
	pings  atomic.Int64  // barriers that wait
	once   sync.Once
	last   goodbyeFrame // why; read after cut

	unanswered atomic.Int64 // commands submitted whose result is not queued yet
	finale     error        // the end that waits for them; only the actor's goroutine touches it
}

func newConn(ws *websocket.Conn, source string, log *slog.Logger) *conn {
	return &conn{
		ws:     ws,
		source: source,
		log:    log,
		frames: rate.NewLimiter(FrameRate, FrameBurst),
		queue:  make(chan []byte, QueueMax),
		cut:    make(chan struct{}),
	}
}

// push queues a frame; a full queue ends the connection.
func (c *conn) push(frame []byte) bool {
	select {
	case <-c.cut:
		return false
	default:
	}
	select {
	case c.queue <- frame:
		return true
	default:
		c.end(errTooSlow)
		return false
	}
}

func (c *conn) pushJSON(v any) bool {
	raw, err := json.Marshal(v)
	if err != nil {
		c.log.Error("frame cannot be encoded", "error", err)
		c.end(errUnavailable)
		return false
	}
	return c.push(raw)
}

// end asks the writer to say goodbye after what is queued, and to close.
func (c *conn) end(why error) {
	c.once.Do(func() {
		c.last = goodbyeOf(why)
		close(c.cut)
	})
}

// endWhenAnswered is end once no command is unanswered. It and answered are called on the actor's goroutine.
func (c *conn) endWhenAnswered(why error) {
	c.finale = why
	if c.unanswered.Load() == 0 {
		c.end(why)
	}
}

// answered queues a result that was owed.
func (c *conn) answered(result resultFrame) {
	c.pushJSON(result)
	if c.unanswered.Add(-1) == 0 && c.finale != nil {
		c.end(c.finale)
	}
}

// read returns the next text frame.
func (c *conn) read(ctx context.Context) ([]byte, error) {
	kind, raw, err := c.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, errMalformed
	}
	if !c.frames.Allow() {
		return nil, errTooMany
	}
	return raw, nil
}

// writeJSON writes a frame at once; only before the writer has started.
func (c *conn) writeJSON(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.write(raw)
}

func (c *conn) write(raw []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), WriteTimeout)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, raw)
}

// writer writes the queue until the connection ends or the conference is over, and pings a silent client.
func (c *conn) writer(ctx context.Context, over Conference) {
	defer c.shut()
	go c.pinger(ctx)
	done := over.Done()
	for {
		select {
		case raw := <-c.queue:
			if err := c.write(raw); err != nil {
				return
			}
		case <-done:
			c.end(endOf(over))
			done = nil
		case <-c.cut:
			c.drain()
			c.goodbye(c.last)
			return
		case <-ctx.Done():
			return
		}
	}
}

// endOf is what a conference that has stopped tells its people: that it has ended, or that its worker has failed and
// another one will be there.
func endOf(c Conference) error {
	if err := c.Err(); err != nil {
		return errUnavailable.Because(err)
	}
	return conference.ErrEnded
}

// drain writes what was queued before the end, unless the client is too slow for it.
func (c *conn) drain() {
	if c.last.Code == errTooSlow.Code {
		return
	}
	for {
		select {
		case raw := <-c.queue:
			if err := c.write(raw); err != nil {
				return
			}
		default:
			return
		}
	}
}

func (c *conn) pinger(ctx context.Context) {
	tick := time.NewTicker(PingInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ping, cancel := context.WithTimeout(ctx, SilenceMax-PingInterval)
			err := c.ws.Ping(ping)
			cancel()
			if err != nil {
				c.shut()
				return
			}
		case <-c.cut:
			return
		case <-ctx.Done():
			return
		}
	}
}

// goodbye tells the client why and closes.
func (c *conn) goodbye(g goodbyeFrame) {
	if g.Code == errGone.Code {
		return
	}
	if err := c.writeJSON(g); err != nil {
		return
	}
	_ = c.ws.Close(g.status, string(g.Code)) // a client that does not answer the close frame is cut by shut
}

// shut closes without a word; harmless when closed already.
func (c *conn) shut() { _ = c.ws.CloseNow() }

// readFault tells what a failed read means: the fault to say goodbye with, or errGone when nobody is there to hear it.
func readFault(err error) error {
	if errors.Is(err, errMalformed) || errors.Is(err, errTooMany) {
		return err
	}
	return errGone // too large a frame was answered with 1009 by the library
}
