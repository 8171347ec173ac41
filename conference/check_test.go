package conference

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// TestImpossibleEventsAreRefused: what no conference decides, from both sides of each limit.
func TestImpossibleEventsAreRefused(t *testing.T) {
	t.Parallel()
	now := t0.Add(time.Hour + 123*time.Millisecond)
	session, longest := strings.Repeat("s", hashLength), ParticipantID(strings.Repeat("p", IDMax))
	came := func(change func(*ParticipantJoined)) Fact {
		f := &ParticipantJoined{Participant: Participant{ID: longest, Name: "Anna", Kind: KindGuest, Role: RoleHost, JoinedAt: now, Connected: true}, Account: string(longest)}
		change(f)
		return f
	}
	said := func(change func(*Message)) Fact {
		f := &ChatMessage{Message: Message{ID: string(longest), From: longest, Name: "Anna", Text: strings.Repeat("\U0001F600", ChatTextMax), At: now}}
		change(&f.Message)
		return f
	}
	by := Event{Seq: 1, At: now, By: longest, CommandID: CommandIDMax}
	none := Event{Seq: EpochSpan, At: now}
	with := func(e Event, f Fact) Event {
		e.Fact = f
		return e
	}
	at := func(d time.Duration) Event {
		e := with(none, &Ended{Reason: EndedEmpty})
		e.At = now.Add(d)
		return e
	}
	numbered := func(seq int64) Event {
		e := at(0)
		e.Seq = seq
		return e
	}
	command := func(by ParticipantID, id int64) Event {
		return Event{Seq: 1, At: now, By: by, CommandID: id, Fact: &ParticipantLeft{ID: by, Reason: LeftByChoice}}
	}
	for name, tt := range map[string]struct {
		event Event
		ok    bool
	}{
		"came":                   {with(none, came(func(*ParticipantJoined) {})), true},
		"came by somebody":       {with(by, came(func(*ParticipantJoined) {})), false},
		"came without an id":     {with(none, came(func(f *ParticipantJoined) { f.Participant.ID = "" })), false},
		"came with a long id":    {with(none, came(func(f *ParticipantJoined) { f.Participant.ID += "p" })), false},
		"came with a strange id": {with(none, came(func(f *ParticipantJoined) { f.Participant.ID = "p 1" })), false},
		"came as a long account": {with(none, came(func(f *ParticipantJoined) { f.Account += "p" })), false},
		"came without a line":    {with(none, came(func(f *ParticipantJoined) { f.Participant.Connected = false })), false},
		"came at another time":   {with(none, came(func(f *ParticipantJoined) { f.Participant.JoinedAt = t0 })), false},
		"came as a third kind":   {with(none, came(func(f *ParticipantJoined) { f.Participant.Kind = "bot" })), false},
		"came as a third role":   {with(none, came(func(f *ParticipantJoined) { f.Participant.Role = "king" })), false},
		"opened":                 {with(none, &SessionOpened{ID: longest, Session: session}), true},
		"opened by somebody":     {with(by, &SessionOpened{ID: longest, Session: session}), false},
		"opened by nobody's id":  {with(none, &SessionOpened{Session: session}), false},
		"opened too short":       {with(none, &SessionOpened{ID: longest, Session: session[1:]}), false},
		"opened too long":        {with(none, &SessionOpened{ID: longest, Session: session + "s"}), false},
		"opened strangely":       {with(none, &SessionOpened{ID: longest, Session: session[1:] + "="}), false},
		"left":                   {with(by, &ParticipantLeft{ID: longest, Reason: LeftByChoice}), true},
		"left by another":        {with(by, &ParticipantLeft{ID: "p1", Reason: LeftByChoice}), false},
		"lost":                   {with(none, &ParticipantLeft{ID: longest, Reason: LeftLost}), true},
		"lost by somebody":       {with(by, &ParticipantLeft{ID: longest, Reason: LeftLost}), false},
		"removed by somebody":    {with(by, &ParticipantLeft{ID: longest, Reason: LeftRemoved}), false},
		"left with the end":      {with(by, &ParticipantLeft{ID: "p1", Reason: LeftEnded}), true},
		"left for a new reason":  {with(none, &ParticipantLeft{ID: longest, Reason: "bored"}), false},
		"left without an id":     {with(none, &ParticipantLeft{Reason: LeftLost}), false},
		"said":                   {with(by, said(func(*Message) {})), true},
		"said by nobody":         {with(none, said(func(m *Message) { m.From = "" })), false},
		"said for another":       {with(by, said(func(m *Message) { m.From = "p1" })), false},
		"said without an id":     {with(by, said(func(m *Message) { m.ID = "" })), false},
		"said with a long id":    {with(by, said(func(m *Message) { m.ID += "m" })), false},
		"said at another time":   {with(by, said(func(m *Message) { m.At = t0 })), false},
		"said too much":          {with(by, said(func(m *Message) { m.Text += "x" })), false},
		"said nothing":           {with(by, said(func(m *Message) { m.Text = " \n" })), false},
		"ended empty":            {at(0), true},
		"ended empty by one":     {with(by, &Ended{Reason: EndedEmpty}), false},
		"ended by the host":      {with(by, &Ended{Reason: EndedByHost}), true},
		"ended by no host":       {with(none, &Ended{Reason: EndedByHost}), false},
		"ended for a new reason": {with(none, &Ended{Reason: "war"}), false},
		"early":                  {at(EventEarly), true},
		"too early":              {at(EventEarly + time.Millisecond), false},
		"late":                   {at(-EventLate), true},
		"too late":               {at(-EventLate - time.Millisecond), false},
		"between milliseconds":   {at(time.Microsecond), false},
		"the first number":       {numbered(1), true},
		"no number":              {numbered(0), false},
		"a negative number":      {numbered(-1), false},
		"beyond the epoch":       {numbered(EpochSpan + 1), false},
		"the first command":      {command("p1", 1), true},
		"no command":             {command("p1", 0), false},
		"a command too many":     {command("p1", CommandIDMax+1), false},
		"by a long id":           {command(longest+"p", 1), false},
		"a command of nobody":    {Event{Seq: 1, At: now, CommandID: 1, Fact: &Ended{Reason: EndedEmpty}}, false},
	} {
		st, err := Store(tt.event)
		if err != nil {
			t.Fatal(err)
		}
		_, kept, err := st.Checked(1, now)
		if tt.ok && (err != nil || string(kept.Fact) != string(st.Fact)) || !tt.ok && !errors.Is(err, ErrImpossible) {
			t.Errorf("%s: %v", name, err)
		}
		if !tt.ok {
			continue
		}
		if _, _, err := st.Checked(2, now); !errors.Is(err, ErrImpossible) {
			t.Errorf("%s in the next epoch: %v", name, err)
		}
	}
}

func TestNothingIsKeptOfAWorkersWording(t *testing.T) {
	t.Parallel()
	st, err := Store(Event{Seq: EpochSpan + 1, At: t0, Fact: &Ended{Reason: EndedEmpty}})
	if err != nil {
		t.Fatal(err)
	}
	padded := st
	padded.Fact = jsontext.Value(strings.Repeat(" ", 1<<20) + string(st.Fact))
	padded.At = t0.In(time.FixedZone("", 3600))
	_, kept, err := padded.Checked(2, t0)
	if err != nil || string(kept.Fact) != string(st.Fact) || kept.At != st.At {
		t.Errorf("%d bytes at %v, %v", len(kept.Fact), kept.At, err)
	}
}
