package process_test

import (
	"bytes"
	"encoding/json" // the controllers of other versions are written apart from the code that is tested
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"konklave/launch"
)

// The answers of version 1.0, as a controller of that version reads them: what it does not know ends its connection.
type (
	previousFinding struct {
		Layer   string `json:"layer"`
		InForce bool   `json:"inForce"`
		Detail  string `json:"detail"`
	}
	previousRunning struct {
		Conference string            `json:"conference"`
		Epoch      int64             `json:"epoch"`
		PID        int               `json:"pid"`
		StartedAt  time.Time         `json:"startedAt"`
		Media      []string          `json:"media"`
		Isolation  []previousFinding `json:"isolation"`
	}
	previousExit struct {
		previousRunning
		Code   int    `json:"code"`
		Signal string `json:"signal"`
	}
	previousResponse struct {
		ID      int64             `json:"id"`
		Started *previousRunning  `json:"started"`
		List    []previousRunning `json:"list"`
		More    bool              `json:"more"`
		Exit    *previousExit     `json:"exit"`
		Refused *string           `json:"refused"`
		Message string            `json:"message"`
	}
)

// startWords is the configuration of a start in version 1.0.
const startWords = `"conference":"c1","title":"Council","epoch":3,"journalSeq":0,"key":"c2VjcmV0","startedAt":"2026-11-22T10:00:00Z","codec":"vp8",` +
	`"resumeWindow":60000,"linger":0,"mediaLease":0,"maxParticipants":50,"mediaSockets":0,"logLevel":"info","logFormat":"json"`

// controller speaks the protocol by hand.
type controller struct {
	t    *testing.T
	conn *net.UnixConn
}

func (f *fixture) controller(t *testing.T) controller {
	t.Helper()
	ours, theirs := pair(t)
	go func() { _ = f.launcher.Serve(ours) }()
	return controller{t, theirs}
}

// ask sends a request with descriptors and returns the answer.
func (c controller) ask(request string, fds ...int) string {
	c.t.Helper()
	if err := c.conn.SetDeadline(time.Now().Add(soon)); err != nil {
		c.t.Fatal(err)
	}
	if _, _, err := c.conn.WriteMsgUnix([]byte(request), syscall.UnixRights(fds...), nil); err != nil {
		c.t.Fatal(err)
	}
	buffer := make([]byte, launch.MessageMax)
	n, err := c.conn.Read(buffer)
	if err != nil || n == 0 {
		c.t.Fatalf("%s: %d bytes, %v", request, n, err)
	}
	return string(buffer[:n])
}

// previous reads an answer as a controller of version 1.0 does.
func (c controller) previous(request string, fds ...int) previousResponse {
	c.t.Helper()
	said := c.ask(request, fds...)
	d := json.NewDecoder(strings.NewReader(said))
	d.DisallowUnknownFields()
	var r previousResponse
	if err := d.Decode(&r); err != nil {
		c.t.Errorf("a previous controller does not understand %s: %v", said, err)
	}
	return r
}

func descriptors(f launch.Files) []int {
	return []int{int(f.Control.Fd()), int(f.Signalling.Fd()), int(f.Media[0].Fd())}
}

func closeFiles(f launch.Files) {
	for _, file := range append([]*os.File{f.Control, f.Signalling}, f.Media...) {
		_ = file.Close() // the worker has its own
	}
}

// TestAPreviousControllerIsServed: a program that went back one version, with the launcher that stayed.
func TestAPreviousControllerIsServed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	c := f.controller(t)
	files := f.files(t, "c1")
	r := c.previous(`{"id":1,"verb":"start","start":{`+startWords+`}}`, descriptors(files)...)
	closeFiles(files)
	if r.Started == nil || r.Started.Epoch != 3 || len(r.Started.Media) != 1 {
		t.Fatalf("started: %+v", r)
	}
	if said, conn := f.greet(t, "c1"); !strings.HasPrefix(said, "c1 Council 1m0s") {
		t.Errorf("the worker said %q", said)
	} else {
		defer conn.Close()
	}
	if r := c.previous(`{"id":2,"verb":"list"}`); len(r.List) != 1 || r.List[0].PID != 0 && r.List[0].Conference != "c1" {
		t.Errorf("list: %+v", r)
	}
	if r := c.previous(`{"id":6,"version":{"major":1,"minor":1},"verb":"signal","conference":"c1","signal":18}`); r.Refused != nil {
		t.Errorf("signal of 1.1: %+v", r)
	}
	if r := c.previous(`{"id":3,"verb":"signal","conference":"c1","signal":9}`); r.Refused != nil {
		t.Errorf("signal: %+v", r)
	}
	if r := c.previous(`{"id":4,"verb":"wait"}`); r.Exit == nil || r.Exit.Signal != "killed" {
		t.Errorf("wait: %+v", r)
	}
	if r := c.previous(`{"id":5,"verb":"signal","conference":"c1","signal":9}`); r.Refused == nil || *r.Refused != "launch.not_running" {
		t.Errorf("signal to nobody: %+v", r)
	}
}

// TestALaterControllerIsServed: an upgraded program, with the launcher that stayed.
func TestALaterControllerIsServed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	c := f.controller(t)
	own := launch.Current()
	if said := c.ask(`{"id":1,"verb":"hello"}`); said != fmt.Sprintf(`{"id":1,"version":{"major":%d,"minor":%d}}`, own.Major, own.Minor) {
		t.Errorf("hello: %s", said)
	}
	later := fmt.Sprintf(`"version":{"major":%d,"minor":%d,"patch":1}`, own.Major, own.Minor+1)
	files := f.files(t, "c1")
	c.ask(`{"id":2,`+later+`,"verb":"start","haste":true,"start":{`+startWords+`,"colour":"red"}}`, descriptors(files)...)
	closeFiles(files)
	said, conn := f.greet(t, "c1")
	defer conn.Close()
	if !strings.HasSuffix(said, `{"colour":"red"}`) {
		t.Errorf("the worker, which may be of the later program, was told %q", said)
	}
	if got := c.ask(`{"id":5,` + later + `,"verb":"signal","conference":"c1","epoch":2,"signal":9}`); !strings.Contains(got, "launch.not_running") {
		t.Errorf("a signal to a worker that has ended: %s", got)
	}
	if got := c.ask(`{"id":3,` + later + `,"verb":"paint"}`); !strings.Contains(got, string(launch.CodeUnknownVerb)) {
		t.Errorf("a later verb: %s", got)
	}
	if got := c.ask(`{"id":4,` + later + `,"verb":"list","order":"size"}`); !strings.Contains(got, `"conference":"c1"`) {
		t.Errorf("a later member: %s", got)
	}
}

// TestWhatIsUnknownIsRefusedFromTheSameVersion, and from an earlier one; the connection goes on.
func TestWhatIsUnknownIsRefusedFromTheSameVersion(t *testing.T) {
	t.Parallel()
	f := setup(t)
	c := f.controller(t)
	own, err := json.Marshal(launch.Current())
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{
		`{"id":7,"verb":"list","order":"size"}`, `{"id":7,"version":` + string(own) + `,"verb":"list","order":"size"}`, `{"id":7,"verb":["list"]}`,
	} {
		if got := c.ask(request); !strings.Contains(got, string(launch.CodeMalformed)) || !strings.Contains(got, `"id":7`) {
			t.Errorf("%s: %s", request, got)
		}
	}
	for _, v := range []string{`{"major":2,"minor":0}`, `{"major":0,"minor":1}`} {
		if got := c.ask(`{"id":8,"version":` + v + `,"verb":"list"}`); !strings.Contains(got, string(launch.CodeVersion)) {
			t.Errorf("version %s: %s", v, got)
		}
	}
	if got := c.ask(`{"id":9,"verb":"list"}`); strings.Contains(got, "refused") {
		t.Errorf("afterwards: %s", got)
	}
}

// TestWhatIsNoMessageEndsTheConnection.
func TestWhatIsNoMessageEndsTheConnection(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, words := range [][]byte{[]byte("hello"), []byte(`{"id":1`), bytes.Repeat([]byte("["), 1000)} {
		ours, theirs := pair(t)
		served := make(chan error, 1)
		go func() { served <- f.launcher.Serve(ours) }()
		if _, err := theirs.Write(words); err != nil {
			t.Fatal(err)
		}
		within(t, "the end", func() error {
			if err := <-served; err == nil || !strings.Contains(err.Error(), "malformed") {
				return fmt.Errorf("served %q: %w", words[:5], err)
			}
			return nil
		})
	}
}
