package signalling

import (
	"context"
	"errors"

	"konklave/conference"
	"konklave/fault"
)

// serve reads a session's frames until its connection ends.
func (s *Server) serve(ctx context.Context, sess *session, c *conn) {
	ctx, cancel := context.WithCancel(ctx)
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.writer(ctx, s.Conference)
	}()
	err := s.readAll(ctx, sess, c)
	s.release(sess, c)
	c.end(err)
	if errors.Is(err, errGone) {
		cancel()
	}
	<-written
	cancel()
}

// readAll returns the fault to say goodbye with.
func (s *Server) readAll(ctx context.Context, sess *session, c *conn) error {
	for {
		raw, err := c.read(ctx)
		if err != nil {
			return readFault(err)
		}
		if err := s.dispatch(ctx, sess, c, raw); err != nil {
			return err
		}
	}
}

// dispatch routes one frame: one line for each type.
func (s *Server) dispatch(ctx context.Context, sess *session, c *conn, raw []byte) error {
	kind, rest, err := parseType(raw)
	if err != nil {
		return err
	}
	switch kind {
	case "command":
		return s.command(ctx, sess, c, rest)
	case "ping":
		return s.ping(ctx, c, rest)
	case "hello", "resume":
		return errOutOfOrder
	}
	return errUnknownType
}

func (s *Server) command(ctx context.Context, sess *session, c *conn, rest []byte) error {
	f, err := parse[commandFrame](rest)
	if err != nil {
		return err
	}
	if f.ID < 1 {
		return errMalformed
	}
	if !sess.commands.Allow() {
		c.pushJSON(s.result(f.ID, conference.Outcome{}, errRate))
		return nil
	}
	body, err := conference.ParseCommand(f.Command)
	if err != nil {
		c.pushJSON(s.result(f.ID, conference.Outcome{}, err))
		return nil
	}
	if n, ok := body.(conference.Nonced); ok {
		n.SetNonce(newID())
	}
	c.unanswered.Add(1)
	err = s.Conference.Submit(ctx, conference.Command{By: sess.id, Line: c.line, ID: f.ID, Body: body}, func(o conference.Outcome, err error) {
		c.answered(s.result(f.ID, o, err))
	})
	return s.stopped(err)
}

// stopped is what to tell a client whose submission failed: the conference is over, or its worker has failed.
func (s *Server) stopped(err error) error {
	if errors.Is(err, conference.ErrStopped) {
		return endOf(s.Conference)
	}
	return err
}

func (s *Server) ping(ctx context.Context, c *conn, rest []byte) error {
	f, err := parse[pingFrame](rest)
	if err != nil {
		return err
	}
	if len(f.Nonce) > nonceMax {
		return errMalformed
	}
	if c.pings.Add(1) > PingsMax {
		return errTooMany
	}
	return s.stopped(s.Conference.Barrier(ctx, func() {
		c.pings.Add(-1)
		c.pushJSON(pongFrame{"pong", f.Nonce})
	}))
}

// result encodes the answer to a command; what is not a fault for users is hidden behind an id that the log knows.
func (s *Server) result(id int64, o conference.Outcome, err error) resultFrame {
	if err == nil {
		return resultFrame{Type: "result", ID: id, Seq: o.Seq}
	}
	f := fault.As(err)
	ref := newID()[:12]
	if f.Kind == fault.KindInternal {
		s.Log.Error("command failed", "id", ref, "error", err)
	}
	return resultFrame{Type: "result", ID: id, Error: &errorPart{f.Code, f.Message, ref}}
}
