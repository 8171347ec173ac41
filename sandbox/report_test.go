package sandbox_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"konklave/fault"
	"konklave/launch"
	"konklave/sandbox"
)

// hostileBuilt names the hostile worker to a copy of this test that runs as another user.
const hostileBuilt = "KONKLAVE_TEST_HOSTILE"

// nobody is the ordinary user that the tests run as a second time.
const nobody = 65534

// lack says why this host, with this user, cannot have a layer; empty when it can. It is found out without the sandbox's code.
func lack(l sandbox.Layer) string {
	switch l {
	case sandbox.Mount, sandbox.PID, sandbox.IPC, sandbox.UTS, sandbox.Network, sandbox.Root, sandbox.Capabilities:
		if os.Geteuid() == 0 {
			return ""
		}
		uid, gid := os.Geteuid(), os.Getegid()
		cmd := exec.Command("true") //nolint:noctx // ends at once
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
			AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
		}
		if err := cmd.Run(); err != nil {
			return "no user namespaces for ordinary users: " + err.Error()
		}
	case sandbox.User:
		if os.Geteuid() != 0 {
			return "an ordinary user cannot become another one"
		}
	case sandbox.Memory:
		return lackOfGroup("memory")
	case sandbox.CPU:
		return lackOfGroup("cpu")
	case sandbox.Processes:
		if lack(sandbox.PID) == "" {
			return "" // counted by the user namespace, where no control group does
		}
		return lackOfGroup("pids")
	case sandbox.Landlock:
		if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1); errno != 0 {
			return "the kernel has no Landlock: " + errno.Error()
		}
	case sandbox.NoNewPrivs, sandbox.Seccomp, sandbox.ResourceLimits:
	}
	return ""
}

// lackOfGroup says why no control group can be made beside this process.
func lackOfGroup(controller string) string {
	_, why := groupBeside(controller)
	return why
}

// groupBeside tries to make a control group beside this process, and returns where that can be done, or why it cannot.
func groupBeside(controller string) (parent, why string) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err.Error()
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err.Error()
	}
	why = "no hierarchy has the controller"
	for line := range strings.SplitSeq(string(groups), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 || parts[1] != "" && !slices.Contains(strings.Split(parts[1], ","), controller) {
			continue
		}
		for mount := range strings.SplitSeq(string(mounts), "\n") {
			left, right, _ := strings.Cut(mount, " - ")
			fields := strings.Fields(left)
			unified := strings.HasPrefix(right, "cgroup2 ")
			if len(fields) < 5 || unified != (parts[1] == "") || !unified && (!strings.HasPrefix(right, "cgroup ") || filepath.Base(fields[4]) != parts[1]) {
				continue
			}
			parent := filepath.Join(fields[4], parts[2])
			if unified {
				have, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
				if err != nil || !slices.Contains(strings.Fields(string(have)), controller) {
					continue
				}
			}
			dir := filepath.Join(parent, "konklave-test-of-lack")
			if err := os.Mkdir(dir, 0o755); err != nil {
				why = err.Error()
				continue
			}
			_ = os.Remove(dir) // just made, and empty
			return parent, ""
		}
	}
	return "", why
}

// TestEveryLayerIsInForce wants each layer, unless this host or user really cannot have it.
func TestEveryLayerIsInForce(t *testing.T) {
	p := newPrison(t, sandbox.BestEffort, limits())
	w := p.start(t, "c1")
	if len(w.Isolation) != len(sandbox.Layers()) {
		t.Errorf("the report has %d findings for %d layers", len(w.Isolation), len(sandbox.Layers()))
	}
	for i, f := range w.Isolation {
		if f.Layer != sandbox.Layers()[i] {
			t.Errorf("finding %d is about %s", i, f.Layer)
		}
		why := lack(f.Layer)
		switch {
		case f.InForce:
			t.Logf("in force: %-18s %s", f.Layer, f.Detail)
		case why != "":
			t.Logf("NOT TESTED, because this host lacks it for uid %d: %s (%s); the report says: %s", os.Geteuid(), f.Layer, why, f.Detail)
		default:
			t.Errorf("%s is not in force, although this host could have it: %s", f.Layer, f.Detail)
		}
	}
	list, err := p.client.List()
	if err != nil || len(list) != 1 || !slices.Equal(list[0].Isolation, w.Isolation) {
		t.Errorf("the list says %+v, %v", list, err)
	}
}

// TestProbeTellsWhatWorkersHave wants the same answer without a conference.
func TestProbeTellsWhatWorkersHave(t *testing.T) {
	p := newPrison(t, sandbox.BestEffort, limits())
	report, err := p.launcher.Probe()
	if err != nil {
		t.Fatal(err)
	}
	w := p.start(t, "c1")
	if got, want := report.Missing(), w.Isolation.Missing(); !slices.Equal(got, want) {
		t.Errorf("the probe misses %v, a worker %v", got, want)
	}
	if got, want := len(report.Sentences()), len(report.Missing()); got != want {
		t.Errorf("%d sentences for %d missing layers", got, want)
	}
	for _, s := range report.Sentences() {
		t.Log(s)
	}
}

// TestStrictRefusesToStartWithLess: without a limit on memory the layer cannot be verified, so it is missing on every host.
func TestStrictRefusesToStartWithLess(t *testing.T) {
	l := limits()
	l.Memory = -4096 // no group takes it
	p := newPrison(t, sandbox.Strict, l)
	files, _ := p.files(t, "c1")
	_, err := p.client.Start(launch.WorkerConfig{Conference: "c1", Epoch: 1}, files)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Code != "isolation.incomplete" || !strings.Contains(f.Message, "memory") {
		t.Errorf("got %v", err)
	}
	if list, err := p.client.List(); err != nil || len(list) != 0 {
		t.Errorf("what was refused runs: %v, %v", list, err)
	}
}

// TestStrictStartsWithAll: where this host has every layer.
func TestStrictStartsWithAll(t *testing.T) {
	for _, l := range sandbox.Layers() {
		if why := lack(l); why != "" {
			t.Skipf("this host lacks %s for uid %d: %s", l, os.Geteuid(), why)
		}
	}
	w := newPrison(t, sandbox.Strict, limits()).start(t, "c1")
	if got := w.try("echo", "here"); got != "got: [here]" {
		t.Errorf("the worker says %q", got)
	}
}
