package process_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"konklave/launch"
	"konklave/launch/process"
)

// soon bounds what must not depend on a controller that does not read.
const soon = 30 * time.Second

// deaf asks without ever reading, until the launcher takes nothing more from it.
func deaf(t *testing.T, conn *net.UnixConn) {
	t.Helper()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	for id := 1; ; id++ {
		verb := launch.VerbList
		if id <= 2 {
			verb = launch.VerbWait
		}
		_, err := fmt.Fprintf(conn, `{"id":%d,"verb":%q}`, id, verb)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatalf("after %d requests: %v", id, err)
		}
	}
}

// within wants something to be done soon.
func within(t *testing.T, what string, do func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(soon):
		t.Fatalf("%s: nothing for %v", what, soon)
	}
}

// TestAControllerThatDoesNotReadHoldsUpNobody: ends are told, and conferences started and listed, for the others.
func TestAControllerThatDoesNotReadHoldsUpNobody(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ours, theirs := pair(t)
	served := make(chan error, 1)
	go func() { served <- f.launcher.Serve(ours) }()
	if _, err := f.client.Start(config("c1"), f.files(t, "c1")); err != nil {
		t.Fatal(err)
	}
	_, conn := f.greet(t, "c1")
	deaf(t, theirs)
	_ = conn.Close() // ends the worker
	within(t, "wait", func() error {
		exit, err := f.client.Wait()
		if err == nil && exit.Conference != "c1" {
			return fmt.Errorf("told of %+v", exit)
		}
		return err
	})
	within(t, "start", func() error {
		_, err := f.client.Start(config("c2"), f.files(t, "c2"))
		return err
	})
	within(t, "list", func() error {
		list, err := f.client.List()
		if len(list) != 1 {
			return fmt.Errorf("%+v, %w", list, err)
		}
		return err
	})
	_ = theirs.Close()
	within(t, "end of the connection", func() error { return <-served })
}

// TestAControllerThatDoesNotReadIsGivenUp: its connection ends, and what it was not told is kept for the next one.
func TestAControllerThatDoesNotReadIsGivenUp(t *testing.T) {
	t.Parallel()
	f := &fixture{dir: t.TempDir(), launcher: process.New(options(50 * time.Millisecond))}
	t.Cleanup(func() { f.launcher.Close(soon) })
	ours, theirs := pair(t)
	served := make(chan error, 1)
	go func() { served <- f.launcher.Serve(ours) }()
	if err := theirs.SetWriteDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	for id := 1; ; id++ {
		if _, err := fmt.Fprintf(theirs, `{"id":%d,"verb":"list"}`, id); err != nil {
			break
		}
	}
	within(t, "the end", func() error {
		if err := <-served; err == nil || !strings.Contains(err.Error(), "has not read") {
			return fmt.Errorf("served: %w", err)
		}
		return nil
	})
}

// TestWaitsAreBounded from both sides.
func TestWaitsAreBounded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ours, theirs := pair(t)
	go func() { _ = f.launcher.Serve(ours) }()
	for id := 1; id <= process.WaitsMax; id++ {
		if _, err := fmt.Fprintf(theirs, `{"id":%d,"verb":"wait"}`, id); err != nil {
			t.Fatal(err)
		}
	}
	answer := make([]byte, launch.MessageMax)
	ask := func(id int, verb string) string {
		if _, err := fmt.Fprintf(theirs, `{"id":%d,"verb":%q}`, id, verb); err != nil {
			t.Fatal(err)
		}
		if err := theirs.SetReadDeadline(time.Now().Add(soon)); err != nil {
			t.Fatal(err)
		}
		n, err := theirs.Read(answer)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer[:n])
	}
	if got := ask(1000, "list"); strings.Contains(got, "refused") || !strings.Contains(got, `"id":1000`) {
		t.Errorf("with as many waits as may be: %s", got)
	}
	if got := ask(1001, "wait"); !strings.Contains(got, "launch.too_many") {
		t.Errorf("one wait more: %s", got)
	}
}

// TestEndsThatWereNotToldAreHandedOver: that a controller has gone away may be noticed only when the next one is there.
func TestEndsThatWereNotToldAreHandedOver(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if _, err := f.client.Start(config("c1"), f.files(t, "c1")); err != nil {
		t.Fatal(err)
	}
	_, conn := f.greet(t, "c1")
	_ = conn.Close()
	within(t, "the end of the worker", func() error {
		for {
			if list, err := f.client.List(); err != nil || len(list) == 0 {
				return err
			}
		}
	})
	next := f.connect(t)
	if _, err := next.List(); err != nil {
		t.Fatal(err)
	}
	_ = f.client.Close()
	within(t, "the end", func() error {
		exit, err := next.Wait()
		if err == nil && exit.Conference != "c1" {
			return fmt.Errorf("told of %+v", exit)
		}
		return err
	})
}

// TestEndsThatWereNotToldAreKept: a controller that goes away while it is being told leaves the rest to the next one.
func TestEndsThatWereNotToldAreKept(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if _, err := f.client.Start(config("c1"), f.files(t, "c1")); err != nil {
		t.Fatal(err)
	}
	_, conn := f.greet(t, "c1")
	_ = f.client.Close()
	_ = conn.Close()
	within(t, "the end", func() error {
		exit, err := f.connect(t).Wait()
		if err == nil && exit.Conference != "c1" {
			return fmt.Errorf("told of %+v", exit)
		}
		return err
	})
}
