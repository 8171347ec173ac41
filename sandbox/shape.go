package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How often each way of starting is tried before it counts as refused by this machine, and the pause between two tries: what
// passes (a namespace too many, a file that is being replaced) must not cost a layer.
const (
	probeTries = 3
	probePause = 50 * time.Millisecond
)

// shape is how a process is started.
type shape struct {
	user       bool // in a user namespace
	namespaces bool // in namespaces of its own
	own        bool // as a user of its own
	bare       bool // without any capability from its first instruction
}

// shapes lists the ways of starting, the best first.
func shapes(root bool) []shape {
	if !root {
		return []shape{{user: true, namespaces: true}, {bare: true}}
	}
	return []shape{
		{user: true, namespaces: true, own: true}, {namespaces: true, own: true}, {own: true}, {own: true, bare: true},
		{user: true, namespaces: true}, {namespaces: true}, {bare: true},
	}
}

// asStrong reports whether a shape makes the same layers possible as another.
func (sh shape) asStrong(as shape) bool { return sh.namespaces == as.namespaces && sh.own == as.own }

// allows reports whether a shape makes a layer possible.
func (sh shape) allows(l Layer) bool {
	switch l {
	case Mount, PID, IPC, UTS, Network, Root:
		return sh.namespaces
	case User:
		return sh.own
	case Capabilities, NoNewPrivs, Seccomp, Landlock, Memory, CPU, Processes, ResourceLimits:
	}
	return true
}

func (sh shape) String() string {
	var words []string
	for _, w := range []struct {
		is   bool
		text string
	}{
		{sh.user, "in a user namespace"}, {sh.namespaces, "in namespaces of its own"}, {sh.own, "as a user of its own"},
		{sh.bare, "without capabilities"},
	} {
		if w.is {
			words = append(words, w.text)
		}
	}
	return strings.Join(words, ", ")
}

// choice is the way in which all processes of a launcher are started.
type choice struct {
	shape
	best    shape    // that was tried
	report  Report   // what the probe found: no later start gets by with less
	refused []string // which better ways this machine refused, and why
}

// RefusedError says that this machine refuses every way of starting that the mode permits.
type RefusedError struct {
	Why    []string // each way, and why it was refused
	Report Report   // what a process has in the best way that is not refused; nil when all are
}

// Error names each way and why it was refused.
func (e *RefusedError) Error() string {
	return "sandbox: this machine refuses to start processes " + strings.Join(e.Why, "; ")
}

// choose finds out, with probes and once, how processes are started here. A later failure of that way is the failure of one
// start and never a reason for another way.
func (s *Sandbox) choose(command func() *exec.Cmd, fd int, mode Mode) (choice, error) {
	s.choosing.Lock()
	defer s.choosing.Unlock()
	if s.chosen != nil {
		return *s.chosen, nil
	}
	ways := shapes(os.Geteuid() == 0)
	c := choice{best: ways[0]}
	for _, c.shape = range ways {
		report, err := s.tryShape(command, fd, c)
		switch {
		case err == nil && mode == Strict && !c.asStrong(c.best):
			return choice{}, &RefusedError{Why: c.refused, Report: report} // and nothing is settled
		case err == nil:
			c.report = report
			s.chosen = &c
			if len(c.refused) > 0 {
				s.Log.Warn("this machine refuses better ways of starting conferences", "goes on", c.String(), "refused", strings.Join(c.refused, "; "))
			}
			return c, nil
		case !isRefusal(err):
			return choice{}, fmt.Errorf("sandbox: start %s: %w", c, err)
		}
		c.refused = append(c.refused, fmt.Sprintf("%s: %v", c, innermost(err)))
	}
	return choice{}, &RefusedError{Why: c.refused}
}

// innermost is the kernel's own word: what stands around it names files that mean nothing to anybody.
func innermost(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// tryShape starts a probe, again where the refusal may pass.
func (s *Sandbox) tryShape(command func() *exec.Cmd, fd int, c choice) (Report, error) {
	for try := 1; ; try++ {
		cell, err := s.startIn(command, fd, c, true)
		if err == nil {
			_ = cell.Wait() // it ends by itself
			return cell.Report, nil
		}
		if try == probeTries || !isRefusal(err) {
			return nil, err
		}
		time.Sleep(probePause)
	}
}

// isRefusal tells the errors with which a kernel says that a way of starting is not allowed, or not there, from all others.
func isRefusal(err error) bool {
	for _, no := range []error{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSYS, unix.ENOSPC, unix.EUSERS} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// attributes are what the kernel is asked for at the start.
func (sh shape) attributes(uid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true} // no terminal, and a Ctrl-C is for the launcher
	if sh.namespaces {
		a.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP}
	} else if !sh.bare {
		a.AmbientCaps = []uintptr{unix.CAP_SETPCAP}
	}
	gid := uid
	if sh.own {
		a.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	} else {
		uid, gid = os.Geteuid(), os.Getegid()
	}
	if sh.user {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		a.GidMappingsEnableSetgroups = sh.own
	}
	return a
}
