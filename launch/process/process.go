// Package process is the launcher: the parent of all workers on this machine. It starts, signals, lists and waits for them,
// and does nothing else; it opens no network connection and reads no database.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/fault"
	"konklave/launch"
)

// exitsKept is how many ends of workers are held for a controller that is away.
const exitsKept = 1024

// Launcher keeps the workers. Any number of connections, one after another, may serve its verbs.
type Launcher struct {
	command func() *exec.Cmd // a fresh command that becomes a worker
	log     *slog.Logger

	mu      sync.Mutex // guards what follows
	workers map[string]*child
	exits   []launch.Exit
	waiters []func(launch.Exit) bool // false: could not be delivered
	closing bool
	all     sync.WaitGroup
}

type child struct {
	launch.Running
	cmd *exec.Cmd
}

// New makes a launcher; command gives the worker's command line, to which files are added.
func New(command func() *exec.Cmd, log *slog.Logger) *Launcher {
	return &Launcher{command: command, log: log, workers: map[string]*child{}}
}

// Serve answers one controller until its connection ends.
func (l *Launcher) Serve(conn *net.UnixConn) error {
	s := &server{Launcher: l, conn: conn}
	buffer := make([]byte, launch.MessageMax)
	rights := make([]byte, syscall.CmsgSpace(4*launch.FilesMax))
	for {
		n, rn, _, _, err := conn.ReadMsgUnix(buffer, rights)
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from controller: %w", err)
		}
		files, err := receivedFiles(rights[:rn])
		if err != nil {
			return err
		}
		var q launch.Request
		if err := json.Unmarshal(buffer[:n], &q, json.RejectUnknownMembers(true)); err != nil {
			closeAll(files)
			return fmt.Errorf("malformed message from controller: %w", err)
		}
		s.dispatch(q, files)
	}
}

func receivedFiles(rights []byte) ([]*os.File, error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("read file descriptors: %w", err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "inherited"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // copies; the worker has its own
	}
}

// server is one connection.
type server struct {
	*Launcher
	conn    *net.UnixConn
	writeMu sync.Mutex
}

func (s *server) dispatch(q launch.Request, files []*os.File) {
	defer closeAll(files)
	switch q.Verb {
	case launch.VerbStart:
		s.answer(q.ID, s.start(q.Start, files))
	case launch.VerbSignal:
		s.answer(q.ID, s.signal(q.Conference, q.Signal))
	case launch.VerbList:
		s.answer(q.ID, launch.Response{List: s.list()})
	case launch.VerbWait:
		s.wait(func(e launch.Exit) bool { return s.answer(q.ID, launch.Response{Exit: &e}) })
	default:
		s.answer(q.ID, refuse("launch.unknown_verb", "The launcher knows start, signal, list and wait."))
	}
}

func (s *server) answer(id int64, r launch.Response) bool {
	r.ID = id
	raw, err := json.Marshal(r)
	if err != nil {
		s.log.Error("launcher cannot encode its answer", "error", err)
		return false
	}
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	_, err = s.conn.Write(raw)
	return err == nil
}

func refuse(code fault.Code, message string) launch.Response {
	return launch.Response{Refused: &code, Message: message}
}

func (l *Launcher) start(config *launch.WorkerConfig, files []*os.File) launch.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case config == nil || config.Conference == "" || len(files) < 3:
		return refuse("launch.malformed", "A start needs a configuration, two listeners and at least one media socket.")
	case l.closing:
		return refuse("launch.closing", "The server is shutting down.")
	case l.workers[config.Conference] != nil:
		return refuse("launch.running", "A worker for this conference runs already.")
	}
	c, err := l.spawn(config, files)
	if err != nil {
		l.log.Error("worker could not be started", "conference", config.Conference, "error", err)
		return refuse("launch.failed", "The worker could not be started.")
	}
	l.workers[config.Conference] = c
	l.all.Go(func() { l.reap(c) })
	return launch.Response{Started: &c.Running}
}

func (l *Launcher) spawn(config *launch.WorkerConfig, files []*os.File) (*child, error) {
	told := *config
	told.MediaSockets = len(files) - 2
	raw, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	defer write.Close()
	if _, err := write.Write(raw); err != nil { // far smaller than a pipe holds
		return nil, err
	}
	cmd := l.command()
	cmd.ExtraFiles = append([]*os.File{files[0], files[1], read}, files[2:]...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{launch.Running{Conference: config.Conference, Epoch: config.Epoch, PID: cmd.Process.Pid, StartedAt: time.Now()}, cmd}, nil
}

func (l *Launcher) reap(c *child) {
	err := c.cmd.Wait()
	e := launch.Exit{Running: c.Running, Code: c.cmd.ProcessState.ExitCode()}
	if ws, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = ws.Signal().String()
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, "worker has ended", "conference", c.Conference, "epoch", c.Epoch, "pid", c.PID, "code", e.Code, "signal", e.Signal)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.workers, c.Conference)
	for len(l.waiters) > 0 {
		w := l.waiters[0]
		l.waiters = l.waiters[1:]
		if w(e) {
			return
		}
	}
	l.exits = append(l.exits, e)
	if len(l.exits) > exitsKept {
		l.exits = l.exits[1:]
	}
}

func (l *Launcher) wait(deliver func(launch.Exit) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.exits) > 0 {
		if deliver(l.exits[0]) {
			l.exits = l.exits[1:]
		}
		return
	}
	l.waiters = append(l.waiters, deliver)
}

func (l *Launcher) signal(conference string, sig syscall.Signal) launch.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.workers[conference]
	if c == nil {
		return refuse("launch.not_running", "No worker runs for this conference.")
	}
	if err := c.cmd.Process.Signal(sig); err != nil {
		return refuse("launch.failed", "The signal could not be sent.")
	}
	return launch.Response{}
}

func (l *Launcher) list() []launch.Running {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]launch.Running, 0, len(l.workers))
	for _, c := range l.workers {
		list = append(list, c.Running)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Conference < list[j].Conference })
	return list
}

// Close asks all workers to end, waits for them, and kills those that need longer than grace.
func (l *Launcher) Close(grace time.Duration) {
	l.each(syscall.SIGTERM)
	kill := time.AfterFunc(grace, func() { l.each(syscall.SIGKILL) })
	defer kill.Stop()
	l.all.Wait()
}

func (l *Launcher) each(sig syscall.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	for _, c := range l.workers {
		_ = c.cmd.Process.Signal(sig) // one that has just ended needs none
	}
}
