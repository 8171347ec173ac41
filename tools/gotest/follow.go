package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// event is one line of `go test -json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64 // seconds
}

// counts is what the run came to. Subtests are counted as tests; those that hold subtests as well.
type counts struct {
	packages, failedPackages, passed, failed, skipped int
}

func (c counts) String() string {
	return fmt.Sprintf("Go: %d tests passed, %d failed, %d skipped in %d packages (%d failed)",
		c.passed, c.failed, c.skipped, c.packages, c.failedPackages)
}

// follow prints the run as its events come, with each test that was skipped, and returns the counts. Lines that are no events are printed as they are.
func follow(w io.Writer, events io.Reader) counts {
	var c counts
	said := map[[2]string]*strings.Builder{} // output by package and test
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(w, lines.Text())
			continue
		}
		key := [2]string{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "output":
			if said[key] == nil {
				said[key] = &strings.Builder{}
			}
			said[key].WriteString(e.Output)
		case "pass", "fail", "skip":
			c.count(e)
			show(w, e, said[key])
			delete(said, key)
		}
	}
	return c
}

func (c *counts) count(e event) {
	switch {
	case e.Test == "" && e.Action == "skip": // a package without tests
	case e.Test == "":
		c.packages++
		if e.Action == "fail" {
			c.failedPackages++
		}
	case e.Action == "pass":
		c.passed++
	case e.Action == "fail":
		c.failed++
	default:
		c.skipped++
	}
}

func show(w io.Writer, e event, said *strings.Builder) {
	if e.Action == "fail" && said != nil {
		fmt.Fprint(w, said)
	}
	if e.Test != "" && e.Action == "skip" {
		fmt.Fprintf(w, "skip  %s.%s%s\n", e.Package, e.Test, reason(said))
	}
	if e.Test == "" && e.Action != "skip" {
		elapsed := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
		fmt.Fprintf(w, "%-4s  %s  %s\n", e.Action, e.Package, elapsed)
	}
}

// reason is why a test says that it was skipped: ": " and what stands after the place in its output.
func reason(said *strings.Builder) string {
	if said == nil {
		return ""
	}
	for line := range strings.Lines(said.String()) {
		if _, why, ok := strings.Cut(line, "_test.go:"); ok {
			_, why, _ = strings.Cut(why, ": ")
			return ": " + strings.TrimSpace(why)
		}
	}
	return ""
}
