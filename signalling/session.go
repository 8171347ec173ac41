package signalling

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"konklave/conference"
	"konklave/fault"
)

// session is a participant's standing; the conn that carries it may change.
type session struct {
	id        conference.ParticipantID
	token     string
	tokenHash string
	commands  *rate.Limiter

	conn    *conn  // guarded by Server.mu
	line    int64  // guarded by Server.mu; the number of conn
	address string // guarded by Server.mu; from which the conn of the session was let in
}

// subscriber is one connection's view of the conference.
type subscriber struct {
	id   conference.ParticipantID
	conn *conn
}

// Offer queues an event; after one's own leaving come the results still owed, and the goodbye.
func (s *subscriber) Offer(d conference.Delivery) bool {
	ok := s.conn.push(encodeEvent(d))
	if left, mine := d.Event.Fact.(*conference.ParticipantLeft); mine && left.ID == s.id {
		s.conn.endWhenAnswered(farewell(left.Reason))
		return false
	}
	return ok
}

func farewell(reason conference.LeaveReason) error {
	switch reason {
	case conference.LeftByChoice:
		return conference.ErrNotPresent.Kinded(fault.KindGone)
	case conference.LeftRemoved:
		return errRemoved
	case conference.LeftSignedOut:
		return conference.ErrSignedOut
	case conference.LeftEnded:
		return conference.ErrEnded
	case conference.LeftLost:
	}
	return errSession
}

// greet reads the first frame and makes or finds the session; it writes welcome or resumed and what was missed.
func (s *Server) greet(ctx context.Context, c *conn) (*session, error) {
	late := time.AfterFunc(HelloTimeout, func() { c.goodbye(goodbyeOf(errTimeout)) })
	raw, err := c.read(ctx)
	late.Stop()
	if err != nil {
		return nil, readFault(err)
	}
	ctx, cancel := context.WithTimeout(ctx, decisionDeadline)
	defer cancel()
	kind, rest, err := parseType(raw)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "hello":
		return s.hello(ctx, c, rest)
	case "resume":
		return s.resume(ctx, c, rest)
	case "command", "ping":
		return nil, errOutOfOrder
	}
	return nil, errUnknownType
}

func (s *Server) hello(ctx context.Context, c *conn, rest []byte) (*session, error) {
	f, err := parse[helloFrame](rest)
	if err != nil {
		return nil, err
	}
	token := newToken()
	admission, err := s.Redeem(ctx, f.Ticket, hashToken(token), c.source)
	if err != nil {
		return nil, s.unavailable(err)
	}
	line := s.nextLine()
	join := conference.Join{Admission: admission, ID: conference.ParticipantID(newID()), Line: line, Session: hashToken(token)}
	outcome, err := s.enter(ctx, join, line)
	if err != nil {
		return nil, s.unavailable(err)
	}
	sess := newSession(outcome.Participant, token)
	return sess, s.welcome(ctx, sess, c, line, -1)
}

func newSession(p conference.ParticipantID, token string) *session {
	return &session{id: p, token: token, tokenHash: hashToken(token), commands: rate.NewLimiter(CommandRate, CommandBurst)}
}

func (s *Server) resume(ctx context.Context, c *conn, rest []byte) (*session, error) {
	f, err := parse[resumeFrame](rest)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	sess := s.byToken[hashToken(f.Token)]
	s.mu.Unlock()
	line := s.nextLine()
	connect := conference.Connect{Line: line}
	if sess != nil {
		if err := s.arrive(ctx, sess, c); err != nil {
			return nil, err
		}
		connect.ID = sess.id
	} else { // perhaps of the worker before this one: the conference knows
		connect.Session = hashToken(f.Token)
	}
	outcome, err := s.enter(ctx, connect, line)
	if errors.Is(err, conference.ErrNotPresent) {
		return nil, errSession
	}
	if err != nil {
		return nil, s.unavailable(err)
	}
	if sess == nil {
		sess = newSession(outcome.Participant, f.Token)
		if err := s.arrive(ctx, sess, c); err != nil {
			s.disconnect(sess.id, line)
			return nil, err
		}
	}
	seen := f.Seen
	if f.Epoch != s.Epoch || seen < 0 {
		seen = -1
	}
	return sess, s.welcome(ctx, sess, c, line, seen)
}

// arrive has the address looked at from which a session is resumed, unless it was let in from there before.
func (s *Server) arrive(ctx context.Context, sess *session, c *conn) error {
	s.mu.Lock()
	same := sess.address == c.source
	s.mu.Unlock()
	if same {
		return nil
	}
	return s.Arrive(ctx, sess.tokenHash, c.source)
}

// enter does a Join or Connect. When the answer does not come in time, the connection is taken back as soon as it does.
func (s *Server) enter(ctx context.Context, body conference.Body, line int64) (conference.Outcome, error) {
	type answer struct {
		outcome conference.Outcome
		err     error
	}
	answers := make(chan answer, 1)
	if err := s.Conference.Submit(ctx, conference.Command{Body: body}, func(o conference.Outcome, err error) { answers <- answer{o, err} }); err != nil {
		return conference.Outcome{}, err
	}
	select {
	case a := <-answers:
		return a.outcome, a.err
	case <-s.Conference.Done():
		return conference.Outcome{}, conference.ErrStopped
	case <-ctx.Done():
	}
	go func() {
		select {
		case a := <-answers:
			if a.err == nil {
				s.disconnect(a.outcome.Participant, line)
			}
		case <-s.Conference.Done():
		}
	}()
	return conference.Outcome{}, ctx.Err()
}

// disconnect tells the conference that a connection is gone; one that is over needs no word.
func (s *Server) disconnect(p conference.ParticipantID, line int64) {
	_ = s.Conference.Submit(context.Background(), conference.Command{Body: conference.Disconnect{ID: p, Line: line}}, nil)
}

// unavailable keeps faults and turns everything else into server.unavailable: the client shall try again, unless the
// conference is over.
func (s *Server) unavailable(err error) error {
	if f := fault.As(s.stopped(err)); f.Kind != fault.KindInternal {
		return f
	}
	return errUnavailable.Because(err)
}

func (s *Server) nextLine() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line++
	return s.line
}

// take makes c the connection of the session, and the session that of its participant, unless a newer connection has been
// faster. What it takes the place of is told so.
func (s *Server) take(sess *session, c *conn, line int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.byID[sess.id]
	if old != nil && old.line > line {
		return conference.ErrReplaced
	}
	if old != nil && old != sess {
		delete(s.byToken, old.tokenHash)
	}
	if old != nil && old.conn != nil {
		old.conn.end(conference.ErrReplaced)
	}
	sess.conn, sess.line, sess.address = c, line, c.source
	s.byID[sess.id] = sess
	s.byToken[sess.tokenHash] = sess
	return nil
}

// admit lets the session into the media, unless its participant has left or another connection has taken its place. What
// Observe removes is removed after this.
func (s *Server) admit(sess *session, c *conn) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.byID[sess.id] != sess:
		return "", errSession
	case sess.conn != c:
		return "", conference.ErrReplaced
	}
	return s.Media.Admit(sess.id), nil
}

// release tells the conference that the session's connection is gone, unless another has taken its place.
func (s *Server) release(sess *session, c *conn) {
	s.mu.Lock()
	current := sess.conn == c
	line := sess.line
	if current {
		sess.conn = nil
	}
	s.mu.Unlock()
	if c.sub != nil {
		s.Conference.Detach(sess.id, c.sub)
	}
	if current {
		s.disconnect(sess.id, line)
	}
}

// welcome attaches the connection and writes where the participant stands. The writer has not started: what happens
// meanwhile waits in the queue.
func (s *Server) welcome(ctx context.Context, sess *session, c *conn, line, seen int64) error {
	c.line = line
	if err := s.take(sess, c, line); err != nil {
		return err
	}
	err := s.stand(ctx, sess, c, seen)
	if err != nil {
		s.release(sess, c)
	}
	return err
}

func (s *Server) stand(ctx context.Context, sess *session, c *conn, seen int64) error {
	media := mediaPart{Path: MediaPath(s.ConferenceID)}
	if s.Relay != nil {
		media.ICE = s.Relay(ctx, sess.id)
	}
	c.sub = &subscriber{sess.id, c}
	a, err := s.Conference.Attach(ctx, sess.id, c.line, seen, c.sub)
	if errors.Is(err, conference.ErrNotPresent) {
		s.forget(sess)
		return errSession
	}
	if err != nil {
		return s.unavailable(err)
	}
	if media.Token, err = s.admit(sess, c); err != nil {
		return err
	}
	if a.View == nil {
		err = c.writeJSON(resumedFrame{"resumed", s.Epoch, a.Seq, media, s.Now().UTC()})
		for _, d := range a.Missed {
			if err == nil {
				err = c.write(encodeEvent(d))
			}
		}
	} else {
		resume := resumePart{sess.token, int(s.ResumeWindow.Seconds())}
		err = c.writeJSON(welcomeFrame{"welcome", sess.id, resume, s.Epoch, a.Seq, a.View, media, s.Now().UTC()})
	}
	if err != nil {
		return errUnavailable.Because(err)
	}
	return nil
}

// forget drops a session whose participant is gone.
func (s *Server) forget(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byToken, sess.tokenHash)
	if s.byID[sess.id] == sess {
		delete(s.byID, sess.id)
	}
}
