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
}

// Confine gives up, for good and on all threads, what a process that serves has no use for: starting programs, looking into
// other processes, mounts, bpf, keys, io_uring and all files beyond the profile. The network stays. What the process was given
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
	failed[Seccomp] = installFilter(program(serviceDenied(), serviceMissing(), answerRefuse, answerAllow))
	threads, err := readThreads(os.Getpid()) // before the files are out of reach
	if err != nil {
		threads = nil // as well
	}
	failed[Landlock] = enterLandlock(reach{read: p.Read, write: p.Write, network: true, others: true})
	report := Report{
		everyThread(NoNewPrivs, threads, "NoNewPrivs", "1"), oneMoreFilter(threads, before),
		{Landlock, failed[Landlock] == nil && refusedFiles(), fmt.Sprintf("version %d", landlockABI())},
		{ResourceLimits, failed[ResourceLimits] == nil, "no core dump"},
	}
	for i, f := range report {
		if err := failed[f.Layer]; err != nil && !f.InForce {
			report[i].Detail = err.Error()
		}
	}
	return report
}
