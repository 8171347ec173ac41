package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// Process is this program running again as a server.
type Process struct{ cmd *exec.Cmd }

// Start runs this program with the given arguments and decodes the first line it prints, which it says when it listens.
func Start(ctx context.Context, greeting any, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	p := &Process{cmd}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, greeting)
	}
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("start server: %w", err)
	}
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop kills the process and waits for its end.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// Greet says the first line.
func Greet(greeting any) error {
	if err := json.NewEncoder(os.Stdout).Encode(greeting); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	return nil
}
