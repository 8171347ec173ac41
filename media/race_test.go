//go:build race

package media_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// upstreamRaces are the known ones of LiveKit.
var upstreamRaces = []struct {
	at  string // the function at the top of one of the two stacks
	via string // the only function of ours through which one of the sides may have been called; empty: none
}{
	{at: "livekit-server/pkg/sfu.(*DownTrack).setRTPHeaderExtensions("}, // writes while binding what WriteRTP, WritePaddingRTP and addDummyExtensions read
	{at: "livekit-server/pkg/sfu.(*DownTrack).WriteRTP("},               // reads the payload type of RED while it is written
	// On a change of size reads what a client's message writes.
	{at: "livekit-server/pkg/rtc.(*SubscribedTrack).applySettings(", via: "konklave/media.(*session).handle("},
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

// upstream reports whether a race is one of Pion's own (one of the accesses is Pion's, if only to print it), or a known one of
// LiveKit's. None of our functions is in the two stacks, but in one of them the one that a known race may come through: an access
// of our own, or two calls of ours at once, would be our fault.
func upstream(report string) bool {
	accesses, _, _ := strings.Cut(report, "\nGoroutine ") // what follows is where the goroutines were started
	stacks := strings.Split(accesses, " by goroutine ")[1:]
	var ours []string // of each side of ours the function nearest to the access
	for _, stack := range stacks {
		if _, f, ok := strings.Cut(stack, "konklave/"); ok {
			f, _, _ = strings.Cut(f, "\n")
			ours = append(ours, "konklave/"+f)
		}
	}
	known := false
	for _, stack := range stacks {
		_, stack, _ = strings.Cut(stack, "\n")
		top, _, _ := strings.Cut(strings.TrimSpace(stack), "\n")
		if strings.HasPrefix(top, "konklave/") {
			return false
		}
		if len(ours) == 0 && (strings.Contains(top, "github.com/pion/") || strings.Contains(stack, "pionlogger.")) {
			known = true
		}
		for _, race := range upstreamRaces {
			permitted := len(ours) == 0 || len(ours) == 1 && race.via != "" && strings.HasPrefix(ours[0], race.via)
			known = known || permitted && strings.Contains(top, race.at)
		}
	}
	return known
}

func TestOnlyKnownRacesAreLeftToOthers(t *testing.T) {
	t.Parallel()
	const (
		reads   = "github.com/livekit/livekit-server/pkg/rtc.(*SubscribedTrack).applySettings()"
		writes  = "github.com/livekit/livekit-server/pkg/rtc.(*SubscribedTrack).UpdateSubscriberSettings()"
		binding = "github.com/livekit/livekit-server/pkg/sfu.(*DownTrack).setRTPHeaderExtensions()"
		pions   = "github.com/pion/webrtc/v4.(*PeerConnection).Close()"
		handle  = "konklave/media.(*session).handle()"
		read    = "konklave/media.(*Room).read()"
		place   = "konklave/media.(*Room).SetPlace()"
	)
	for _, tt := range []struct {
		name          string
		reader, write []string // functions from the access outwards
		want          bool
	}{
		{"LiveKit's alone", []string{reads}, []string{writes}, true},
		{"through a client's message", []string{reads}, []string{writes, handle, read}, true},
		{"the same, the other way round", []string{reads, handle, read}, []string{writes}, true},
		{"through two messages at once", []string{reads, handle, read}, []string{writes, handle, read}, false},
		{"through something else of ours", []string{reads}, []string{writes, place}, false},
		{"through something else of ours, nearer than the message", []string{reads}, []string{writes, place, handle}, false},
		{"an access of our own", []string{reads}, []string{handle}, false},
		{"one that has no way through ours", []string{binding}, []string{writes, handle}, false},
		{"that one alone", []string{binding}, []string{writes}, true},
		{"Pion's", []string{pions}, []string{writes}, true},
		{"Pion's, through ours", []string{pions}, []string{writes, handle}, false},
		{"an unknown one", []string{writes}, []string{writes}, false},
	} {
		report := "\nRead at 0x01 by goroutine 1:\n  " + strings.Join(tt.reader, "\n      a.go:1 +0x1\n  ") + "\n\n" +
			"Previous write at 0x01 by goroutine 2:\n  " + strings.Join(tt.write, "\n      a.go:1 +0x1\n  ") + "\n\n" +
			"Goroutine 1 (running) created at:\n  " + place + "\n"
		if got := upstream(report); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
