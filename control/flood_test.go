package control_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"konklave/control"
)

// TestAFloodWaitsInTheWorkersSocket: what a worker sends is read at once up to the burst, and after that at the rate.
func TestAFloodWaitsInTheWorkersSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nothing := func(context.Context, string, []byte) (any, error) { return nil, nil } //nolint:nilnil // a call without a result
		c, w := pair(t, nothing, nothing)
		text := map[string]string{"text": strings.Repeat("x", control.FrameMax/2)}
		flood := func(calls int) time.Duration {
			began := time.Now()
			for range calls {
				if err := w.Call(context.Background(), "take", text, nil); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		const within = control.ReadBurst/(control.FrameMax/2) - 1
		if took := flood(within); took != 0 {
			t.Errorf("the burst took %v", took)
		}
		const beyond = 8
		const least = beyond * (control.FrameMax / 2) * time.Second / control.ReadRate
		if took := flood(beyond + 1); took < least-time.Second/2 || took > least+time.Second/2 {
			t.Errorf("the flood took %v, want about %v", took, least)
		}
		_, _ = c.Close(), w.Close()
	})
}
