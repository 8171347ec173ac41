package sandbox_test

import (
	"os"
	"testing"

	"konklave/sandbox"
)

// hostileBuilt names the hostile worker to a copy of this test that runs as another user.
const hostileBuilt = "KONKLAVE_TEST_HOSTILE"

func TestAsRootEveryLayerIsInForce(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	p := newPrison(t, sandbox.BestEffort, limits())
	w := p.start(t, "c1")
	for _, f := range w.Isolation {
		t.Logf("%-18s %-5v %s", f.Layer, f.InForce, f.Detail)
		if !f.InForce {
			t.Errorf("%s is not in force: %s", f.Layer, f.Detail)
		}
	}
}
