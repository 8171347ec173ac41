package turn

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Peers that nobody may reach: each of the catalogue, and what lies near the allowed address.
func TestRelayReachesNothingElse(t *testing.T) {
	t.Parallel()
	h := setup(t)
	victim := listen(t, "127.0.0.1:0") // another service of the same machine
	other := listen(t, "127.0.0.3:0")  // another conference's media
	d, relayed := h.device(t, h.grant("ann")).allocated()
	peer := addressOf(h.media)
	port := peer.Port()
	at := func(ip string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(ip), port) }
	for id, peers := range map[string][]netip.AddrPort{
		"A-01 loopback":      {at("127.0.0.2"), at("127.255.255.254"), addressOf(victim)},
		"A-02 unspecified":   {at("0.0.0.0"), at("::"), at("::1")},
		"A-03 mapped":        {at("::ffff:127.0.0.1"), at("::ffff:10.0.0.1"), at("::127.0.0.1")},
		"A-04 private":       {at("10.0.0.1"), at("172.16.0.1"), at("192.168.0.1"), at("fc00::1"), at("fe80::1")},
		"A-05 metadata":      {at("169.254.169.254"), at("fd00:ec2::254")},
		"A-06 special":       {at("100.64.0.1"), at("192.0.0.1"), at("198.18.0.1"), at("240.0.0.1"), at("255.255.255.255"), at("224.0.0.1"), at("ff02::1")},
		"A-07 transition":    {at("64:ff9b::7f00:1"), at("2002:7f00:1::"), at("2001:0:7f00:1::")},
		"A-08 other ports":   {netip.AddrPortFrom(peer.Addr(), 22), netip.AddrPortFrom(peer.Addr(), 5432), netip.AddrPortFrom(peer.Addr(), 0), addressOf(h.UDP)},
		"A-12 internet":      {at("192.0.2.1"), at("2001:db8::1")},
		"other conference":   {addressOf(other)},
		"the relay's socket": {relayed},
	} {
		t.Run(id, func(t *testing.T) {
			d.isRefused(t, peers)
		})
	}
	h.keepsOut(t, d, relayed, victim, other)
}

// isRefused tries to reach peers in each way there is.
func (d *device) isRefused(t *testing.T, peers []netip.AddrPort) {
	t.Helper()
	for _, p := range peers {
		if r := d.permission(p); r.code != 403 {
			t.Errorf("permission for %s: %d", p, r.code)
		}
		if r := d.bind(0x4001, p); r.code != 403 {
			t.Errorf("channel to %s: %d", p, r.code)
		}
		d.sendTo(p, "attack")
	}
}

// keepsOut gives the device a permission for the address of its conference, and shows that a victim at another port of it stays
// out of reach, both ways, and that nothing has come to the victim or to somebody else so far.
func (h *house) keepsOut(t *testing.T, d *device, relayed netip.AddrPort, victim, other *net.UDPConn) {
	t.Helper()
	if r := d.bind(0x4001, addressOf(h.media)); r.code != 0 {
		t.Fatalf("%d", r.code)
	}
	d.sendTo(addressOf(victim), "attack")
	if _, err := victim.WriteToUDPAddrPort([]byte("attack"), relayed); err != nil {
		t.Fatal(err)
	}
	h.passes(d, relayed)
	nothingAt(t, victim)
	nothingAt(t, other)
}

func TestOnePeerAmongAllowedOnesRefusesAll(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, _ := h.device(t, h.grant("ann")).allocated()
	b := build(methodCreatePermission, classRequest, newTransaction())
	b.add(attrPeerAddress, masked(b.raw, addressOf(h.media))).add(attrPeerAddress, masked(b.raw, netip.MustParseAddrPort("10.0.0.1:1")))
	b.add(attrUsername, []byte(d.credential.Username)).add(attrRealm, []byte(d.realm)).add(attrNonce, []byte(d.nonce))
	if r := d.exchange(b.finish(longTermKey(d.credential.Username, d.realm, d.credential.Password))); r.code != 403 {
		t.Fatalf("%d", r.code)
	}
	d.sendTo(addressOf(h.media), "no permission")
	d.bind(0x4001, addressOf(h.media))
	d.sendTo(addressOf(h.media), "now")
	if text, _ := receive(t, h.media); text != "now" {
		t.Errorf("%q", text)
	}
}

func TestWithoutPermissionNothingComesIn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, relayed := h.device(t, h.grant("ann")).allocated()
	h.clock.advance(time.Second)
	if _, err := h.media.WriteToUDPAddrPort([]byte("early"), relayed); err != nil {
		t.Fatal(err)
	}
	a := h.find(clientKey{address: netip.MustParseAddrPort(d.conn.LocalAddr().String())})
	// What the relay drops it drops in silence; that it has read the packet shows in nothing else.
	for deadline := time.Now().Add(patience); a.heard.Load() != h.clock.now().UnixNano(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the packet did not come to the relay")
		}
	}
	d.bind(0x4001, addressOf(h.media))
	h.passes(d, relayed) // and nothing before it
}

func TestA09TCPRelay(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.device(t, h.grant("ann"))
	if r := d.ask(methodAllocate, value{attrTransport, []byte{6, 0, 0, 0}}); r.code != 442 {
		t.Errorf("TCP allocation: %d", r.code)
	}
	d.allocated()
	for _, m := range []method{0x00a, 0x00b, 0x00c} { // Connect, ConnectionBind, ConnectionAttempt (RFC 6062)
		if r := d.exchange(d.withPeer(m, addressOf(h.media))); r.code != 400 {
			t.Errorf("method %#x: %d", m, r.code)
		}
	}
}

func TestA10Credentials(t *testing.T) {
	t.Parallel()
	h := setup(t)
	genuine, err := Mint(h.key, h.grant("ann"))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := Mint([]byte("another key of thirty-two bytes.."), h.grant("ann"))
	if err != nil {
		t.Fatal(err)
	}
	bob, err := Mint(h.key, h.grant("bob"))
	if err != nil {
		t.Fatal(err)
	}
	old := h.grant("ann")
	old.ExpiresAt = h.clock.now()
	expired, err := Mint(h.key, old)
	if err != nil {
		t.Fatal(err)
	}
	last := "A"
	if strings.HasSuffix(genuine.Username, last) {
		last = "Q"
	}
	for name, c := range map[string]Credential{
		"nobody": {}, "foreign key": foreign, "expired": expired, "other password": {genuine.Username, bob.Password},
		"other name": {bob.Username, genuine.Password}, "changed": {genuine.Username[:20] + "A" + genuine.Username[21:], genuine.Password},
		"last letter": {genuine.Username[:len(genuine.Username)-1] + last, genuine.Password}, "too long": {strings.Repeat("A", usernameMax+1), "x"},
	} {
		d := h.device(t, h.grant("ann"))
		d.credential = c
		if r := d.ask(methodAllocate, udp()); r.code != 401 {
			t.Errorf("%s: %d", name, r.code)
		}
	}
	if h.Allocations() != 0 {
		t.Error("one of them has an allocation")
	}
}

func TestA10OtherParticipantsCredential(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, relayed := h.device(t, h.grant("ann")).allocated()
	d.bind(0x4001, addressOf(h.media))
	mine := d.credential
	theirs, err := Mint(h.key, h.grant("bob"))
	if err != nil {
		t.Fatal(err)
	}
	otherConference := h.grant("ann")
	otherConference.Conference = "other"
	elsewhere, err := Mint(h.key, otherConference)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Credential{theirs, elsewhere} {
		d.credential = c
		for _, m := range []method{methodRefresh, methodCreatePermission, methodChannelBind} {
			if r := d.ask(m); r.code != 441 {
				t.Errorf("method %#x: %d", m, r.code)
			}
		}
	}
	d.credential = mine
	h.passes(d, relayed)
}

func TestA10AfterLeaving(t *testing.T) {
	t.Parallel()
	h := setup(t)
	socket := filepath.Join(shortDir(t), "front.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h.Control()}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	ann, _ := h.device(t, h.grant("ann")).allocated()
	stream, _ := h.overStream(t, h.grant("ann")).allocated()
	bob, relayed := h.device(t, h.grant("bob")).allocated()

	if err := NewRemote(socket).End(context.Background(), "conference", "ann", h.clock.now()); err != nil {
		t.Fatal(err)
	}
	if n := h.Allocations(); n != 1 {
		t.Errorf("%d allocations, want Bob's", n)
	}
	if r := ann.ask(methodRefresh); r.code != 401 {
		t.Errorf("refresh after leaving: %d", r.code)
	}
	if r := ann.ask(methodAllocate, udp()); r.code != 401 {
		t.Errorf("allocate after leaving: %d", r.code)
	}
	if _, err := stream.read(); err == nil {
		t.Error("the connection is still open")
	}
	bob.bind(0x4001, addressOf(h.media))
	h.passes(bob, relayed)

	h.clock.advance(time.Second)
	h.device(t, h.grant("ann")).allocated() // she came back
	if err := NewRemote(socket).End(context.Background(), "conference", "", h.clock.now()); err != nil {
		t.Fatal(err)
	}
	if n := h.Allocations(); n != 0 {
		t.Errorf("%d allocations after the conference's end", n)
	}
}

func TestA10StaleNonce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.device(t, h.grant("ann"))
	d.ask(methodRefresh)
	other := h.device(t, h.grant("ann"))
	other.nonce, other.realm = d.nonce, d.realm // of another address
	if r := other.ask(methodAllocate, udp()); r.code != 438 || r.text(attrNonce) == "" {
		t.Errorf("nonce of somebody else: %d", r.code)
	}
	fresh := d.nonce
	for _, nonce := range []string{"x", fresh[:len(fresh)-2] + "AA", strings.Repeat("A", 32)} {
		d.nonce = nonce
		if r := d.ask(methodAllocate, udp()); r.code != 438 {
			t.Errorf("nonce %q: %d", nonce, r.code)
		}
	}
	d.nonce = fresh
	h.clock.advance(NonceLife - time.Second)
	d.credential, _ = Mint(h.key, h.grant("ann"))
	if r := d.ask(methodAllocate, udp()); r.code != 0 {
		t.Errorf("nonce just before its end: %d", r.code)
	}
	h.clock.advance(time.Second)
	if r := d.ask(methodRefresh); r.code != 438 {
		t.Errorf("nonce at its end: %d", r.code)
	}
}

func TestA11Quota(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for range ParticipantAllocationsMax {
		h.device(t, h.grant("ann")).allocated()
	}
	if r := h.device(t, h.grant("ann")).ask(methodAllocate, udp()); r.code != 486 {
		t.Errorf("one too many: %d", r.code)
	}
	h.device(t, h.grant("bob")).allocated()
	if n := h.Allocations(); n != ParticipantAllocationsMax+1 {
		t.Errorf("%d allocations", n)
	}
}

func TestA11QuotaOfASource(t *testing.T) {
	t.Parallel()
	h := setup(t)
	source := sourceOf(netip.MustParseAddrPort("127.0.0.1:1"))
	h.mu.Lock()
	h.members.bySource[source] = SourceAllocationsMax - 1
	h.mu.Unlock()
	h.device(t, h.grant("ann")).allocated()
	if r := h.device(t, h.grant("bob")).ask(methodAllocate, udp()); r.code != 486 {
		t.Errorf("one too many: %d", r.code)
	}
}

func TestBandwidthIsBounded(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, relayed := h.device(t, h.grant("ann")).allocated()
	d.bind(0x4001, addressOf(h.media))
	a := h.find(clientKey{address: netip.MustParseAddrPort(d.conn.LocalAddr().String())})
	if !a.up.AllowN(h.clock.now(), burst) || !a.down.AllowN(h.clock.now(), burst) {
		t.Fatal("the burst is not allowed")
	}
	if a.up.AllowN(h.clock.now(), 1) || a.down.AllowN(h.clock.now(), 1) {
		t.Fatal("more than the burst is allowed")
	}
	if _, err := d.conn.Write([]byte{0x40, 1, 0, 1, 'x', 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	d.ask(methodRefresh) // the x was looked at before
	h.clock.advance(time.Second)
	h.passes(d, relayed) // and did not pass
}

func TestRefusalsAreFewForForgedSenders(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.device(t, h.grant("ann"))
	for range RefusalsPerSecond {
		d.exchange(build(methodAllocate, classRequest, newTransaction()).finish(nil))
	}
	if _, err := d.conn.Write(build(methodAllocate, classRequest, newTransaction()).finish(nil)); err != nil {
		t.Fatal(err)
	}
	r := d.exchange(build(methodBinding, classRequest, newTransaction()).finish(nil)) // the refusal would have come before
	if r.method != methodBinding {
		t.Error("one refusal too many")
	}
	h.sweep()
	if r := d.exchange(build(methodAllocate, classRequest, newTransaction()).finish(nil)); r.code != 401 {
		t.Errorf("in the next second: %d", r.code)
	}
}

func TestConnectionsWithoutAllocationEnd(t *testing.T) {
	t.Parallel()
	h := setup(t)
	idle := h.overStream(t, h.grant("ann"))
	busy, _ := h.overStream(t, h.grant("bob")).allocated()
	h.clock.advance(AuthTimeout + time.Millisecond)
	h.sweep()
	if _, err := idle.read(); err == nil {
		t.Error("an idle connection is still open")
	}
	if r := busy.ask(methodRefresh); r.code != 0 {
		t.Errorf("%d", r.code)
	}
	_ = busy.conn.Close()
	// The other end of a connection that is closed is told nothing when the server has noticed.
	for deadline := time.Now().Add(patience); h.Allocations() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the allocation outlives its connection")
		}
	}
}

func TestStreamOfNonsenseEnds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for _, nonsense := range []string{"\xff\xff\xff\xff", "\x00\x01\xff\xff", "\x40\x00\xff\xff"} {
		d := h.overStream(t, h.grant("ann"))
		if _, err := d.conn.Write([]byte(nonsense)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.read(); err == nil {
			t.Errorf("%q was answered", nonsense)
		}
	}
}

// A credential for a test shows the way to the relay and leads nowhere.
func TestATestReachesNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	credential, err := MintTest(h.key, "visitor", h.clock.now().Add(TestLife))
	if err != nil {
		t.Fatal(err)
	}
	d, _ := h.device(t, h.grant("ann")).as(credential).allocated()
	peer := addressOf(h.media)
	if r := d.permission(peer); r.code != 403 {
		t.Errorf("permission: %d", r.code)
	}
	if r := d.bind(0x4001, peer); r.code != 403 {
		t.Errorf("channel: %d", r.code)
	}
	h.clock.advance(TestLife - time.Millisecond)
	h.device(t, h.grant("ann")).as(credential).allocated()
	h.clock.advance(time.Millisecond)
	if r := h.device(t, h.grant("ann")).as(credential).ask(methodAllocate, udp()); r.code != 401 {
		t.Errorf("after its life: %d", r.code)
	}
}

// as gives a device another credential.
func (d *device) as(c Credential) *device {
	d.credential = c
	return d
}
