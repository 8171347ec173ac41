package doctor

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"

	"konklave/config"
	"konklave/launch/process"
	"konklave/sandbox"
)

// mebibyte is the unit of the memory limit in the configuration, in bytes.
const mebibyte = 1 << 20

// isolation starts a probe, as the launcher does, and tells which walls conferences have on this machine. Worker makes a fresh
// command that becomes a conference.
func isolation(c config.Config, worker func() *exec.Cmd) []Finding {
	l := process.New(process.Options{
		Command: worker, Mode: sandbox.Mode(c.Isolation.Mode), Log: slog.New(slog.DiscardHandler),
		Sandbox: sandbox.Open(sandbox.Options{
			UIDBase: c.Isolation.UIDBase, Log: slog.New(slog.DiscardHandler),
			Limits: sandbox.Limits{Memory: int64(c.Isolation.MemoryMiB) * mebibyte, CPUs: c.Isolation.CPUs, Processes: c.Isolation.Processes},
		}),
	})
	defer l.Close(0) // a probe has ended by itself
	report, err := l.Probe()
	if err != nil {
		return []Finding{failed("See that everybody may execute this program (mode 0755), and that this machine has memory and processes to spare.",
			"No conference can be started: the probe of its isolation failed (%v).", err)}
	}
	return isolationFindings(report, sandbox.Mode(c.Isolation.Mode), os.Geteuid())
}

// isolationFindings says for each wall that is missing what to do, and how bad it is: strict mode starts no conference then.
func isolationFindings(report sandbox.Report, mode sandbox.Mode, user int) []Finding {
	var findings []Finding
	for _, f := range report {
		switch {
		case f.InForce:
		case mode == sandbox.Strict:
			findings = append(findings, failed(remedy(f.Layer), "%s No conference starts, because isolation.mode is strict.", f.Sentence()))
		default:
			findings = append(findings, advice(remedy(f.Layer), "%s", f.Sentence()))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, good("Conferences are isolated by all %d layers; a probe was started and has them.", len(report)))
	}
	if user != 0 {
		findings = append(findings, unknown("Run this as root, if the server is started by root.",
			"Isolation was examined for conferences that user %d starts; a server that root starts can have more.", user))
	}
	return findings
}

// remedy is what to do where a layer is missing.
func remedy(l sandbox.Layer) string {
	const root = "Start the server as root; it gives up what it does not need. "
	const container = " In a container, the runtime must allow it."
	switch l {
	case sandbox.Mount, sandbox.PID, sandbox.IPC, sandbox.UTS, sandbox.Network, sandbox.Root:
		return root + "Or let ordinary users make user namespaces (sysctl user.max_user_namespaces above 0; on Debian kernel.unprivileged_userns_clone=1; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)." + container
	case sandbox.User:
		return root + "Everybody must be allowed to execute the program (mode 0755)."
	case sandbox.Capabilities:
		return root + "Or let ordinary users make user namespaces; and use the program as it was delivered, built without cgo."
	case sandbox.NoNewPrivs, sandbox.Seccomp:
		return "Use a kernel with seccomp filters, from Linux 5.9 on where the server runs under a filter itself, and the program as it was delivered, built without cgo." + container
	case sandbox.Landlock:
		return "Use Linux 5.13 or newer with Landlock turned on: the kernel's parameter lsm= must list it (see /sys/kernel/security/lsm)." + container
	case sandbox.Memory, sandbox.CPU, sandbox.Processes:
		return "Delegate the control groups to the server: Delegate=memory cpu pids in the unit. A shell has other control groups than the unit, so look into the log of the server's start too: it says the same for the server itself."
	case sandbox.ResourceLimits:
		return "Use the program as it was delivered; the reason stands above."
	}
	return fmt.Sprintf("Look into the documentation of the layer %s.", l)
}
