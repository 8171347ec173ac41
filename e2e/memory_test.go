//go:build !race

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// squeezed ends a worker by the limit of its memory, and returns when the launcher has seen its end. The limit is put from
// outside where that memory is, while people talk, and wherever it is later.
func squeezed(ctx context.Context, t *testing.T, s *server, pid int) {
	t.Helper()
	possible, err := squeeze(pid)
	if !possible {
		t.Skip("this machine does not limit the memory of conferences, or not for us")
	}
	ended := fmt.Sprintf(`msg="worker has ended" .*pid=%d .*`, pid)
	for s.log.find(ended) == "" {
		if ctx.Err() != nil {
			t.Fatalf("the worker does not end: %v\n%s", err, s.log)
		}
		<-time.After(10 * time.Millisecond)
		_, err = squeeze(pid) // not possible any more when it is ending
	}
	if how := s.log.find(ended); !strings.Contains(how, "signal=killed") {
		t.Errorf("it was not killed: %s", how)
	}
}

// squeeze puts the limit of a worker's control group where its memory is; it is not possible without such a group.
func squeeze(pid int) (possible bool, err error) {
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return false, nil //nolint:nilerr // it has ended
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || !strings.Contains(parts[2], "/worker-") {
			continue
		}
		for _, g := range []struct{ controller, root, usage, limit string }{
			{"memory", "/sys/fs/cgroup/memory", "memory.usage_in_bytes", "memory.limit_in_bytes"},
			{"", "/sys/fs/cgroup", "memory.current", "memory.max"},
		} {
			dir := filepath.Join(g.root, parts[2])
			usage, err := os.ReadFile(filepath.Join(dir, g.usage))
			if parts[1] != g.controller || err != nil {
				continue
			}
			return true, os.WriteFile(filepath.Join(dir, g.limit), usage, 0o644) // a file of the kernel
		}
	}
	return false, nil
}
