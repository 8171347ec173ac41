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

	"golang.org/x/sys/unix"

	"konklave/activation"
	"konklave/config"
	"konklave/launch"
	"konklave/launch/process"
	"konklave/sandbox"
)

// mebibyte is the unit of the memory limit in the configuration, in bytes.
const mebibyte = 1 << 20

// Launcher is the parent of the workers as a process of its own: it has no network and no database, and its four verbs are for
// controllers that connect to the inherited socket as the user who owns it, or as root. It serves until ctx ends, then ends the
// workers.
func Launcher(ctx context.Context, c config.Config, stderr io.Writer, log *slog.Logger) error {
	handed, err := activation.Take()
	if err != nil {
		return err
	}
	listener, owner, err := ownedListener(&handed, nameLauncher)
	if err != nil {
		return err
	}
	defer listener.Close()
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	launcher, users, err := newLauncher(c, func() *exec.Cmd { return workerOf(exec.Command(executable, "conference"), stderr) }, log) //nolint:noctx // the launcher ends it
	if err != nil {
		return err
	}
	defer users.Close()
	var open sync.WaitGroup
	open.Go(func() { tellIsolation(launcher, log) })
	open.Go(func() { acceptControllers(listener, launcher, owner, log) })
	if err := handed.Ready(); err != nil {
		log.Warn("systemd could not be told", "error", err)
	}
	<-ctx.Done()
	log.Info("stopping")
	launcher.Close(workersGrace)
	err = listener.Close()
	open.Wait()
	return err
}

// newLauncher makes the launcher of this configuration. The users are to be closed when it has been.
func newLauncher(c config.Config, command func() *exec.Cmd, log *slog.Logger) (*process.Launcher, users, error) {
	u, err := workerUsers(c, log)
	if err != nil {
		return nil, u, err
	}
	limits := sandbox.Limits{Memory: int64(c.Isolation.MemoryMiB) * mebibyte, CPUs: c.Isolation.CPUs, Processes: c.Isolation.Processes}
	return process.New(process.Options{
		Command: command, Sandbox: sandbox.Open(sandbox.Options{UIDBase: u.first, Limits: limits, Log: log}),
		Mode: sandbox.Mode(c.Isolation.Mode), Log: log,
	}), u, nil
}

// workerUsers claims the users that the workers run as. Without root they are all the user that this process is.
func workerUsers(c config.Config, log *slog.Logger) (users, error) {
	base := c.Isolation.UIDBase
	if os.Geteuid() != 0 {
		return users{first: base}, nil
	}
	u, err := claimUsers(userLocks, base, config.UIDReserve+c.Conference.MaxRunning, config.UIDReserve, runningUsers)
	switch {
	case err != nil && c.Isolation.Mode == config.IsolationStrict:
		return u, fmt.Errorf("isolation is strict, but user ids for conferences cannot be reserved in %s: %w", userLocks, err)
	case err != nil:
		log.Warn("User ids for conferences cannot be reserved: those of another launcher on this machine may be the same.", "error", err)
		return users{first: base}, nil
	case u.beside:
		log.Warn("Another Konklave runs on this machine. Their conferences are different users; if their controllers are the same user, each of them reaches the other's data. "+
			"Give each a machine or a container of its own.", "first-user", u.first)
	case u.first != base:
		log.Info("processes run as the users from isolation.uid-base on, such as conferences of a launcher that was killed; ours are other users", "first-user", u.first)
	}
	return u, nil
}

// workerOf prepares a command that becomes a worker: it gets nothing of the operator's environment.
func workerOf(cmd *exec.Cmd, stderr io.Writer) *exec.Cmd {
	cmd.Stdout, cmd.Stderr = stderr, stderr
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	return cmd
}

// tellIsolation tells the operator which protections conferences do without on this machine.
func tellIsolation(l *process.Launcher, log *slog.Logger) {
	report, err := l.Probe()
	if err != nil {
		log.Error("isolation of conferences cannot be verified", "error", err)
		return
	}
	for _, sentence := range report.Sentences() {
		log.Warn(sentence)
	}
	if report.Complete() {
		log.Info("conferences are isolated by all layers")
	}
}

// Pauses after a connection that could not be accepted.
const (
	acceptFirst = 5 * time.Millisecond
	acceptMax   = time.Second
)

// connections is a listener of the launcher.
type connections interface {
	AcceptUnix() (*net.UnixConn, error)
}

// acceptControllers serves each controller that connects, until the listener is closed.
func acceptControllers(listener connections, l *process.Launcher, owner uint32, log *slog.Logger) {
	pause := acceptFirst
	for {
		conn, err := listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // a client that is gone again, or no descriptors left for now
			log.Error("controller cannot connect", "error", err, "pause", pause)
			time.Sleep(pause)
			pause = min(2*pause, acceptMax)
			continue
		}
		pause = acceptFirst
		go func() {
			defer conn.Close()
			if err := admit(conn, owner); err != nil {
				log.Warn("connection to the launcher refused", "error", err)
				return
			}
			if err := l.Serve(conn); err != nil {
				log.Warn("controller's connection to the launcher failed", "error", err)
			}
		}()
	}
}

// admit refuses everybody but the owner of the socket and root.
func admit(conn *net.UnixConn, owner uint32) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) { peer, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if asked != nil {
		return fmt.Errorf("ask who connects: %w", asked)
	}
	if peer.Uid != 0 && peer.Uid != owner {
		return fmt.Errorf("user %d is not the controller's user %d", peer.Uid, owner)
	}
	return widen(conn)
}

// ownedListener is an inherited unix listener, and the user who owns its path and may connect.
func ownedListener(handed *activation.Set, name string) (*net.UnixListener, uint32, error) {
	l, err := handed.Listener(name)
	if err != nil {
		return nil, 0, err
	}
	listener, ok := l.(*net.UnixListener)
	if !ok {
		return nil, 0, errors.Join(fmt.Errorf("the socket %q is not a unix socket", name), l.Close())
	}
	owner, err := ownerOf(listener)
	if err != nil {
		return nil, 0, errors.Join(err, listener.Close())
	}
	return listener, owner, nil
}

// ownerOf is the user who owns the path of a unix listener.
func ownerOf(l *net.UnixListener) (uint32, error) {
	info, err := os.Stat(l.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("the inherited socket: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("the inherited socket has no owner")
	}
	return stat.Uid, nil
}

// widen makes room for whole messages of the launcher's protocol.
func widen(conn *net.UnixConn) error {
	for _, grow := range []func(int) error{conn.SetReadBuffer, conn.SetWriteBuffer} {
		if err := grow(2 * launch.MessageMax); err != nil {
			return err
		}
	}
	return nil
}

// LauncherSocket is where a launcher that is a process of its own listens.
func LauncherSocket(c config.Config) string { return filepath.Join(c.RunDir(), "launcher.sock") }

// launcherConn is the connection to the launcher: handed over by `konklave serve`, or dialled.
func launcherConn(ctx context.Context, c config.Config, handed *activation.Set) (*net.UnixConn, error) {
	conn, err := handed.Unix(nameLauncher)
	if !errors.Is(err, activation.ErrMissing) {
		return conn, err
	}
	var d net.Dialer
	dialled, err := d.DialContext(ctx, "unixpacket", LauncherSocket(c))
	if err != nil {
		return nil, fmt.Errorf("reach the launcher (`konklave launcher`, or `konklave serve` for all in one): %w", err)
	}
	conn, ok := dialled.(*net.UnixConn)
	if !ok {
		return nil, errors.New("the launcher's socket is not a unix socket")
	}
	return conn, widen(conn)
}
