//go:build !race

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"konklave/client"
)

// patience bounds one test; what takes longer hangs.
const patience = 90 * time.Second

// program is the path of the program under test, built by TestMain.
var program string //nolint:gochecknoglobals // set once, before any test

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "konklave-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // other users run it too
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "konklave")
	cmd := exec.Command("go", "build", "-o", program, "konklave/cmd/konklave") //nolint:noctx // before any test
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return m.Run()
}

// server is a running `konklave serve`.
type server struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string
	address string
	setup   string // the one-time token
	log     *logTap
}

// logTap keeps the log and lets tests wait for a line.
type logTap struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (l *logTap) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

func (l *logTap) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log matches often enough and returns the newest match's groups.
func (l *logTap) await(ctx context.Context, t *testing.T, pattern string, times int) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for {
		l.mu.Lock()
		found, changed := re.FindAllStringSubmatch(l.text.String(), -1), l.changed
		l.mu.Unlock()
		if len(found) >= times {
			return found[times-1]
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("the log never said %q %d times:\n%s", pattern, times, l)
		}
	}
}

// find returns the first match, or nothing.
func (l *logTap) find(pattern string) string {
	return regexp.MustCompile(pattern).FindString(l.String())
}

// start runs the program on a free port with data in dir.
func start(ctx context.Context, t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	return startAs(ctx, t, startOptions{program: program}, dir, flags...)
}

// startOptions is what is run, and who runs it: nil for the own user.
type startOptions struct {
	program string
	who     *syscall.Credential
}

// startAs is start with another program or user.
func startAs(ctx context.Context, t *testing.T, o startOptions, dir string, flags ...string) *server {
	t.Helper()
	s := &server{t: t, dir: dir, log: &logTap{changed: make(chan struct{})}}
	s.cmd = exec.Command(o.program, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", dir}, flags...)...) //nolint:noctx // stopped in order by stop
	s.cmd.Stderr = s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: o.who}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if at, ok := strings.CutPrefix(line, "Konklave is running at "); ok {
			s.address = at
		}
		if _, token, ok := strings.Cut(line, "/setup#"); ok {
			s.setup = token
		}
		if s.setup != "" || strings.HasPrefix(line, "Sign in there") {
			break
		}
	}
	if s.address == "" {
		t.Fatalf("the server did not say where it is:\n%s", s.log)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // a full pipe must not stop it
	return s
}

// stop ends the server in order, once.
func (s *server) stop() {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // one that has just ended needs none
	kill := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	err := s.cmd.Wait()
	if !kill.Stop() {
		s.t.Error("the server did not end in time")
	} else if err != nil {
		s.t.Errorf("the server ended with %v", err)
	}
	if s.t.Failed() {
		s.t.Logf("log of the server:\n%s", s.log)
	}
}

func (s *server) client() *client.Client {
	s.t.Helper()
	c, err := client.New(s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

const password = "correct horse battery staple"

// admin completes the set-up and returns the administrator's client.
func (s *server) admin(ctx context.Context) *client.Client {
	s.t.Helper()
	c := s.client()
	if _, err := c.Setup(ctx, client.FirstUser{Token: s.setup, Email: "admin@example.org", Name: "Admin", Language: "en", Password: password}); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// process is one child of the server.
type process struct {
	pid  int
	verb string
}

// processes lists the living children of the server.
func (s *server) processes() []process {
	s.t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		s.t.Fatal(err)
	}
	var found []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue // ended meanwhile
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if fields[1] != strconv.Itoa(s.cmd.Process.Pid) || fields[0] == "Z" {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue
		}
		if args := strings.Split(string(cmdline), "\x00"); len(args) > 1 {
			found = append(found, process{pid, args[1]})
		}
	}
	return found
}

func (s *server) pids(verb string) []int {
	s.t.Helper()
	var pids []int
	for _, p := range s.processes() {
		if p.verb == verb {
			pids = append(pids, p.pid)
		}
	}
	return pids
}
