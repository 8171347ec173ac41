package turn

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// writeLimit is how long a client may take to receive what waits for it.
const writeLimit = 5 * time.Second

// stream is a client's TLS connection.
type stream struct {
	server  *Server
	conn    net.Conn
	client  *client
	since   time.Time
	closing sync.Once

	mu sync.Mutex // orders messages on conn
}

// Take takes over a connection whose TLS handshake is done, and serves it until it ends. It returns at once.
func (s *Server) Take(conn net.Conn) {
	var source netip.AddrPort
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		source = netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port())
	}
	c := &stream{server: s, conn: conn, since: s.Now()}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = conn.Close() // nobody serves it
		return
	}
	s.lastStream++
	c.client = &client{key: clientKey{source, s.lastStream}, source: source, write: c.write, stream: c}
	s.connections[c] = struct{}{}
	s.mu.Unlock()
	go c.run()
}

// close ends the connection; its reader then forgets it. It returns at once: TLS says goodbye, and a client may be slow to
// hear it.
func (c *stream) close() {
	c.closing.Do(func() { go func() { _ = c.conn.Close() }() })
}

func (c *stream) run() {
	defer c.forget()
	in := bufio.NewReaderSize(c.conn, 4*PacketMax)
	buffer := make([]byte, PacketMax)
	for {
		size, pad, err := frameSize(in)
		if err != nil {
			return
		}
		if _, err := io.ReadFull(in, buffer[:size]); err != nil {
			return
		}
		if _, err := in.Discard(pad); err != nil {
			return
		}
		c.server.handle(c.client, buffer[:size])
	}
}

// frameSize looks at the beginning of the next message (RFC 8656, section 12.5): a STUN message, or channel data, which are
// padded.
func frameSize(in *bufio.Reader) (size, pad int, err error) {
	head, err := in.Peek(4)
	if err != nil {
		return 0, 0, err
	}
	length := int(binary.BigEndian.Uint16(head[2:]))
	switch head[0] >> 6 {
	case 0:
		size = headerSize + length
	case 1:
		size, pad = 4+length, padding(length)
	default:
		return 0, 0, errMalformed
	}
	if size > PacketMax {
		return 0, 0, errMalformed
	}
	return size, pad, nil
}

// write sends a message; channel data are padded. A client that does not take it in time is cut off.
func (c *stream) write(p []byte) {
	if pad := padding(len(p)); pad > 0 {
		p = append(p[:len(p):len(p)], make([]byte, pad)...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	if err == nil {
		_, err = c.conn.Write(p)
	}
	if err != nil {
		c.close()
	}
}

// forget ends what hung on the connection.
func (c *stream) forget() {
	s := c.server
	s.mu.Lock()
	delete(s.connections, c)
	over := s.pick(func(a *allocation) bool { return a.client.key == c.client.key })
	s.mu.Unlock()
	finish(over)
	c.close()
}
