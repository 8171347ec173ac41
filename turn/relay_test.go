package turn

import (
	"net/netip"
	"testing"
	"time"
)

func TestRelay(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for name, make := range map[string]func(*testing.T, Grant) *device{"udp": h.device, "stream": h.overStream} {
		t.Run(name, func(t *testing.T) {
			d, relayed := make(t, h.grant(name)).allocated()
			peer := addressOf(h.media)
			if r := d.permission(peer); r.code != 0 {
				t.Fatalf("permission: %d", r.code)
			}
			d.sendTo(peer, "by indication")
			if text, from := receive(t, h.media); text != "by indication" || from != relayed {
				t.Errorf("%q from %s", text, from)
			}
			if _, err := h.media.WriteToUDPAddrPort([]byte("back"), relayed); err != nil {
				t.Fatal(err)
			}
			packet, err := d.read()
			if err != nil {
				t.Fatal(err)
			}
			m, err := decode(packet)
			if err != nil {
				t.Fatal(err)
			}
			v, _ := m.get(attrPeerAddress)
			if from, _ := m.unmask(v); m.method != methodData || m.text(attrData) != "back" || from != peer {
				t.Errorf("%v %q from %s", m.method, m.text(attrData), from)
			}
			if r := d.bind(0x4001, peer); r.code != 0 {
				t.Fatalf("bind: %d", r.code)
			}
			h.passes(d, relayed)
		})
	}
}

func TestBindingTellsTheAddress(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.device(t, h.grant("ann"))
	r := d.exchange(build(methodBinding, classRequest, newTransaction()).finish(nil))
	v, _ := r.get(attrMappedAddress)
	if a, ok := r.unmask(v); !ok || a.String() != d.conn.LocalAddr().String() {
		t.Errorf("%s, want %s", a, d.conn.LocalAddr())
	}
}

func TestRetransmittedAllocateGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.device(t, h.grant("ann"))
	d.ask(methodRefresh) // for the nonce
	request := d.signed(methodAllocate, udp())
	first, second := d.exchange(request), d.exchange(request)
	if string(first.raw) != string(second.raw) || first.code != 0 {
		t.Error("another answer")
	}
	if r := d.ask(methodAllocate, udp()); r.code != 437 {
		t.Errorf("a second allocation: %d", r.code)
	}
	if n := h.Allocations(); n != 1 {
		t.Errorf("%d allocations", n)
	}
}

func TestAllocateRefusesWhatItHasNot(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.device(t, h.grant("ann"))
	for name, test := range map[string]struct {
		more []value
		code int
	}{
		"no transport":      {nil, 400},
		"short transport":   {[]value{{attrTransport, []byte{17}}}, 400},
		"even port":         {[]value{udp(), {attrEvenPort, []byte{0x80}}}, 508},
		"reservation":       {[]value{udp(), {attrReservation, make([]byte, 8)}}, 508},
		"IPv6":              {[]value{udp(), {attrRequestedFamily, []byte{2, 0, 0, 0}}}, 440},
		"unknown family":    {[]value{udp(), {attrRequestedFamily, []byte{9, 0, 0, 0}}}, 440},
		"do not fragment":   {[]value{udp(), {0x001A, nil}}, 420},
		"unknown attribute": {[]value{udp(), {0x7fff, nil}}, 420},
	} {
		if r := d.ask(methodAllocate, test.more...); r.code != test.code {
			t.Errorf("%s: %d, want %d", name, r.code, test.code)
		}
	}
	if r := d.ask(methodAllocate, udp(), value{0x8fff, nil}); r.code != 0 {
		t.Errorf("unknown attribute that may be ignored: %d", r.code)
	}
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asked time.Duration
		want  time.Duration
	}{"short": {time.Second, LifetimeDefault}, "long": {24 * time.Hour, LifetimeMax}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			d := h.device(t, h.grant("ann"))
			r := d.ask(methodAllocate, udp(), number(attrLifetime, uint32(test.asked/time.Second)))
			if got := r.lifetime(); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
	h := setup(t)
	d, relayed := h.device(t, h.grant("ann")).allocated()
	d.bind(0x4001, addressOf(h.media))
	for at := time.Duration(0); at < LifetimeDefault; at += SilenceMax / 2 { // the conference speaks
		h.passes(d, relayed)
		h.clock.advance(SilenceMax / 2)
		h.sweep()
		if r := d.bind(0x4001, addressOf(h.media)); r.code != 0 {
			t.Fatalf("after %v: %d", at, r.code)
		}
	}
	h.clock.advance(time.Millisecond)
	h.sweep()
	if n := h.Allocations(); n != 0 {
		t.Error("an allocation outlives its lifetime")
	}
}

func TestRefreshPastTheCredentialsEndWhileTheConferenceSpeaks(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, relayed := h.device(t, h.grant("ann")).allocated()
	for range 2 * CredentialLife / (SilenceMax / 2) {
		if r := d.bind(0x4001, addressOf(h.media)); r.code != 0 {
			t.Fatalf("bind: %d", r.code)
		}
		h.passes(d, relayed)
		if r := d.ask(methodRefresh); r.code != 0 {
			t.Fatalf("refresh: %d", r.code)
		}
		h.clock.advance(SilenceMax / 2)
		h.sweep()
	}
	h.passes(d, relayed)
}

func TestSilenceEndsAnAllocation(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.device(t, h.grant("ann")).allocated()
	h.clock.advance(SilenceMax)
	h.sweep()
	if h.Allocations() != 1 {
		t.Fatal("ended too early")
	}
	h.clock.advance(time.Millisecond)
	h.sweep()
	if h.Allocations() != 0 {
		t.Error("lives on in silence")
	}
}

func TestRefreshWithZeroGivesUp(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, relayed := h.device(t, h.grant("ann")).allocated()
	if r := d.ask(methodRefresh, number(attrLifetime, 0)); r.code != 0 || r.lifetime() != 0 {
		t.Errorf("%d", r.code)
	}
	if h.Allocations() != 0 {
		t.Error("it is still there")
	}
	listen(t, relayed.String()) // the port is free
	if r := d.ask(methodRefresh); r.code != 437 {
		t.Errorf("refresh of nothing: %d", r.code)
	}
}

func TestPermissionsAndChannelsEnd(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, relayed := h.device(t, h.grant("ann")).allocated()
	d.bind(0x4001, addressOf(h.media))
	h.passes(d, relayed)
	h.clock.advance(PermissionLife)
	if _, err := d.conn.Write([]byte{0x40, 1, 0, 1, 'x', 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if r := d.bind(0x4001, addressOf(h.media)); r.code != 0 {
		t.Fatalf("%d", r.code)
	}
	h.passes(d, relayed) // and the x before it did not pass
	h.clock.advance(ChannelLife)
	if r := d.bind(0x4002, addressOf(h.media)); r.code != 0 {
		t.Errorf("another number after the end of the first: %d", r.code)
	}
}

func TestChannelsAreOneToOne(t *testing.T) {
	t.Parallel()
	h := setup(t)
	other := listen(t, "127.0.0.2:0")
	g := h.grant("ann")
	g.Addresses = append(g.Addresses, addressOf(other))
	d, _ := h.device(t, g).allocated()
	for _, test := range []struct {
		number uint16
		peer   netip.AddrPort
		code   int
	}{
		{0x3fff, addressOf(h.media), 400}, {0x5000, addressOf(h.media), 400}, {channelFirst, addressOf(h.media), 0},
		{channelFirst, addressOf(h.media), 0}, {channelFirst, addressOf(other), 400}, {0x4001, addressOf(h.media), 400}, {channelLast, addressOf(other), 0},
	} {
		if r := d.bind(test.number, test.peer); r.code != test.code {
			t.Errorf("%#x to %s: %d, want %d", test.number, test.peer, r.code, test.code)
		}
	}
}

func TestDrainGivesTheSocketUpAndKeepsConnections(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.device(t, h.grant("ann")).allocated()
	d, relayed := h.overStream(t, h.grant("bob")).allocated()
	h.Drain()
	listen(t, h.UDP.LocalAddr().String())
	if n := h.Allocations(); n != 1 {
		t.Errorf("%d allocations, want Bob's", n)
	}
	d.bind(0x4001, addressOf(h.media))
	h.passes(d, relayed)
}
