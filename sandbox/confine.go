package sandbox

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Profile is what a process that is not a worker keeps: front, controller, signer.
type Profile struct {
	Read  []string // files and directories to read, with everything below; those that are not there are left out
	Write []string // to read, write, make and remove in
	Alone bool     // without the network: no sockets but unix ones, beside those that it was given
}

// Confine gives up, for good and on all threads, what a process that serves has no use for: starting programs, looking into
// other processes, mounts, bpf, keys, io_uring and all files beyond the profile, and the network where the profile has none. What the process was given
// open stays open. The report has the layers that Confine is about, each verified.
func Confine(p Profile) Report {
	before, err := readThreads(os.Getpid())
	if err != nil {
		before = nil // nothing counts as verified
	}
	failed := map[Layer]error{
		ResourceLimits: unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
		NoNewPrivs:     allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0),
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		failed[ResourceLimits] = err
	}
	denied := serviceDenied()
	if p.Alone {
		denied = append(denied, networkDenied())
	}
	failed[Seccomp] = installFilter(program(denied, serviceMissing(), answerRefuse, answerAllow))
	threads, err := readThreads(os.Getpid()) // before the files are out of reach
	if err != nil {
		threads = nil // as well
	}
	failed[Landlock] = enterLandlock(reach{read: p.Read, write: p.Write, network: !p.Alone, others: true})
	report := Report{
		everyThread(NoNewPrivs, threads, "NoNewPrivs", "1"), oneMoreFilter(threads, before),
		{Landlock, failed[Landlock] == nil && refusedFiles(), fmt.Sprintf("version %d", landlockABI())},
		{ResourceLimits, failed[ResourceLimits] == nil, "no core dump"},
	}
	if p.Alone {
		report = append(report, Finding{Network, refusedNetwork(), "no sockets but unix ones"})
	}
	for i, f := range report {
		if err := failed[f.Layer]; err != nil && !f.InForce {
			report[i].Detail = err.Error()
		}
	}
	return report
}

// refusedNetwork reports whether no socket of the network can be made.
func refusedNetwork() bool {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET} {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
		if err == nil {
			_ = unix.Close(fd) // only tried
		}
		if err != unix.EPERM { //nolint:errorlint // the filter's own answer, and no other
			return false
		}
	}
	return true
}
