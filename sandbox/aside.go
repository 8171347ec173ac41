package sandbox

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// asideMax bounds the descriptor numbers that Aside uses.
const asideMax = 1 << 20

// Aside duplicates a file to a descriptor number far above those in use. Between fork and exec Go duplicates what a process
// is to inherit to the numbers that follow the highest of them, so a file that the new process is started from may not lie
// there: something else would be started.
func Aside(f *os.File) (*os.File, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, err
	}
	least := int(min(limit.Cur, asideMax)) / 2
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, least)
	if err != nil {
		return nil, fmt.Errorf("keep %s apart: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// keepDescriptors has no open file of this process inherited by accident: whoever started it may have left some open without
// the flag that Go sets on its own.
func keepDescriptors() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // then nothing can be started either
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
