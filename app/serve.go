// Package app wires the processes of Konklave by hand, in reading order.
//
// [Serve] is the one command: it is the launcher, binds the public listener, and keeps a front, a controller and a signer running
// as processes of their own. [Front], [Controller], [Signer] and [Conference] are those processes. What each inherits is named here and
// nowhere else; the same names serve systemd's socket units.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"konklave/activation"
	"konklave/config"
	"konklave/launch/process"
)

// Names of what the processes inherit; those of workers are numbers, in package launch.
const (
	namePublic     = "public"     // the front's listener
	nameRedirect   = "redirect"   // the front's plain HTTP listener that leads to HTTPS
	nameTURN       = "turn"       // the front's datagram socket for the relay
	nameFront      = "front"      // the front's unix listener, for the controller
	nameKeys       = "keys"       // pipe with the key that relay credentials are checked with
	nameController = "controller" // the controller's unix listener
	nameSigner     = "signer"     // the signer's unix listener
	nameLauncher   = "launcher"   // the controller's connection to the launcher
	nameLifeline   = "lifeline"   // pipe that ends when Serve is gone
)

// workersGrace is how long workers may take to end their conferences at shutdown.
const workersGrace = 6 * time.Second

// Serve runs everything until ctx ends, then stops in order: workers, controller, front. SIGHUP upgrades to the program that
// then lies at our path. Args are the flags that the processes are to read the same configuration from; stdout carries the
// words for the operator.
func Serve(ctx context.Context, c config.Config, args []string, stdout, stderr io.Writer, log *slog.Logger) error {
	handed, err := activation.Take()
	if err != nil {
		return err
	}
	s := &server{config: c, identities: findIdentities(c), stdout: stdout, stderr: stderr, log: log}
	if err := s.identities.suffice(c.Isolation.Mode); err != nil {
		return err
	}
	if s.executable, err = os.Executable(); err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	first, err := openProgram(s.executable)
	if err != nil {
		return err
	}
	s.program.Store(first)
	if s.prepared, err = prepare(ctx, c, s.identities, &handed); err != nil {
		return err
	}
	defer s.prepared.Close()
	s.args = append(args, "--listen="+s.sockets.address)
	if s.lifeline, s.alive, err = os.Pipe(); err != nil {
		return err
	}
	defer s.alive.Close()
	var workers users
	if s.launcher, workers, err = newLauncher(c, s.workerCommand, log); err != nil {
		return err
	}
	defer workers.Close()
	s.controller = newKeeper("controller", false, func() (*child, error) { return s.startController(first) }, log)
	s.front = newKeeper("front", true, func() (*child, error) { return s.startFront(first) }, log)
	s.signer = newKeeper("signer", false, func() (*child, error) { return s.startSigner(first) }, log)
	s.controller.extended = s.tellExtended
	return s.run(ctx)
}

// server is the running Serve.
type server struct {
	config     config.Config
	args       []string
	executable string
	program    atomic.Pointer[program]
	stdout     io.Writer
	stderr     io.Writer
	log        *slog.Logger
	launcher   *process.Launcher
	controller *keeper
	front      *keeper
	signer     *keeper
	identities identities
	prepared
	lifeline *os.File // the end that the children read
	alive    *os.File // the end that this process holds
}

// prepared is what has to be there before the first process starts.
type prepared struct {
	lock     *os.File // on the data directory
	relayKey []byte
	sockets  sockets
}

// prepare makes the data directory with what the processes expect in it, locks it, and opens the sockets.
func prepare(ctx context.Context, c config.Config, id identities, handed *activation.Set) (p prepared, err error) {
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if err := id.own(c); err != nil {
		return p, err
	}
	err = id.asController(func() (err error) {
		if p.lock, err = lockDataDir(c.Data, id.modes()); err != nil {
			return err
		}
		p.relayKey, err = relayKey(c.Data)
		return err
	})
	if err != nil {
		return p, err
	}
	if p.sockets, err = openSockets(ctx, c, handed); err != nil {
		return p, err
	}
	return p, id.asController(func() error { return p.sockets.openPrivate(c, id.modes()) })
}

// Close unlocks the data directory and gives the sockets up.
func (p *prepared) Close() {
	p.sockets.Close()
	if p.lock != nil {
		_ = p.lock.Close() // the process ends
	}
}

func (s *server) run(ctx context.Context) error {
	controllers, stopControllers := context.WithCancel(context.WithoutCancel(ctx))
	fronts, stopFronts := context.WithCancel(context.WithoutCancel(ctx))
	defer stopControllers()
	defer stopFronts()
	var controller, front sync.WaitGroup
	controller.Go(func() { s.signer.run(controllers) })
	controller.Go(func() { s.controller.run(controllers) })
	front.Go(func() { s.front.run(fronts) })
	s.identities.tell(s.log)
	front.Go(func() { tellIsolation(s.launcher, s.log) })
	go s.tellReady(ctx)
	s.upgradeOnHangup(ctx)
	s.log.Info("stopping")
	if err := activation.Notify(activation.Stopping); err != nil {
		s.log.Warn("systemd could not be told", "error", err)
	}
	s.launcher.Close(workersGrace) // while the controller is there to store their ends
	stopControllers()
	controller.Wait()
	stopFronts()
	front.Wait()
	return nil
}

// tellExtended tells systemd, if it wants to know, that becoming ready takes longer.
func (s *server) tellExtended(d time.Duration) {
	if err := activation.Notify(activation.Extending(d)); err != nil {
		s.log.Warn("systemd could not be told", "error", err)
	}
}

// tellReady tells systemd, if it wants to know, when controller and front serve.
func (s *server) tellReady(ctx context.Context) {
	for _, served := range []<-chan struct{}{s.controller.served, s.front.served} {
		select {
		case <-served:
		case <-ctx.Done():
			return
		}
	}
	if err := activation.Notify(activation.Ready); err != nil {
		s.log.Warn("systemd could not be told", "error", err)
	}
}

// upgradeOnHangup upgrades on each SIGHUP until ctx ends.
func (s *server) upgradeOnHangup(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		if err := s.upgrade(ctx); err != nil {
			s.log.Error("upgrade failed", "error", err)
			continue
		}
		s.log.Info("upgraded; running conferences end on the program they were started from")
	}
}

// start starts a child as a user, which inherits the files and says when it is ready.
func (s *server) start(cmd *exec.Cmd, uid int, files ...activation.Named) (*child, error) {
	pipes, heard, err := activation.Hear()
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, p := range pipes {
			_ = p.File.Close() // the child has its own
		}
	}()
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:    true, // a Ctrl-C is for Serve, which stops the others in order
		Credential: s.identities.credential(uid),
	}
	activation.Pass(cmd, append(files, append(pipes, activation.Named{Name: nameLifeline, File: s.lifeline})...)...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return watched(cmd, heard), nil
}

func (s *server) startFront(p *program) (*child, error) {
	keys, err := pipeOf(s.relayKey)
	if err != nil {
		return nil, err
	}
	defer keys.Close()
	listening := s.config
	listening.Listen = s.sockets.address
	cmd := p.command(append([]string{"front"}, frontArguments(listening)...)...)
	cmd.Env = onlyNamed(os.Environ(), frontEnvironment())
	return s.start(cmd, s.identities.front, append(s.sockets.ofFront(), activation.Named{Name: nameKeys, File: keys})...)
}

func (s *server) startSigner(p *program) (*child, error) {
	cmd := p.command(append([]string{"signer"}, signerArguments(s.config)...)...)
	cmd.Env = onlyNamed(os.Environ(), signerEnvironment())
	return s.start(cmd, s.identities.signer, activation.Named{Name: nameSigner, File: s.sockets.signerSocket})
}

func (s *server) startController(p *program) (*child, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	c, err := s.start(p.command(append([]string{"controller"}, s.args...)...), s.identities.controller,
		activation.Named{Name: nameController, File: s.sockets.controllerSocket}, activation.Named{Name: nameLauncher, File: theirs})
	if err != nil {
		_ = ours.Close() // the start's error is the one that matters
		return nil, err
	}
	go func() {
		defer ours.Close()
		if err := s.launcher.Serve(ours); err != nil {
			s.log.Warn("controller's connection to the launcher failed", "error", err)
		}
	}()
	return c, nil
}

func (s *server) workerCommand() *exec.Cmd {
	return workerOf(s.program.Load().command("conference"), s.stderr)
}

// socketPair returns two ends that keep message borders; the second is to be inherited.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), nameLauncher)
	ours, err := activation.UnixConn(os.NewFile(uintptr(fds[0]), nameController))
	if err != nil {
		_ = theirs.Close() // the other error is the one that matters
		return nil, nil, err
	}
	return ours, theirs, widen(ours)
}
