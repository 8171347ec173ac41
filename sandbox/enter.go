package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ProcessName is what a worker is called in lists of processes.
const ProcessName = "konklave"

// Inodes and bytes of the empty root.
const emptyRoot = "size=4k,nr_inodes=2,mode=0555"

// rootPoint is where the empty root is first mounted: a directory that every Linux system has.
const rootPoint = "/proc"

// Enter is the first thing in a worker's life: it is told over the inherited file descriptor what to do, gives up everything
// that a worker does not need, and answers. It returns when the launcher has verified what is in force, by way of the
// configuration that follows. The error says that there is no launcher, or that it asked to end here.
func Enter(fd uintptr) error {
	f := os.NewFile(fd, "sandbox")
	if f == nil {
		return errors.New("sandbox: the launcher's socket was not inherited")
	}
	l, err := openLine(f)
	if err != nil {
		return err
	}
	defer l.close()
	var p plan
	if err := l.receive(&p); err != nil {
		return fmt.Errorf("sandbox: the launcher's plan: %w", err)
	}
	if p.None {
		return nil
	}
	if err := l.send(p.enter()); err != nil {
		return fmt.Errorf("sandbox: answer to the launcher: %w", err)
	}
	if p.Probe {
		_ = l.receive(&struct{}{}) // until the launcher has looked
		return ErrProbe
	}
	return nil
}

// ErrProbe is returned to a worker that was started only to see what is in force; it ends without a fault.
var ErrProbe = errors.New("sandbox: started as a probe")

// enter takes each layer in turn. One that fails is noted, and the others are still taken.
func (p plan) enter() answer {
	a := answer{Failed: map[Layer]string{}, ABI: landlockABI()}
	note := func(l Layer, err error) {
		if err != nil {
			a.Failed[l] = strings.TrimPrefix(a.Failed[l]+"; "+err.Error(), "; ") // one layer is taken in several steps
		}
	}
	_ = writeFile("/proc/self/comm", ProcessName) // a nicety
	if p.UTS {
		note(UTS, unix.Sethostname([]byte(ProcessName)))
	}
	if p.Root {
		note(Root, enterEmptyRoot())
	}
	note(ResourceLimits, setLimits(0, rlimits(p.Limits, p.Own)))
	note(Capabilities, dropCapabilities())
	note(NoNewPrivs, allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0))
	// Neither its neighbours of the same user nor a core dump may see its memory.
	note(ResourceLimits, unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
	note(Landlock, enterLandlock(reach{}))
	note(Seccomp, installFilter(program(workerCalls(), workerMissing(), answerAllow, answerRefuse)))
	a.Landlock = a.Failed[Landlock] == "" && refusedFiles() // the kernel confirmed it, and it works
	return a
}

// refusedFiles tries what Landlock refuses: to open the root directory. Others may refuse it too, so it is no proof by itself.
func refusedFiles() bool {
	f, err := os.Open("/")
	if err == nil {
		_ = f.Close() // only opened for reading
	}
	return errors.Is(err, unix.EACCES)
}

// enterEmptyRoot replaces the file system by an empty one that cannot be written to, and lets go of the old one.
func enterEmptyRoot() error {
	steps := []struct {
		what string
		do   func() error
	}{
		{"make mounts private", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"mount an empty root", func() error {
			return unix.Mount(ProcessName, rootPoint, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, emptyRoot)
		}},
		{"go there", func() error { return unix.Chdir(rootPoint) }},
		{"change the root", func() error { return unix.PivotRoot(".", ".") }},
		{"let go of the old root", func() error { return unix.Unmount(".", unix.MNT_DETACH) }},
		{"go to the new root", func() error { return unix.Chdir("/") }},
		{"make it read-only", func() error {
			return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		}},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return nil
}

// dropCapabilities gives up all capabilities on all threads, and the ways to get some: the ambient and the bounding set.
func dropCapabilities() error {
	var errs []error
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if held, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0); err != nil || held == 0 {
			continue
		}
		if err := allThreads(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c, 0); err != nil {
			errs = append(errs, fmt.Errorf("bounding set: %w", err))
			break
		}
	}
	if err := allThreads(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0); err != nil {
		errs = append(errs, fmt.Errorf("ambient set: %w", err))
	}
	if err := clearCapabilities(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// allThreads makes a system call on every thread of this process.
func allThreads(nr, a, b, c uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(nr, a, b, c, 0, 0, 0); errno != 0 {
		return threadsError(errno)
	}
	return nil
}
