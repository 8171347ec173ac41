package conference

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// checkInvariants says what must hold after every command.
func checkInvariants(t interface {
	Helper()
	Errorf(string, ...any)
}, s *State) {
	t.Helper()
	seen := map[ParticipantID]bool{}
	for _, p := range s.presence.present {
		if seen[p.ID] {
			t.Errorf("participant %s is here twice", p.ID)
		}
		seen[p.ID] = true
		if p.Connected != p.lostAt.IsZero() {
			t.Errorf("participant %s: connected %v, lost at %v", p.ID, p.Connected, p.lostAt)
		}
		if s.applied[p.ID] == nil {
			t.Errorf("participant %s has no outcomes", p.ID)
		}
	}
	if len(s.applied) != len(seen) {
		t.Errorf("outcomes of %d, but %d are here", len(s.applied), len(seen))
	}
	if len(seen) > s.Settings.MaxParticipants {
		t.Errorf("%d participants, at most %d are allowed", len(seen), s.Settings.MaxParticipants)
	}
	if s.ended != nil && len(seen) > 0 {
		t.Errorf("the conference has ended with %d participants", len(seen))
	}
	if s.ended == nil && (len(seen) == 0) == s.presence.emptySince.IsZero() {
		t.Errorf("%d participants, empty since %v", len(seen), s.presence.emptySince)
	}
	if _, waits := s.NextDeadline(); s.ended != nil && waits {
		t.Errorf("an ended conference waits for a deadline")
	}
}

// TestSimulationOfRandomHistories drives random commands and checks the invariants after each; what is stored of a history
// gives the same state when it is replayed, as far as it is durable.
func TestSimulationOfRandomHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, replayed := New(settings(), t0, t0), New(settings(), t0, t0)
		now := t0
		ids := []ParticipantID{"p1", "p2", "p3", "p4", "p5"}
		for step := range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "seconds")) * time.Second)
			c := drawCommand(t, ids, step)
			events, _, err := Decide(s, c, now)
			again, _, err2 := Decide(s, c, now)
			if !reflect.DeepEqual(events, again) || fmt.Sprint(err) != fmt.Sprint(err2) {
				t.Fatalf("Decide changed something:\n%+v (%v), then\n%+v (%v)", events, err, again, err2)
			}
			for _, e := range events {
				s.Evolve(e)
				replay(t, replayed, e)
			}
			checkInvariants(t, s)
		}
		if live, again := s.Project("p1").Chat, replayed.Project("p1").Chat; !reflect.DeepEqual(live, again) {
			t.Fatalf("replayed chat differs:\n%+v, live\n%+v", again, live)
		}
		if len(s.presence.present) != len(replayed.presence.present) || (s.ended == nil) != (replayed.ended == nil) {
			t.Fatalf("replayed presence differs")
		}
	})
}

func drawCommand(t *rapid.T, ids []ParticipantID, step int) Command {
	id := rapid.SampledFrom(ids).Draw(t, "who")
	role := rapid.SampledFrom([]Role{RoleHost, RoleParticipant}).Draw(t, "role")
	by := Command{By: id, Line: int64(rapid.IntRange(0, step).Draw(t, "over")), ID: int64(rapid.IntRange(1, 40).Draw(t, "id"))}
	switch rapid.IntRange(0, 8).Draw(t, "command") {
	case 0, 1:
		return Command{Body: Join{Admission: Admission{Account: "a-" + string(id), Kind: KindGuest, Role: role, Name: string(id), Rejoin: id}, ID: id, Line: int64(rapid.IntRange(0, step).Draw(t, "line")), Session: simulated(step)}}
	case 2:
		return Command{Body: Disconnect{ID: id, Line: int64(rapid.IntRange(0, step).Draw(t, "line"))}}
	case 3:
		return Command{Body: Connect{ID: id, Line: int64(rapid.IntRange(0, step).Draw(t, "line"))}}
	case 4:
		by.Body = &Leave{}
	case 5:
		by.Body = &ChatSend{Text: rapid.String().Draw(t, "text"), Nonce: fmt.Sprint(step)}
	case 6:
		if rapid.IntRange(0, 9).Draw(t, "really") != 0 {
			return Command{Body: Tick{}}
		}
		by.Body = &End{}
	case 7:
		return Command{Body: Revoke{Sessions: []string{simulated(rapid.IntRange(0, 80).Draw(t, "session")), simulated(step)}}}
	default:
		return Command{Body: Tick{}}
	}
	return by
}

// simulated is the session that a join in a step opens.
func simulated(step int) string { return fmt.Sprintf("%0*d", hashLength, step) }

// replay stores a durable event as a controller does, which checks it, and applies it.
func replay(t *rapid.T, s *State, e Event) {
	if !e.Fact.Durable() {
		return
	}
	stored, err := Store(e)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	var back Stored
	if err := json.Unmarshal(raw, &back, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	event, kept, err := back.Checked(1, e.At)
	if err != nil || !reflect.DeepEqual(kept, stored) {
		t.Fatalf("%s: %+v, %v", raw, kept, err)
	}
	s.Evolve(event)
}

// FuzzParseCommand: whatever comes, decoding neither panics nor accepts what it would not write itself.
func FuzzParseCommand(f *testing.F) {
	for _, seed := range []string{
		`{"kind":"chat.send","text":"x"}`, `{"kind":"leave"}`, `{"kind":"end"}`, `{"kind":"end","x":1}`, `{"Kind":"leave"}`,
		`{"kind":"leave","kind":"end"}`, `[]`, `{}`, `{"kind":"chat.send","text":"\ud800"}`, `{"kind":1}`, "{\"kind\":\"chat.send\",\"text\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, err := ParseCommand(raw)
		if (body == nil) == (err == nil) {
			t.Errorf("%q: body %v, error %v", raw, body, err)
		}
	})
}

// FuzzStoredEvent: an event out of a hostile worker is decoded or refused, never a panic.
func FuzzStoredEvent(f *testing.F) {
	f.Add("participant.joined", []byte(`{"participant":{"id":"p","name":"n","kind":"guest","role":"host","joinedAt":"2026-01-01T00:00:00Z","connected":true},"account":"a"}`))
	f.Add("chat.message", []byte(`{"message":{"id":"m"}}`))
	f.Add("conference.ended", []byte(`{"reason":"host","x":1}`))
	f.Fuzz(func(t *testing.T, kind string, fact []byte) {
		e, err := Stored{Version: StoredVersion, Seq: 1, Kind: kind, Fact: fact}.Event()
		if err == nil && e.Fact.Kind() != kind {
			t.Errorf("%s was decoded as %s", kind, e.Fact.Kind())
		}
	})
}

func TestParseCommandIsStrict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, raw, want string }{
		{"good", `{"kind":"chat.send","text":"x"}`, ""},
		{"A-44 duplicate key", `{"kind":"chat.send","text":"x","text":"y"}`, "protocol.malformed"},
		{"A-44 duplicate kind", `{"kind":"leave","kind":"end"}`, "protocol.malformed"},
		{"A-44 wrong case", `{"kind":"chat.send","Text":"x"}`, "protocol.malformed"},
		{"A-44 unknown field", `{"kind":"leave","to":"x"}`, "protocol.malformed"},
		{"A-45 forged sender", `{"kind":"chat.send","text":"x","from":"host"}`, "protocol.malformed"},
		{"A-51 invalid UTF-8", "{\"kind\":\"chat.send\",\"text\":\"\xff\"}", "protocol.malformed"},
		{"A-51 lone surrogate", `{"kind":"chat.send","text":"\ud800"}`, "protocol.malformed"},
		{"wrong type", `{"kind":"chat.send","text":1}`, "protocol.malformed"},
		{"trailing data", `{"kind":"leave"}{}`, "protocol.malformed"},
		{"unknown", `{"kind":"fly"}`, "command.unknown"},
		{"no kind", `{}`, "command.unknown"},
	} {
		_, err := ParseCommand([]byte(tt.raw))
		got := ""
		if err != nil {
			got = string(asCode(err))
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
