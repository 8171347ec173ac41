package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"konklave/sandbox"
)

// probeLimit is how long a new program may take to tell its version.
const probeLimit = 10 * time.Second

// program is the executable as it was at one moment. What is started from it is of one version, whatever lies at its path
// later, and wherever its path leads through directories that the started process may not enter.
type program struct{ file *os.File }

func openProgram(path string) (*program, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open own program: %w", err)
	}
	defer f.Close()
	apart, err := sandbox.Aside(f)
	if err != nil {
		return nil, err
	}
	return &program{apart}, nil
}

// command is a process of this program.
func (p *program) command(words ...string) *exec.Cmd {
	return &exec.Cmd{Path: fmt.Sprintf("/proc/self/fd/%d", p.file.Fd()), Args: append([]string{"konklave"}, words...)}
}

// probe reports whether the program runs at all.
func (p *program) probe() error {
	cmd := p.command("version")
	if err := cmd.Start(); err != nil {
		return err
	}
	limit := time.AfterFunc(probeLimit, func() { _ = cmd.Process.Kill() }) // Wait reports it
	defer limit.Stop()
	return cmd.Wait()
}

func (p *program) Close() error { return p.file.Close() }

// upgrade replaces controller, front and signer by the program that now lies at our path; conferences that start afterwards are of
// it too, and those that run end on the one they were started from. When the new one does not come to serve, everything
// stays as it was.
func (s *server) upgrade(ctx context.Context) error {
	next, err := openProgram(s.executable)
	if err != nil {
		return err
	}
	if err := next.probe(); err != nil {
		return errors.Join(fmt.Errorf("the program at %s does not run: %w", s.executable, err), next.Close())
	}
	old := s.program.Load()
	if err := s.controller.replace(ctx, func() (*child, error) { return s.startController(next) }); err != nil {
		return errors.Join(err, next.Close())
	}
	s.program.Store(next) // of the workers
	if err := s.front.replace(ctx, func() (*child, error) { return s.startFront(next) }); err != nil {
		s.program.Store(old)
		return errors.Join(err, s.controller.replace(ctx, func() (*child, error) { return s.startController(old) }))
	}
	// A signer that refuses to sign, or has lost its key, is no reason to keep an old program.
	if err := s.signer.replace(ctx, func() (*child, error) { return s.startSigner(next) }); err != nil {
		s.log.ErrorContext(ctx, "the signer of the audit log stays the one from before", "error", err)
	}
	return nil
}
