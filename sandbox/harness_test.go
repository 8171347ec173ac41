package sandbox_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"konklave/launch"
	"konklave/launch/process"
	"konklave/sandbox"
)

// patience bounds every wait for another process.
const patience = 20 * time.Second

// hostileFile is the worker that attacks, built without cgo as the product is.
var hostileFile string //nolint:gochecknoglobals // built once for all tests

// TestMain builds the hostile worker. A copy of this test that runs as an ordinary user finds it built.
func TestMain(m *testing.M) {
	if hostileFile = os.Getenv(hostileBuilt); hostileFile != "" {
		if err := change(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "hostile")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // for copies of this test that run as another user
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	hostileFile = filepath.Join(dir, "hostile")
	build := exec.Command("go", "build", "-o", hostileFile, "konklave/sandbox/internal/hostile") //nolint:noctx // bounded by the test's own limit
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the hostile worker: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // a temporary file
	os.Exit(code)
}

// limits are small, so that exceeding them is quick.
func limits() sandbox.Limits { return sandbox.Limits{Memory: 96 << 20, CPUs: 0.5, Processes: 40} }

// uidBase is away from the default, so that a server on this machine is not disturbed.
const uidBase = 63000

// prison is a launcher with its workers.
type prison struct {
	dir      string
	launcher *process.Launcher
	client   *launch.Client
	inmates  []*inmate
}

func newPrison(t *testing.T, mode sandbox.Mode, l sandbox.Limits) *prison {
	t.Helper()
	return newPrisonOf(t, hostileFile, mode, l)
}

// newPrisonOf has workers of another program, with an environment.
func newPrisonOf(t *testing.T, program string, mode sandbox.Mode, l sandbox.Limits, env ...string) *prison {
	t.Helper()
	p := &prison{dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	p.launcher = process.New(process.Options{
		Command: func() *exec.Cmd {
			cmd := exec.Command(program) //nolint:noctx // the launcher ends it
			cmd.Env = append([]string{}, env...)
			return cmd
		},
		Sandbox: sandbox.Open(sandbox.Options{UIDBase: uidBase, Limits: l, Log: log}), Mode: mode, Log: log,
	})
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours := unixConn(t, fds[0])
	p.client = launch.NewClient(unixConn(t, fds[1]))
	go func() { _ = p.launcher.Serve(ours) }() // until the client closes
	t.Cleanup(func() {
		p.launcher.Close(patience)
		_ = p.client.Close()
	})
	return p
}

func unixConn(t *testing.T, fd int) *net.UnixConn {
	t.Helper()
	f := os.NewFile(uintptr(fd), "end")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.UnixConn) //nolint:forcetypeassert // a unix socket, see the caller
}

// inmate is a worker and the way to tell it what to do.
type inmate struct {
	launch.Running
	t     *testing.T
	conn  net.Conn
	lines *bufio.Reader
	media net.Addr
}

func (p *prison) files(t *testing.T, name string) (launch.Files, net.Addr) {
	t.Helper()
	listener := func(ending string) *os.File {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(p.dir, name+ending), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		l.SetUnlinkOnClose(false)
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	media, err := udp.File()
	if err != nil {
		t.Fatal(err)
	}
	return launch.Files{Control: listener(".ctl"), Signalling: listener(".web"), Media: []*os.File{media}}, udp.LocalAddr()
}

func (p *prison) start(t *testing.T, name string) *inmate {
	t.Helper()
	files, media := p.files(t, name)
	running, err := p.client.Start(launch.WorkerConfig{Conference: name, Epoch: 1, Key: []byte("secret")}, files)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append([]*os.File{files.Control, files.Signalling}, files.Media...) {
		_ = f.Close() // the worker has its own
	}
	i := &inmate{Running: running, t: t, media: media}
	i.conn, err = net.Dial("unix", filepath.Join(p.dir, name+".ctl")) //nolint:noctx // loopback of a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.conn.Close() })
	i.lines = bufio.NewReader(i.conn)
	p.inmates = append(p.inmates, i)
	return i
}

// try has an attack carried out and returns what the worker says; "gone" when it has ended over it.
func (i *inmate) try(words ...any) string {
	i.t.Helper()
	if err := i.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		i.t.Fatal(err)
	}
	if _, err := fmt.Fprintln(i.conn, words...); err != nil {
		return "gone"
	}
	said, err := i.lines.ReadString('\n')
	if os.IsTimeout(err) {
		i.t.Fatalf("no answer to %v", words)
	}
	if err != nil {
		return "gone"
	}
	return strings.TrimSpace(said)
}

// threads counts the threads of the worker.
func (i *inmate) threads() int {
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(i.PID), "task"))
	if err != nil {
		return 0
	}
	return len(entries)
}

// neighbour is a worker whose media must not be disturbed.
type neighbour struct {
	*inmate
	prison *prison
	since  time.Time
	before time.Duration // processor time of others by then
	stop   chan struct{}
	gaps   chan gap
}

// gap is what somebody who watches a neighbour's media has seen.
type gap struct {
	longest time.Duration // time without a packet
	own     time.Duration // longest time for which the watcher itself was not let run
}

// beat is the pause between two packets to a neighbour, as of a video.
const beat = 10 * time.Millisecond

// watch starts a worker and sends it packets all the time; each must come back before the next is due, or counts as a gap.
func (p *prison) watch(t *testing.T, name string) *neighbour {
	t.Helper()
	n := &neighbour{inmate: p.start(t, name), prison: p, stop: make(chan struct{}), gaps: make(chan gap, 1)}
	n.since, n.before = time.Now(), p.elsewhere(t)
	conn, err := net.Dial("udp4", n.media.String()) //nolint:noctx // loopback of a test
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer conn.Close()
		n.gaps <- longestGap(conn, n.stop)
	}()
	return n
}

// longestGap sends and receives until stop is closed.
func longestGap(conn net.Conn, stop <-chan struct{}) gap {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	buffer := make([]byte, 64)
	var g gap
	last := time.Now()
	for turn := last; ; {
		select {
		case <-stop:
			g.longest = max(g.longest, time.Since(last))
			return g
		case <-tick.C:
		}
		g.own = max(g.own, time.Since(turn)-2*beat) // one for the tick, one for the answer
		turn = time.Now()
		if _, err := conn.Write([]byte("packet")); err != nil {
			return gap{longest: patience}
		}
		_ = conn.SetReadDeadline(time.Now().Add(beat)) // a late answer is a gap
		if _, err := conn.Read(buffer); err == nil {
			g.longest = max(g.longest, time.Since(last))
			last = time.Now()
		}
	}
}

// freeze is from where on a gap counts as a frozen picture: 150 ms beyond the usual pause (W3C webrtc-stats, freezeCount).
const freeze = beat + 150*time.Millisecond

// gapMax is what no load of the watcher excuses.
const gapMax = 500 * time.Millisecond

// calm is how many processors everybody else may keep busy; beyond it a gap tells about them, not about the workers.
const calm = 0.5

// undisturbed wants no gap that anybody could see, beyond the time for which the machine let not even the watcher run.
func (n *neighbour) undisturbed(t *testing.T) {
	t.Helper()
	close(n.stop)
	g := <-n.gaps
	others := (n.prison.elsewhere(t) - n.before).Seconds() / time.Since(n.since).Seconds()
	switch seen := fmt.Sprintf("%v without a packet from the neighbour (watcher not let run: %v)", g.longest, g.own); {
	case g.longest <= min(freeze+g.own, gapMax):
		t.Log("at most", seen)
	case g.longest < patience && others > calm:
		t.Logf("NOT TESTED, because other programs keep %.2f processors busy: %s", others, seen)
	default:
		t.Errorf("%s; other programs kept %.2f processors busy", seen, others)
	}
	if got := n.try("echo", "alive"); got != "got: [alive]" {
		t.Errorf("the neighbour says %q", got)
	}
}

// elsewhere is the processor time that went to others than this test and its workers since the machine was started,
// also by the machine that this one may be a guest of.
func (p *prison) elsewhere(t *testing.T) time.Duration {
	t.Helper()
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	var spent time.Duration
	const idle, wait, guest = 4, 5, 9 // of the line "cpu" in proc_stat(5); what guests take is counted as a user's already
	for i, field := range strings.Fields(line) {
		if i > 0 && i != idle && i != wait && i < guest {
			spent += ticks(t, field)
		}
	}
	for _, pid := range append(p.pids(), os.Getpid()) {
		own, _ := processorTime(t, pid)
		spent -= own
	}
	return spent
}

func (p *prison) pids() []int {
	var pids []int
	for _, i := range p.inmates {
		pids = append(pids, i.PID)
	}
	return pids
}

// processorTime is what a process has had, and its children that have ended, in steps of a hundredth of a second; false when
// there is no such process.
func processorTime(t *testing.T, pid int) (time.Duration, bool) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(raw)[strings.LastIndex(string(raw), ")"):])
	const own, children = 12, 16 // where user and system time of proc_pid_stat(5) begin and end, from the name on
	var had time.Duration
	for _, field := range fields[own:children] {
		had += ticks(t, field)
	}
	return had, true
}

func ticks(t *testing.T, field string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(field)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * 10 * time.Millisecond
}
