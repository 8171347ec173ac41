package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The controllers of control groups that limit a worker.
const (
	controllerMemory = "memory"
	controllerCPU    = "cpu"
	controllerPIDs   = "pids"
)

// cpuPeriod is the time in microseconds over which processor time is counted.
const cpuPeriod = 100000

// How long an emptied group may take to become removable.
const (
	removeTries = 20
	removePause = 5 * time.Millisecond
)

// hierarchy is where the groups of one controller lie.
type hierarchy struct {
	dir     string // this launcher's own directory for workers
	unified bool   // version 2
	why     error  // not usable
}

// cgroups are the groups of one launcher, below its own group: what holds the launcher holds its workers too.
type cgroups struct {
	controllers map[string]hierarchy
}

// openCgroups finds each controller, in version 2 or 1, and makes a directory for the workers of this launcher.
func openCgroups(name string) *cgroups {
	c := &cgroups{controllers: map[string]hierarchy{}}
	mounts, own, err := ownGroups()
	for _, controller := range []string{controllerMemory, controllerCPU, controllerPIDs} {
		if err != nil {
			c.controllers[controller] = hierarchy{why: err}
			continue
		}
		c.controllers[controller] = findHierarchy(controller, name, mounts, own)
	}
	return c
}

// groupMount is a mounted hierarchy.
type groupMount struct {
	point, root string
	unified     bool
	controllers []string
}

// ownGroups reads which hierarchies are mounted, and this process's group in each: by controller, "" for version 2.
func ownGroups() ([]groupMount, map[string]string, error) {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, nil, err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, nil, errors.New("this kernel has no control groups")
	}
	return parseMounts(mountinfo), parseGroups(groups), nil
}

func parseMounts(mountinfo []byte) []groupMount {
	var mounts []groupMount
	for s := bufio.NewScanner(bytes.NewReader(mountinfo)); s.Scan(); {
		before, after, ok := strings.Cut(s.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 {
			continue
		}
		m := groupMount{root: left[3], point: left[4]}
		switch right[0] {
		case "cgroup2":
			m.unified = true
		case "cgroup":
			m.controllers = strings.Split(right[2], ",")
		default:
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

func parseGroups(groups []byte) map[string]string {
	own := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(groups)); s.Scan(); {
		parts := strings.SplitN(s.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			own[controller] = parts[2]
		}
	}
	return own
}

func findHierarchy(controller, name string, mounts []groupMount, own map[string]string) hierarchy {
	why := fmt.Errorf("no control group hierarchy has the controller %s", controller)
	for _, m := range mounts {
		group, ok := own[controller]
		if m.unified {
			group, ok = own[""]
		}
		if !ok || !m.unified && !slices.Contains(m.controllers, controller) {
			continue
		}
		parent := filepath.Join(m.point, strings.TrimPrefix(group, strings.TrimSuffix(m.root, "/")))
		if m.unified {
			available, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
			if err != nil || !slices.Contains(strings.Fields(string(available)), controller) {
				continue
			}
			if err := delegate(parent, name, controller); err != nil {
				why = err
				continue
			}
		}
		sweep(parent)
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
			why = err
			continue
		}
		if m.unified {
			if err := enable(dir, controller); err != nil {
				why = err
				continue
			}
		}
		return hierarchy{dir: dir, unified: m.unified}
	}
	return hierarchy{why: why}
}

// sweep removes what launchers that were killed have left. A group in which something runs cannot be removed, and stays.
func sweep(parent string) {
	left, err := filepath.Glob(filepath.Join(parent, ProcessName+"-*"))
	if err != nil {
		return // the pattern is right
	}
	for _, dir := range left {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), ProcessName+"-"), "-")
		if _, err := os.Stat(filepath.Join("/proc", pid)); pid == "" || !os.IsNotExist(err) {
			continue
		}
		workers, err := filepath.Glob(filepath.Join(dir, "worker-*"))
		if err != nil {
			return
		}
		for _, d := range append(workers, dir) {
			_ = os.Remove(d) // see above
		}
	}
}

// delegate turns a controller on for the groups below parent. A group with processes may not do that in version 2, so this
// process steps aside into a group of its own first.
func delegate(parent, name, controller string) error {
	if enable(parent, controller) == nil {
		return nil
	}
	aside := filepath.Join(parent, name+"-launcher")
	if err := os.Mkdir(aside, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	if err := writeFile(filepath.Join(aside, "cgroup.procs"), strconv.Itoa(os.Getpid())); err != nil {
		return err
	}
	return enable(parent, controller)
}

func enable(dir, controller string) error {
	return writeFile(filepath.Join(dir, "cgroup.subtree_control"), "+"+controller)
}

// writeFile writes to a file of the kernel, which is there already: one that is not is never created.
func writeFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// setting is a file of a group and what belongs in it.
type setting struct{ file, value string }

// settings are what limits a worker in one controller's group. The first is the limit itself, and must be there.
func (h hierarchy) settings(controller string, l Limits) []setting {
	quota := strconv.Itoa(int(math.Round(l.CPUs * cpuPeriod)))
	memory := strconv.FormatInt(l.Memory/int64(os.Getpagesize())*int64(os.Getpagesize()), 10)
	switch {
	case controller == controllerMemory && h.unified:
		return []setting{{"memory.max", memory}, {"memory.swap.max", "0"}, {"memory.oom.group", "1"}}
	case controller == controllerMemory:
		return []setting{{"memory.limit_in_bytes", memory}, {"memory.memsw.limit_in_bytes", memory}}
	case controller == controllerCPU && h.unified:
		return []setting{{"cpu.max", quota + " " + strconv.Itoa(cpuPeriod)}}
	case controller == controllerCPU:
		return []setting{{"cpu.cfs_quota_us", quota}, {"cpu.cfs_period_us", strconv.Itoa(cpuPeriod)}}
	}
	return []setting{{"pids.max", strconv.Itoa(l.Processes)}}
}

// place puts a process into a group of its own under each controller. What could not be done is found by findings.
func (c *cgroups) place(name string, pid int, l Limits) {
	for controller, h := range c.controllers {
		if h.why != nil {
			continue
		}
		dir := filepath.Join(h.dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
			continue
		}
		for _, s := range h.settings(controller, l) {
			_ = writeFile(filepath.Join(dir, s.file), s.value) // read back by findings
		}
		_ = writeFile(filepath.Join(dir, "cgroup.procs"), strconv.Itoa(pid)) // as well
	}
}

// findings reads back whether the process is in its groups and the limits are what they should be.
func (c *cgroups) findings(name string, pid int, l Limits) []Finding {
	return []Finding{
		c.finding(Memory, controllerMemory, name, pid, l),
		c.finding(CPU, controllerCPU, name, pid, l),
		c.finding(Processes, controllerPIDs, name, pid, l),
	}
}

func (c *cgroups) finding(layer Layer, controller, name string, pid int, l Limits) Finding {
	f := Finding{Layer: layer}
	h := c.controllers[controller]
	if h.why != nil {
		f.Detail = h.why.Error()
		return f
	}
	dir := filepath.Join(h.dir, name)
	inside, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		f.Detail = err.Error()
		return f
	}
	if got := strings.Fields(string(inside)); !slices.Equal(got, []string{strconv.Itoa(pid)}) {
		f.Detail = fmt.Sprintf("its control group holds %d processes instead of this one alone", len(got))
		return f
	}
	limit := h.settings(controller, l)[0]
	got, err := os.ReadFile(filepath.Join(dir, limit.file))
	if err != nil {
		f.Detail = err.Error()
		return f
	}
	f.InForce = strings.TrimSpace(string(got)) == limit.value
	f.Detail = limit.file + " " + strings.TrimSpace(string(got))
	return f
}

// remove takes away the groups of a worker that has ended.
func (c *cgroups) remove(name string) {
	for _, h := range c.controllers {
		if h.why == nil {
			removeGroup(filepath.Join(h.dir, name))
		}
	}
}

// close takes away the launcher's own groups; those in which something still runs stay.
func (c *cgroups) close() {
	for _, h := range c.controllers {
		if h.why == nil {
			removeGroup(h.dir)
		}
	}
}

// removeGroup removes an empty group. The kernel may need a moment after the last process has ended.
func removeGroup(dir string) {
	for range removeTries {
		if err := os.Remove(dir); err == nil || os.IsNotExist(err) {
			return
		}
		time.Sleep(removePause)
	}
}
