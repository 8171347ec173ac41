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
	"strings"
	"sync"
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

	choosing sync.Mutex // held while probes find out how to start; taken before mu
	chosen   *choice    // guarded by choosing; nil until a probe has come through

	mu    sync.Mutex   // guards what follows
	taken map[int]bool // users of processes: our own, and those that a launcher before us has left
	count int
}

// Open makes the launcher's control groups, and keeps what the launcher itself was given open from its workers. How processes are started here is found out by the first Probe or Start.
func Open(o Options) *Sandbox {
	keepDescriptors()
	return &Sandbox{Options: o, taken: usersOfProcesses(), groups: openCgroups(ProcessName + "-" + strconv.Itoa(os.Getpid()))}
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
// has been verified. Command makes a fresh command each time, whose ExtraFiles leave room at fd. A start that comes to less
// than the first probe did is an error.
func (s *Sandbox) Start(command func() *exec.Cmd, fd int, mode Mode) (*Cell, error) {
	how, err := s.choose(command, fd, mode)
	if err != nil {
		return nil, err
	}
	c, err := s.startIn(command, fd, how, false)
	if err != nil || mode == Strict { // whose caller holds the report against all layers
		return c, err
	}
	if err := weaker(c.Report, how.report); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// Probe starts such a process only to see what is in force for it, or would be where the mode did not forbid the start.
func (s *Sandbox) Probe(command func() *exec.Cmd, fd int, mode Mode) (Report, error) {
	how, err := s.choose(command, fd, mode)
	var refused *RefusedError
	if errors.As(err, &refused) && refused.Report != nil {
		return refused.Report, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := s.startIn(command, fd, how, true)
	if err != nil {
		return nil, err
	}
	_ = c.Wait() // it ends by itself
	return c.Report, nil
}

// weaker names the layers that a process lacks although the probe had them.
func weaker(got, probed Report) error {
	var lost []string
	for _, f := range got {
		if !f.InForce && probed.InForce(f.Layer) {
			lost = append(lost, fmt.Sprintf("%s (%s)", f.Layer, f.Detail))
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("sandbox: in force when the launcher started, and missing now: %s", strings.Join(lost, ", "))
}

// startIn starts a process in the chosen way.
func (s *Sandbox) startIn(command func() *exec.Cmd, fd int, how choice, probe bool) (*Cell, error) {
	c, l, err := s.spawn(command(), fd, how.shape)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := s.settle(c, l, how, probe); err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// end ends a process that is of no use.
func (c *Cell) end() {
	_ = c.cmd.Process.Kill() // one that has just ended needs none
	_ = c.Wait()             // its end has no meaning
}

// spawn starts the process in a shape, and places it into its control groups.
func (s *Sandbox) spawn(cmd *exec.Cmd, fd int, sh shape) (_ *Cell, _ line, err error) {
	c := s.reserve(sh)
	defer func() {
		if err != nil {
			s.release(c)
		}
	}()
	ours, theirs, err := newLine()
	if err != nil {
		return nil, line{}, err
	}
	defer theirs.Close()
	defer func() {
		if err != nil {
			ours.close()
		}
	}()
	executable, err := openExecutable(cmd)
	if err != nil {
		return nil, line{}, err
	}
	defer executable.Close()
	cmd.ExtraFiles[fd-3] = theirs
	cmd.SysProcAttr = sh.attributes(c.uid)
	cmd.Env = append(cmd.Env, s.environment()...)
	if err := cmd.Start(); err != nil {
		return nil, line{}, err
	}
	c.cmd, c.PID = cmd, cmd.Process.Pid
	s.groups.place(c.name, c.PID, s.Limits)
	return c, ours, nil
}

// reserve gives the next process a name and, where it has its own, a user.
func (s *Sandbox) reserve(sh shape) *Cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	c := &Cell{s: s, name: "worker-" + strconv.Itoa(s.count), uid: -1}
	if sh.own {
		c.uid = s.UIDBase + firstPlace
		for s.taken[c.uid] {
			c.uid++
		}
		s.taken[c.uid] = true
	}
	return c
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

// settle tells the process what to do, hears what failed, and verifies the rest.
func (s *Sandbox) settle(c *Cell, l line, how choice, probe bool) error {
	p := plan{Root: how.namespaces, UTS: how.namespaces, Limits: s.Limits, Own: how.own || how.user, Probe: probe}
	if err := l.send(p); err != nil {
		return fmt.Errorf("sandbox: tell the worker: %w", err)
	}
	var a answer
	if err := l.receive(&a); err != nil {
		return fmt.Errorf("sandbox: the worker did not enter: %w", err)
	}
	c.Report = s.verify(c, how, a)
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
