package control_test

import (
	"errors"
	"net"
	"testing"

	"konklave/control"
)

// TestVersionsAreNegotiated: the present version against every one that may still run, from both sides; an upgrade is a new
// controller with older workers, a way back is the other way round.
func TestVersionsAreNegotiated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ controller, worker, want int }{
		{control.Version, control.Version, control.Version},
		{control.Version, control.Version - 1, control.Version - 1},
		{control.Version - 1, control.Version, control.Version - 1},
		{control.Version, control.VersionMin, control.VersionMin},
		{control.Version, control.Version + 1, control.Version},
		{control.Version + 1, control.Version, control.Version},
		{control.Version, control.VersionMin - 1, 0},
		{control.VersionMin - 1, control.Version, 0},
	} {
		a, b := net.Pipe()
		type side struct {
			conn *control.Conn
			err  error
		}
		accepted := make(chan side, 1)
		go func() {
			conn, err := control.AcceptAs(b, "c1", key, echo, tt.worker)
			accepted <- side{conn, err}
		}()
		c, err := control.DialAs(a, "c1", key, echo, control.NewLimits(), tt.controller)
		w := <-accepted
		if tt.want == 0 {
			if err == nil || w.err == nil || !errors.Is(errors.Join(err, w.err), control.ErrVersion) {
				t.Errorf("%d and %d: %v, %v", tt.controller, tt.worker, err, w.err)
			}
			continue
		}
		if err != nil || w.err != nil {
			t.Errorf("%d and %d: %v, %v", tt.controller, tt.worker, err, w.err)
			continue
		}
		if c.Version() != tt.want || w.conn.Version() != tt.want {
			t.Errorf("%d and %d speak %d and %d, want %d", tt.controller, tt.worker, c.Version(), w.conn.Version(), tt.want)
		}
		c.Start()
		w.conn.Start()
		var got struct {
			Text string `json:"text"`
		}
		if err := w.conn.Call(t.Context(), "echo", map[string]string{"text": "x"}, &got); err != nil || got.Text != "x" {
			t.Errorf("%d and %d: %q, %v", tt.controller, tt.worker, got.Text, err)
		}
		_, _ = c.Close(), w.conn.Close()
	}
}
