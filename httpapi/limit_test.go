package httpapi

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiterForgetsTheQuietest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(1, 1, func() time.Time { return now })
	if !l.allow("first") || l.allow("first") {
		t.Fatal("the burst is not 1")
	}
	for n := range MaxTracked - 1 {
		l.allow(fmt.Sprint(n))
	}
	if l.allow("first") {
		t.Errorf("forgotten with %d keys", MaxTracked)
	}
	l.allow("one more") // "0" is the quietest now, "first" was just used
	if l.allow("first") {
		t.Error("the key that was used last was forgotten")
	}
	if !l.allow("0") {
		t.Errorf("more than %d keys are remembered", MaxTracked)
	}
	if l.order.Len() != MaxTracked || len(l.keys) != MaxTracked {
		t.Errorf("%d and %d keys", l.order.Len(), len(l.keys))
	}
}

func TestSourceKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::/64", "2001:db8::ffff:1": "2001:db8::/64",
		"fe80::1%eth0": "fe80::/64", "": "unknown", "x": "unknown",
	} {
		if got := sourceKey(address); got != want {
			t.Errorf("sourceKey(%q) = %q, want %q", address, got, want)
		}
	}
}
