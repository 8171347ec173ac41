//go:build race

package media_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// inChild is set in the process that forwards media under the race detector.
const inChild = "MEDIA_TEST_RACE_CHILD"

// patience bounds every wait of a test; nothing should take nearly as long, not even under the detector on a busy machine.
const patience = 2 * time.Minute

// forwards is the first line of every test in which media are forwarded: each of them can meet a race inside LiveKit or Pion,
// which the detector counts against the test. TestForwardingHasNoRaceOfOurs runs them and tells those races from ours.
func forwards(t *testing.T) {
	t.Helper()
	if os.Getenv(inChild) == "" {
		t.Skip("runs in TestForwardingHasNoRaceOfOurs")
	}
}

// upstreamRaces are the known ones of LiveKit, by the function at the top of one of the two stacks.
var upstreamRaces = []string{
	"livekit-server/pkg/sfu.(*DownTrack).addDummyExtensions(",  // reads what setRTPHeaderExtensions writes while binding
	"livekit-server/pkg/sfu.(*DownTrack).WriteRTP(",            // the same, and the payload type of RED
	"livekit-server/pkg/rtc.(*SubscribedTrack).applySettings(", // on a change of size reads what a client's message writes
}

// ownFailure is a line that a failing assertion of ours prints.
var ownFailure = regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+: .*$`)

func TestForwardingHasNoRaceOfOurs(t *testing.T) {
	if os.Getenv(inChild) != "" {
		t.Skip("this is it")
	}
	logs := filepath.Join(t.TempDir(), "race")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.timeout=10m")
	child.Env = append(os.Environ(), inChild+"=1", "GORACE=exitcode=0 log_path="+logs)
	out, err := child.CombinedOutput()
	if !strings.Contains(string(out), "--- ") {
		t.Fatalf("the tests did not run: %v\n%s", err, out)
	}
	for _, line := range ownFailure.FindAllString(string(out), -1) {
		if !strings.Contains(line, "runs in Test") && !strings.Contains(line, "this is it") {
			t.Errorf("a test failed by itself: %s", strings.TrimSpace(line))
		}
	}
	if strings.Contains(string(out), "panic: ") {
		t.Errorf("a test panicked:\n%s", out)
	}
	files, err := filepath.Glob(logs + ".*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for report := range strings.SplitSeq(string(b), "WARNING: DATA RACE") {
			if strings.Contains(report, "goroutine") && !upstream(report) {
				t.Errorf("a race that is not known:\n%s", report)
			}
		}
	}
}

// upstream reports whether a race is one of Pion's own (none of our frames is in the two stacks, and one of the accesses is Pion's,
// if only to print it), or a known one of LiveKit's (at most one of the two sides was called by us: two calls of ours at once
// would be our fault).
func upstream(report string) bool {
	accesses, _, _ := strings.Cut(report, "\nGoroutine ") // what follows is where the goroutines were started
	stacks := strings.Split(accesses, " by goroutine ")[1:]
	ours := 0
	for _, stack := range stacks {
		if strings.Contains(stack, "konklave/") {
			ours++
		}
	}
	for _, stack := range stacks {
		_, stack, _ = strings.Cut(stack, "\n")
		top, _, _ := strings.Cut(stack, "\n")
		known := func(f string) bool { return strings.Contains(top, f) }
		pions := strings.Contains(top, "github.com/pion/") || strings.Contains(stack, "pionlogger.")
		if pions && ours == 0 || slices.ContainsFunc(upstreamRaces, known) && ours < len(stacks) {
			return true
		}
	}
	return false
}
