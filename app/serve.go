// Package app wires the processes of Konklave by hand, in reading order.
//
// [Serve] is the one command: it is the launcher, binds the public listener, and keeps a front and a controller running as
// processes of their own. [Front], [Controller] and [Conference] are those processes. What each inherits is named here and
// nowhere else.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"konklave/config"
	"konklave/launch"
	"konklave/launch/process"
)

// File descriptors that the processes inherit from Serve; those of workers are in package launch.
const (
	fileLifeline = 3 // pipe that ends when Serve is gone
	fileListener = 4 // the front's public listener; the controller's unix listener
	fileLauncher = 5 // the controller's socket to the launcher
)

const (
	workersGrace = 6 * time.Second // for workers to end their conferences at shutdown
	childGrace   = 5 * time.Second // for front and controller
	restartFirst = 100 * time.Millisecond
	restartMax   = 5 * time.Second
	steady       = 10 * time.Second // a child that ran this long starts anew at once
)

// Serve runs everything until ctx ends, then stops in order: workers, controller, front. Args are the flags that the
// processes are to read the same configuration from; stdout carries the words for the operator.
func Serve(ctx context.Context, c config.Config, args []string, stdout, stderr io.Writer, log *slog.Logger) error {
	dir, err := openDataDir(c.Data)
	if err != nil {
		return err
	}
	defer dir.Close()
	s := &server{config: c, args: args, stdout: stdout, stderr: stderr, log: log}
	if s.executable, err = os.Executable(); err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	if err := s.bind(ctx); err != nil {
		return err
	}
	defer s.unbind()
	s.launcher = process.New(s.workerCommand, log)
	return s.run(ctx)
}

// server is the running Serve.
type server struct {
	config     config.Config
	args       []string
	executable string
	stdout     io.Writer
	stderr     io.Writer
	log        *slog.Logger
	launcher   *process.Launcher
	public     *os.File // listener of the front
	private    *os.File // listener of the controller
	lifeline   *os.File // the end that the children read
	alive      *os.File // the end that this process holds
}

func (s *server) bind(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (is another server running? another address: --listen)", s.config.Listen, err)
	}
	defer l.Close()
	s.args = append(s.args, "--listen="+actualAddress(s.config.Listen, l.Addr()))
	if s.public, err = l.(*net.TCPListener).File(); err != nil {
		return err
	}
	if s.private, err = listenUnix(ControllerSocket(s.config)); err != nil {
		return err
	}
	s.lifeline, s.alive, err = os.Pipe()
	return err
}

// actualAddress is the configured address with the port that was really bound.
func actualAddress(configured string, bound net.Addr) string {
	host, _, err := net.SplitHostPort(configured)
	if err != nil {
		return bound.String()
	}
	_, port, err := net.SplitHostPort(bound.String())
	if err != nil {
		return bound.String()
	}
	return net.JoinHostPort(host, port)
}

func (s *server) unbind() {
	for _, f := range []*os.File{s.alive, s.lifeline, s.private, s.public} {
		if f != nil {
			_ = f.Close() // the process ends
		}
	}
}

func (s *server) run(ctx context.Context) error {
	controllers, stopControllers := context.WithCancel(context.WithoutCancel(ctx))
	fronts, stopFronts := context.WithCancel(context.WithoutCancel(ctx))
	defer stopControllers()
	defer stopFronts()
	var controller, front sync.WaitGroup
	controller.Go(func() { s.keep(controllers, "controller", s.startController) })
	front.Go(func() { s.keep(fronts, "front", s.startFront) })
	<-ctx.Done()
	s.log.Info("stopping")
	s.launcher.Close(workersGrace) // while the controller is there to store their ends
	stopControllers()
	controller.Wait()
	stopFronts()
	front.Wait()
	return nil
}

// keep starts a child, and again when it ends, until ctx ends; then it ends the child.
func (s *server) keep(ctx context.Context, name string, start func() (*exec.Cmd, error)) {
	pause := restartFirst
	for ctx.Err() == nil {
		began := time.Now()
		cmd, err := start()
		if err == nil {
			err = s.attend(ctx, cmd)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steady {
			pause = restartFirst
		}
		s.log.Error("process has ended and is started again", "process", name, "error", err, "pause", pause)
		select {
		case <-time.After(pause):
			pause = min(2*pause, restartMax)
		case <-ctx.Done():
		}
	}
}

// attend waits for a child's end; when ctx ends first, it asks the child to end, and kills it after childGrace.
func (s *server) attend(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // one that has just ended needs none
	kill := time.AfterFunc(childGrace, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	return <-ended
}

func (s *server) command(verb string, args []string, files ...*os.File) *exec.Cmd {
	cmd := exec.Command(s.executable, append([]string{verb}, args...)...) //nolint:noctx // lives as long as attend decides
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for Serve, which stops the others in order
	return cmd
}

func (s *server) startFront() (*exec.Cmd, error) {
	cmd := s.command("front", s.args, s.lifeline, s.public)
	return cmd, cmd.Start()
}

func (s *server) startController() (*exec.Cmd, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := s.command("controller", s.args, s.lifeline, s.private, theirs)
	if err := cmd.Start(); err != nil {
		_ = ours.Close() // the start's error is the one that matters
		return nil, err
	}
	go func() {
		defer ours.Close()
		if err := s.launcher.Serve(ours); err != nil {
			s.log.Warn("controller's connection to the launcher failed", "error", err)
		}
	}()
	return cmd, nil
}

func (s *server) workerCommand() *exec.Cmd {
	cmd := s.command("conference", nil)
	cmd.Stdout = s.stderr
	cmd.Env = []string{"PATH=/usr/bin:/bin"} // nothing of the operator's environment
	return cmd
}

// socketPair returns two ends that keep message borders; the second is to be inherited.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), "launcher")
	ours, err := unixConn(os.NewFile(uintptr(fds[0]), "controller"))
	if err != nil {
		_ = theirs.Close() // the other error is the one that matters
		return nil, nil, err
	}
	for _, grow := range []func(int) error{ours.SetReadBuffer, ours.SetWriteBuffer} {
		if err := grow(2 * launch.MessageMax); err != nil {
			return nil, nil, err
		}
	}
	return ours, theirs, nil
}

func unixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.New("inherited file is not a unix socket")
	}
	return u, nil
}

// ControllerSocket is where the controller answers the front.
func ControllerSocket(c config.Config) string { return filepath.Join(c.RunDir(), "controller.sock") }

// ConferenceDir is where the workers' sockets lie.
func ConferenceDir(c config.Config) string { return filepath.Join(c.RunDir(), "c") }
