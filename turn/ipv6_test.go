package turn

import (
	"net/netip"
	"testing"
	"time"
)

const loopback6 = "[::1]:0"

func family(n byte) value { return value{attrRequestedFamily, []byte{n, 0, 0, 0}} }

func TestRelayOverIPv6(t *testing.T) {
	t.Parallel()
	h := setupAt(t, loopback6)
	for name, make := range map[string]func(*testing.T, Grant) *device{"udp": h.device, "stream": h.overStream} {
		t.Run(name, func(t *testing.T) {
			d := make(t, h.grant(name))
			r := d.ask(methodAllocate, udp(), family(familyIPv6))
			v, _ := r.get(attrRelayedAddress)
			relayed, ok := r.unmask(v)
			if r.code != 0 || !ok || relayed.Addr() != netip.IPv6Loopback() {
				t.Fatalf("%d, at %s", r.code, relayed)
			}
			v, _ = r.get(attrMappedAddress)
			if a, ok := r.unmask(v); !ok || a.String() != d.conn.LocalAddr().String() {
				t.Errorf("the client is told to be at %s, is at %s", a, d.conn.LocalAddr())
			}
			if r := d.bind(0x4001, addressOf(h.media)); r.code != 0 {
				t.Fatalf("bind: %d", r.code)
			}
			h.passes(d, relayed)
			if r := d.ask(methodRefresh, number(attrLifetime, 0)); r.code != 0 {
				t.Errorf("give up: %d", r.code)
			}
		})
	}
}

// The family of the way to the relay and that of the way on have nothing to do with each other.
func TestRelayChoosesTheFamily(t *testing.T) {
	t.Parallel()
	h := setup(t)
	g := h.grant("ann")
	six := listen(t, loopback6)
	g.Addresses = append(g.Addresses, addressOf(six))
	for name, test := range map[string]struct {
		more []value
		want string
	}{"IPv4": {[]value{family(familyIPv4)}, "127.0.0.1"}, "IPv6": {[]value{family(familyIPv6)}, "::1"}, "either": {nil, "127.0.0.1"}} {
		d := h.device(t, g)
		r := d.ask(methodAllocate, append([]value{udp()}, test.more...)...)
		v, _ := r.get(attrRelayedAddress)
		if relayed, ok := r.unmask(v); !ok || relayed.Addr().String() != test.want {
			t.Errorf("%s: %d at %s", name, r.code, relayed)
		}
		if name != "IPv6" {
			continue
		}
		d.bind(0x4001, addressOf(six))
		if _, err := d.conn.Write([]byte{0x40, 1, 0, 1, 'x', 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		if text, _ := receive(t, six); text != "x" {
			t.Errorf("%q", text)
		}
	}
	if r := h.device(t, h.grant("bob")).ask(methodAllocate, udp(), family(familyIPv6)); r.code != 440 {
		t.Errorf("IPv6 to a conference that has none: %d", r.code)
	}
}

// The attacks on a relay whose conference is reached by IPv6: the same machine, the same port, and IPv4 in all its disguises.
func TestRelayReachesNothingElseByIPv6(t *testing.T) {
	t.Parallel()
	h := setupAt(t, loopback6)
	victim, other := listen(t, loopback6), listen(t, "127.0.0.1:0")
	d, relayed := h.device(t, h.grant("ann")).allocated()
	port := addressOf(h.media).Port()
	at := func(ip string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(ip), port) }
	for id, peers := range map[string][]netip.AddrPort{
		"A-01 loopback":    {at("127.0.0.1"), addressOf(victim), addressOf(other)},
		"A-02 unspecified": {at("::"), at("0.0.0.0")},
		"A-03 mapped":      {at("::ffff:127.0.0.1"), at("::ffff:0:1"), at("::127.0.0.1"), at("::ffff:0:127.0.0.1")},
		"A-04 private":     {at("fc00::1"), at("fd00::1"), at("fe80::1"), at("fec0::1")},
		"A-05 metadata":    {at("fd00:ec2::254"), at("::ffff:169.254.169.254")},
		"A-06 special":     {at("ff02::1"), at("ff01::1"), at("100::1"), at("2001:db8::1")},
		"A-07 transition":  {at("64:ff9b::7f00:1"), at("64:ff9b:1::7f00:1"), at("2002:7f00:1::"), at("2001:0:7f00:1::")},
		"A-08 other ports": {netip.AddrPortFrom(netip.IPv6Loopback(), 22), netip.AddrPortFrom(netip.IPv6Loopback(), 0), addressOf(h.UDP), relayed},
		"A-12 internet":    {at("2600::1"), at("192.0.2.1")},
	} {
		t.Run(id, func(t *testing.T) { d.isRefused(t, peers) })
	}
	h.keepsOut(t, d, relayed, victim, other)
}

// One network counts as one source, however many addresses it has.
func TestA11QuotaOfAnIPv6Network(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"[2001:db8::1]:1", "[2001:db8::ffff:1]:2", true}, {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"10.0.0.1:1", "10.0.0.1:2", true}, {"10.0.0.1:1", "10.0.0.2:1", false}, {"[fe80::1%1]:1", "[fe80::2%2]:1", true},
	} {
		if same := sourceOf(netip.MustParseAddrPort(test.a)) == sourceOf(netip.MustParseAddrPort(test.b)); same != test.same {
			t.Errorf("%s and %s: %v", test.a, test.b, same)
		}
	}
}

// Some clients bind no channels: they send indications all the time, renew their permissions before these end, and put a
// fingerprint and attributes that are of no use to us into each message.
func TestAClientWithoutChannels(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for name, make := range map[string]func(*testing.T, Grant) *device{"udp": h.device, "stream": h.overStream} {
		t.Run(name, func(t *testing.T) {
			d := make(t, h.grant(name))
			const software, priority = 0x8022, 0x8024 // which need not be understood
			r := d.ask(methodAllocate, udp(), number(attrLifetime, 3600), value{software, []byte("a client")}, value{priority, []byte{1, 2, 3, 4}})
			if r.code != 0 {
				t.Fatalf("allocate: %d", r.code)
			}
			v, _ := r.get(attrRelayedAddress)
			relayed, _ := r.unmask(v)
			peer := addressOf(h.media)
			for passed := time.Duration(0); passed < 2*PermissionLife; passed += SilenceMax / 2 {
				if passed%(PermissionLife-SilenceMax) == 0 {
					if r := d.permission(peer); r.code != 0 {
						t.Fatalf("permission after %v: %d", passed, r.code)
					}
				}
				d.sendTo(peer, "there")
				if text, from := receive(t, h.media); text != "there" || from != relayed {
					t.Fatalf("after %v: %q from %s", passed, text, from)
				}
				if _, err := h.media.WriteToUDPAddrPort([]byte("back"), relayed); err != nil {
					t.Fatal(err)
				}
				packet, err := d.read()
				if err != nil {
					t.Fatalf("after %v: %v", passed, err)
				}
				if m, err := decode(packet); err != nil || m.method != methodData || m.text(attrData) != "back" {
					t.Fatalf("after %v: %q, %v", passed, packet, err)
				}
				h.clock.advance(SilenceMax / 2)
				h.sweep()
			}
			h.clock.advance(PermissionLife)
			d.sendTo(peer, "late")
			if r := d.permission(peer); r.code != 0 {
				t.Fatalf("permission: %d", r.code)
			}
			d.sendTo(peer, "now")
			if text, _ := receive(t, h.media); text != "now" {
				t.Errorf("%q passed without a permission", text)
			}
		})
	}
}
