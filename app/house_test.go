package app

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/activation"
	"konklave/auth"
	"konklave/config"
	"konklave/launch"
	"konklave/launch/process"
	"konklave/meeting"
	"konklave/store"
	"konklave/user"
)

// patience bounds a wait for something that must happen.
const patience = 30 * time.Second

// TestMain lets this binary become the processes that it starts.
func TestMain(m *testing.M) {
	var err error
	switch ctx := context.Background(); {
	case len(os.Args) == 4 && os.Args[1] == "controller":
		err = Controller(ctx, testConfig(os.Args[2], os.Args[3]), "test", os.Stderr, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	case len(os.Args) == 3 && os.Args[1] == "signer":
		err = Signer(ctx, testConfig(os.Args[2], ""), slog.New(slog.NewTextHandler(os.Stderr, nil)))
	case len(os.Args) == 4 && os.Args[1] == "act":
		err = act(os.Args[2], os.Args[3])
	case len(os.Args) == 2 && os.Args[1] == "conference":
		err = Conference(ctx, os.Stderr)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n") // nobody else is there to be told
		os.Exit(1)
	}
}

// testConfig is that of a house in a directory; an empty database is SQLite there.
func testConfig(dir, database string) config.Config {
	c := config.Default()
	c.Data, c.Database, c.Media.Ports = dir, database, config.PortRange{First: 23000, Last: 23099} // the kernel gives these to nobody else
	places := filepath.Join(dir, placesName)
	if _, err := os.Stat(places); err == nil {
		c.Detection.GeoIPFile = places
	}
	return c
}

// house is a launcher and what the processes inherit from Serve; the controllers are started by the test.
type house struct {
	config   config.Config
	launcher *process.Launcher
	lifeline *os.File // the end that the controllers read
	private  *os.File // their listener
	db       *store.Store
	link     string // of a meeting that guests may join
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOn(t, "")
}

func newHouseOn(t testing.TB, database string) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "app") // short: socket paths have a limit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	lock, err := lockDataDir(dir, identities{}.modes())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{config: testConfig(dir, database)}
	if h.private, err = listenUnix(ControllerSocket(h.config), identities{}.modes().socket); err != nil {
		t.Fatal(err)
	}
	var alive *os.File
	if h.lifeline, alive, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	h.launcher = process.New(process.Options{Log: slog.New(slog.DiscardHandler), Command: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "conference")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		return cmd
	}})
	t.Cleanup(func() {
		h.launcher.Close(patience)
		for _, f := range []*os.File{alive, h.lifeline, h.private, lock} {
			_ = f.Close() // the test is over
		}
	})
	h.found(t)
	return h
}

// found makes the first user and a meeting.
func (h *house) found(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	var err error
	if h.db, err = store.Open(ctx, h.config.DSN(), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.db.Close() })
	if _, err := Unlock(ctx, h.config, h.db); err != nil {
		t.Fatal(err)
	}
	u, err := user.NewService(h.db, auth.NewPasswords(1), time.Now).Create(ctx, access.System("test"), user.New{
		Email: "owner@example.org", Name: "Owner", Roles: access.Ordinary.List(), Language: user.English, Password: "correct horse battery",
	})
	if err != nil {
		t.Fatal(err)
	}
	owner := access.Actor{Kind: access.KindAccount, ID: u.ID, UserID: u.ID, Roles: []access.Role{access.RoleUser}, Tenant: u.Tenant}
	m, err := meeting.NewService(h.db, time.Now).Create(ctx, owner, meeting.New{Title: "Council", GuestsAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	h.link = m.Link
}

// controller starts one that reaches the launcher over the given end.
func (h *house) controller(t testing.TB, launcher *os.File) *exec.Cmd {
	t.Helper()
	return h.controllerAt(t, launcher, h.private)
}

// controllerAt starts one that is reached at a listener.
func (h *house) controllerAt(t testing.TB, launcher, listener *os.File) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "controller", h.config.Data, h.config.Database)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	activation.Pass(cmd, activation.Named{Name: nameLifeline, File: h.lifeline}, activation.Named{Name: nameController, File: listener},
		activation.Named{Name: nameLauncher, File: launcher})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // one that has ended needs none
		_ = cmd.Wait()
	})
	return cmd
}

// connect returns an end that the launcher answers.
func (h *house) connect(t testing.TB) *os.File {
	t.Helper()
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = h.launcher.Serve(ours) // the test looks at what comes of it
		_ = ours.Close()
	}()
	t.Cleanup(func() { _ = theirs.Close() })
	return theirs
}

// running lists the workers.
func (h *house) running(t *testing.T) []launch.Running {
	t.Helper()
	conn, err := activation.UnixConn(h.connect(t))
	if err != nil {
		t.Fatal(err)
	}
	c := launch.NewClient(conn)
	defer c.Close()
	list, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// admission is the answer to a join.
type admission struct {
	Status     int
	Conference string `json:"conference"`
	Err        error
}

// join asks for admission as a guest. When it returns, the request lies in the controller's socket, whether one is there or not.
func (h *house) join(t *testing.T) <-chan admission {
	t.Helper()
	conn, err := net.Dial("unix", ControllerSocket(h.config))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/v1/join/"+h.link, strings.NewReader(`{"name":"Anna"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "localhost",
	} {
		req.Header.Set(name, value)
	}
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	answers := make(chan admission, 1)
	go func() {
		var a admission
		defer func() { answers <- a }()
		resp, err := http.ReadResponse(bufio.NewReader(conn), req)
		if err != nil {
			a.Err = err
			return
		}
		defer resp.Body.Close()
		a.Err = json.UnmarshalRead(resp.Body, &a)
		a.Status = resp.StatusCode
	}()
	return answers
}

func await[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("it did not happen")
	}
	var none T
	return none
}
