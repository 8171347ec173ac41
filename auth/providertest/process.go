// Package providertest runs real identity providers for tests: slapd, a Samba domain controller, SimpleSAMLphp and
// LemonLDAP::NG, from Debian's packages. Each listens on a loopback address of its own and ends with this program at the
// latest. Nothing is installed here; ErrMissing names the package that is not there.
package providertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// ErrMissing says that a server is not on this machine.
var ErrMissing = errors.New("is not on this machine; tools/install-test-tools installs it")

// How long a server may take to start, and how often it is looked at meanwhile.
const (
	startTime = time.Minute
	lookAgain = 20 * time.Millisecond
)

// process is a child that ends with this program.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs the command, with its output in a file of dir, and waits until ready returns nil. The thread stays locked
// to the child, because the kernel ends a child with the thread that started it.
func start(ctx context.Context, dir string, ready func(context.Context) error, cmd *exec.Cmd) (*process, error) {
	p := &process{name: filepath.Base(cmd.Path), cmd: cmd, done: make(chan struct{})}
	p.log = filepath.Join(dir, p.name+".log")
	output, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	begun := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer close(p.done)
		err := cmd.Start()
		begun <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-begun; err != nil {
		return nil, err
	}
	if err := p.wait(ctx, ready); err != nil {
		text, _ := os.ReadFile(p.log)
		p.stop()
		return nil, fmt.Errorf("start %s: %w\n%s", p.name, err, text[max(0, len(text)-4096):])
	}
	return p, nil
}

func (p *process) wait(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-p.done:
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// stop ends the process and its children and waits for it.
func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// loopback returns an address of 127.0.0.0/8 that nobody else is likely to use.
func loopback() string {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("127.%d.%d.%d", 1+int(b[0])%254, b[1], 1+int(b[2])%254)
}

// listening is ready when something accepts connections at the address.
func listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// program finds a program that a package brings.
func program(name string) (string, error) {
	for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s %w", name, ErrMissing)
}

// writeFiles writes the texts into files of dir.
func writeFiles(dir string, texts map[string]string) error {
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
