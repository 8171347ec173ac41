package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/launch"
)

// ending is the end of a worker, with its number among all.
type ending struct {
	launch.Exit

	number int64
}

// answer queues an answer; it waits for room as long as something is written.
func (s *server) answer(id int64, r launch.Response) {
	r.ID = id
	select {
	case s.answers <- r:
	case <-s.gone:
	}
}

// write sends answers, and ends to those who wait for them, until the connection ends.
func (s *server) write() error {
	for {
		select {
		case <-s.over:
			return nil
		case r := <-s.answers:
			if err := s.send(r); err != nil {
				return err
			}
		case <-s.news:
			if err := s.sendEnds(); err != nil {
				return err
			}
		}
	}
}

// send writes one message. A controller that makes no room for it in time is given up.
func (s *server) send(r launch.Response) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	limit := s.Patience
	if limit == 0 {
		limit = readLimit
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err = s.conn.Write(raw)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the controller has not read for %v: %w", limit, err)
	case errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return errGone
	}
	return err
}

// errGone ends the writing to a controller that has gone away, which is no error.
var errGone = errors.New("the controller is gone")

// sendEnds answers waiting requests with ends.
func (s *server) sendEnds() error {
	for {
		id, e, ok := s.takeEnd()
		if !ok {
			return nil
		}
		if err := s.send(launch.Response{ID: id, Exit: &e.Exit}); err != nil {
			s.giveBack(e)
			return err
		}
	}
}

func (s *server) takeEnd() (id int64, e ending, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) == 0 || len(s.waiting) == 0 {
		return 0, ending{}, false
	}
	id, e = s.waiting[0], s.ends[0]
	s.waiting, s.ends = s.waiting[1:], s.ends[1:]
	return id, e, true
}

// giveBack keeps an end that could not be told, for leave.
func (s *server) giveBack(e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append([]ending{e}, s.ends...)
}

// join makes this controller hear of ends, of those first that nobody was there for.
func (s *server) join() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends, s.exits, s.since = s.exits, nil, s.ended
	s.conns[s] = struct{}{}
}

// leave hands what this controller was not told to those that came later, or keeps it for the next one. That it is gone may be
// noticed only when the next one is there already.
func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, s)
	for _, e := range s.ends {
		if len(s.conns) == 0 {
			s.keep(e)
		}
		for other := range s.conns {
			known := slices.ContainsFunc(other.ends, func(o ending) bool { return o.number == e.number })
			if e.number <= other.since && !known {
				other.tell(e)
			}
		}
	}
}

// wait has the request answered when a worker has ended.
func (s *server) wait(id int64) {
	s.mu.Lock()
	full := len(s.waiting) >= waitsMax
	if !full {
		s.waiting = append(s.waiting, id)
	}
	s.mu.Unlock()
	if full {
		s.answer(id, refuse("launch.too_many", "This controller waits for as many ends as it may."))
		return
	}
	s.wake()
}

// tell adds an end. The launcher's lock is held, so nothing here may wait.
func (s *server) tell(e ending) {
	s.ends = append(s.ends, e)
	if len(s.ends) > exitsKept {
		s.ends = s.ends[1:]
	}
	s.wake()
}

// wake has the writer look for ends to tell.
func (s *server) wake() {
	select {
	case s.news <- struct{}{}:
	default: // it will look anyway
	}
}
