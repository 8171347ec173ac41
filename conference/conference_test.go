package conference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/access"
	"konklave/fault"
)

var t0 = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func settings() Settings {
	return Settings{ID: "c1", Title: "Council", Codec: "vp8", ResumeWindow: time.Minute, Linger: 2 * time.Minute, MaxParticipants: 3}
}

// apply decides and evolves; it returns the facts' kinds.
func apply(t *testing.T, s *State, c Command, now time.Time) ([]string, Outcome, error) {
	t.Helper()
	events, outcome, err := Decide(s, c, now)
	var kinds []string
	for _, e := range events {
		if e.Seq != s.Seq+1 {
			t.Fatalf("event %d follows %d", e.Seq, s.Seq)
		}
		s.Evolve(e)
		kinds = append(kinds, e.Fact.Kind())
	}
	checkInvariants(t, s)
	return kinds, outcome, err
}

func join(id string, role Role) Command {
	return Command{Body: Join{Admission: Admission{Account: "a-" + id, Kind: KindAccount, Role: role, Name: id}, ID: ParticipantID(id), Line: 1, Session: sessionOf(id)}}
}

// sessionOf is the hash of the token that a participant resumes with.
func sessionOf(id string) string { return strings.Repeat("s", hashLength-len(id)) + id }

// with returns a state with a host, a participant and one whose line is lost since t0.
func with(t *testing.T) *State {
	t.Helper()
	s := New(settings(), t0, t0)
	for _, c := range []Command{join("host", RoleHost), join("anna", RoleParticipant), join("lost", RoleParticipant), {Body: Disconnect{ID: "lost", Line: 1}}} {
		if _, _, err := apply(t, s, c, t0); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func ended(t *testing.T) *State {
	t.Helper()
	s := with(t)
	if _, _, err := apply(t, s, Command{By: "host", Line: 1, ID: 1, Body: &End{}}, t0); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDecideEveryCommandInEveryState(t *testing.T) {
	t.Parallel()
	empty := func(*testing.T) *State { return New(settings(), t0, t0) }
	states := []struct {
		name string
		make func(*testing.T) *State
	}{{"empty", empty}, {"three", with}, {"ended", ended}}
	say := func() Body { return &ChatSend{Text: "hello", Nonce: "m1"} }
	tests := []struct {
		name    string
		command Command
		after   time.Duration
		want    [3]string // kinds, or the code of the error, in each state
	}{
		{"join", join("new", RoleParticipant), 0, [3]string{"participant.joined session.opened", "conference.full", "conference.ended"}},
		{"join again", Command{Body: Join{Admission: Admission{Account: "a-anna", Rejoin: "anna", Kind: KindAccount, Role: RoleParticipant, Name: "anna"}, ID: "x", Line: 7}}, 0,
			[3]string{"participant.joined session.opened", "session.opened participant.connection", "conference.ended"}},
		{"join in a foreign place", Command{Body: Join{Admission: Admission{Account: "a-evil", Rejoin: "anna"}, ID: "x", Line: 7}}, 0,
			[3]string{"participant.joined session.opened", "conference.full", "conference.ended"}},
		{"connect", Command{Body: Connect{ID: "lost", Line: 2}}, 0, [3]string{"participant.left", "participant.connection", "conference.ended"}},
		{"connect by an older line", Command{Body: Connect{ID: "anna", Line: 0}}, 0, [3]string{"participant.left", "session.replaced", "conference.ended"}},
		{"join again by an older line", Command{Body: Join{Admission: Admission{Account: "a-anna", Rejoin: "anna", Kind: KindAccount, Role: RoleParticipant, Name: "anna"}, ID: "x"}}, 0,
			[3]string{"participant.joined session.opened", "session.replaced", "conference.ended"}},
		{"chat over a replaced line", Command{By: "anna", ID: 1, Body: say()}, 0, [3]string{"participant.left", "session.replaced", "conference.ended"}},
		{"disconnect", Command{Body: Disconnect{ID: "anna", Line: 1}}, 0, [3]string{"", "participant.connection", "conference.ended"}},
		{"disconnect an older line", Command{Body: Disconnect{ID: "anna", Line: 0}}, 0, [3]string{"", "", "conference.ended"}},
		{"revoke", Command{Body: Revoke{Sessions: []string{sessionOf("anna"), "", sessionOf("anna")}}}, 0, [3]string{"session.revoked", "participant.left session.revoked", "conference.ended"}},
		{"chat", Command{By: "anna", Line: 1, ID: 1, Body: say()}, 0, [3]string{"participant.left", "chat.message", "conference.ended"}},
		{"leave", Command{By: "anna", Line: 1, ID: 1, Body: &Leave{}}, 0, [3]string{"participant.left", "participant.left", "conference.ended"}},
		{"end by host", Command{By: "host", Line: 1, ID: 1, Body: &End{}}, 0,
			[3]string{"participant.left", "conference.ended participant.left participant.left participant.left", "conference.ended"}},
		{"A-41 end by participant", Command{By: "anna", Line: 1, ID: 1, Body: &End{}}, 0, [3]string{"participant.left", "access.denied", "conference.ended"}},
		{"shutdown", Command{Body: Shutdown{}}, 0, [3]string{"conference.ended", "conference.ended participant.left participant.left participant.left", "conference.ended"}},
		{"tick too early", Command{Body: Tick{}}, time.Minute - time.Millisecond, [3]string{"", "", "conference.ended"}},
		{"tick at the resume window", Command{Body: Tick{}}, time.Minute, [3]string{"", "participant.left", "conference.ended"}},
		{"tick at the linger", Command{Body: Tick{}}, 2 * time.Minute, [3]string{"conference.ended", "participant.left", "conference.ended"}},
	}
	for _, tt := range tests {
		for i, st := range states {
			t.Run(tt.name+"/"+st.name, func(t *testing.T) {
				t.Parallel()
				s := st.make(t)
				kinds, _, err := apply(t, s, tt.command, t0.Add(tt.after))
				got := strings.Join(kinds, " ")
				if err != nil {
					got = string(fault.As(err).Code)
				}
				if got != tt.want[i] {
					t.Errorf("got %q, want %q", got, tt.want[i])
				}
			})
		}
	}
}

func TestTheFirstParticipantIsWaitedFor(t *testing.T) {
	t.Parallel()
	started := t0.Add(-time.Hour) // the worker before this one died an hour after the start
	for linger, want := range map[time.Duration]time.Duration{0: FirstJoinWait, 2 * time.Minute: 2 * time.Minute} {
		o := settings()
		o.Linger = linger
		s := New(o, started, t0)
		if due, ok := s.NextDeadline(); !ok || due.Sub(t0) != want {
			t.Errorf("linger %v: the first wait is %v, want %v", linger, due.Sub(t0), want)
		}
		for _, c := range []Command{join("host", RoleHost), {By: "host", Line: 1, ID: 1, Body: &Leave{}}} {
			if _, _, err := apply(t, s, c, t0); err != nil {
				t.Fatal(err)
			}
		}
		if due, ok := s.NextDeadline(); !ok || due.Sub(t0) != linger {
			t.Errorf("linger %v: after the last one left, the wait is %v", linger, due.Sub(t0))
		}
	}
}

func TestChatLimitsFromBothSides(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want fault.Code
	}{
		{"x", ""},
		{strings.Repeat("ä", ChatTextMax), ""},
		{strings.Repeat("ä", ChatTextMax+1), "chat.too_long"},
		{"", "chat.empty"},
		{" \n\t ", "chat.empty"},
	} {
		s := with(t)
		_, _, err := apply(t, s, Command{By: "anna", Line: 1, ID: 1, Body: &ChatSend{Text: tt.text, Nonce: "m"}}, t0)
		var code fault.Code
		if err != nil {
			code = fault.As(err).Code
		}
		if code != tt.want {
			t.Errorf("%d characters: got %q, want %q", len([]rune(tt.text)), code, tt.want)
		}
	}
}

func TestChatKeepsTheNewest(t *testing.T) {
	t.Parallel()
	s := with(t)
	for i := int64(1); i <= ChatKept+2*chatTrimSlop+1; i++ {
		if _, _, err := apply(t, s, Command{By: "anna", Line: 1, ID: i, Body: &ChatSend{Text: "x", Nonce: string(rune(i))}}, t0); err != nil {
			t.Fatal(err)
		}
	}
	shown := s.Project("anna").Chat
	if len(shown) != ChatKept || shown[len(shown)-1].ID != string(rune(ChatKept+2*chatTrimSlop+1)) {
		t.Errorf("%d messages are shown, the last %q", len(shown), shown[len(shown)-1].ID)
	}
	if len(s.chat.messages) > ChatKept+chatTrimSlop {
		t.Errorf("%d messages are held", len(s.chat.messages))
	}
}

func TestA57TheChatOfANewcomerIsBounded(t *testing.T) {
	t.Parallel()
	s := with(t)
	text := strings.Repeat("\U0001f600", ChatTextMax) // four bytes each
	const fit = ChatBytes / (4 * ChatTextMax)
	for i := range fit + 1 {
		if _, _, err := apply(t, s, Command{By: "host", Line: 1, ID: int64(i + 1), Body: &ChatSend{Text: text, Nonce: fmt.Sprint(i)}}, t0); err != nil {
			t.Fatal(err)
		}
		if got := s.Project("anna").Chat; len(got) != min(i+1, fit) || got[len(got)-1].ID != fmt.Sprint(i) {
			t.Fatalf("of %d long messages %d are shown, want %d", i+1, len(got), min(i+1, fit))
		}
	}
	rest := strings.Repeat("x", ChatBytes-fit*4*ChatTextMax)
	for i, want := range map[int]int{0: fit + 1, 1: fit} { // to the byte, and one more
		s.chat.messages = slices.Repeat([]Message{{Text: text}}, fit)
		s.chat.messages = append(s.chat.messages, Message{Text: rest + strings.Repeat("x", i)})
		if got := len(s.Project("anna").Chat); got != want {
			t.Errorf("%d bytes over the limit: %d messages, want %d", i, got, want)
		}
	}
}

func TestResendIsHarmless(t *testing.T) {
	t.Parallel()
	s := with(t)
	first := Command{By: "anna", Line: 1, ID: 1, Body: &ChatSend{Text: "once", Nonce: "m1"}}
	_, o1, _ := apply(t, s, first, t0)
	kinds, o2, err := apply(t, s, first, t0)
	if err != nil || len(kinds) != 0 || o1.Seq != o2.Seq || len(s.chat.messages) != 1 {
		t.Errorf("resend: %v, %v, %v, %d messages", kinds, o2, err, len(s.chat.messages))
	}
	refused := Command{By: "anna", Line: 1, ID: 2, Body: &End{}}
	_, _, err1 := apply(t, s, refused, t0)
	kinds, _, err2 := apply(t, s, refused, t0)
	if !errors.Is(err1, access.ErrDenied) || !errors.Is(err2, access.ErrDenied) || len(kinds) != 0 {
		t.Errorf("refused: %v, again: %v with %v", err1, err2, kinds)
	}
	if _, _, err := apply(t, s, Command{By: "anna", Line: 1, ID: 9, Body: &ChatSend{Text: "later", Nonce: "m2"}}, t0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := apply(t, s, Command{By: "anna", Line: 1, ID: 5, Body: &ChatSend{Text: "overtaken", Nonce: "m3"}}, t0); !errors.Is(err, ErrCommandSkipped) {
		t.Errorf("an id that was skipped: %v", err)
	}
}

func TestANewSessionCountsItsCommandsFromOneAgain(t *testing.T) {
	t.Parallel()
	s := with(t)
	say := Command{By: "anna", Line: 1, ID: 1, Body: &ChatSend{Text: "before the reload", Nonce: "m1"}}
	back := Command{Body: Join{Admission: Admission{Account: "a-anna", Rejoin: "anna", Name: "anna"}, ID: "x", Line: 2}}
	after := Command{By: "anna", Line: 2, ID: 1, Body: &ChatSend{Text: "after the reload", Nonce: "m2"}}
	for _, c := range []Command{say, back, after} {
		if _, _, err := apply(t, s, c, t0); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.chat.messages) != 2 {
		t.Errorf("%d messages", len(s.chat.messages))
	}
	if _, _, err := apply(t, s, Command{Body: Connect{ID: "anna", Line: 3}}, t0); err != nil {
		t.Fatal(err)
	}
	after.Line = 3
	if kinds, _, err := apply(t, s, after, t0); err != nil || len(kinds) != 0 {
		t.Errorf("a resend after a resume: %v, %v", kinds, err)
	}
}

func TestOutcomesAreForgottenBeyondTheLimit(t *testing.T) {
	t.Parallel()
	s := with(t)
	for i := int64(1); i <= OutcomesKept+1; i++ {
		if _, _, err := apply(t, s, Command{By: "anna", Line: 1, ID: i, Body: &ChatSend{Text: "x", Nonce: "m"}}, t0); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Decide(s, Command{By: "anna", Line: 1, ID: 2, Body: &Leave{}}, t0); err != nil {
		t.Errorf("the oldest outcome kept: %v", err)
	}
	if _, _, err := Decide(s, Command{By: "anna", Line: 1, ID: 1, Body: &Leave{}}, t0); !errors.Is(err, ErrCommandSkipped) {
		t.Errorf("an outcome beyond the limit: %v", err)
	}
}

func TestEveryCommandHasItsAccessRuleAndEveryFactIsStored(t *testing.T) {
	t.Parallel()
	known := map[access.Action]bool{}
	for _, a := range access.Actions() {
		known[a] = true
	}
	for kind, action := range CommandKinds() {
		if !known[action] {
			t.Errorf("command %s needs %q, which the access table does not have", kind, action)
		}
	}
	for _, kind := range FactKinds() {
		f, ok := newFact(kind)
		if !ok || f.Kind() != kind || !f.Durable() {
			t.Errorf("fact %s is not registered as a durable fact of that name", kind)
		}
	}
}

func TestA21WhoWasSignedOutOnTheWayMayNotComeAndWhoHasSignedInAnewStays(t *testing.T) {
	t.Parallel()
	s := with(t)
	again := join("anna", RoleParticipant).Body.(Join)
	again.Rejoin, again.Line, again.Session = "anna", 2, sessionOf("anew")
	late := join("late", RoleParticipant)
	for _, tt := range []struct {
		what    string
		command Command
		want    string // kinds, or the code of the error
	}{
		{"she comes back under another sign-in", Command{Body: again}, "session.opened participant.connection"},
		{"the earlier one ends, and that of one on the way", Command{Body: Revoke{Sessions: []string{sessionOf("anna"), sessionOf("late")}}}, "session.revoked session.revoked"},
		{"who is on the way arrives", late, "participant.signed_out"},
		{"the same again", Command{Body: Revoke{Sessions: []string{sessionOf("late"), sessionOf("anna")}}}, ""},
		{"the new sign-in ends", Command{Body: Revoke{Sessions: []string{sessionOf("anew")}}}, "participant.left session.revoked"},
		{"its token", Command{Body: Connect{Session: sessionOf("anew"), Line: 3}}, "participant.left"},
	} {
		kinds, _, err := apply(t, s, tt.command, t0)
		got := strings.Join(kinds, " ")
		if err != nil {
			got = string(fault.As(err).Code)
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, got, tt.want)
		}
	}
}
