package conference

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func restored(t interface {
	Helper()
	Fatal(...any)
}, raw []byte) *State {
	t.Helper()
	s, err := Restore(settings(), t0, t0, raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func snapshotOf(t interface {
	Helper()
	Fatal(...any)
}, s *State) []byte {
	t.Helper()
	raw, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestASnapshotIsTheWholeState: a state and the one restored from its snapshot decide alike for ever after.
func TestASnapshotIsTheWholeState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, now := New(settings(), t0, t0), t0
		ids := []ParticipantID{"p1", "p2", "p3", "p4", "p5"}
		twin := s
		snapAt := rapid.IntRange(0, 40).Draw(t, "snapshot after")
		for step := range 60 {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			if step == snapAt {
				twin = restored(t, snapshotOf(t, s))
			}
			c := drawCommand(t, ids, step)
			events, o1, err1 := Decide(s, c, now)
			if step >= snapAt {
				again, o2, err2 := Decide(twin, c, now)
				if !reflect.DeepEqual(events, again) || !reflect.DeepEqual(o1, o2) || (err1 == nil) != (err2 == nil) {
					t.Fatalf("step %d: %+v, %+v, %v; restored: %+v, %+v, %v", step, events, o1, err1, again, o2, err2)
				}
			}
			for _, e := range events {
				s.Evolve(e)
				if step >= snapAt {
					twin.Evolve(e)
				}
			}
			checkInvariants(t, twin)
		}
		if a, b := snapshotOf(t, s), snapshotOf(t, twin); !bytes.Equal(a, b) {
			t.Fatalf("the states have become different:\n%s\n%s", a, b)
		}
	})
}

// TestReplayIsTheLiveStateAsFarAsItIsDurable: what a new worker makes of a snapshot taken anywhere and the stored events after
// it is what the old one had, when both have lost their connections.
func TestReplayIsTheLiveStateAsFarAsItIsDurable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, kept, now := New(settings(), t0, t0), New(settings(), t0, t0), t0
		ids := []ParticipantID{"p1", "p2", "p3", "p4", "p5"}
		snapAt := rapid.IntRange(0, 60).Draw(t, "snapshot after")
		for step := range 60 {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			events, _, _ := Decide(live, drawCommand(t, ids, step), now)
			for _, e := range events {
				live.Evolve(e)
				replay(t, kept, e)
			}
			if step == snapAt {
				kept = restored(t, snapshotOf(t, kept))
			}
		}
		kept.Reopen(2, now)
		live.Reopen(2, now)
		dropRefusals(live)
		if a, b := snapshotOf(t, live), snapshotOf(t, kept); !bytes.Equal(a, b) {
			t.Fatalf("the live state, and the one replayed:\n%s\n%s", a, b)
		}
		checkInvariants(t, kept)
	})
}

// dropRefusals forgets what is not durable: refusals, which are decided anew, and that they were the last.
func dropRefusals(s *State) {
	for _, a := range s.applied {
		order := a.order
		a.order, a.last = nil, 0
		for _, id := range order {
			if a.outcomes[id].Refusal == nil {
				a.order, a.last = append(a.order, id), id
			}
		}
	}
}

func TestReopenTakesConnectionsAndGivesTheWholeWindow(t *testing.T) {
	t.Parallel()
	s := with(t)
	later := t0.Add(59 * time.Second) // the lost one has a second left
	s.Reopen(3, later)
	if s.Seq != 2*EpochSpan {
		t.Errorf("the third epoch follows number %d", s.Seq)
	}
	for _, p := range s.Participants() {
		if p.Connected || p.line != 0 {
			t.Errorf("%s: connected %v over line %d", p.ID, p.Connected, p.line)
		}
	}
	if due, ok := s.NextDeadline(); !ok || !due.Equal(later.Add(time.Minute)) {
		t.Errorf("the window ends at %v", due)
	}
	if _, _, err := apply(t, s, Command{Body: Connect{ID: "anna", Line: 1}}, later); err != nil {
		t.Errorf("a connection of the new worker: %v", err)
	}
	first := New(settings(), t0, t0)
	first.Reopen(1, t0)
	if first.Seq != 0 {
		t.Errorf("the first epoch follows number %d", first.Seq)
	}
}

func TestAnEmptyConferenceWaitsAnewAfterReopen(t *testing.T) {
	t.Parallel()
	s := New(settings(), t0, t0)
	for _, c := range []Command{join("host", RoleHost), {By: "host", Line: 1, ID: 1, Body: &Leave{}}} {
		if _, _, err := apply(t, s, c, t0); err != nil {
			t.Fatal(err)
		}
	}
	s.Reopen(2, t0.Add(time.Hour))
	if due, ok := s.NextDeadline(); !ok || !due.Equal(t0.Add(time.Hour+settings().Linger)) {
		t.Errorf("it ends at %v", due)
	}
}

func TestASessionIsFoundByTheHashOfItsToken(t *testing.T) {
	t.Parallel()
	s := New(settings(), t0, t0)
	enter := Join{Admission: Admission{Account: "a", Kind: KindGuest, Role: RoleParticipant, Name: "Anna"}, ID: "anna", Line: 1, Session: "first"}
	again := enter
	again.Rejoin, again.Line, again.Session = "anna", 2, "second"
	for _, j := range []Join{enter, again} {
		if _, _, err := apply(t, s, Command{Body: j}, t0); err != nil {
			t.Fatal(err)
		}
	}
	s = restored(t, snapshotOf(t, s))
	s.Reopen(2, t0)
	for session, want := range map[string]error{"first": ErrNotPresent, "": ErrNotPresent, "other": ErrNotPresent, "second": nil} {
		_, o, err := Decide(s, Command{Body: Connect{Session: session, Line: 1}}, t0)
		if !errors.Is(err, want) || err == nil && o.Participant != "anna" {
			t.Errorf("session %q: %+v, %v; want %v", session, o, err, want)
		}
	}
}

// TestGoldenSnapshotsAndJournals: what every release has written is still read, and means the same.
func TestGoldenSnapshotsAndJournals(t *testing.T) {
	t.Parallel()
	journals, err := filepath.Glob("testdata/journal-*.jsonl")
	if err != nil || len(journals) == 0 {
		t.Fatalf("golden journals: %v, %v", journals, err)
	}
	for _, path := range journals {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := New(settings(), t0, t0)
		for line := range bytes.Lines(raw) {
			var st Stored
			if err := json.Unmarshal(line, &st, json.RejectUnknownMembers(true)); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			e, err := st.Event()
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			s.Evolve(e)
		}
		golden, err := os.ReadFile(strings.NewReplacer("journal-", "snapshot-", ".jsonl", ".json").Replace(path))
		if err != nil {
			t.Fatal(err)
		}
		want := snapshotOf(t, restored(t, golden))
		if got := snapshotOf(t, s); !bytes.Equal(got, want) {
			t.Errorf("%s replays to\n%s\nthe snapshot beside it is\n%s", path, got, want)
		}
		if compact := jsontext.Value(golden); compact.Compact() != nil || !bytes.Equal(compact, want) {
			t.Errorf("%s: what was written is now written as %s", path, want)
		}
	}
}

func TestSnapshotsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	good := string(snapshotOf(t, with(t)))
	for name, raw := range map[string]string{
		"nothing":          "",
		"another version":  strings.Replace(good, `"v":1`, `"v":2`, 1),
		"an unknown field": strings.Replace(good, `"v":1`, `"v":1,"x":1`, 1),
		"cut off":          good[:len(good)-1],
		"half the people":  `{"v":1,"seq":1,"present":[],"visited":true,"chat":[],"applied":[{"last":1,"outcomes":[]}]}`,
	} {
		if _, err := Restore(settings(), t0, t0, []byte(raw)); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{"v":1,"seq":7,"present":[{"participant":{"id":"a","name":"A","kind":"guest","role":"host","joinedAt":"2026-03-01T10:00:00Z","connected":true},"account":"a","session":"h"}],"visited":true,"chat":[],"applied":[{"last":1,"outcomes":[{"id":1,"seq":3}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Restore(settings(), t0, t0, raw)
		if err != nil {
			return
		}
		s.Reopen(2, t0)
		_ = s.Project("a")
		_, _, _ = Decide(s, Command{Body: Tick{}}, t0.Add(time.Hour))
	})
}
