package app

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/activation"
	"konklave/launch"
)

// unserved is how long a join must stay unanswered while the controller does not know which workers run.
const unserved = 500 * time.Millisecond

// slowLauncher stands between a controller and the launcher: it keeps the question which workers run until it is let go.
type slowLauncher struct {
	listed  chan struct{} // closed when the question has come
	started chan struct{} // closed when a worker was to be started before the answer
	letGo   chan struct{}
}

// slowly returns the end of a slow launcher.
func (h *house) slowly(t *testing.T) (*slowLauncher, *os.File) {
	t.Helper()
	behind, err := activation.UnixConn(h.connect(t))
	if err != nil {
		t.Fatal(err)
	}
	front, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = front.Close()
		_ = behind.Close()
		_ = theirs.Close()
	})
	l := &slowLauncher{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	go l.ask(front, behind)
	go hand(behind, front)
	return l, theirs
}

// ask hands requests on; file descriptors are left behind, so that nothing can be started.
func (l *slowLauncher) ask(from, to *net.UnixConn) {
	buffer := make([]byte, launch.MessageMax)
	for {
		n, err := from.Read(buffer)
		if err != nil || n == 0 {
			return
		}
		raw := slices.Clone(buffer[:n])
		var q launch.Request
		if err := json.Unmarshal(raw, &q); err != nil {
			return
		}
		switch q.Verb {
		case launch.VerbStart:
			close(l.started)
		case launch.VerbList:
			close(l.listed)
			go func() {
				<-l.letGo
				_, _ = to.Write(raw) // an end that is gone is seen by the reader
			}()
			continue
		}
		if _, err := to.Write(raw); err != nil {
			return
		}
	}
}

func hand(from, to *net.UnixConn) {
	buffer := make([]byte, launch.MessageMax)
	for {
		n, err := from.Read(buffer)
		if err != nil || n == 0 {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestWorkersAreTakenOverBeforeTheFirstJoinIsServed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.controller(t, h.connect(t))
	before := await(t, h.join(t))
	running := h.running(t)
	if before.Status != http.StatusOK || len(running) != 1 || running[0].Conference != before.Conference || running[0].Epoch != 1 {
		t.Fatalf("the first join: %+v; running: %+v", before, running)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := first.Wait(); !errors.As(err, &exit) {
		t.Fatal(err)
	}

	answers := h.join(t) // nobody is there to serve it
	slow, launcher := h.slowly(t)
	h.controller(t, launcher)
	await(t, slow.listed)
	select {
	case <-slow.started:
		t.Error("a second worker was to be started")
	case a := <-answers:
		t.Fatalf("a join was answered before the controller knew which workers run: %+v", a)
	case <-time.After(unserved):
	}
	close(slow.letGo)
	if after := await(t, answers); after != before {
		t.Errorf("the join after the restart: %+v, want %+v", after, before)
	}
	if now := h.running(t); len(now) != 1 || !reflect.DeepEqual(now[0], running[0]) {
		t.Errorf("running: %+v, want %+v", now, running)
	}
	if r, err := h.db.Conference(t.Context(), before.Conference); err != nil || r.Epoch != 1 {
		t.Errorf("the conference's epoch is %d, %v", r.Epoch, err)
	}
	if _, err := os.Stat(filepath.Join(ConferenceDir(h.config), before.Conference+".web")); err != nil {
		t.Errorf("the living worker's socket: %v", err)
	}
}
