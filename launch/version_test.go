package launch_test

import (
	"encoding/json" // the peers of other versions are written apart from the code that is tested
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"konklave/fault"
	"konklave/launch"
)

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
		t.Cleanup(func() { _ = c.Close() })
	}
	return ends[0], ends[1]
}

// launcherThat answers each request in the words of another version; an empty answer ends the connection.
func launcherThat(t *testing.T, answer func(request string) string) *launch.Client {
	t.Helper()
	ours, theirs := pair(t)
	go func() {
		defer ours.Close()
		buffer := make([]byte, launch.MessageMax)
		for {
			n, err := ours.Read(buffer)
			if err != nil || n == 0 {
				return
			}
			said := answer(string(buffer[:n]))
			if said == "" {
				return
			}
			if _, err := ours.Write([]byte(said)); err != nil {
				return
			}
		}
	}()
	c := launch.NewClient(theirs)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// previousRequest is what a launcher of version 1.0 knows of a request.
type previousRequest struct {
	ID         int64           `json:"id"`
	Verb       string          `json:"verb"`
	Start      json.RawMessage `json:"start"`
	Conference string          `json:"conference"`
	Signal     int             `json:"signal"`
	After      string          `json:"after"`
}

// previous is a launcher of version 1.0: what it does not know ends the connection.
func previous(request string) string {
	d := json.NewDecoder(strings.NewReader(request))
	d.DisallowUnknownFields()
	var q previousRequest
	if err := d.Decode(&q); err != nil {
		return ""
	}
	id, err := json.Marshal(q.ID)
	if err != nil {
		return ""
	}
	switch q.Verb {
	case "signal":
		return `{"id":` + string(id) + `}`
	case "list":
		return `{"id":` + string(id) + `,"list":[{"conference":"c1","epoch":3,"pid":77,"startedAt":"2026-11-22T10:00:00Z"}]}`
	case "wait":
		return `{"id":` + string(id) + `,"exit":{"conference":"c1","epoch":3,"pid":77,"startedAt":"2026-11-22T10:00:00Z","code":-1,"signal":"killed"}}`
	}
	return `{"id":` + string(id) + `,"refused":"launch.unknown_verb","message":"The launcher knows start, signal, list and wait."}`
}

func TestAPreviousLauncherIsUnderstood(t *testing.T) {
	t.Parallel()
	c := launcherThat(t, previous)
	if list, err := c.List(); err != nil || len(list) != 1 || list[0].PID != 77 {
		t.Errorf("list: %+v, %v", list, err)
	}
	if err := c.Signal("c1", 3, syscall.SIGTERM); err != nil {
		t.Errorf("signal: %v", err)
	}
	if err := c.Signal("c1", 2, syscall.SIGTERM); !errors.Is(err, launch.ErrNotRunning) {
		t.Errorf("signal to a worker that has ended: %v", err)
	}
	if exit, err := c.Wait(); err != nil || exit.Signal != "killed" {
		t.Errorf("wait: %+v, %v", exit, err)
	}
}

// version answers hello, and all else by another function.
func version(v string, others func(request string) string) func(string) string {
	return func(request string) string {
		if request == `{"id":1,"verb":"hello"}` {
			return `{"id":1,"version":` + v + `,"mood":"good"}`
		}
		return others(request)
	}
}

// TestASignalNamesItsEpochToLaunchersThatKnowIt, and is sent to one that does not only while that worker runs.
func TestASignalNamesItsEpochToLaunchersThatKnowIt(t *testing.T) {
	t.Parallel()
	own := launch.Current()
	for minor, named := range map[int]bool{1: false, 2: true, own.Minor + 1: true} { // 1.2 is the first that knows it
		signals := make(chan string, 10)
		c := launcherThat(t, func(request string) string {
			if request == `{"id":1,"verb":"hello"}` {
				return fmt.Sprintf(`{"id":1,"version":{"major":%d,"minor":%d}}`, own.Major, minor)
			}
			var q struct {
				ID   int64  `json:"id"`
				Verb string `json:"verb"`
			}
			if err := json.Unmarshal([]byte(request), &q); err != nil {
				return ""
			}
			if q.Verb == "list" {
				return fmt.Sprintf(`{"id":%d,"list":[{"conference":"c1","epoch":3,"pid":77,"startedAt":"2026-11-22T10:00:00Z"}]}`, q.ID)
			}
			signals <- request
			return fmt.Sprintf(`{"id":%d}`, q.ID)
		})
		if err := c.Signal("c1", 3, syscall.SIGTERM); err != nil {
			t.Errorf("1.%d: %v", minor, err)
		}
		if got := <-signals; strings.Contains(got, `"epoch":3`) != named {
			t.Errorf("1.%d was told %s", minor, got)
		}
		err := c.Signal("c1", 2, syscall.SIGTERM)
		if named && err != nil || !named && !errors.Is(err, launch.ErrNotRunning) || (len(signals) == 1) != named {
			t.Errorf("1.%d, a worker that has ended: %v", minor, err)
		}
	}
}

// list answers a list, with members that nobody knows yet.
func list(request string) string {
	var q struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal([]byte(request), &q); err != nil {
		return ""
	}
	id, err := json.Marshal(q.ID)
	if err != nil {
		return ""
	}
	return `{"id":` + string(id) + `,"list":[{"conference":"c1","epoch":3,"pid":77,"startedAt":"2026-11-22T10:00:00Z","colour":"red"}],"weather":{"rain":true}}`
}

func TestALaterLauncherIsUnderstood(t *testing.T) {
	t.Parallel()
	c := launcherThat(t, version(`{"major":1,"minor":9,"patch":3}`, list))
	if got, err := c.List(); err != nil || len(got) != 1 || got[0].PID != 77 {
		t.Errorf("list: %+v, %v", got, err)
	}
}

func TestWhatIsUnknownIsIgnoredFromLaterLaunchersOnly(t *testing.T) {
	t.Parallel()
	own := launch.Current()
	raw, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	c := launcherThat(t, func(request string) string {
		if request == `{"id":1,"verb":"hello"}` {
			return `{"id":1,"version":` + string(raw) + `}`
		}
		return list(request)
	})
	if got, err := c.List(); !errors.Is(err, launch.ErrGone) {
		t.Errorf("list: %+v, %v", got, err)
	}
}

func TestALauncherOfAnotherMajorVersionIsRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []string{`{"major":2,"minor":0}`, `{"major":0,"minor":7}`} {
		c := launcherThat(t, version(v, func(string) string { return "" }))
		if _, err := c.List(); fault.As(err).Code != launch.CodeVersion {
			t.Errorf("version %s: %v", v, err)
		}
	}
}
