package sandbox

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rule admits (or, in a deny list, refuses) a system call. With conditions, one of them must hold.
type rule struct {
	nr   uintptr
	when []condition
}

// condition holds when every test of an argument does.
type condition []test

// test compares the lower 32 bits of an argument under a mask; the upper 32 bits must be zero when exact.
type test struct {
	arg   int
	mask  uint32 // 0 means all bits
	value uint32
	exact bool
}

// group is system calls that are there for one reason.
type group struct {
	reason string
	rules  []rule
}

// plain makes rules without conditions.
func plain(numbers ...uintptr) []rule {
	rules := make([]rule, len(numbers))
	for i, nr := range numbers {
		rules[i] = rule{nr: nr}
	}
	return rules
}

// Where the fields of struct seccomp_data lie.
const (
	dataNumber = 0
	dataArch   = 4
	dataArgs   = 16
)

// x32Bit marks the system calls of the x32 ABI on amd64, which nothing of ours uses.
const x32Bit = 0x40000000

// What a filter answers.
const (
	answerAllow  = unix.SECCOMP_RET_ALLOW
	answerKill   = unix.SECCOMP_RET_KILL_PROCESS
	answerRefuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	answerNoSys  = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// program assembles a filter: calls that match a rule get the answer match, all others the answer otherwise; calls in nosys
// are said not to exist. Calls of another architecture kill the process.
func program(groups []group, nosys []uintptr, match, otherwise uint32) []unix.SockFilter {
	p := []unix.SockFilter{
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, dataArch),
		jump(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, auditArch, 1, 0),
		stmt(unix.BPF_RET|unix.BPF_K, answerKill),
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, dataNumber),
		jump(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, x32Bit, 0, 1),
		stmt(unix.BPF_RET|unix.BPF_K, answerKill),
	}
	for _, nr := range nosys {
		p = append(p, jump(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, uint32(nr), 0, 1), stmt(unix.BPF_RET|unix.BPF_K, answerNoSys))
	}
	for _, g := range groups {
		for _, r := range g.rules {
			p = append(p, r.assemble(match)...)
		}
	}
	return append(p, stmt(unix.BPF_RET|unix.BPF_K, otherwise))
}

// assemble compares the number, which is in the accumulator, and afterwards leaves it there.
func (r rule) assemble(match uint32) []unix.SockFilter {
	if len(r.when) == 0 {
		return []unix.SockFilter{
			jump(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, uint32(r.nr), 0, 1),
			stmt(unix.BPF_RET|unix.BPF_K, match),
		}
	}
	var body []unix.SockFilter
	for _, c := range r.when {
		body = append(body, c.assemble(match)...)
	}
	body = append(body, stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, dataNumber))
	// A jump reaches 255 instructions; conditions are far shorter.
	return append([]unix.SockFilter{jump(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, uint32(r.nr), 0, uint8(len(body)))}, body...)
}

func (c condition) assemble(match uint32) []unix.SockFilter {
	var tests []unix.SockFilter // jumps that fail are set below
	for _, t := range c {
		low := uint32(dataArgs + 8*t.arg) // both architectures are little-endian
		if t.exact {
			tests = append(tests, stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, low+4), jump(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 0, 0))
		}
		tests = append(tests, stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, low))
		if t.mask != 0 {
			tests = append(tests, stmt(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, t.mask))
		}
		tests = append(tests, jump(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, t.value, 0, 0))
	}
	for i := range tests {
		if tests[i].Code == unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K {
			tests[i].Jf = uint8(len(tests) - i) // past the answer
		}
	}
	return append(tests, stmt(unix.BPF_RET|unix.BPF_K, match))
}

func stmt(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }

func jump(code uint16, k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k}
}

// installFilter puts a filter on all threads of this process, and no_new_privs with it.
func installFilter(p []unix.SockFilter) error {
	runtime.LockOSThread() // both calls on one thread; the second takes the others along
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	if thread != 0 {
		return fmt.Errorf("seccomp: thread %d has another filter", thread)
	}
	return nil
}
