package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Mode says what happens where a layer is missing.
type Mode string

// The modes.
const (
	BestEffort Mode = "best-effort" // go on with what is there, and say so
	Strict     Mode = "strict"      // refuse
)

// firstPlace is how far above the base the users of workers begin; below it are those of the other processes.
const firstPlace = 10

// Users of the processes that are not workers, counted from the base.
const (
	ControllerUser = 0
	FrontUser      = 1
	SignerUser     = 2
)

// Options are what the launcher's side needs.
type Options struct {
	UIDBase int // workers are the users from UIDBase+10 on, when this process may change to them
	Limits  Limits
	Log     *slog.Logger
}

// Sandbox starts processes behind walls and verifies them.
type Sandbox struct {
	Options
	groups *cgroups

	mu     sync.Mutex // guards what follows
	shapes []shape    // what may work, the best first; those that were refused are taken out
	taken  map[int]bool
	count  int
}

// shape is how a process is started.
type shape struct {
	user       bool // in a user namespace
	namespaces bool // in namespaces of its own
	own        bool // as a user of its own
	bare       bool // without any capability from its first instruction
}

// Open finds out what this machine offers, and makes the launcher's control groups.
func Open(o Options) *Sandbox {
	s := &Sandbox{Options: o, taken: map[int]bool{}, groups: openCgroups(ProcessName + "-" + strconv.Itoa(os.Getpid()))}
	if os.Geteuid() == 0 {
		s.shapes = []shape{
			{user: true, namespaces: true, own: true}, {namespaces: true, own: true}, {own: true}, {own: true, bare: true}, {bare: true},
		}
	} else {
		s.shapes = []shape{{user: true, namespaces: true}, {bare: true}}
	}
	return s
}

// Close takes the launcher's control groups away; all cells have ended.
func (s *Sandbox) Close() { s.groups.close() }

// Cell is a process behind walls.
type Cell struct {
	PID    int
	Report Report // what was verified

	s    *Sandbox
	cmd  *exec.Cmd
	name string // of its control groups
	uid  int    // its place's user; -1 when it has none
}

// Start starts a process that calls Enter with the file descriptor number fd first of all, and returns when what is in force
// has been verified. Command makes a fresh command each time, whose ExtraFiles leave room at fd.
func (s *Sandbox) Start(command func() *exec.Cmd, fd int) (*Cell, error) {
	return s.start(command, fd, false)
}

// Probe starts such a process only to see what is in force for it.
func (s *Sandbox) Probe(command func() *exec.Cmd, fd int) (Report, error) {
	c, err := s.start(command, fd, true)
	if err != nil {
		return nil, err
	}
	_ = c.Wait() // it ends by itself
	return c.Report, nil
}

func (s *Sandbox) start(command func() *exec.Cmd, fd int, probe bool) (*Cell, error) {
	for {
		c, l, sh, err := s.spawn(command(), fd)
		if err == nil {
			err = s.settle(c, l, sh, probe)
			l.close()
			if err != nil {
				_ = c.cmd.Process.Kill() // it is of no use
				_ = c.Wait()             // the other error is the one that matters
				return nil, err
			}
			return c, nil
		}
		if !s.giveUp(sh, err) {
			return nil, err
		}
	}
}

// giveUp takes a way of starting out of the list when the kernel does not allow it here; false when the error is another one,
// or no way is left.
func (s *Sandbox) giveUp(sh shape, err error) bool {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EUSERS) && !errors.Is(err, unix.EACCES) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.shapes) < 2 {
		return false
	}
	if s.shapes[0] == sh { // else another start has found the same
		s.Log.Warn("a way of starting workers is not allowed here; going on with fewer protections", "error", err)
		s.shapes = s.shapes[1:]
	}
	return true
}

// spawn starts the process in the best shape, and places it into its control groups.
func (s *Sandbox) spawn(cmd *exec.Cmd, fd int) (*Cell, line, shape, error) {
	c, sh := s.reserve()
	ours, theirs, err := newLine()
	if err != nil {
		s.release(c)
		return nil, line{}, sh, err
	}
	defer theirs.Close()
	executable, err := openExecutable(cmd)
	if err != nil {
		ours.close()
		s.release(c)
		return nil, line{}, sh, err
	}
	defer executable.Close()
	cmd.ExtraFiles[fd-3] = theirs
	cmd.SysProcAttr = sh.attributes(c.uid)
	cmd.Env = append(cmd.Env, s.environment()...)
	if err := cmd.Start(); err != nil {
		ours.close()
		s.release(c)
		return nil, line{}, sh, err
	}
	c.cmd, c.PID = cmd, cmd.Process.Pid
	s.groups.place(c.name, c.PID, s.Limits)
	return c, ours, sh, nil
}

// reserve gives the next process a name and, where it has its own, a user.
func (s *Sandbox) reserve() (*Cell, shape) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	c := &Cell{s: s, name: "worker-" + strconv.Itoa(s.count), uid: -1}
	sh := s.shapes[0]
	if sh.own {
		c.uid = s.UIDBase + firstPlace
		for s.taken[c.uid] {
			c.uid++
		}
		s.taken[c.uid] = true
	}
	return c, sh
}

func (s *Sandbox) release(c *Cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.taken, c.uid)
}

// openExecutable has the command started from an open file: its new user need not reach the path, only may run the file.
func openExecutable(cmd *exec.Cmd) (*os.File, error) {
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	opened, err := os.Open(cmd.Path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	executable, err := Aside(opened)
	if err != nil {
		return nil, err
	}
	cmd.Path = filepath.Join("/proc/self/fd", strconv.Itoa(int(executable.Fd())))
	return executable, nil
}

// environment lets the Go runtime know the limits, which it could not read, and the time zone without a file.
func (s *Sandbox) environment() []string {
	env := []string{"TZ=UTC"}
	if s.Limits.CPUs > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(max(1, min(runtime.NumCPU(), int(math.Ceil(s.Limits.CPUs))))))
	}
	if s.Limits.Memory > 0 {
		env = append(env, "GOMEMLIMIT="+strconv.FormatInt(int64(float64(s.Limits.Memory)*memoryReserve), 10))
	}
	return env
}

func (sh shape) attributes(uid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true} // no terminal, and a Ctrl-C is for the launcher
	if sh.namespaces {
		a.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP}
	} else if !sh.bare {
		a.AmbientCaps = []uintptr{unix.CAP_SETPCAP}
	}
	gid := uid
	if sh.own {
		a.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	} else {
		uid, gid = os.Geteuid(), os.Getegid()
	}
	if sh.user {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		a.GidMappingsEnableSetgroups = sh.own
	}
	return a
}

// settle tells the process what to do, hears what failed, and verifies the rest.
func (s *Sandbox) settle(c *Cell, l line, sh shape, probe bool) error {
	p := plan{Root: sh.namespaces, UTS: sh.namespaces, Limits: s.Limits, Own: sh.own || sh.user, Probe: probe}
	if err := l.send(p); err != nil {
		return fmt.Errorf("sandbox: tell the worker: %w", err)
	}
	var a answer
	if err := l.receive(&a); err != nil {
		return fmt.Errorf("sandbox: the worker did not enter: %w", err)
	}
	c.Report = s.verify(c, sh, a)
	return nil
}

// StartBare starts a process without walls, and tells it so: for tests of what stands behind them.
func StartBare(cmd *exec.Cmd, fd int) error {
	ours, theirs, err := newLine()
	if err != nil {
		return err
	}
	defer ours.close()
	defer theirs.Close()
	cmd.ExtraFiles[fd-3] = theirs
	if err := ours.send(plan{None: true}); err != nil {
		return err
	}
	return cmd.Start()
}

// Signal sends a signal to the process.
func (c *Cell) Signal(sig os.Signal) error { return c.cmd.Process.Signal(sig) }

// Wait waits for the end of the process, and frees its user and control groups.
func (c *Cell) Wait() error {
	err := c.cmd.Wait()
	c.s.groups.remove(c.name)
	c.s.release(c)
	return err
}

// State is how the process ended; nil before.
func (c *Cell) State() *os.ProcessState { return c.cmd.ProcessState }
