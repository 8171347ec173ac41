package process

import (
	"errors"
	"os"
	"os/exec"

	"github.com/go-json-experiment/json"

	"konklave/fault"
	"konklave/launch"
	"konklave/sandbox"
)

// spawn starts a worker and hands it its configuration when its walls have been verified.
func (l *Launcher) spawn(config *launch.WorkerConfig, files []*os.File) (process, sandbox.Report, error) {
	told := *config
	told.MediaSockets = len(files) - 2
	raw, err := json.Marshal(told)
	if err != nil {
		return nil, nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer read.Close()
	defer write.Close()
	command := func() *exec.Cmd {
		cmd := l.Command()
		cmd.ExtraFiles = append([]*os.File{files[0], files[1], read, nil}, files[2:]...)
		return cmd
	}
	p, report, err := l.enclose(command)
	if err != nil {
		return nil, nil, err
	}
	if _, err := write.Write(raw); err != nil { // far smaller than a pipe holds
		end(p)
		return nil, nil, err
	}
	return p, report, nil
}

// enclose starts the process, and ends it again when walls are missing that must be there.
func (l *Launcher) enclose(command func() *exec.Cmd) (process, sandbox.Report, error) {
	if l.Sandbox == nil {
		cmd := command()
		return plain{cmd}, nil, sandbox.StartBare(cmd, launch.FileSandbox)
	}
	cell, err := l.Sandbox.Start(command, launch.FileSandbox, l.Mode)
	var refused *sandbox.RefusedError
	if l.Mode == sandbox.Strict && errors.As(err, &refused) {
		return nil, nil, incomplete(refused.Report.Missing()).Because(err)
	}
	if err != nil {
		return nil, nil, err
	}
	if l.Mode == sandbox.Strict && !cell.Report.Complete() {
		end(cell)
		return nil, nil, incomplete(cell.Report.Missing())
	}
	return cell, cell.Report, nil
}

// incomplete is the refusal of strict mode.
func incomplete(missing []sandbox.Layer) *fault.Fault {
	return fault.Newf(fault.KindUnavailable, launch.CodeIncomplete,
		"The conference was not started: this server may only run conferences with complete isolation, and these layers are missing: %s. Your administrator can find out why with `konklave doctor`.",
		sandbox.Names(missing))
}

// end ends a worker that nobody knows of yet.
func end(p process) {
	_ = p.Signal(os.Kill) // one that has just ended needs none
	_ = p.Wait()          // its end has no meaning
}

// plain is a worker without walls.
type plain struct{ cmd *exec.Cmd }

func (p plain) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }
func (p plain) Wait() error                { return p.cmd.Wait() }
func (p plain) State() *os.ProcessState    { return p.cmd.ProcessState }

func pidOf(p process) int {
	switch p := p.(type) {
	case *sandbox.Cell:
		return p.PID
	case plain:
		return p.cmd.Process.Pid
	}
	return 0
}
