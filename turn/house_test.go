package turn

import (
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"
)

// house is a relay with a conference behind it.
type house struct {
	*Server
	clock *clock
	key   []byte
	media *net.UDPConn // the conference's media socket
}

// clock is a clock that is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func listen(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func addressOf(conn *net.UDPConn) netip.AddrPort {
	a := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func setup(t *testing.T) *house {
	t.Helper()
	return setupAt(t, "127.0.0.1:0")
}

// setupAt has the relay and the conference at an address of this machine.
func setupAt(t *testing.T, address string) *house {
	t.Helper()
	h := &house{clock: &clock{at: time.Unix(1_800_000_000, 0)}, key: []byte("0123456789abcdef0123456789abcdef"), media: listen(t, address)}
	h.Server = New(Options{Key: h.key, UDP: listen(t, address), Now: h.clock.now, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(h.Close)
	return h
}

func (h *house) grant(participant string) Grant {
	return Grant{
		Conference: "conference", Participant: participant, Addresses: []netip.AddrPort{addressOf(h.media)},
		ExpiresAt: h.clock.now().Add(CredentialLife),
	}
}

// device is a client of the relay.
type device struct {
	t          *testing.T
	conn       net.Conn
	credential Credential
	realm      string
	nonce      string
}

// reply is an answer with its error code; 0 when it is a success.
type reply struct {
	*message
	code int
}

func (h *house) device(t *testing.T, g Grant) *device {
	t.Helper()
	credential, err := Mint(h.key, g)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp", h.UDP.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &device{t: t, conn: conn, credential: credential}
}

// stream is the device at the other end of a connection.
func (h *house) overStream(t *testing.T, g Grant) *device {
	t.Helper()
	d := h.device(t, g)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	h.Take(far)
	d.conn = near
	return d
}

const patience = 30 * time.Second

// read returns the next packet.
func (d *device) read() ([]byte, error) {
	if err := d.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	buffer := make([]byte, PacketMax)
	if _, stream := d.conn.(*net.TCPConn); !stream {
		n, err := d.conn.Read(buffer)
		return buffer[:n], err
	}
	if _, err := io.ReadFull(d.conn, buffer[:4]); err != nil {
		return nil, err
	}
	size := 4 + int(binary.BigEndian.Uint16(buffer[2:]))
	pad := padding(size)
	if buffer[0]>>6 == 0 {
		size, pad = size-4+headerSize, 0
	}
	if _, err := io.ReadFull(d.conn, buffer[4:size+pad]); err != nil {
		return nil, err
	}
	return buffer[:size], nil
}

// exchange sends a message and returns the answer to it.
func (d *device) exchange(raw []byte) reply {
	d.t.Helper()
	if _, err := d.conn.Write(raw); err != nil {
		d.t.Fatal(err)
	}
	packet, err := d.read()
	if err != nil {
		d.t.Fatal(err)
	}
	m, err := decode(packet)
	if err != nil {
		d.t.Fatal(err)
	}
	if m.id != transaction(raw[8:20]) {
		d.t.Fatal("the answer is to another request")
	}
	r := reply{message: m}
	if m.class == classError {
		v, ok := m.get(attrErrorCode)
		if !ok || len(v) < 4 {
			d.t.Fatal("an error without a code")
		}
		r.code = int(v[2])*100 + int(v[3])
	}
	return r
}

// ask makes a request with the device's credential.
func (d *device) ask(m method, more ...value) reply {
	d.t.Helper()
	if d.nonce == "" {
		r := d.exchange(build(m, classRequest, newTransaction()).finish(nil))
		if r.code != 401 {
			d.t.Fatalf("without credential: %d", r.code)
		}
		d.nonce, d.realm = r.text(attrNonce), r.text(attrRealm)
	}
	return d.exchange(d.signed(m, more...))
}

func (d *device) signed(m method, more ...value) []byte {
	b := build(m, classRequest, newTransaction())
	for _, v := range more {
		b.add(v.kind, v.bytes)
	}
	b.add(attrUsername, []byte(d.credential.Username)).add(attrRealm, []byte(d.realm)).add(attrNonce, []byte(d.nonce))
	return b.finish(longTermKey(d.credential.Username, d.realm, d.credential.Password))
}

func udp() value { return value{attrTransport, []byte{protocolUDP, 0, 0, 0}} }

func number(kind attribute, n uint32) value {
	return value{kind, binary.BigEndian.AppendUint32(nil, n)}
}

// permission asks for a permission for a peer, written in the family given.
func (d *device) permission(peer netip.AddrPort) reply {
	d.t.Helper()
	if d.nonce == "" {
		d.t.Fatal("allocate first")
	}
	return d.exchange(d.withPeer(methodCreatePermission, peer))
}

func (d *device) bind(n uint16, peer netip.AddrPort) reply {
	d.t.Helper()
	return d.exchange(d.withPeer(methodChannelBind, peer, number(attrChannelNumber, uint32(n)<<16)))
}

// withPeer is a signed request with a peer, whose address is not made an IPv4 one where it is written as an IPv6 one.
func (d *device) withPeer(m method, peer netip.AddrPort, more ...value) []byte {
	b := build(m, classRequest, newTransaction())
	b.add(attrPeerAddress, masked(b.raw, peer))
	for _, v := range more {
		b.add(v.kind, v.bytes)
	}
	b.add(attrUsername, []byte(d.credential.Username)).add(attrRealm, []byte(d.realm)).add(attrNonce, []byte(d.nonce))
	return b.finish(longTermKey(d.credential.Username, d.realm, d.credential.Password))
}

func masked(message []byte, peer netip.AddrPort) []byte {
	family := byte(1)
	if peer.Addr().Is6() {
		family = 2
	}
	data := append(binary.BigEndian.AppendUint16([]byte{0, family}, peer.Port()), peer.Addr().AsSlice()...)
	mask(data, message)
	return data
}

// sendTo is a Send indication.
func (d *device) sendTo(peer netip.AddrPort, data string) {
	d.t.Helper()
	b := build(methodSend, classIndication, newTransaction())
	b.add(attrPeerAddress, masked(b.raw, peer)).add(attrData, []byte(data))
	if _, err := d.conn.Write(b.finish(nil)); err != nil {
		d.t.Fatal(err)
	}
}

// allocated is a device with an allocation.
func (d *device) allocated() (*device, netip.AddrPort) {
	d.t.Helper()
	r := d.ask(methodAllocate, udp())
	if r.code != 0 {
		d.t.Fatalf("allocate: %d", r.code)
	}
	v, _ := r.get(attrRelayedAddress)
	relayed, ok := r.unmask(v)
	if !ok {
		d.t.Fatal("no relayed address")
	}
	return d, relayed
}

// receive returns the next packet at a peer.
func receive(t *testing.T, conn *net.UDPConn) (string, netip.AddrPort) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, PacketMax)
	n, from, err := conn.ReadFromUDPAddrPort(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// nothingAt fails when a packet waits at a peer. Whoever calls it has seen a later packet pass, so nothing is under way.
func nothingAt(t *testing.T, conn *net.UDPConn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, from, err := conn.ReadFromUDPAddrPort(make([]byte, PacketMax))
	if err == nil {
		t.Errorf("%d bytes from %s", n, from)
	} else if !os.IsTimeout(err) {
		t.Fatal(err)
	}
}

// passes fails unless packets pass both ways by a channel.
func (h *house) passes(d *device, relayed netip.AddrPort) {
	d.t.Helper()
	if _, err := d.conn.Write([]byte{0x40, 1, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0}); err != nil {
		d.t.Fatal(err)
	}
	if text, from := receive(d.t, h.media); text != "hello" || from != relayed {
		d.t.Fatalf("%q from %s, want it from %s", text, from, relayed)
	}
	if _, err := h.media.WriteToUDPAddrPort([]byte("again"), relayed); err != nil {
		d.t.Fatal(err)
	}
	packet, err := d.read()
	if err != nil {
		d.t.Fatal(err)
	}
	if string(packet) != "\x40\x01\x00\x05again" {
		d.t.Fatalf("%q", packet)
	}
}
