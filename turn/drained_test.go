package turn

import (
	"errors"
	"os"
	"testing"
)

// TestADrainedRelayForgetsWhoHasLeft: it no longer hears who has left, and does not have to. The conference is silent towards
// him, so what he has ends within SilenceMax, whatever he sends; and with it ends his connection, in place of which a relay
// that drains takes no other.
func TestADrainedRelayForgetsWhoHasLeft(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d, relayed := h.overStream(t, h.grant("bob")).allocated()
	if r := d.bind(0x4001, addressOf(h.media)); r.code != 0 {
		t.Fatalf("bind: %d", r.code)
	}
	h.passes(d, relayed)
	h.Drain()
	for range 2 { // he has left, and goes on
		if h.Allocations() != 1 {
			t.Fatal("ended too early")
		}
		d.sendTo(addressOf(h.media), "let me in")
		if r := d.ask(methodRefresh); r.code != 0 {
			t.Fatalf("refresh: %d", r.code)
		}
		h.clock.advance(SilenceMax / 2)
		h.sweep()
	}
	h.clock.advance(1)
	h.sweep()
	if h.Allocations() != 0 {
		t.Error("what he has outlives SilenceMax")
	}
	if _, err := d.read(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("his connection goes on")
	}
}
