package activation_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"konklave/activation"
)

// TestMain lets this binary be the process that takes what is handed over: it tells what it found, by a plan in its environment.
func TestMain(m *testing.M) {
	if os.Getenv("KONKLAVE_TEST_TAKER") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("LISTEN_PID") == "own" {
		_ = os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	s, err := activation.Take()
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(0)
	}
	for _, name := range strings.Fields(os.Getenv("KONKLAVE_TEST_TAKER")) {
		if l, err := s.Listener(name); err == nil {
			fmt.Println(name, "listens at", l.Addr())
		} else if errors.Is(err, activation.ErrMissing) {
			fmt.Println(name, "is missing")
		} else {
			fmt.Println(name, "is no listener")
		}
	}
	fmt.Println("left over:", os.Getenv("LISTEN_FDS")+os.Getenv("LISTEN_FDNAMES")+os.Getenv("LISTEN_PID"))
	if asked, err := time.ParseDuration(os.Getenv("KONKLAVE_TEST_EXTEND")); err == nil {
		for _, d := range []time.Duration{time.Second, asked} {
			if err := s.Extend(d); err != nil {
				fmt.Println("extend:", err)
			}
		}
	}
	if err := s.Ready(); err != nil {
		fmt.Println("ready:", err)
	}
	for range 3 {
		if err := s.Alive(); err != nil {
			fmt.Println("alive:", err)
		}
	}
	os.Exit(0)
}

func taker(t *testing.T, names string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append([]string{"KONKLAVE_TEST_TAKER=" + names}, env...)
	return cmd
}

func listenerFile(t *testing.T) (*os.File, string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, l.Addr().String()
}

func TestAProcessFindsItsSocketsByName(t *testing.T) {
	t.Parallel()
	one, oneAt := listenerFile(t)
	two, twoAt := listenerFile(t)
	pipes, heard, err := activation.Hear()
	if err != nil {
		t.Fatal(err)
	}
	cmd := taker(t, "public redirect turn", "LISTEN_FDS=9", "NOTIFY_SOCKET=/nowhere")
	activation.Pass(cmd, append(pipes, activation.Named{Name: "redirect", File: two}, activation.Named{Name: "turn"}, activation.Named{Name: "public", File: one})...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "public listens at " + oneAt + "\nredirect listens at " + twoAt + "\nturn is missing\nleft over: \n"
	if string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
	<-heard.Ready
	<-heard.Alive
	closeAll(pipes)
}

func closeAll(files []activation.Named) {
	for _, f := range files {
		_ = f.File.Close() // the child has its own
	}
}

func TestAChildAsksForMoreTime(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]time.Duration{"90m": 90 * time.Minute, "24h": activation.ExtendMax, "24h1ms": activation.ExtendMax, "-1s": 0} {
		pipes, heard, err := activation.Hear()
		if err != nil {
			t.Fatal(err)
		}
		cmd := taker(t, "public", "KONKLAVE_TEST_EXTEND="+asked)
		activation.Pass(cmd, pipes...)
		if out, err := cmd.Output(); err != nil || strings.Contains(string(out), "extend:") {
			t.Fatalf("%s, %v", out, err)
		}
		<-heard.Ready
		closeAll(pipes)
		for got := range heard.Extended {
			if got == want {
				break
			}
			if got != time.Second {
				t.Fatalf("asked for %s, got %v", asked, got)
			}
		}
	}
}

func TestAProcessTakesOnlyWhatIsMeantForIt(t *testing.T) {
	t.Parallel()
	f, at := listenerFile(t)
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{"LISTEN_FDS=1", "LISTEN_FDNAMES=public", "LISTEN_PID=own"}, "public listens at " + at},
		{[]string{"LISTEN_FDS=1", "LISTEN_FDNAMES=public", "LISTEN_PID=1"}, "public is missing"},
		{[]string{"LISTEN_FDNAMES=public"}, "public is missing"},
		{[]string{"LISTEN_FDS=1", "LISTEN_FDNAMES="}, "error: LISTEN_FDNAMES has 0 names for 1 descriptors"},
		{[]string{"LISTEN_FDS=x", "LISTEN_FDNAMES=public"}, "error: LISTEN_FDS is"},
		{[]string{"LISTEN_FDS=-1", "LISTEN_FDNAMES=public"}, "error: LISTEN_FDS is"},
		{[]string{"LISTEN_FDS=" + strconv.Itoa(activation.FilesMax+1), "LISTEN_FDNAMES=public"}, "error: LISTEN_FDS is"},
		{[]string{"LISTEN_FDS=" + strconv.Itoa(activation.FilesMax), "LISTEN_FDNAMES=public"}, "error: LISTEN_FDNAMES has 1 names"},
	} {
		cmd := taker(t, "public", c.env...)
		cmd.ExtraFiles = []*os.File{f}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(out), c.want) {
			t.Errorf("%v: got %q, want %q", c.env, out, c.want)
		}
	}
}

func TestAFileThatIsNoSocketIsNamed(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := taker(t, "public")
	activation.Pass(cmd, activation.Named{Name: "public", File: f})
	out, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(out), "public is no listener") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestReadinessIsToldToSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	if err := (&activation.Set{}).Extend(1500 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	if n, err := c.Read(buffer); err != nil || string(buffer[:n]) != "EXTEND_TIMEOUT_USEC=1500000" {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
	if err := activation.Notify(activation.Ready, "STATUS=here"); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(buffer)
	if err != nil || string(buffer[:n]) != "READY=1\nSTATUS=here" {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
	if err := (&activation.Set{}).Alive(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(buffer); err != nil || string(buffer[:n]) != "WATCHDOG=1" {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := activation.Notify(activation.Ready); err != nil {
		t.Error(err)
	}
}

func TestAChildThatEndsSilentlyIsNotReady(t *testing.T) {
	t.Parallel()
	pipes, heard, err := activation.Hear()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	go func() { closeAll(pipes); _ = w.Close() }()
	_, _ = io.ReadAll(r)
	select {
	case <-heard.Ready:
		t.Error("it is taken for ready")
	case <-heard.Alive:
		t.Error("it is taken for alive")
	default:
	}
}
