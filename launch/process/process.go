// Package process is the launcher: the parent of all workers on this machine. It starts, signals, lists and waits for them,
// and does nothing else; it opens no network connection and reads no database.
package process

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/fault"
	"konklave/launch"
	"konklave/sandbox"
)

// exitsKept is how many ends of workers are held for a controller that is away.
const exitsKept = 1024

// startsAtOnce is how many workers may be starting at the same time.
const startsAtOnce = 8

// Options are what a launcher needs.
type Options struct {
	Command func() *exec.Cmd // a fresh command that becomes a worker; files and attributes are added
	Sandbox *sandbox.Sandbox // nil: workers without walls, for tests of what stands behind them
	Mode    sandbox.Mode     // what happens where a layer is missing
	Log     *slog.Logger
	// Patience is how long a controller may take to read an answer before its connection is closed; 0 for 5 seconds.
	Patience time.Duration
}

// Launcher keeps the workers. Any number of controllers, at once or one after another, may use its verbs; each is told of the
// ends of all workers.
type Launcher struct {
	Options
	starts chan struct{}

	mu      sync.Mutex // guards what follows
	workers map[string]*child
	conns   map[*server]struct{}
	exits   []ending // that no controller was there for
	ended   int64    // ends so far
	closing bool
	all     sync.WaitGroup
}

// child is a worker; process is nil while it is being started.
type child struct {
	launch.Running
	process
}

// process is a started worker, with walls or without.
type process interface {
	Signal(sig os.Signal) error
	Wait() error
	State() *os.ProcessState
}

// New makes a launcher.
func New(o Options) *Launcher {
	return &Launcher{Options: o, starts: make(chan struct{}, startsAtOnce), workers: map[string]*child{}, conns: map[*server]struct{}{}}
}

// Probe tells what is in force for workers on this machine, by starting one that ends at once.
func (l *Launcher) Probe() (sandbox.Report, error) {
	return l.Sandbox.Probe(func() *exec.Cmd {
		cmd := l.Command()
		cmd.ExtraFiles = make([]*os.File, launch.FileMedia-3)
		return cmd
	}, launch.FileSandbox, l.Mode)
}

func refuse(code fault.Code, message string) launch.Response {
	return launch.Response{Refused: &code, Message: message}
}

func (l *Launcher) start(config *launch.WorkerConfig, files []*os.File) launch.Response {
	if config == nil || config.Conference == "" || len(files) < 3 {
		return refuse(launch.CodeMalformed, "A start needs a configuration, two listeners and at least one media socket.")
	}
	if r := l.reserve(config); r != nil {
		return *r
	}
	p, report, err := l.spawn(config, files)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.all.Done() // of reserve
	c := l.workers[config.Conference]
	if err != nil {
		delete(l.workers, config.Conference)
		l.Log.Error("worker could not be started", "conference", config.Conference, "error", err)
		if f := fault.As(err); f.Code == launch.CodeIncomplete {
			return refuse(f.Code, f.Message)
		}
		return refuse("launch.failed", "The worker could not be started.")
	}
	c.process, c.PID, c.StartedAt, c.Isolation = p, pidOf(p), time.Now(), report
	c.Media = mediaAddresses(files[2:])
	if l.closing {
		_ = c.Signal(syscall.SIGTERM) // the others have had theirs
	}
	l.all.Go(func() { l.reap(c) })
	return launch.Response{Started: &c.Running}
}

// reserve takes the conference's place before its worker is there; the answer is a refusal, or nil.
func (l *Launcher) reserve(config *launch.WorkerConfig) *launch.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	var r launch.Response
	switch {
	case l.closing:
		r = refuse("launch.closing", "The server is shutting down.")
	case l.workers[config.Conference] != nil:
		r = refuse("launch.running", "A worker for this conference runs already.")
	default:
		l.workers[config.Conference] = &child{Running: launch.Running{Conference: config.Conference, Epoch: config.Epoch}}
		l.all.Add(1)
		return nil
	}
	return &r
}

func (l *Launcher) reap(c *child) {
	err := c.Wait()
	e := launch.Exit{Running: c.Running, Code: c.State().ExitCode()}
	if ws, ok := c.State().Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = ws.Signal().String()
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
	}
	l.Log.Log(context.Background(), level, "worker has ended", "conference", c.Conference, "epoch", c.Epoch, "pid", c.PID, "code", e.Code, "signal", e.Signal)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.workers, c.Conference)
	l.ended++
	told := ending{e, l.ended}
	if len(l.conns) == 0 {
		l.keep(told)
	}
	for s := range l.conns {
		s.tell(told)
	}
}

// keep holds an end for the next controller.
func (l *Launcher) keep(e ending) {
	l.exits = append(l.exits, e)
	if len(l.exits) > exitsKept {
		l.exits = l.exits[1:]
	}
}

// signal sends a signal to the worker of a conference, if it is of that epoch; 0 is any, for controllers before version 1.2.
func (l *Launcher) signal(conference string, epoch int64, sig syscall.Signal) launch.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.workers[conference]
	if c == nil || c.process == nil || epoch != 0 && epoch != c.Epoch {
		return refuse(launch.ErrNotRunning.Code, launch.ErrNotRunning.Message)
	}
	if err := c.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return refuse("launch.failed", "The signal could not be sent.")
	}
	return launch.Response{}
}

// listBytes is how much of a message a list may fill.
const listBytes = launch.MessageMax - 4<<10

// list names the workers after a conference, in order, one page of them.
func (l *Launcher) list(after string) launch.Response {
	l.mu.Lock()
	list := make([]launch.Running, 0, len(l.workers))
	for _, c := range l.workers {
		if c.process != nil && c.Conference > after {
			list = append(list, c.Running)
		}
	}
	l.mu.Unlock()
	sort.Slice(list, func(i, j int) bool { return list[i].Conference < list[j].Conference })
	size := 0
	for i, r := range list {
		raw, err := json.Marshal(r)
		size += len(raw) + len(",")
		if err != nil || i == launch.ListPage || i > 0 && size > listBytes {
			return launch.Response{List: list[:i], More: true}
		}
	}
	return launch.Response{List: list}
}

// Close asks all workers to end, waits for them, and kills those that need longer than grace.
func (l *Launcher) Close(grace time.Duration) {
	l.each(syscall.SIGTERM)
	kill := time.AfterFunc(grace, func() { l.each(syscall.SIGKILL) })
	defer kill.Stop()
	l.all.Wait()
	if l.Sandbox != nil {
		l.Sandbox.Close()
	}
}

func (l *Launcher) each(sig syscall.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	for _, c := range l.workers {
		if c.process != nil {
			_ = c.Signal(sig) // one that has just ended needs none
		}
	}
}
