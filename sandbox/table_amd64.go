package sandbox

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_X86_64

// archSetFS is the code of arch_prctl that sets a thread's local storage.
const archSetFS = 0x1002

func workerCallsOfArch() []group {
	return []group{
		{"local storage of new threads", []rule{{unix.SYS_ARCH_PRCTL, []condition{{{arg: 0, value: archSetFS, exact: true}}}}}},
		{"older names of calls in the list, as the Go runtime uses them", plain(unix.SYS_EPOLL_WAIT, unix.SYS_POLL)},
	}
}

func serviceDeniedOfArch() []group {
	return []group{
		{"starting processes, older names", plain(unix.SYS_FORK, unix.SYS_VFORK)},
		{"the hardware", plain(unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_MODIFY_LDT)},
	}
}
