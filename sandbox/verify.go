package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// verify finds out from outside what is in force for a process that has entered.
func (s *Sandbox) verify(c *Cell, how choice, a answer) Report {
	threads, err := readThreads(c.PID)
	if err != nil {
		threads = nil
	}
	ours, err := readThreads(os.Getpid())
	if err != nil {
		ours = nil
	}
	report := Report{
		namespace(Mount, c.PID, "mnt"), namespace(PID, c.PID, "pid"), namespace(IPC, c.PID, "ipc"), namespace(UTS, c.PID, "uts"),
		emptyNetwork(c.PID), emptyFiles(c.PID), ownUser(threads, c.uid), noCapabilities(threads),
		everyThread(NoNewPrivs, threads, "NoNewPrivs", "1"), oneMoreFilter(threads, ours),
		{Landlock, a.Landlock, fmt.Sprintf("version %d", a.ABI)},
	}
	own := how.own || how.user
	report = append(report, s.groups.findings(c.name, c.PID, s.Limits)...)
	if i := len(report) - 1; !report[i].InForce && own { // the last of them counts processes
		report[i] = countedThreads(c.PID, s.Limits, report[i])
	}
	report = append(report, heldToLimits(c.PID, rlimits(s.Limits, own)))
	for i := range report {
		report[i].doubt(a.Failed[report[i].Layer], how)
	}
	return report
}

// doubt adds what the process itself says it could not do, and why the machine refused better ways of starting. Of seccomp and
// the resource limits a part would look like the whole from outside, so there a failure inside counts.
func (f *Finding) doubt(failure string, how choice) {
	if failure != "" && (f.Layer == Seccomp || f.Layer == ResourceLimits) {
		f.InForce = false
	}
	if f.InForce {
		return
	}
	if failure != "" {
		f.Detail = failure
	}
	if how.best.allows(f.Layer) && !how.allows(f.Layer) {
		f.Detail = "refused by this machine: " + strings.Join(how.refused, "; ")
	}
}

// namespace compares a process's namespace with our own.
func namespace(l Layer, pid int, kind string) Finding {
	theirs, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "ns", kind))
	if err != nil {
		return Finding{l, false, err.Error()}
	}
	ours, err := os.Readlink("/proc/self/ns/" + kind)
	if err != nil {
		return Finding{l, false, err.Error()}
	}
	if theirs == ours {
		return Finding{l, false, "shares the server's namespace"}
	}
	return Finding{l, true, theirs}
}

// emptyNetwork wants a namespace of its own with nothing but the loopback interface.
func emptyNetwork(pid int) Finding {
	f := namespace(Network, pid, "net")
	if !f.InForce {
		return f
	}
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "net/dev"))
	if err != nil {
		return Finding{Network, false, err.Error()}
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range lines[min(2, len(lines)):] { // after the two lines of headings
		if name, _, _ := strings.Cut(strings.TrimSpace(line), ":"); name != "lo" && name != "" {
			return Finding{Network, false, "has the interface " + name}
		}
	}
	return f
}

// emptyFiles wants one mount, read-only, of an empty file system.
func emptyFiles(pid int) Finding {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "mountinfo"))
	if err != nil {
		return Finding{Root, false, err.Error()}
	}
	mounts := strings.Split(strings.TrimSpace(string(raw)), "\n")
	fields := strings.Fields(mounts[0])
	if len(mounts) != 1 || len(fields) < 6 || fields[4] != "/" {
		return Finding{Root, false, fmt.Sprintf("sees %d file systems", len(mounts))}
	}
	options := strings.Split(fields[5], ",")
	for _, want := range []string{"ro", "nosuid", "nodev", "noexec"} {
		if !slices.Contains(options, want) {
			return Finding{Root, false, "its root is not mounted " + want}
		}
	}
	inside, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "root"))
	if err != nil {
		return Finding{Root, false, err.Error()}
	}
	if len(inside) != 0 {
		return Finding{Root, false, fmt.Sprintf("its root has %d entries", len(inside))}
	}
	return Finding{Root, true, "empty, " + fields[5]}
}

// status is what /proc tells about one thread.
type status map[string]string

func readThreads(pid int) ([]status, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "task")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []status
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name(), "status"))
		if os.IsNotExist(err) {
			continue // it has just ended
		}
		if err != nil {
			return nil, err
		}
		all = append(all, parseStatus(raw))
	}
	return all, nil
}

func parseStatus(raw []byte) status {
	s := status{}
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok {
			s[key] = strings.Join(strings.Fields(value), " ")
		}
	}
	return s
}

// usersOfProcesses lists who runs anything on this machine.
func usersOfProcesses() map[int]bool {
	users := map[int]bool{}
	files, err := filepath.Glob("/proc/[1-9]*/status")
	if err != nil {
		return users // the pattern is right
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // it has just ended, or is hidden
		}
		for id := range strings.FieldsSeq(parseStatus(raw)["Uid"]) {
			if n, err := strconv.Atoi(id); err == nil {
				users[n] = true
			}
		}
	}
	return users
}

// everyThread wants a value of a field in all threads.
func everyThread(l Layer, threads []status, field, want string) Finding {
	if len(threads) == 0 {
		return Finding{l, false, "the process's threads cannot be read"}
	}
	for _, t := range threads {
		if t[field] != want {
			return Finding{l, false, field + " is " + t[field]}
		}
	}
	return Finding{l, true, field + " " + want}
}

// filters is how many seccomp filters act on a thread; -1 where the kernel does not count them (before Linux 5.9).
func (s status) filters() int {
	n, err := strconv.Atoi(s["Seccomp_filters"])
	switch {
	case err == nil:
		return n
	case s["Seccomp"] == "0":
		return 0
	}
	return -1
}

// oneMoreFilter wants a filter on all threads that was not there before: one that whoever started us had put on (a container's
// runtime, systemd) acts on us and is inherited, and is not ours. Before are the threads of the process it was inherited from.
func oneMoreFilter(threads, before []status) Finding {
	f := everyThread(Seccomp, threads, "Seccomp", "2")
	if !f.InForce {
		return f
	}
	if len(before) == 0 {
		return Finding{Seccomp, false, "the server's own threads cannot be read"}
	}
	inherited := 0
	for _, t := range before {
		n := t.filters()
		if n < 0 {
			return Finding{Seccomp, false, "the server runs under a filter itself, and this kernel does not tell how many there are"}
		}
		inherited = max(inherited, n)
	}
	for _, t := range threads {
		if n := t.filters(); n <= inherited && (n >= 0 || inherited > 0) {
			return Finding{Seccomp, false, fmt.Sprintf("only the filter that the server itself runs under (%d of %d)", n, inherited)}
		}
	}
	if inherited > 0 {
		f.Detail += fmt.Sprintf(", beside %d inherited", inherited)
	}
	return f
}

func ownUser(threads []status, uid int) Finding {
	if uid < 0 {
		return Finding{User, false, "runs as the same user as the server"}
	}
	want := strconv.Itoa(uid)
	four := strings.Join([]string{want, want, want, want}, " ")
	for _, field := range []string{"Uid", "Gid"} {
		if f := everyThread(User, threads, field, four); !f.InForce {
			return f
		}
	}
	if f := everyThread(User, threads, "Groups", ""); !f.InForce {
		return f
	}
	return Finding{User, true, "uid " + want}
}

func noCapabilities(threads []status) Finding {
	const none = "0000000000000000"
	for _, field := range []string{"CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"} {
		if f := everyThread(Capabilities, threads, field, none); !f.InForce {
			return f
		}
	}
	return Finding{Capabilities, true, "none, bounding set empty"}
}

// countedThreads is the limit of processes where no control group counts them, but the user or user namespace is its own.
func countedThreads(pid int, l Limits, without Finding) Finding {
	var now unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NPROC, nil, &now); err != nil || now.Max > uint64(l.Processes) {
		return without
	}
	return Finding{Processes, true, fmt.Sprintf("RLIMIT_NPROC %d, counted for itself alone (%s)", now.Max, without.Detail)}
}

func heldToLimits(pid int, list []rlimit) Finding {
	for _, r := range list {
		var now unix.Rlimit
		if err := unix.Prlimit(pid, r.resource, nil, &now); err != nil {
			return Finding{ResourceLimits, false, r.name + ": " + err.Error()}
		}
		if now.Cur > r.max || now.Max > r.max {
			return Finding{ResourceLimits, false, fmt.Sprintf("%s: %d instead of %d", r.name, now.Max, r.max)}
		}
	}
	return Finding{ResourceLimits, true, fmt.Sprintf("%d limits", len(list))}
}
