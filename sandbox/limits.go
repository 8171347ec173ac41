package sandbox

import (
	"golang.org/x/sys/unix"
)

// Limits are what one worker may use.
type Limits struct {
	Memory    int64   `json:"memory"`    // bytes
	CPUs      float64 `json:"cpus"`      // processors; 2 is the time of two
	Processes int     `json:"processes"` // processes and threads
}

// Resource limits of every worker.
const (
	openFilesMax  = 4096 // two connections for each of 500 participants, the same again while they reconnect, and sockets
	coreMax       = 0    // bytes; a core dump would show keys
	lockedMax     = 0    // bytes of locked memory
	queueMax      = 0    // bytes in POSIX message queues
	realtimeMax   = 0    // real-time priority
	pendingMax    = 64   // queued signals
	memoryReserve = 0.85 // of the memory limit, which the garbage collector aims to stay below
	// privateFactor is how much private memory there may be for the memory limit: the last resort where no control group
	// counts what is really used. Go reserves more than it touches.
	privateFactor = 2
)

// rlimit is one resource limit, soft and hard.
type rlimit struct {
	name     string
	resource int
	max      uint64
}

// rlimits lists what a worker is held to. Threads are counted only where the user, or the user namespace, is its own.
func rlimits(l Limits, ownCount bool) []rlimit {
	list := []rlimit{
		{"open files", unix.RLIMIT_NOFILE, openFilesMax},
		{"core", unix.RLIMIT_CORE, coreMax},
		{"locked memory", unix.RLIMIT_MEMLOCK, lockedMax},
		{"message queues", unix.RLIMIT_MSGQUEUE, queueMax},
		{"real-time priority", unix.RLIMIT_RTPRIO, realtimeMax},
		{"pending signals", unix.RLIMIT_SIGPENDING, pendingMax},
	}
	if l.Memory > 0 {
		list = append(list, rlimit{"private memory", unix.RLIMIT_DATA, uint64(l.Memory) * privateFactor})
	}
	if ownCount && l.Processes > 0 {
		list = append(list, rlimit{"threads", unix.RLIMIT_NPROC, uint64(l.Processes)})
	}
	return list
}

// set lowers the limits of a process; a limit that is lower already stays.
func setLimits(pid int, list []rlimit) error {
	for _, r := range list {
		var now unix.Rlimit
		if err := unix.Prlimit(pid, r.resource, nil, &now); err != nil {
			return err
		}
		most := min(r.max, now.Max)
		if err := unix.Prlimit(pid, r.resource, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
			return err
		}
	}
	return nil
}
