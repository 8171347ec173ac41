package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/fault"
	"konklave/launch"
	"konklave/launch/process"
)

// TestMain lets this binary become a worker: it says what it was given and waits for a signal.
func TestMain(m *testing.M) {
	if os.Getenv("KONKLAVE_TEST_WORKER") == "" {
		os.Exit(m.Run())
	}
	var c launch.WorkerConfig
	if err := json.UnmarshalRead(os.NewFile(launch.FileConfig, "config"), &c, json.RejectUnknownMembers(true)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	l, err := net.FileListener(os.NewFile(launch.FileControl, "control"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
	conn, err := l.Accept()
	if err != nil {
		os.Exit(5)
	}
	udp, err := net.FilePacketConn(os.NewFile(launch.FileMedia, "media"))
	if err != nil {
		os.Exit(6)
	}
	fmt.Fprintln(conn, c.Conference, c.Title, c.ResumeWindow.Duration(), udp.LocalAddr(), string(c.Newer))
	_, _ = conn.Read(make([]byte, 1)) // until the test lets go
	os.Exit(7)
}

type fixture struct {
	launcher *process.Launcher
	client   *launch.Client
	dir      string
}

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir(), launcher: process.New(options(time.Minute))}
	f.client = f.connect(t)
	t.Cleanup(func() { f.launcher.Close(5 * time.Second) })
	return f
}

// options are those of a launcher without walls that starts this binary as a worker.
func options(patience time.Duration) process.Options {
	return process.Options{Log: slog.New(slog.DiscardHandler), Patience: patience, Command: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0]) //nolint:noctx // the launcher ends it
		cmd.Env = append(os.Environ(), "KONKLAVE_TEST_WORKER=1")
		cmd.Stderr = os.Stderr
		return cmd
	}}
}

// connect is a controller that starts.
func (f *fixture) connect(t *testing.T) *launch.Client {
	t.Helper()
	ours, theirs := pair(t)
	go func() {
		if err := f.launcher.Serve(ours); err != nil {
			t.Error(err)
		}
	}()
	c := launch.NewClient(theirs)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// pair is a connection between a launcher and a controller.
func pair(t *testing.T) (launcher, controller *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := make([]*net.UnixConn, 2)
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "end")
		c, err := net.FileConn(file)
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		ends[i] = c.(*net.UnixConn) //nolint:forcetypeassert // made above
	}
	t.Cleanup(func() { _ = ends[1].Close() })
	return ends[0], ends[1]
}

func (f *fixture) files(t *testing.T, name string) launch.Files {
	t.Helper()
	listener := func(ending string) *os.File {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(f.dir, name+ending), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		file, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		return file
	}
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	media, err := udp.File()
	if err != nil {
		t.Fatal(err)
	}
	return launch.Files{Control: listener(".ctl"), Signalling: listener(".web"), Media: []*os.File{media}}
}

// greet reads what the worker says of itself and returns the connection that keeps it alive.
func (f *fixture) greet(t *testing.T, name string) (string, net.Conn) {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(f.dir, name+".ctl")) //nolint:noctx // loopback of a test
	if err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(said), conn
}

func config(id string) launch.WorkerConfig {
	return launch.WorkerConfig{Conference: id, Title: "Council", Epoch: 3, Key: []byte("secret"), ResumeWindow: launch.MillisOf(time.Minute)}
}

func TestAWorkerGetsItsConfigurationAndItsSockets(t *testing.T) {
	t.Parallel()
	f := setup(t)
	running, err := f.client.Start(config("c1"), f.files(t, "c1"))
	if err != nil || running.PID == os.Getpid() || running.Epoch != 3 {
		t.Fatalf("%+v, %v", running, err)
	}
	said, conn := f.greet(t, "c1")
	if !strings.HasPrefix(said, "c1 Council 1m0s 127.0.0.1:") {
		t.Errorf("the worker said %q", said)
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", running.PID))
	if err != nil {
		t.Fatal(err)
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", running.PID))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(cmdline)+string(environ), "secret") {
		t.Error("A-88: the key stands in arguments or environment")
	}
	list, err := f.client.List()
	if err != nil || len(list) != 1 || list[0].PID != running.PID {
		t.Errorf("list: %+v, %v", list, err)
	}
	_ = conn.Close()
	exit, err := f.client.Wait()
	if err != nil || exit.PID != running.PID || exit.Code != 7 {
		t.Errorf("exit: %+v, %v", exit, err)
	}
}

func TestOneWorkerForOneConference(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if _, err := f.client.Start(config("c1"), f.files(t, "c1")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.client.Start(config("c1"), f.files(t, "again")); fault.As(err).Code != "launch.running" {
		t.Errorf("second start: %v", err)
	}
	for _, epoch := range []int64{2, 4} { // of a worker that has ended, or does not run yet
		if err := f.client.Signal("c1", epoch, syscall.SIGKILL); !errors.Is(err, launch.ErrNotRunning) {
			t.Errorf("a signal to the worker of epoch %d: %v", epoch, err)
		}
	}
	if list, err := f.client.List(); err != nil || len(list) != 1 {
		t.Errorf("after that: %+v, %v", list, err)
	}
	if err := f.client.Signal("c1", 3, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit, err := f.client.Wait(); err != nil || exit.Signal != "killed" || exit.Code != -1 {
		t.Errorf("exit: %+v, %v", exit, err)
	}
	if err := f.client.Signal("c1", 3, syscall.SIGTERM); !errors.Is(err, launch.ErrNotRunning) {
		t.Errorf("signal to nobody: %v", err)
	}
	if _, err := f.client.Start(config("c1"), f.files(t, "anew")); err != nil {
		t.Errorf("start after the end: %v", err)
	}
}

func TestWorkersOutliveTheirController(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if _, err := f.client.Start(config("c1"), f.files(t, "c1")); err != nil {
		t.Fatal(err)
	}
	_, conn := f.greet(t, "c1")
	if err := f.client.Close(); err != nil {
		t.Fatal(err)
	}
	next := f.connect(t)
	list, err := next.List()
	if err != nil || len(list) != 1 || list[0].Conference != "c1" {
		t.Fatalf("the next controller finds %+v, %v", list, err)
	}
	_ = conn.Close()
	if exit, err := next.Wait(); err != nil || exit.Conference != "c1" {
		t.Errorf("exit: %+v, %v", exit, err)
	}
}

func TestClosingEndsTheWorkersAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if _, err := f.client.Start(config("c1"), f.files(t, "c1")); err != nil {
		t.Fatal(err)
	}
	f.launcher.Close(5 * time.Second)
	if list, err := f.client.List(); err != nil || len(list) != 0 {
		t.Errorf("after the close: %+v, %v", list, err)
	}
	if _, err := f.client.Start(config("c2"), f.files(t, "c2")); fault.As(err).Code != "launch.closing" {
		t.Errorf("start after the close: %v", err)
	}
}

func TestMalformedStartsAreRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	files := f.files(t, "c1")
	files.Media = nil
	if _, err := f.client.Start(config("c1"), files); fault.As(err).Code != "launch.malformed" {
		t.Errorf("without a media socket: %v", err)
	}
	if _, err := f.client.Start(config(""), f.files(t, "c2")); fault.As(err).Code != "launch.malformed" {
		t.Errorf("without a conference: %v", err)
	}
}
