package turn

import (
	"net/netip"
	"testing"
	"time"
)

// visitor is a device with a credential for a test.
func (h *house) visitor(t *testing.T, name string) *device {
	t.Helper()
	credential, err := MintTest(h.key, name, h.clock.now().Add(TestLife))
	if err != nil {
		t.Fatal(err)
	}
	return h.device(t, h.grant("ann")).as(credential)
}

func TestA11QuotaOfATest(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for range TestParticipantAllocationsMax {
		h.visitor(t, "visitor").allocated()
	}
	if r := h.visitor(t, "visitor").ask(methodAllocate, udp()); r.code != 486 {
		t.Errorf("one too many with one credential: %d", r.code)
	}
	for n := TestParticipantAllocationsMax; n < TestSourceAllocationsMax; n++ {
		h.visitor(t, "visitor "+string(rune('A'+n))).allocated()
	}
	if r := h.visitor(t, "another").ask(methodAllocate, udp()); r.code != 486 {
		t.Errorf("one too many from one source: %d", r.code)
	}
}

func TestA11TestsTakeNothingFromConferences(t *testing.T) {
	t.Parallel()
	h := setup(t)
	source := sourceOf(netip.MustParseAddrPort("127.0.0.1:1"))
	h.mu.Lock()
	h.visitors.count, h.visitors.bySource[source] = TestAllocationsMax-1, TestSourceAllocationsMax-1
	h.mu.Unlock()
	h.visitor(t, "visitor").allocated()
	h.mu.Lock()
	delete(h.visitors.bySource, source)
	h.mu.Unlock()
	if r := h.visitor(t, "another").ask(methodAllocate, udp()); r.code != 486 {
		t.Errorf("one test too many in all: %d", r.code)
	}
	h.device(t, h.grant("ann")).allocated()
	h.mu.Lock()
	members, fromHere := h.members.count, h.members.bySource[source]
	h.members.count = AllocationsMax
	h.mu.Unlock()
	if members != 1 || fromHere != 1 {
		t.Errorf("%d allocations count for conferences, %d from here", members, fromHere)
	}
	if r := h.device(t, h.grant("bob")).ask(methodAllocate, udp()); r.code != 486 {
		t.Errorf("one too many in all: %d", r.code)
	}
}

func TestATestIsShortAndRelaysNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.visitor(t, "visitor")
	if r := d.ask(methodAllocate, udp(), number(attrLifetime, 3600)); r.code != 0 || r.lifetime() != TestAllocationLife {
		t.Fatalf("%d, lives %v", r.code, r.lifetime())
	}
	a := h.find(clientKey{address: netip.MustParseAddrPort(d.conn.LocalAddr().String())})
	if a.up.AllowN(h.clock.now(), 1) || a.down.AllowN(h.clock.now(), 1) {
		t.Error("bytes may pass")
	}
	h.clock.advance(TestAllocationLife - 10*time.Second)
	if r := d.ask(methodRefresh, number(attrLifetime, 3600)); r.code != 0 || r.lifetime() != 10*time.Second {
		t.Errorf("a refresh: %d, %v", r.code, r.lifetime())
	}
	h.clock.advance(10 * time.Second)
	h.sweep()
	if h.Allocations() != 1 {
		t.Error("it has ended too early")
	}
	h.clock.advance(time.Millisecond)
	h.sweep()
	if h.Allocations() != 0 {
		t.Error("it lives on")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if v := h.visitors; v.count != 0 || len(v.byParticipant) != 0 || len(v.bySource) != 0 {
		t.Errorf("%+v still counts it", v)
	}
}

// A session that ends while a request is under way leaves nothing behind.
func TestA10LeavingWhileARequestIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, participant := range map[string]string{"participant": "ann", "conference": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			d := h.device(t, h.grant("ann"))
			d.ask(methodRefresh) // for the nonce
			m, err := decode(d.signed(methodAllocate, udp()))
			if err != nil {
				t.Fatal(err)
			}
			var answers [][]byte
			from := netip.MustParseAddrPort(d.conn.LocalAddr().String())
			c := &client{key: clientKey{address: from}, source: from, write: func(p []byte) { answers = append(answers, p) }}
			who, ok := h.authenticate(c, m)
			if !ok {
				t.Fatal("the credential is not taken")
			}
			h.End("conference", participant, h.clock.now())
			h.allocate(c, m, who)
			if n := h.Allocations(); n != 0 {
				t.Errorf("%d allocations", n)
			}
			if len(answers) != 1 {
				t.Fatalf("%d answers", len(answers))
			}
			if r, err := decode(answers[0]); err != nil || r.class != classError || r.text(attrNonce) == "" {
				t.Errorf("answered with %v, %v", r, err)
			}
		})
	}
}

func TestNothingIsAllocatedByUDPAfterDraining(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := h.device(t, h.grant("ann"))
	d.ask(methodRefresh) // for the nonce
	m, err := decode(d.signed(methodAllocate, udp()))
	if err != nil {
		t.Fatal(err)
	}
	h.Drain()
	from := netip.MustParseAddrPort(d.conn.LocalAddr().String())
	c := &client{key: clientKey{address: from}, source: from, write: func([]byte) {}}
	who, ok := h.authenticate(c, m)
	if !ok {
		t.Fatal("the credential is not taken")
	}
	h.allocate(c, m, who)
	if n := h.Allocations(); n != 0 {
		t.Errorf("%d allocations", n)
	}
}
