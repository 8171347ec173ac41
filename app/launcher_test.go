package app

import (
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"konklave/activation"
	"konklave/config"
	"konklave/launch"
	"konklave/launch/process"
)

// connectAs connects to a launcher's socket as another user.
func connectAs(t *testing.T, path string, uid int) *net.UnixConn {
	t.Helper()
	runtime.LockOSThread() // the user is changed for this thread alone
	defer runtime.UnlockOSThread()
	become := func(uid int) {
		keep := ^uintptr(0)
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
			t.Fatal(errno)
		}
	}
	become(uid)
	defer become(0)
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestTheLauncherServesTheOwnerOfItsSocketAndRootAlone: the socket's own permissions are open here, so that only the question
// who connects protects it.
func TestTheLauncherServesTheOwnerOfItsSocketAndRootAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be several users")
	}
	const owner, other = 63500, 63501
	dir, err := os.MkdirTemp("", "launcher")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "launcher.sock")
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.Chmod(path, 0o777), os.Chown(path, owner, owner)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	uid, err := ownerOf(l)
	if err != nil || uid != owner {
		t.Fatalf("owner %d, %v", uid, err)
	}
	log := slog.New(slog.DiscardHandler)
	launcher := process.New(process.Options{Command: func() *exec.Cmd { return workerOf(exec.Command("false"), io.Discard) }, Log: log}) //nolint:noctx // never started
	done := make(chan struct{})
	go func() {
		defer close(done)
		acceptControllers(l, launcher, uid, log)
	}()
	for who, allowed := range map[int]bool{owner: true, 0: true, other: false} {
		list, err := launch.NewClient(connectAs(t, path, who)).List()
		if (err == nil) != allowed || len(list) != 0 {
			t.Errorf("user %d: %v, %v", who, list, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

// troubled is a listener whose first calls fail.
type troubled struct {
	*net.UnixListener
	troubles []error
}

func (l *troubled) AcceptUnix() (*net.UnixConn, error) {
	if len(l.troubles) > 0 {
		err := l.troubles[0]
		l.troubles = l.troubles[1:]
		return nil, &net.OpError{Op: "accept", Net: "unixpacket", Err: os.NewSyscallError("accept4", err)}
	}
	return l.UnixListener.AcceptUnix()
}

func TestTheLauncherGoesOnAfterAConnectionThatFailed(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "launcher")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "launcher.sock")
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	launcher := process.New(process.Options{Command: func() *exec.Cmd { return workerOf(exec.Command("false"), io.Discard) }, Log: log}) //nolint:noctx // never started
	done := make(chan struct{})
	go func() {
		defer close(done)
		acceptControllers(&troubled{l, []error{unix.EMFILE, unix.ECONNABORTED, unix.ENFILE, unix.ENOBUFS}}, launcher, uint32(os.Geteuid()), log)
	}()
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	must(t, err)
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	if list, err := launch.NewClient(conn).List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	must(t, conn.Close(), l.Close())
	await(t, done)
}

func TestAControllerFindsItsLauncherBySocketOrByName(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	if _, err := launcherConn(t.Context(), c, &activation.Set{}); err == nil {
		t.Error("connected to nothing")
	}
	if err := os.MkdirAll(c.RunDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: LauncherSocket(c), Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := launcherConn(t.Context(), c, &activation.Set{})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close() // that it opened is what is tested
}
