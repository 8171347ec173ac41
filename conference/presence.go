package conference

import (
	"slices"
	"time"

	"konklave/access"
	"konklave/fault"
)

// Participant is a person in the conference.
type Participant struct {
	ID        ParticipantID `json:"id"`
	Name      string        `json:"name"`
	Kind      Kind          `json:"kind"`
	Role      Role          `json:"role"`
	JoinedAt  time.Time     `json:"joinedAt"`
	Connected bool          `json:"connected"`

	Account string    `json:"-"` // the account or guest id behind it, as the controller admitted it
	session string    // hash of the token that resumes the session
	lostAt  time.Time // when the connection was lost; zero while connected
	line    int64     // number of the newest connection
}

// actor is the participant as the access table sees him: his role in this conference and nothing from outside.
func (p *Participant) actor() access.Actor {
	kind := access.KindGuest
	if p.Kind == KindAccount {
		kind = access.KindAccount
	}
	return access.Actor{Kind: kind, ID: p.Account, UserID: p.Account, Roles: []access.Role{access.Role(p.Role)}}
}

// FirstJoinWait is how long a conference waits at least for its first participant, however short the linger: tickets were
// given out that are still good.
const FirstJoinWait = time.Minute

// presence is who is here.
type presence struct {
	present    []Participant
	emptySince time.Time           // zero while somebody is here
	visited    bool                // somebody has been here
	revoked    map[string]struct{} // sessions that may not begin any more
}

func (p *presence) find(id ParticipantID) *Participant {
	for i := range p.present {
		if p.present[i].ID == id {
			return &p.present[i]
		}
	}
	return nil
}

// holder finds who resumes with a token of this hash.
func (p *presence) holder(session string) *Participant {
	for i := range p.present {
		if session != "" && p.present[i].session == session {
			return &p.present[i]
		}
	}
	return nil
}

func (p *presence) remove(id ParticipantID, at time.Time) {
	p.present = slices.DeleteFunc(p.present, func(q Participant) bool { return q.ID == id })
	if len(p.present) == 0 {
		p.emptySince = at
	}
}

// revoke keeps a session from beginning.
func (p *presence) revoke(session string) {
	if p.revoked == nil {
		p.revoked = map[string]struct{}{}
	}
	p.revoked[session] = struct{}{}
}

// shift moves the beginning of everything that is waited for.
func (p *presence) shift(by time.Duration) {
	if len(p.present) == 0 {
		p.emptySince = p.emptySince.Add(by)
	}
	for i := range p.present {
		if !p.present[i].Connected {
			p.present[i].lostAt = p.present[i].lostAt.Add(by)
		}
	}
}

func (p *presence) nextDeadline(s Settings) (time.Time, bool) {
	if len(p.present) == 0 {
		if !p.visited {
			return p.emptySince.Add(max(s.Linger, FirstJoinWait)), true
		}
		return p.emptySince.Add(s.Linger), true
	}
	var next time.Time
	for _, q := range p.present {
		if q.Connected {
			continue
		}
		if at := q.lostAt.Add(s.ResumeWindow); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, !next.IsZero()
}

// ErrSignedOut is the refusal of a join whose sign-in ended on the way.
var ErrSignedOut = fault.New(fault.KindGone, "participant.signed_out", "You were signed out, so you have left this conference. Sign in to join again.")

// ErrFull is the refusal of a join over the limit.
var ErrFull = fault.New(fault.KindTooMany, "conference.full", "This conference has reached its limit of participants. Ask the host, or try again later.")

// Admission is a person whom the controller lets in, as the redeemed ticket tells.
type Admission struct {
	Account string        `json:"account"` // account id or guest id
	Kind    Kind          `json:"kind"`
	Role    Role          `json:"role"`
	Name    string        `json:"name"`
	Rejoin  ParticipantID `json:"rejoin,omitempty"` // the place held before, as the client claims
}

// Join brings an admitted person in: to the place held before if the same account still holds it, or else to a new one.
// Outcome.Participant tells which. ID is the id of a new place; Line numbers the connection, upwards within a worker; Session
// is the hash of the token that resumes the session which begins here.
type Join struct {
	Admission
	ID      ParticipantID
	Line    int64
	Session string
}

// Action is none: the ticket was the permission.
func (Join) Action() access.Action { return serverAction }

// place is where the person will be.
func (j Join) place(s *State) ParticipantID {
	if p := s.presence.find(j.Rejoin); p != nil && p.Account == j.Account {
		return j.Rejoin
	}
	return j.ID
}

func (j Join) decide(s *State, _ *Participant, now time.Time) ([]Fact, error) {
	if _, over := s.presence.revoked[j.Session]; over {
		return nil, ErrSignedOut
	}
	place := j.place(s)
	if p := s.presence.find(place); p != nil {
		if j.Line < p.line {
			return nil, ErrReplaced
		}
		return []Fact{&SessionOpened{ID: place, Session: j.Session}, &ConnectionChanged{ID: place, Connected: true, line: j.Line}}, nil
	}
	if len(s.presence.present) >= s.Settings.MaxParticipants {
		return nil, ErrFull
	}
	return []Fact{&ParticipantJoined{
		Participant: Participant{ID: place, Name: j.Name, Kind: j.Kind, Role: j.Role, JoinedAt: now.UTC().Truncate(time.Millisecond), Connected: true},
		Account:     j.Account,
		line:        j.Line,
	}, &SessionOpened{ID: place, Session: j.Session}}, nil
}

// Connect says that a participant has a new connection: the one of this id or, with an empty id, the one whose session has a
// token of this hash. Outcome.Participant tells which.
type Connect struct {
	ID      ParticipantID
	Session string
	Line    int64
}

// who is the participant meant, or nil.
func (c Connect) who(s *State) *Participant {
	if c.ID == "" {
		return s.presence.holder(c.Session)
	}
	return s.presence.find(c.ID)
}

// Action is none: the resume token was the permission.
func (Connect) Action() access.Action { return serverAction }

func (c Connect) decide(s *State, _ *Participant, _ time.Time) ([]Fact, error) {
	p := c.who(s)
	switch {
	case p == nil:
		return nil, ErrNotPresent
	case c.Line < p.line:
		return nil, ErrReplaced
	}
	return []Fact{&ConnectionChanged{ID: p.ID, Connected: true, line: c.Line}}, nil
}

// Disconnect says that a participant's connection was lost; if it was the newest, the resume window begins.
type Disconnect struct {
	ID   ParticipantID
	Line int64
}

// Action is none: the server noticed it.
func (Disconnect) Action() access.Action { return serverAction }

func (d Disconnect) decide(s *State, _ *Participant, _ time.Time) ([]Fact, error) {
	if p := s.presence.find(d.ID); p == nil || !p.Connected || p.line != d.Line {
		return nil, nil
	}
	return []Fact{&ConnectionChanged{ID: d.ID, Connected: false, line: d.Line}}, nil
}

// Leave is a participant's own wish to go.
type Leave struct{}

// Action is conference.leave.
func (Leave) Action() access.Action { return access.ConferenceLeave }

func (Leave) decide(_ *State, by *Participant, _ time.Time) ([]Fact, error) {
	return []Fact{&ParticipantLeft{ID: by.ID, Reason: LeftByChoice}}, nil
}

// Revoke takes out everybody whose session was opened under a sign-in that is over, by order of the controller, and keeps those
// out who are on the way. Sessions are named by the hashes of their resume tokens.
type Revoke struct{ Sessions []string }

// Action is none: the controller has decided.
func (Revoke) Action() access.Action { return serverAction }

func (r Revoke) decide(s *State, _ *Participant, _ time.Time) ([]Fact, error) {
	var facts []Fact
	named := map[string]bool{"": true}
	for _, session := range r.Sessions {
		if _, before := s.presence.revoked[session]; before || named[session] {
			continue
		}
		named[session] = true
		if p := s.presence.holder(session); p != nil {
			facts = append(facts, &ParticipantLeft{ID: p.ID, Reason: LeftSignedOut})
		}
		facts = append(facts, &SessionRevoked{Session: session})
	}
	return facts, nil
}

// SessionRevoked is the fact that a session is over, or may not begin. Nobody sees it.
type SessionRevoked struct{ Session string }

// Kind is "session.revoked".
func (*SessionRevoked) Kind() string { return "session.revoked" }

// Durable is false: a session that has not begun ends with its worker.
func (*SessionRevoked) Durable() bool { return false }

// Audience is nobody.
func (*SessionRevoked) Audience() Audience { return Nobody() }

func (f *SessionRevoked) evolve(s *State, _ Event) { s.presence.revoke(f.Session) }

// LeaveReason is why somebody is no longer here.
type LeaveReason string

// The reasons.
const (
	LeftByChoice  LeaveReason = "left"
	LeftLost      LeaveReason = "lost"
	LeftEnded     LeaveReason = "ended"
	LeftRemoved   LeaveReason = "removed"
	LeftSignedOut LeaveReason = "signed_out"
)

// ParticipantJoined is the fact that a person came in.
type ParticipantJoined struct {
	Participant Participant `json:"participant"`
	Account     string      `json:"account"` // journalled, never shown
	line        int64
}

// Kind is "participant.joined".
func (*ParticipantJoined) Kind() string { return "participant.joined" }

// Durable is true.
func (*ParticipantJoined) Durable() bool { return true }

// Audience is everyone.
func (*ParticipantJoined) Audience() Audience { return Everyone() }

func (f *ParticipantJoined) evolve(s *State, _ Event) {
	p := f.Participant
	p.Account, p.line = f.Account, f.line
	s.presence.present = append(s.presence.present, p)
	s.presence.emptySince, s.presence.visited = time.Time{}, true
	s.applied[p.ID] = newApplied()
}

// SessionOpened is the fact that a participant's session begins, which counts its commands from 1. Nobody sees it.
//
// It is what lets sessions outlive a worker: the token itself is known to the client alone, the journal keeps its hash, and
// the next worker finds the participant by it. A token derived from a key would need no event, but then a session that was
// replaced before the worker died would be good again, and the count of a new session's commands would be taken for that of
// the one before.
type SessionOpened struct {
	ID      ParticipantID `json:"id"`
	Session string        `json:"session"` // SHA-256 of the resume token, base64url; never shown
}

// Kind is "session.opened".
func (*SessionOpened) Kind() string { return "session.opened" }

// Durable is true.
func (*SessionOpened) Durable() bool { return true }

// Audience is nobody.
func (*SessionOpened) Audience() Audience { return Nobody() }

func (f *SessionOpened) evolve(s *State, _ Event) {
	p := s.presence.find(f.ID)
	if p == nil {
		return
	}
	p.session = f.Session
	s.applied[f.ID] = newApplied()
}

// ParticipantLeft is the fact that a person is gone.
type ParticipantLeft struct {
	ID     ParticipantID `json:"id"`
	Reason LeaveReason   `json:"reason"`
}

// Kind is "participant.left".
func (*ParticipantLeft) Kind() string { return "participant.left" }

// Durable is true.
func (*ParticipantLeft) Durable() bool { return true }

// Audience is everyone.
func (*ParticipantLeft) Audience() Audience { return Everyone() }

func (f *ParticipantLeft) evolve(s *State, e Event) {
	s.presence.remove(f.ID, e.At)
	delete(s.applied, f.ID)
}

// ConnectionChanged is the fact that a participant's connection was lost or is back.
type ConnectionChanged struct {
	ID        ParticipantID `json:"id"`
	Connected bool          `json:"connected"`
	line      int64
}

// Kind is "participant.connection".
func (*ConnectionChanged) Kind() string { return "participant.connection" }

// Durable is false: after a restart nobody is connected, see [State.Reopen].
func (*ConnectionChanged) Durable() bool { return false }

// Audience is everyone.
func (*ConnectionChanged) Audience() Audience { return Everyone() }

func (f *ConnectionChanged) evolve(s *State, e Event) {
	p := s.presence.find(f.ID)
	if p == nil {
		return
	}
	p.Connected, p.line = f.Connected, f.line
	p.lostAt = time.Time{}
	if !f.Connected {
		p.lostAt = e.At
	}
}
