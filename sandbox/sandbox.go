// Package sandbox puts conference workers, and the other processes, behind walls: namespaces and an empty root, a user of
// their own, no capabilities, seccomp, Landlock, control groups and resource limits (Linux).
//
// It works from two sides. The launcher ([Sandbox]) starts the process with new namespaces and another user, puts it into
// control groups, and afterwards verifies from outside what is in force. The worker, first thing in its life ([Enter]), makes
// its root empty and gives up everything that it will not need. Each layer is used where the host allows it, and a [Report]
// tells which are really there: what cannot be verified counts as missing.
package sandbox

import (
	"slices"
	"strings"
)

// Layer is one wall.
type Layer string

// The layers.
const (
	Mount          Layer = "mount"             // a mount namespace of its own
	PID            Layer = "pid"               // sees no other processes
	IPC            Layer = "ipc"               // shares no System V or POSIX queues and memory
	UTS            Layer = "uts"               // has a host name of its own
	Network        Layer = "network"           // an empty network; inherited sockets go on working
	Root           Layer = "root"              // an empty, read-only file system
	User           Layer = "user"              // a user id that nobody else has
	Capabilities   Layer = "capabilities"      // none, and none to be gained
	NoNewPrivs     Layer = "no-new-privileges" // set-user-id programs give nothing
	Seccomp        Layer = "seccomp"           // system calls of a list, and no others
	Landlock       Layer = "landlock"          // no files, no TCP, no signals and abstract sockets to others
	Memory         Layer = "memory"            // a limit, by control group
	CPU            Layer = "cpu"               // a limit, by control group
	Processes      Layer = "processes"         // a limit, by control group
	ResourceLimits Layer = "rlimits"           // open files, core dumps, locked memory, priorities
)

// Layers lists all layers in the order of a report.
func Layers() []Layer {
	return []Layer{
		Mount, PID, IPC, UTS, Network, Root, User, Capabilities, NoNewPrivs, Seccomp, Landlock, Memory, CPU, Processes, ResourceLimits,
	}
}

// Finding says whether a layer is in force.
type Finding struct {
	Layer   Layer  `json:"layer"`
	InForce bool   `json:"inForce"`
	Detail  string `json:"detail,omitempty"` // how it is set, or why it is missing
}

// Report is what was found about one process: one finding for each of Layers, in that order.
type Report []Finding

// InForce reports whether a layer is there.
func (r Report) InForce(l Layer) bool {
	return slices.ContainsFunc(r, func(f Finding) bool { return f.Layer == l && f.InForce })
}

// Missing lists the layers that are not in force, in the order of Layers.
func (r Report) Missing() []Layer {
	var missing []Layer
	for _, l := range Layers() {
		if !r.InForce(l) {
			missing = append(missing, l)
		}
	}
	return missing
}

// Complete reports whether every layer is in force.
func (r Report) Complete() bool { return len(r.Missing()) == 0 }

// Names joins layers for a text.
func Names(layers []Layer) string {
	names := make([]string, len(layers))
	for i, l := range layers {
		names[i] = string(l)
	}
	return strings.Join(names, ", ")
}

// Sentences tells an operator, one sentence each, which protections are missing and why; nothing when all are in force.
func (r Report) Sentences() []string {
	var out []string
	for _, f := range r {
		if !f.InForce {
			out = append(out, f.Sentence())
		}
	}
	return out
}

// Sentence tells an operator what the absence of a layer means, and why it is absent.
func (f Finding) Sentence() string {
	s := "Not in force: " + consequence(f.Layer)
	if f.Detail != "" {
		s += " (" + f.Detail + ")"
	}
	return s + "."
}

// consequence is what the absence of a layer means, for an operator.
func consequence(l Layer) string {
	switch l {
	case Mount:
		return "mount, a conference shares the server's view of the file systems"
	case PID:
		return "pid, a conference sees the processes of this machine"
	case IPC:
		return "ipc, a conference shares System V and POSIX queues with its user's other processes"
	case UTS:
		return "uts, a conference shares the machine's host name"
	case Network:
		return "network, a conference keeps the server's network; only seccomp stops new connections"
	case Root:
		return "root, a conference keeps the server's files in reach; only Landlock stops it"
	case User:
		return "user, all conferences run as the same user as the server"
	case Capabilities:
		return "capabilities, a conference has privileges or could gain some"
	case NoNewPrivs:
		return "no-new-privileges, a set-user-id program would give a conference privileges"
	case Seccomp:
		return "seccomp, a conference may use every system call"
	case Landlock:
		return "landlock, files and TCP are held off by the other layers alone"
	case Memory:
		return "memory, one conference can use up the machine's memory"
	case CPU:
		return "cpu, one conference can take all processor time"
	case Processes:
		return "processes, one conference can start threads without end"
	case ResourceLimits:
		return "rlimits, open files and core dumps of a conference are not limited"
	}
	return string(l)
}
