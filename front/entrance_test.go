package front

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func ownCertificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// comeIn lets a client in and returns after which time it was cut off.
func comeIn(t *testing.T, config *tls.Config, client func(net.Conn) error) time.Duration {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	e := &entrance{Listener: l, crowd: newCrowd(10, 10, nil), tls: config, log: slog.New(slog.DiscardHandler)}
	in := e.enter()
	near, far := net.Pipe()
	start := time.Now()
	l.conns <- far
	if err := client(near); err == nil {
		t.Error("the client was not cut off")
	}
	took := time.Since(start)
	_ = near.Close()
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if _, err := in.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	synctest.Wait()
	if e.crowd.all != 0 || len(e.crowd.bySource) != 0 {
		t.Errorf("%d connections are still counted", e.crowd.all)
	}
	return took
}

func TestA53SlowHandshake(t *testing.T) {
	t.Parallel()
	config := ownCertificate(t)
	synctest.Test(t, func(t *testing.T) {
		took := comeIn(t, config, drip("\x16\x03\x01\x04\x00"))
		if took < HandshakeTimeout || took > HandshakeTimeout+2*time.Second {
			t.Errorf("cut off after %v, want %v", took, HandshakeTimeout)
		}
	})
}

func TestA53SilenceAfterTheHandshake(t *testing.T) {
	t.Parallel()
	config := ownCertificate(t)
	synctest.Test(t, func(t *testing.T) {
		took := comeIn(t, config, func(c net.Conn) error {
			conn := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // a test's own certificate
			if err := conn.HandshakeContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Read(make([]byte, 1))
			return err
		})
		if took < HeaderTimeout || took > HeaderTimeout+time.Second {
			t.Errorf("cut off after %v, want %v", took, HeaderTimeout)
		}
	})
}

// A trusted proxy brings the connections of many, and has the room of all.
func TestA52TrustedProxiesHaveTheRoomOfAll(t *testing.T) {
	t.Parallel()
	c := newCrowd(7, 1, trusted(proxyAddress+"/32", "2001:db8::1/128"))
	for i, test := range []struct {
		address string
		room    bool
	}{
		{"10.0.0.1:1", true}, {"10.0.0.1:2", true}, {"10.0.0.2:1", true}, {"10.0.0.2:2", false}, {"[::ffff:10.0.0.1]:3", true},
		{"[2001:db8::1]:1", true}, {"[2001:db8::1]:2", true}, {"[2001:db8::2]:1", true}, {"10.0.0.1:4", false},
	} {
		remote := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(test.address))
		if _, room := c.enter(&addressed{remote: remote}); room != test.room {
			t.Errorf("%d, %s: room is %v", i, test.address, room)
		}
	}
}

func TestA52TooManyConnections(t *testing.T) {
	t.Parallel()
	c := newCrowd(5, 2, nil)
	from := func(address string) net.Conn {
		return &addressed{remote: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))}
	}
	var inside []net.Conn
	for i, test := range []struct {
		address string
		room    bool
	}{
		{"10.0.0.1:1", true}, {"10.0.0.1:2", true}, {"10.0.0.1:3", false}, {"[::ffff:10.0.0.1]:4", false}, {"10.0.0.2:1", true},
		{"[2001:db8::1]:1", true}, {"[2001:db8::2]:1", true}, {"[2001:db8:0:1::1]:1", false}, // five are in
	} {
		conn, room := c.enter(from(test.address))
		if room != test.room {
			t.Errorf("%d, %s: room is %v", i, test.address, room)
		}
		if room {
			inside = append(inside, conn)
		}
	}
	for range 2 { // closing twice counts once
		if err := inside[0].Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, room := c.enter(from("10.0.0.1:5")); !room {
		t.Error("no room after one has left")
	}
	if _, room := c.enter(from("10.0.0.3:1")); room {
		t.Error("two came in for one that left")
	}
	for _, conn := range inside[1:] {
		_ = conn.Close()
	}
}

// addressed is a connection from somewhere.
type addressed struct {
	net.Conn
	remote net.Addr
}

func (a *addressed) RemoteAddr() net.Addr { return a.remote }
func (a *addressed) Close() error         { return nil }

// poor is a listener that has no descriptors at first.
type poor struct {
	*pipeListener
	failures int
}

func (p *poor) Accept() (net.Conn, error) {
	if p.failures > 0 {
		p.failures--
		return nil, syscall.EMFILE
	}
	return p.pipeListener.Accept()
}

func TestAcceptGoesOnAfterWantOfDescriptors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &poor{&pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}, 20}
		e := &entrance{Listener: l, crowd: newCrowd(10, 10, nil), log: slog.New(slog.DiscardHandler)}
		in := e.enter()
		near, far := net.Pipe()
		l.conns <- far
		got, err := in.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(near, "x") }()
		if _, err := got.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		_ = in.Close()
	})
}
