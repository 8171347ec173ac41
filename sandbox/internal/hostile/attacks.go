package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attack returns what it got, or why it was refused.
type attack func(args []string) (string, error)

func attacks() map[string]attack {
	return map[string]attack{
		"echo":    func(args []string) (string, error) { return fmt.Sprint(args), nil },
		"read":    readFile,
		"list":    listDirectory,
		"write":   func(args []string) (string, error) { return "written", os.WriteFile(args[0], []byte("x"), 0o600) },
		"chroot":  func(args []string) (string, error) { return "changed", unix.Chroot(args[0]) },
		"connect": connect,
		"listen":  listenTCP,
		"socket":  newSocket,
		"pair":    socketPair,
		"udp":     sendUDP,
		"exec":    func([]string) (string, error) { return "", unix.Exec("/bin/true", []string{"true"}, nil) },
		"execfd":  execOwnFile,
		"fork":    fork,
		"ptrace":  func(args []string) (string, error) { return "attached", unix.PtraceAttach(number(args[0])) },
		"vmread":  readMemory,
		"kill":    func(args []string) (string, error) { return "killed", unix.Kill(number(args[0]), unix.SIGKILL) },
		"tgkill": func(args []string) (string, error) {
			return "killed", unix.Tgkill(number(args[0]), number(args[0]), unix.SIGKILL)
		},
		"mount":    func([]string) (string, error) { return "mounted", unix.Mount("x", "/", "tmpfs", 0, "") },
		"unshare":  func([]string) (string, error) { return "unshared", unix.Unshare(unix.CLONE_NEWUSER) },
		"setns":    func([]string) (string, error) { return "entered", unix.Setns(0, unix.CLONE_NEWNET) },
		"setuid":   func([]string) (string, error) { return "changed", call(unix.SYS_SETUID, 0) },
		"bpf":      func([]string) (string, error) { return "done", call(unix.SYS_BPF, 0, 0, 0) },
		"keyctl":   func([]string) (string, error) { return "done", call(unix.SYS_KEYCTL, 0, 0, 0) },
		"io_uring": func([]string) (string, error) { return "done", call(unix.SYS_IO_URING_SETUP, 1, 0, 0) },
		"perf":     func([]string) (string, error) { return "done", call(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0) },
		"memfd":    func([]string) (string, error) { return "made", call(unix.SYS_MEMFD_CREATE, 0, 0, 0) },
		"wx":       executableMemory,
		"tty":      func([]string) (string, error) { return "done", call(unix.SYS_IOCTL, 2, unix.TIOCSTI, 0) },
		"steer": func([]string) (string, error) {
			return "done", unix.SetsockoptInt(fileMedia, unix.SOL_SOCKET, unix.SO_MARK, 1)
		},
		"rebind": func([]string) (string, error) { return "bound", unix.Bind(fileMedia, &unix.SockaddrInet4{Port: 9}) },
		"pidfd": func(args []string) (string, error) {
			return "opened", call(unix.SYS_PIDFD_OPEN, uintptr(number(args[0])), 0)
		},
		"shm":      func([]string) (string, error) { return "made", call(unix.SYS_SHMGET, 1, 4096, 0o1666) },
		"priority": func([]string) (string, error) { return "raised", unix.Setpriority(unix.PRIO_PROCESS, 0, -20) },
		"realtime": realtime,
		"raise": func([]string) (string, error) {
			return "raised", unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}, nil)
		},
		"threads":  threads,
		"allocate": allocate,
		"spin":     spin,
		"open":     openFiles,
		"panic":    func([]string) (string, error) { go func() { panic("as asked") }(); select {} },
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

func readFile(args []string) (string, error) {
	raw, err := os.ReadFile(args[0])
	return strconv.Itoa(len(raw)) + " bytes", err
}

func listDirectory(args []string) (string, error) {
	entries, err := os.ReadDir(args[0])
	return strconv.Itoa(len(entries)) + " entries", err
}

func connect(args []string) (string, error) {
	c, err := net.Dial(args[0], args[1]) //nolint:noctx // answers at once, or is refused
	if err != nil {
		return "", err
	}
	return "connected", c.Close()
}

func listenTCP([]string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // answers at once
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func newSocket(args []string) (string, error) {
	fd, err := unix.Socket(number(args[0]), number(args[1]), number(args[2]))
	return strconv.Itoa(fd), err
}

func socketPair([]string) (string, error) {
	_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	return "made", err
}

func sendUDP(args []string) (string, error) {
	c, err := net.Dial("udp", args[0]) //nolint:noctx // no answer is awaited
	if err != nil {
		return "", err
	}
	_, err = c.Write([]byte("from a new socket"))
	return "sent", err
}

// execOwnFile runs a descriptor that may be there still.
func execOwnFile([]string) (string, error) {
	empty := []byte{0}
	return "", call(unix.SYS_EXECVEAT, 0, uintptr(unsafe.Pointer(&empty[0])), 0, 0, unix.AT_EMPTY_PATH)
}

// fork makes a process, not a thread.
func fork([]string) (string, error) {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return "", errno
	}
	if pid == 0 {
		unix.Exit(0)
	}
	return "forked", nil
}

func readMemory(args []string) (string, error) {
	buffer := make([]byte, 8)
	local := []unix.Iovec{{Base: &buffer[0], Len: 8}}
	_, err := unix.ProcessVMReadv(number(args[0]), local, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
	return "read", err
}

func executableMemory([]string) (string, error) {
	_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	return "mapped", err
}

// realtime asks to be run before everybody else.
func realtime([]string) (string, error) {
	const firstInFirstOut = 1
	priority := int32(1)
	return "raised", call(unix.SYS_SCHED_SETSCHEDULER, 0, firstInFirstOut, uintptr(unsafe.Pointer(&priority)))
}

// threads starts threads without end: each goroutine holds one in a call that does not return.
func threads(args []string) (string, error) {
	for range number(args[0]) {
		go func() {
			runtime.LockOSThread()
			for {
				_ = unix.Nanosleep(&unix.Timespec{Sec: 3600}, nil) // interrupted by the Go runtime now and then
			}
		}()
	}
	return "starting", nil
}

// allocate takes memory and touches each page.
func allocate(args []string) (string, error) {
	const step = 16 << 20
	var held [][]byte
	for range number(args[0]) / 16 {
		b, err := unix.Mmap(-1, 0, step, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			return "", fmt.Errorf("after %d MiB: %w", 16*len(held), err)
		}
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
	}
	return strconv.Itoa(16*len(held)) + " MiB", nil
}

// spin keeps processors busy for good, whatever the launcher told the Go runtime about them.
func spin(args []string) (string, error) {
	runtime.GOMAXPROCS(number(args[0]))
	for range number(args[0]) {
		go func() {
			for {
				_ = 0
			}
		}()
	}
	return "spinning", nil
}

// openFiles opens descriptors without end.
func openFiles([]string) (string, error) {
	for n := 0; ; n++ {
		if _, err := unix.EpollCreate1(0); err != nil {
			if errors.Is(err, syscall.EMFILE) {
				return "", fmt.Errorf("after %d: %w", n, err)
			}
			return "", err
		}
	}
}
