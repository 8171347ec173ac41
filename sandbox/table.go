package sandbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// Flags of clone for a new thread of this process: as the Go runtime asks on arm64, on amd64, and as the C library does in
// builds with cgo.
const (
	cloneGo    = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD
	cloneGoTLS = cloneGo | unix.CLONE_SETTLS
	cloneC     = cloneGoTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID
)

// workerCalls is everything that a worker may ask of the kernel, with the reason for each group. What is not here is refused
// with EPERM: among it exec, fork, ptrace, kill, mount, bpf, keyctl, io_uring, unshare, setns, process_vm_*, memfd_create,
// userfaultfd, perf_event_open, every new socket that could reach anybody, and connect.
func workerCalls() []group {
	self := uint32(os.Getpid())
	return append([]group{
		{"packets and connections on sockets that were inherited or accepted; hot, so without conditions", plain(
			unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_SENDMSG, unix.SYS_RECVMSG, unix.SYS_SENDMMSG, unix.SYS_RECVMMSG,
			unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64,
		)},
		{"waiting: locks of the Go runtime, its poller and its timers", plain(
			unix.SYS_FUTEX, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_CREATE1, unix.SYS_EVENTFD2, unix.SYS_PIPE2,
			unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_SCHED_YIELD, unix.SYS_PPOLL,
			unix.SYS_TIMER_CREATE, unix.SYS_TIMER_SETTIME, unix.SYS_TIMER_DELETE, unix.SYS_RESTART_SYSCALL,
		)},
		{"the clock, where the kernel's fast page does not answer", plain(
			unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_GETTIMEOFDAY,
		)},
		{"accepting connections of the controller and the front; reading and setting what concerns packets", append(plain(
			unix.SYS_ACCEPT4, unix.SYS_GETSOCKNAME, unix.SYS_GETPEERNAME, unix.SYS_GETSOCKOPT, unix.SYS_SHUTDOWN, unix.SYS_CLOSE,
		), rule{unix.SYS_SETSOCKOPT, []condition{
			{{arg: 1, value: unix.SOL_SOCKET}, {arg: 2, value: unix.SO_RCVBUF}},
			{{arg: 1, value: unix.SOL_SOCKET}, {arg: 2, value: unix.SO_SNDBUF}},
		}})},
		{"the list of network interfaces, which is empty, for the library that gathers addresses; a bind is of no use, because no other " +
			"socket can be made and those inherited are bound", append(plain(unix.SYS_BIND), rule{unix.SYS_SOCKET, []condition{
			{{arg: 0, value: unix.AF_NETLINK, exact: true}, {arg: 1, value: unix.SOCK_RAW | unix.SOCK_CLOEXEC, exact: true}, {arg: 2, value: unix.NETLINK_ROUTE, exact: true}},
		}})},
		{"file descriptors: making them non-blocking, copies for the poller, questions of the standard library", append(plain(
			unix.SYS_FSTAT, unix.SYS_DUP3, unix.SYS_LSEEK,
		), rule{unix.SYS_FCNTL, []condition{
			{{arg: 1, value: unix.F_GETFL}}, {{arg: 1, value: unix.F_SETFL}}, {{arg: 1, value: unix.F_GETFD}},
			{{arg: 1, value: unix.F_SETFD}}, {{arg: 1, value: unix.F_DUPFD_CLOEXEC}},
		}})},
		{"looking for files, of which there are none: the root is empty and Landlock refuses; without it libraries get an error they do not expect", plain(
			unix.SYS_OPENAT, unix.SYS_NEWFSTATAT, unix.SYS_READLINKAT, unix.SYS_FACCESSAT, unix.SYS_GETCWD, unix.SYS_GETDENTS64, unix.SYS_UNAME,
		)},
		{"memory of the Go runtime; never executable", append(plain(
			unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_BRK, unix.SYS_MINCORE,
		), rule{unix.SYS_MMAP, []condition{{{arg: 2, mask: unix.PROT_EXEC, value: 0}}}},
			rule{unix.SYS_MPROTECT, []condition{{{arg: 2, mask: unix.PROT_EXEC, value: 0}}}},
			rule{unix.SYS_PRCTL, []condition{{{arg: 0, value: unix.PR_SET_VMA, exact: true}}}})},
		{"threads of this process; a clone that would be a process is refused", append(plain(
			unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_GETTID, unix.SYS_GETPID, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ,
			unix.SYS_SCHED_GETAFFINITY,
		), rule{unix.SYS_CLONE, []condition{
			{{arg: 0, value: cloneGo, exact: true}}, {{arg: 0, value: cloneGoTLS, exact: true}}, {{arg: 0, value: cloneC, exact: true}},
		}})},
		{"signals of this process to itself: preemption by the Go runtime, and its end after a fault", append(plain(
			unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
		), rule{unix.SYS_TGKILL, []condition{{{arg: 0, value: self, exact: true}}}})},
		{"who am I: the standard library and libraries ask", plain(
			unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID, unix.SYS_GETPPID,
		)},
		{"random numbers for keys", plain(unix.SYS_GETRANDOM)},
		{"how much this process has used, and its limits, to read", append(plain(
			unix.SYS_GETRUSAGE, unix.SYS_SYSINFO,
		), rule{unix.SYS_PRLIMIT64, []condition{{{arg: 2, value: 0, exact: true}}}})},
	}, workerCallsOfArch()...)
}

// workerMissing are calls that must look as if the kernel had none, so that the caller falls back to one of the list.
func workerMissing() []uintptr {
	return []uintptr{unix.SYS_CLONE3, unix.SYS_OPENAT2, unix.SYS_STATX, unix.SYS_EPOLL_PWAIT2, unix.SYS_FACCESSAT2}
}

// serviceDenied is what front and controller never do: they dial, listen and read files, but start no programs, look into
// no other process, and leave the kernel's settings alone.
func serviceDenied() []group {
	return append([]group{
		{"starting programs, and processes", append(plain(unix.SYS_EXECVE, unix.SYS_EXECVEAT), rule{unix.SYS_CLONE, []condition{
			{{arg: 0, mask: unix.CLONE_THREAD, value: 0}},
		}})},
		{"looking into other processes", plain(
			unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
			unix.SYS_PROCESS_MADVISE, unix.SYS_PERF_EVENT_OPEN,
		)},
		{"mounts, roots and namespaces", plain(
			unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
			unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
			unix.SYS_MOUNT_SETATTR,
		)},
		{"parts of the kernel with a long history of holes", plain(
			unix.SYS_BPF, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_USERFAULTFD,
			unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_PERSONALITY,
			unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
		)},
		{"the machine itself", plain(
			unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
			unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX,
			unix.SYS_CLOCK_ADJTIME, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_QUOTACTL,
		)},
	}, serviceDeniedOfArch()...)
}

// networkDenied is every socket but unix ones: each number but 0 and that of AF_UNIX, which is 1, has another bit.
func networkDenied() group {
	g := group{reason: "the network"}
	for _, nr := range []uintptr{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		r := rule{nr: nr}
		for bit := uint32(2); bit != 0; bit <<= 1 {
			r.when = append(r.when, condition{{arg: 0, mask: bit, value: bit}})
		}
		g.rules = append(g.rules, r)
	}
	return g
}

// serviceMissing are calls that must look as if the kernel had none: their arguments are out of a filter's sight.
func serviceMissing() []uintptr { return []uintptr{unix.SYS_CLONE3} }
