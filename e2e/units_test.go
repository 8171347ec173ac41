//go:build !race

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"konklave/client"
)

// Users of the units, as deploy/systemd/konklave.sysusers makes them.
const (
	controllerUnit = 63700 // and the group of both
	frontUnit      = 63701
	signerUnit     = 63702
)

// units plays systemd: it opens the sockets of deploy/systemd, and starts each service with those that are its own.
type units struct {
	*server

	config string
	socket map[string]*os.File // by FileDescriptorName
}

// service is a running one.
type service struct {
	cmd *exec.Cmd
	out io.Reader // what it writes to standard output
}

// newUnits makes what konklave.tmpfiles makes, the configuration, and the sockets.
func newUnits(t *testing.T) *units {
	t.Helper()
	root := os.Geteuid() == 0
	u := &units{server: &server{t: t, dir: reachable(t), log: &logTap{changed: make(chan struct{})}}, socket: map[string]*os.File{}}
	mode := "best-effort"
	if root {
		mode = "strict"
	}
	u.config = filepath.Join(u.dir, "konklave.yaml")
	for _, dir := range []string{"tls", "signer", "run", "run/c"} {
		do(t, os.Mkdir(filepath.Join(u.dir, dir), 0o710))
	}
	public, err := net.Listen("tcp", "127.0.0.1:0")
	do(t, err)
	u.address = "http://" + public.Addr().String()
	do(t, os.WriteFile(u.config, fmt.Appendf(nil, "listen: %s\ndata: %s\nisolation:\n  mode: %s\n", public.Addr(), u.dir, mode), 0o644))
	u.keep("public", public)
	for name, network := range map[string]string{"front": "unix", "controller": "unix", "launcher": "unixpacket", "signer": "unixpacket"} {
		path := filepath.Join(u.dir, "run", name+".sock")
		l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
		do(t, err)
		l.SetUnlinkOnClose(false)
		do(t, os.Chmod(path, 0o600))
		u.keep(name, l)
	}
	if root {
		for _, name := range []string{".", "run", "run/c", "run/front.sock", "run/controller.sock", "run/launcher.sock", "run/signer.sock"} {
			do(t, os.Chown(filepath.Join(u.dir, name), controllerUnit, controllerUnit))
		}
		do(t, os.Chmod(u.dir, 0o710), os.Chown(filepath.Join(u.dir, "tls"), frontUnit, controllerUnit),
			os.Chown(filepath.Join(u.dir, "signer"), signerUnit, controllerUnit), os.Chmod(filepath.Join(u.dir, "signer"), 0o700),
			os.Chmod(filepath.Join(u.dir, "run/front.sock"), 0o660), os.Chmod(filepath.Join(u.dir, "run/controller.sock"), 0o660))
	}
	return u
}

// keep keeps a copy of a listener's descriptor, as systemd does.
func (u *units) keep(name string, l net.Listener) {
	u.t.Helper()
	f, err := l.(interface{ File() (*os.File, error) }).File()
	do(u.t, err, l.Close())
	u.socket[name] = f
	u.t.Cleanup(func() { _ = f.Close() })
}

// start starts a service as a user, with sockets by name, and returns when it has said that it is ready.
func (u *units) start(ctx context.Context, verb string, uid int, sockets ...string) *service {
	u.t.Helper()
	path := filepath.Join(u.dir, "notify-"+verb)
	_ = os.Remove(path) // of the one before
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	do(u.t, err, os.Chmod(path, 0o666))
	defer told.Close()
	// The shell knows the number of the process, which it then is.
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, program, verb, "--config="+u.config) //nolint:noctx // stopped below
	cmd.Env = append(os.Environ(), "LISTEN_FDS="+strconv.Itoa(len(sockets)), "LISTEN_FDNAMES="+strings.Join(sockets, ":"), "NOTIFY_SOCKET="+path)
	for _, name := range sockets {
		cmd.ExtraFiles = append(cmd.ExtraFiles, u.socket[name])
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(min(uid, controllerUnit)), Groups: []uint32{}}}
	}
	cmd.Stderr = u.log
	out, err := cmd.StdoutPipe()
	do(u.t, err, cmd.Start())
	s := &service{cmd, out}
	u.t.Cleanup(func() { s.end(u.t, syscall.SIGTERM) })
	deadline, _ := ctx.Deadline()
	do(u.t, told.SetReadDeadline(deadline))
	states := []string{"READY=1"}
	if verb != "launcher" {
		states = append(states, "WATCHDOG=1")
	}
	buffer := make([]byte, 256)
	for len(states) > 0 {
		n, err := told.Read(buffer)
		if err != nil {
			u.t.Fatalf("%s did not say %s: %v\n%s", verb, states[0], err, u.log)
		}
		if slices.Contains(strings.Split(string(buffer[:n]), "\n"), states[0]) {
			states = states[1:]
		}
	}
	return s
}

// end ends a service, once.
func (s *service) end(t *testing.T, signal syscall.Signal) {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(signal) // one that has just ended needs none
	kill := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	err := s.cmd.Wait()
	if !kill.Stop() {
		t.Errorf("%v did not end in time", s.cmd.Args)
	} else if signal == syscall.SIGTERM && err != nil {
		t.Errorf("%v ended with %v", s.cmd.Args, err)
	}
}

func (u *units) controller(ctx context.Context) *service {
	return u.start(ctx, "controller", controllerUnit, "controller")
}

func (u *units) front(ctx context.Context) *service {
	return u.start(ctx, "front", frontUnit, "public", "front")
}

// TestTheUnitsRunApart has launcher, controller, signer and front started as deploy/systemd has them, and replaces the controller, in
// order and by a kill, and the front, while a call goes on.
func TestTheUnitsRunApart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	u := newUnits(t)
	launcher := u.start(ctx, "launcher", 0, "launcher")
	controller := u.controller(ctx)
	front := u.front(ctx)
	signer := u.start(ctx, "signer", signerUnit, "signer")
	lines := bufio.NewScanner(controller.out)
	for u.setup == "" && lines.Scan() {
		_, u.setup, _ = strings.Cut(strings.TrimSpace(lines.Text()), "/setup#")
	}
	admin := u.admin(ctx)
	m, err := admin.CreateMeeting(ctx, client.MeetingChange{})
	do(t, err)
	host, hostMedia := enter(ctx, t, admin, m.Link, "")
	anna, annaMedia := enter(ctx, t, u.client(), m.Link, "Anna")
	receives(ctx, t, hostMedia, anna)
	receives(ctx, t, annaMedia, host)

	u.cmd = launcher.cmd // whose children the workers are
	worker := u.pids("conference")
	if len(worker) != 1 {
		t.Fatalf("the launcher has the children %+v", u.processes())
	}
	for i, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		controller.end(t, signal)
		controller = u.controller(ctx)
		chats(ctx, t, host, anna, fmt.Sprintf("after end %d of the controller", i))
	}
	front.end(t, syscall.SIGKILL)
	u.front(ctx)
	ben := join(ctx, t, u.client(), m.Link, "Ben")
	if err := ben.Chat(ctx, "through the new front"); err != nil {
		t.Error(err)
	}
	if now := u.pids("conference"); !slices.Equal(now, worker) {
		t.Errorf("the worker was %v, and is %v", worker, now)
	}
	signed(ctx, t, firstAuditor(ctx, t, u.server), 0)
	signer.end(t, syscall.SIGTERM)
	controller.end(t, syscall.SIGTERM) // it does not go on without a launcher
	launcher.end(t, syscall.SIGTERM)
	if err := syscall.Kill(worker[0], 0); err == nil {
		t.Error("the worker outlives its launcher that was stopped")
	}
}
