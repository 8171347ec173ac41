package turn

import (
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "turn")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// The request with long-term authentication of RFC 5769, section 2.4.
const sample = "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c662f2f" +
	"3439396b39353464364f4c33346f4c39465354767936347341001400 0b6578616d706c652e6f7267000008 0014f67024656dd64a3e02b8e0712e85c9a28ca89666"

func TestSampleOfRFC5769(t *testing.T) {
	t.Parallel()
	raw, err := hex.DecodeString(strings.ReplaceAll(sample, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	m, err := decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	user := "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
	if m.text(attrUsername) != user || m.text(attrRealm) != "example.org" || m.text(attrNonce) != "f//499k954d6OL34oL9FSTvy64sA" {
		t.Errorf("%q %q %q", m.text(attrUsername), m.text(attrRealm), m.text(attrNonce))
	}
	if !m.signedBy(longTermKey(user, "example.org", "TheMatrIX")) {
		t.Error("the integrity does not hold")
	}
	if m.signedBy(longTermKey(user, "example.org", "TheMatrIx")) {
		t.Error("another password is as good")
	}
	again := build(m.method, m.class, m.id)
	for _, v := range m.attributes[:3] {
		again.add(v.kind, v.bytes)
	}
	if got := again.finish(longTermKey(user, "example.org", "TheMatrIX")); string(got) != string(raw) {
		t.Errorf("%x", got)
	}
}

func TestWhatFollowsTheIntegrityDoesNotCount(t *testing.T) {
	t.Parallel()
	b := build(methodAllocate, classRequest, newTransaction()).add(attrUsername, []byte("ann"))
	b.finish([]byte("key"))
	b.add(attrData, []byte("attack"))
	m, err := decode(b.finish(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.get(attrData); ok || !m.signedBy([]byte("key")) {
		t.Error("what was added is read")
	}
}

func TestGrantBounds(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("[2001:db8:1111:2222:3333:4444:5555:6666]:40000")
	full := Grant{Conference: strings.Repeat("c", idMax), Participant: strings.Repeat("p", idMax), ExpiresAt: time.UnixMilli(1_800_000_000_123)}
	for len(full.Addresses) < 9 {
		full.Addresses = append(full.Addresses, at)
	}
	c, err := Mint([]byte("key"), full)
	if err != nil {
		t.Fatal(err)
	}
	g, err := open([]byte("key"), c.Username)
	if err != nil || g.Conference != full.Conference || g.Participant != full.Participant || !g.ExpiresAt.Equal(full.ExpiresAt) || len(g.Addresses) != 9 || g.Addresses[8] != at {
		t.Errorf("%+v %v", g, err)
	}
	for name, change := range map[string]func(*Grant){
		"long conference":     func(g *Grant) { g.Conference += "c" },
		"no conference":       func(g *Grant) { g.Conference = "" },
		"long participant":    func(g *Grant) { g.Participant += "p" },
		"no participant":      func(g *Grant) { g.Participant = "" },
		"no address":          func(g *Grant) { g.Addresses = nil },
		"too many addresses":  func(g *Grant) { g.Addresses = make([]netip.AddrPort, addressesMax+1) },
		"more than fits":      func(g *Grant) { g.Addresses = append(append([]netip.AddrPort(nil), g.Addresses...), at, at, at, at) },
		"no port":             func(g *Grant) { g.Addresses = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")} },
		"unspecified address": func(g *Grant) { g.Addresses = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:1")} },
	} {
		g := full
		change(&g)
		if _, err := Mint([]byte("key"), g); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(build(methodAllocate, classRequest, transaction{}).add(attrUsername, []byte("ann")).finish([]byte("key")))
	f.Add(build(methodData, classIndication, transaction{}).address(attrPeerAddress, netip.MustParseAddrPort("[::1]:1")).finish(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := decode(raw)
		if err != nil {
			return
		}
		m.signedBy([]byte("key"))
		m.lifetime()
		m.firstUnknown()
		v, _ := m.get(attrPeerAddress)
		if a, ok := m.unmask(v); ok && !a.Addr().IsValid() {
			t.Error("an address that is none")
		}
	})
}

func FuzzOpen(f *testing.F) {
	c, err := Mint([]byte("key"), Grant{Conference: "c", Participant: "p", Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Username, []byte{grantVersion, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'c', 1, 'p', 4, 127, 0, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, username string, raw []byte) {
		if _, err := open([]byte("another key"), username); err == nil {
			t.Error("a forged credential opens")
		}
		if g, err := parse(raw); err == nil {
			for _, a := range g.Addresses {
				if !a.IsValid() {
					t.Error("an address that is none")
				}
			}
		}
	})
}
