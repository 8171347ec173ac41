package sandbox_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"konklave/launch"
	"konklave/sandbox"
)

// TestEscapeA89 has a worker that was taken over try everything that would reach beyond its conference. Each attempt must be
// refused, and a second conference's media must not notice.
func TestEscapeA89(t *testing.T) {
	p := newPrison(t, sandbox.BestEffort, limits())
	victim := p.watch(t, "victim")
	hostile := p.start(t, "hostile")
	if got := hostile.try("echo", "here"); got != "got: [here]" {
		t.Fatalf("the hostile worker says %q", got)
	}
	database := filepath.Join(p.dir, "konklave.db")
	if err := os.WriteFile(database, []byte("everything"), 0o666); err != nil { // readable by all, so that only the walls protect it
		t.Fatal(err)
	}
	tcp := listen(t, "tcp", "127.0.0.1:0")
	abstract := listen(t, "unix", "@konklave-test-"+strconv.Itoa(os.Getpid()))
	controller := listen(t, "unix", filepath.Join(p.dir, "controller.sock"))
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0") //nolint:noctx // loopback of a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	for _, path := range []string{database, filepath.Join(p.dir, "controller.sock"), filepath.Join(p.dir, "victim.ctl")} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	other := strconv.Itoa(victim.PID)
	for _, words := range []string{
		"read " + database, "read /etc/passwd", "read /etc/hostname", "read /proc/" + other + "/environ", "read /proc/" + other + "/mem", "read /proc/1/maps",
		"read /sys/kernel/mm/transparent_hugepage/enabled", "list " + p.dir, "list /", "list /proc", "list /proc/" + other + "/fd", "write " + p.dir + "/new",
		"write /tmp/new", "write /new", "chroot /", "mount", "unshare", "setns", "setuid",
		"connect unix " + controller, "connect unix " + filepath.Join(p.dir, "victim.ctl"), "connect unix " + filepath.Join(p.dir, "victim.web"),
		"connect unix " + abstract, "connect tcp " + tcp, "connect tcp 192.0.2.1:443", "udp " + udp.LocalAddr().String(), "udp " + victim.media.String(), "listen",
		socketWords(unix.AF_INET, unix.SOCK_STREAM, 0), socketWords(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP), socketWords(unix.AF_INET6, unix.SOCK_DGRAM, 0),
		socketWords(unix.AF_UNIX, unix.SOCK_STREAM, 0), socketWords(unix.AF_PACKET, unix.SOCK_RAW, 0), socketWords(unix.AF_VSOCK, unix.SOCK_STREAM, 0),
		socketWords(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER), socketWords(unix.AF_ALG, unix.SOCK_SEQPACKET, 0), "pair", "steer", "rebind",
		"exec", "execfd", "fork", "ptrace " + other, "vmread " + other, "kill " + other, "kill -1", "tgkill " + other,
		"bpf", "keyctl", "io_uring", "perf", "memfd", "wx", "tty",
		"pidfd " + other, "shm", "priority", "realtime", "raise",
	} {
		if got := hostile.try(words); !strings.HasPrefix(got, "refused: ") {
			t.Errorf("%s: %s", words, got)
		} else {
			t.Logf("%s: %s", words, got)
		}
	}
	if got := hostile.try("open"); !strings.Contains(got, "too many open files") {
		t.Errorf("files without end: %s", got)
	}
	victim.undisturbed(t)
}

func socketWords(family, kind, protocol int) string {
	return fmt.Sprintf("socket %d %d %d", family, kind, protocol)
}

// listen opens something to connect to, and returns its address.
func listen(t *testing.T, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address) //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if network == "unix" {
		return address
	}
	return l.Addr().String()
}

// TestEscapeA90Memory: a worker that takes more than its share ends, and nobody else.
func TestEscapeA90Memory(t *testing.T) {
	p := newPrison(t, sandbox.BestEffort, limits())
	victim := p.watch(t, "victim")
	hostile := p.start(t, "hostile")
	const within = 48 // MiB; with the worker's own needs below the limit
	if got := hostile.try("allocate", within); got != "got: 48 MiB" {
		t.Errorf("within its share the worker got %q", got)
	}
	got := hostile.try("allocate", 8*limits().Memory>>20)
	switch {
	case got == "gone":
		if exit, err := p.client.Wait(); err != nil || exit.Conference != "hostile" || exit.Signal != "killed" {
			t.Errorf("exit: %+v, %v", exit, err)
		}
	case strings.HasPrefix(got, "refused: ") && lack(sandbox.Memory) != "":
		t.Logf("NOT TESTED, because this host lacks it for uid %d: the control group (%s); the resource limit says %q", os.Geteuid(), lack(sandbox.Memory), got)
	default:
		t.Errorf("the worker got %q", got)
	}
	victim.undisturbed(t)
}

// TestEscapeA90Processes: threads without end come to one.
func TestEscapeA90Processes(t *testing.T) {
	p := newPrison(t, sandbox.BestEffort, limits())
	victim := p.watch(t, "victim")
	hostile := p.start(t, "hostile")
	hostile.try("threads", 20*limits().Processes)
	most := 0
	// Nothing but /proc tells how many threads another process has, and it does not tell when that changes.
	// Where the kernel refuses a thread, the Go runtime ends the process: that is the end of this worker alone.
	for deadline := time.Now().Add(patience); hostile.threads() > 0; time.Sleep(time.Millisecond) {
		most = max(most, hostile.threads())
		if time.Now().After(deadline) {
			t.Fatalf("the worker has %d threads and lives", hostile.threads())
		}
		if most > 2*limits().Processes {
			break
		}
	}
	t.Logf("at most %d threads were seen", most)
	if most > limits().Processes {
		if why := lack(sandbox.Processes); why != "" {
			t.Logf("NOT TESTED, because this host lacks it for uid %d: %s", os.Geteuid(), why)
		} else {
			t.Errorf("%d threads, %d are allowed", most, limits().Processes)
		}
	}
	victim.undisturbed(t)
}

// TestEscapeA90CPU: a worker that spins gets its share and no more.
func TestEscapeA90CPU(t *testing.T) {
	p := newPrison(t, sandbox.BestEffort, limits())
	victim := p.watch(t, "victim")
	hostile := p.start(t, "hostile")
	hostile.try("spin", 4*runtime.NumCPU())
	began, before := time.Now(), hostile.used(t)
	const window = 2 * time.Second
	<-time.After(window) // what is measured is time
	share := (hostile.used(t) - before).Seconds() / time.Since(began).Seconds()
	t.Logf("the worker took %.2f processors; its limit is %.2f", share, limits().CPUs)
	const slack = 1.3 // of the kernel's accounting
	if share > limits().CPUs*slack {
		if why := lack(sandbox.CPU); why != "" {
			t.Logf("NOT TESTED, because this host lacks it for uid %d: %s", os.Geteuid(), why)
		} else {
			t.Errorf("the worker took %.2f processors", share)
		}
	}
	victim.undisturbed(t)
}

// used is the processor time that the worker has had.
func (i *inmate) used(t *testing.T) time.Duration {
	t.Helper()
	had, lives := processorTime(t, i.PID)
	if !lives {
		t.Fatal("the worker has ended")
	}
	return had
}

// TestEscapeDescriptors: a worker holds what was handed to it and what it opened itself, and nothing of the launcher or of
// another conference, also when they start at the same moment.
func TestEscapeDescriptors(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to look into workers")
	}
	var left [2]int // by whoever started the launcher
	if err := unix.Pipe2(left[:], 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(left[0])
	defer unix.Close(left[1])
	p := newPrison(t, sandbox.BestEffort, limits())
	launchers := sockets(t, os.Getpid())
	const many = 6
	started := make(chan launch.Running, many)
	var all []launch.Files
	for i := range many {
		files, _ := p.files(t, "c"+strconv.Itoa(i))
		all = append(all, files)
	}
	for i, files := range all {
		go func() {
			running, err := p.client.Start(launch.WorkerConfig{Conference: "c" + strconv.Itoa(i), Epoch: 1}, files)
			if err != nil {
				t.Error(err)
			}
			started <- running
		}()
	}
	holder := map[string]string{}
	for range many {
		i := <-started
		held := sockets(t, i.PID)
		if len(held) < 3 {
			t.Errorf("%s holds only %v", i.Conference, held)
		}
		for _, s := range held {
			if holder[s] != "" {
				t.Errorf("%s and %s both hold %s", i.Conference, holder[s], s)
			}
			holder[s] = i.Conference
		}
	}
	for _, s := range launchers {
		if holder[s] != "" {
			t.Errorf("%s holds %s of the launcher", holder[s], s)
		}
	}
}

// sockets lists the sockets and pipes that a process holds, as the kernel numbers them.
func sockets(t *testing.T, pid int) []string {
	t.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err == nil && (strings.HasPrefix(to, "socket:") || strings.HasPrefix(to, "pipe:")) && !slices.Contains(list, to) {
			list = append(list, to)
		}
	}
	return list
}

// TestEscapePanic: a worker that panics ends alone.
func TestEscapePanic(t *testing.T) {
	p := newPrison(t, sandbox.BestEffort, limits())
	victim := p.watch(t, "victim")
	hostile := p.start(t, "hostile")
	if got := hostile.try("panic"); got != "gone" {
		t.Errorf("the worker says %q", got)
	}
	if exit, err := p.client.Wait(); err != nil || exit.Conference != "hostile" || exit.Code != 2 {
		t.Errorf("exit: %+v, %v", exit, err)
	}
	victim.undisturbed(t)
}
