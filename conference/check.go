package conference

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"konklave/fault"
)

// What an event may say at most. Who stores events of a worker checks them, see [Stored.Checked]; those who decide keep to it.
const (
	IDMax        = 64          // characters of an id
	CommandIDMax = 1<<53 - 1   // as far as clients count exactly
	EventEarly   = time.Minute // how far an event may lie ahead of the clock
	EventLate    = time.Hour   // how long an event may have waited until it is stored
)

// hashLength is the length of a session: SHA-256, base64url.
const hashLength = 43

// ErrImpossible is the refusal of an event that no conference decides.
var ErrImpossible = fault.New(fault.KindInvalid, "journal.impossible", "An event says what no conference decides.")

// storable is a fact that a journal keeps.
type storable interface {
	Fact
	// check says what no conference decides, whatever its state.
	check(e Event) error
}

// Checked decodes an event of a worker in an epoch strictly, and refuses with ErrImpossible what no conference decides at
// about that time: a number beyond the epoch's, a time far from now, ids and texts of a wrong form or size. Whether the
// people it names are there is not known here. It returns the event also as it is to be stored, in which nothing is of the
// worker's wording.
func (st Stored) Checked(epoch int64, now time.Time) (Event, Stored, error) {
	e, err := st.Event()
	if err != nil {
		return Event{}, Stored{}, err
	}
	if err := e.check(epoch, now); err != nil {
		return Event{}, Stored{}, ErrImpossible.Because(fmt.Errorf("%s: %w", st.Kind, err))
	}
	e.At = e.At.UTC()
	out, err := Store(e)
	return e, out, err
}

func (e Event) check(epoch int64, now time.Time) error {
	before := SeqBefore(epoch)
	switch {
	case e.Seq <= before || e.Seq > before+EpochSpan:
		return fmt.Errorf("number %d is none of epoch %d", e.Seq, epoch)
	case e.At.After(now.Add(EventEarly)), e.At.Before(now.Add(-EventLate)), e.At.Nanosecond()%int(time.Millisecond) != 0:
		return fmt.Errorf("%v is no time for it", e.At)
	case e.By == "" && e.CommandID != 0, e.By != "" && (!e.By.valid() || e.CommandID < 1 || e.CommandID > CommandIDMax):
		return fmt.Errorf("command %d of %.*q", e.CommandID, IDMax, e.By)
	}
	f, ok := e.Fact.(storable)
	if !ok {
		return fmt.Errorf("it is not kept")
	}
	return f.check(e)
}

// valid reports whether an id has the form of one: up to IDMax characters from [A-Za-z0-9_-].
func (id ParticipantID) valid() bool { return validID(string(id)) }

func validID(id string) bool {
	return id != "" && len(id) <= IDMax && strings.Trim(id, idCharacters) == ""
}

const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

func (f *ParticipantJoined) check(e Event) error {
	p := f.Participant
	switch {
	case e.By != "" || !p.ID.valid() || !validID(f.Account):
		return fmt.Errorf("%.*q comes as %.*q", IDMax, f.Account, IDMax, p.ID)
	case !p.Connected || !p.JoinedAt.Equal(e.At):
		return fmt.Errorf("connected is %v, the time %v", p.Connected, p.JoinedAt)
	case p.Kind != KindAccount && p.Kind != KindGuest, p.Role != RoleHost && p.Role != RoleParticipant:
		return fmt.Errorf("%.*q as %.*q", IDMax, p.Kind, IDMax, p.Role)
	}
	return nil
}

func (f *SessionOpened) check(e Event) error {
	if e.By != "" || !f.ID.valid() || len(f.Session) != hashLength || !validID(f.Session) {
		return fmt.Errorf("session %.*q of %.*q", IDMax, f.Session, IDMax, f.ID)
	}
	return nil
}

func (f *ParticipantLeft) check(e Event) error {
	ok := f.ID.valid()
	switch f.Reason {
	case LeftByChoice:
		ok = ok && e.By == f.ID
	case LeftLost, LeftRemoved, LeftSignedOut:
		ok = ok && e.By == ""
	case LeftEnded: // by whoever ended the conference
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("%.*q has left for the reason %.*q", IDMax, f.ID, IDMax, f.Reason)
	}
	return nil
}

func (f *ChatMessage) check(e Event) error {
	m := f.Message
	switch {
	case e.By == "" || m.From != e.By || !validID(m.ID) || !m.At.Equal(e.At):
		return fmt.Errorf("message %.*q of %.*q at %v", IDMax, m.ID, IDMax, m.From, m.At)
	case strings.TrimSpace(m.Text) == "" || !utf8.ValidString(m.Text) || utf8.RuneCountInString(m.Text) > ChatTextMax:
		return fmt.Errorf("a text of %d bytes", len(m.Text))
	}
	return nil
}

func (f *Ended) check(e Event) error {
	ok := false
	switch f.Reason {
	case EndedByHost:
		ok = e.By != ""
	case EndedEmpty, EndedShutdown:
		ok = e.By == ""
	}
	if !ok {
		return fmt.Errorf("ended by %.*q for the reason %.*q", IDMax, e.By, IDMax, f.Reason)
	}
	return nil
}

// Standing is what is known of a participant beyond what others see.
type Standing struct {
	Participant
	Session     string // hash of the token that resumes the session; empty before it is opened
	LastCommand int64  // the highest id of a command that was applied in the session; 0 before the first
}

// Standings returns those present, in the order of joining.
func (s *State) Standings() []Standing {
	all := make([]Standing, 0, len(s.presence.present))
	for _, p := range s.presence.present {
		all = append(all, Standing{Participant: p, Session: p.session, LastCommand: s.applied[p.ID].last})
	}
	return all
}
