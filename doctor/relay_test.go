package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/config"
	"konklave/turn"
)

func TestARelayOverTLSWhoseAddressIsANumberIsNotForFirefox(t *testing.T) {
	t.Parallel()
	for public, warned := range map[string]bool{
		"https://192.0.2.1": true, "https://[2001:db8::1]:8443": true, "https://kon.test": false, "https://127.0.0.1": false, "https://[::1]": false,
	} {
		c := config.Default()
		c.PublicURL, c.TLS.Mode, c.TURN.Listen = public, config.TLSFiles, "0.0.0.0:3478"
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the addresses are nobody's: it is enough to see what is said of them
		found := slices.DeleteFunc(relay(ctx, c), func(f Finding) bool { return !strings.Contains(f.Text, "Firefox") })
		if len(found) > 1 || len(found) == 1 != warned {
			t.Errorf("%s: %v", public, found)
		} else if warned {
			expect(t, public, found, Advice, "Firefox uses no relay over TLS")
		}
	}
}

// relayHouse is a real relay over UDP and TLS, at one TCP port with a web server that gives credentials.
type relayHouse struct {
	config config.Config
	relay  *turn.Server
	key    []byte // credentials are made with; the relay has its own
	status int
}

func newRelayHouse(t *testing.T) *relayHouse {
	t.Helper()
	key := []byte(strings.Repeat("k", 32))
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	h := &relayHouse{key: key, status: http.StatusOK, relay: turn.New(turn.Options{Key: key, UDP: udp, Now: time.Now, Log: slog.New(slog.DiscardHandler)})}
	t.Cleanup(h.relay.Close)
	forHTTP := make(chan net.Conn)
	server := httptest.NewUnstartedServer(http.HandlerFunc(h.credential))
	server.StartTLS() // for its certificate
	certificates := server.TLS.Certificates
	server.Close()
	l := tls.NewListener(httptest.NewUnstartedServer(nil).Listener, &tls.Config{Certificates: certificates})
	web := &http.Server{Handler: http.HandlerFunc(h.credential), ReadHeaderTimeout: time.Minute}
	go h.accept(l, forHTTP)
	go func() { _ = web.Serve(&handed{Listener: l, conns: forHTTP}) }()
	t.Cleanup(func() { _ = web.Close() })
	h.config = config.Default()
	h.config.PublicURL, h.config.TLS.Mode, h.config.TURN.Listen = "https://"+l.Addr().String(), config.TLSFiles, udp.LocalAddr().String()
	return h
}

// credential answers as the REST interface does.
func (h *relayHouse) credential(w http.ResponseWriter, r *http.Request) {
	c, err := turn.MintTest(h.key, "doctor", time.Now().Add(turn.TestLife))
	if r.URL.Path != "/api/v1/connection-test" || err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(h.status)
	fmt.Fprintf(w, `{"socket":"/x","relay":{"urls":[],"username":%q,"credential":%q,"expiresAt":"2026-11-22T10:00:00Z"}}`, c.Username, c.Password)
}

// accept tells STUN from HTTP by the first byte.
func (h *relayHouse) accept(l net.Listener, forHTTP chan<- net.Conn) {
	for {
		conn, err := l.Accept()
		if err != nil {
			close(forHTTP)
			return
		}
		go func() {
			in := bufio.NewReader(conn)
			first, err := in.Peek(1)
			switch {
			case err != nil:
				_ = conn.Close()
			case first[0] < 64:
				h.relay.Take(peeked{conn, in})
			default:
				forHTTP <- peeked{conn, in}
			}
		}()
	}
}

// peeked is a connection of which something was read already.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.in.Read(b) }

// handed is a listener whose connections come from elsewhere.
type handed struct {
	net.Listener
	conns <-chan net.Conn
}

func (h *handed) Accept() (net.Conn, error) {
	c, ok := <-h.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func TestTheRelayIsTriedAsBrowsersDo(t *testing.T) {
	t.Parallel()
	h := newRelayHouse(t)
	found := relay(t.Context(), h.config)
	expect(t, "both ways", found, Good, "takes a credential")
	if len(found) != 2 {
		t.Errorf("%d findings: %+v", len(found), found)
	}
	if n := h.relay.Allocations(); n != 0 {
		t.Errorf("%d allocations are left behind", n)
	}
	h.status = http.StatusTooManyRequests
	expect(t, "no credential", relay(t.Context(), h.config), Unknown, "without a credential")
	h.status, h.key = http.StatusOK, []byte(strings.Repeat("x", 32))
	expect(t, "another key", relay(t.Context(), h.config), Failed, "made with another key")
}

func TestARelayBehindAnHTTPProxyIsFound(t *testing.T) {
	t.Parallel()
	h := newRelayHouse(t)
	proxy := httptest.NewTLSServer(http.HandlerFunc(h.credential)) // ends TLS itself, and knows HTTP only
	defer proxy.Close()
	h.config.PublicURL = proxy.URL
	expect(t, "proxy", relay(t.Context(), h.config), Failed, "passes TLS on untouched")
	proxy.Close()
	found := relay(t.Context(), h.config)
	expect(t, "nobody", found, Failed, "cannot be reached")
	expect(t, "nobody", found, Failed, "the server gave none")
}

func TestWhatIsNotSetUpOfTheRelayIsTold(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.TLS.Mode, c.TURN.Listen = config.TLSOff, ""
	found := relay(t.Context(), c)
	expect(t, "nothing", found, Advice, "no relay over UDP")
	expect(t, "nothing", found, Advice, "no relay over TLS")
	c.TURN.Listen = "nonsense"
	expect(t, "nonsense", relay(t.Context(), c), Failed, "not an address")
}

func TestARelayThatLosesPacketsOrIsNoneIsTold(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	lost := true // the first packet is, as on a bad line
	go func() {
		b := make([]byte, stunMax)
		for {
			n, from, err := conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			if lost {
				lost = false
				continue
			}
			binary.BigEndian.PutUint16(b, stunBinding|stunSuccess)
			_, _ = conn.WriteToUDP(b[:n], from)
		}
	}()
	way := (&url.URL{Scheme: "turn", Opaque: conn.LocalAddr().String()}).String()
	expect(t, "answers", []Finding{tryRelay(t.Context(), way, nil)}, Good, "answers at")
	expect(t, "no credentials", []Finding{tryRelay(t.Context(), way, &testKey{"ann", "secret"})}, Failed, "does not ask for a credential")
	_ = conn.Close()
	expect(t, "silent", []Finding{tryRelay(t.Context(), way, nil)}, Failed, "open in the firewall")
}

func TestAnswersOfARelayAreReadStrictly(t *testing.T) {
	t.Parallel()
	request := (&stunClient{}).build(stunBinding, nil)
	answer := func(change func([]byte) []byte) []byte {
		m := append([]byte{}, request...)
		binary.BigEndian.PutUint16(m, stunBinding|stunSuccess)
		return change(m)
	}
	for name, m := range map[string][]byte{
		"empty":               {},
		"header cut":          answer(func(m []byte) []byte { return m[:stunHeader-1] }),
		"another transaction": answer(func(m []byte) []byte { m[19]++; return m }),
		"a request":           request,
		"attribute too long":  answer(func(m []byte) []byte { return append(m, 0, 9, 0, 5, 1, 2, 3, 4) }),
		"error without code":  answer(func(m []byte) []byte { m[1] |= 0x10; return m }),
	} {
		if _, err := parseAnswer(m, request); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := parseAnswer(answer(func(m []byte) []byte { return append(m, 0, 9, 0, 3, 1, 2, 3) }), request); err != nil {
		t.Errorf("without the last padding: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := testAccess(ctx, config.Default()); err == nil {
		t.Error("asked after the end")
	}
}
