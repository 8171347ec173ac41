//go:build !race

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A worker is driven past its limit of memory from outside: the limit is put where its memory is while people talk, and where
// that is more than it has, put there again.

// limit puts a limit of a worker's memory where that memory is; it is false when this machine has no such limit.
type limit func(pid int) (bool, error)

// squeezed ends a worker by a limit, and returns when the launcher has seen its end.
func squeezed(tighten limit) killing {
	return func(ctx context.Context, t *testing.T, s *server, pid int) {
		t.Helper()
		ended := fmt.Sprintf(`msg="worker has ended" .*pid=%d code=(-?\d+) signal="?(\w*)`, pid)
		possible, err := tighten(pid)
		if !possible {
			t.Skip("this machine does not limit the memory of a worker's group")
		}
		for s.log.find(ended) == nil {
			if ctx.Err() != nil {
				t.Fatalf("the worker does not end: %v\n%s", err, s.log)
			}
			<-time.After(10 * time.Millisecond)
			_, err = tighten(pid) // false when it is ending
		}
		if how := s.log.find(ended); how[1] == "0" {
			t.Errorf("the worker ended with %q", how[0])
		}
	}
}

// groupLimit is the limit of a worker's control group.
func groupLimit(pid int) (bool, error) {
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return true, nil //nolint:nilerr // it has ended
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

// ownLimit is the limit of the data of a worker's process.
func ownLimit(pid int) (bool, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return true, nil //nolint:nilerr // it has ended
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmData:"); ok {
			data, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return true, err
			}
			return true, unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: data << 10, Max: data << 10}, nil)
		}
	}
	return true, nil // it has just ended
}
