package media

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/livekit/livekit-server/pkg/routing"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/utils/guid"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"
)

// Limits of one media connection.
const (
	// maxSignalBytes is the largest message a client may send. A browser's description has about 6 kB for each participant
	// whose sound and picture it receives, and a resume carries two of them.
	maxSignalBytes = 4 << 20
	signalRate     = 50      // messages a second a client may send on average
	signalBurst    = 500     // and at once: a large conference's settings arrive together
	byteRate       = 1 << 20 // bytes a second on average
	byteBurst      = 2 * maxSignalBytes
	sendQueue      = 512              // messages waiting for a slow client before it is cut
	writeLimit     = 10 * time.Second // for one message
	pingEvery      = 10 * time.Second
	pongLimit      = 20 * time.Second
)

// Close codes of the media connection, as in the signalling protocol.
const (
	closeMalformed = websocket.StatusCode(4400)
	closeTooMuch   = websocket.StatusCode(4429)
)

var errSlow = errors.New("send queue full")

// connection is one media WebSocket: a bounded queue, its writer, and the end of both. To LiveKit it is source and sink.
type connection struct {
	id     livekit.ConnectionID
	ws     *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
	// messages and bytes bound what the client may send.
	messages, bytes *rate.Limiter
	// deliver takes the engine's messages; it sends what the client may see.
	deliver func(*livekit.SignalResponse) error

	mu     sync.Mutex
	queue  chan *livekit.SignalResponse
	closed bool
}

var (
	_ routing.MessageSink   = (*connection)(nil)
	_ routing.MessageSource = (*connection)(nil)
)

func newConnection(ws *websocket.Conn) *connection {
	c := &connection{
		id:    livekit.ConnectionID(guid.New("CO_")),
		ws:    ws,
		queue: make(chan *livekit.SignalResponse, sendQueue),

		messages: rate.NewLimiter(signalRate, signalBurst),
		bytes:    rate.NewLimiter(byteRate, byteBurst),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// WriteMessage queues a message of the engine, as far as the client may see it. It never blocks.
func (c *connection) WriteMessage(msg proto.Message) error {
	m, ok := msg.(*livekit.SignalResponse)
	if !ok || c.deliver == nil {
		return nil
	}
	return c.deliver(m)
}

// send queues a message as it is; a client whose queue is full is cut.
func (c *connection) send(m *livekit.SignalResponse) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return routing.ErrChannelClosed
	}
	select {
	case c.queue <- m:
		return nil
	default:
		c.closed = true
		close(c.queue)
		go c.cut(closeTooMuch, "client.too_slow")
		return errSlow
	}
}

// cut ends the connection without waiting for the queue.
func (c *connection) cut(code websocket.StatusCode, reason string) {
	_ = c.ws.Close(code, reason)
	c.cancel()
}

// ReadChan is unused: messages are handed to the engine directly.
func (c *connection) ReadChan() <-chan proto.Message { return nil }

// IsClosed reports whether the engine may still write.
func (c *connection) IsClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Close lets the writer send what is queued and then close the WebSocket.
func (c *connection) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
}

// ConnectionID names the connection in the engine's log.
func (c *connection) ConnectionID() livekit.ConnectionID { return c.id }

// write sends the queue until it is closed and drained or the client is gone.
func (c *connection) write() {
	defer c.cancel()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ping.C:
			go c.ping()
		case m, ok := <-c.queue:
			if !ok {
				_ = c.ws.Close(websocket.StatusNormalClosure, "")
				return
			}
			if err := c.writeOne(m); err != nil {
				_ = c.ws.CloseNow()
				return
			}
		}
	}
}

func (c *connection) writeOne(m *livekit.SignalResponse) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, writeLimit)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageBinary, b)
}

func (c *connection) ping() {
	ctx, cancel := context.WithTimeout(c.ctx, pongLimit)
	defer cancel()
	if c.ws.Ping(ctx) != nil {
		_ = c.ws.CloseNow()
	}
}
