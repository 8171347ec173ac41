package supervisor

import (
	"context"
	"errors"
	"time"

	"konklave/conference"
	"konklave/fault"
	"konklave/journal"
)

// How a conference whose worker has died is brought back.
const (
	crashWindow    = time.Minute            // in which Restarts ends of its worker are too many
	reviveFirst    = 100 * time.Millisecond // pause after an attempt that failed
	reviveMax      = 5 * time.Second
	reconcilePause = 2 * time.Second // between looks for conferences that nobody serves
)

// errCrashing is what a joining person is told while a conference is left alone.
var errCrashing = fault.New(fault.KindUnavailable, "server.unavailable", "This conference has failed several times in a row and is left alone for a minute. Please try again then; if it happens again, tell your administrator.")

// revive starts the worker of a live conference again, at once, unless it died too often lately; then after a while.
func (s *Supervisor) revive(conferenceID string) {
	if !s.beginRevival(conferenceID) {
		return
	}
	defer s.endRevival(conferenceID)
	pause := reviveFirst
	for s.life.Err() == nil {
		if wait := s.crashes.pause(conferenceID, s.Restarts, time.Now()); wait > 0 {
			s.Log.Error("the conference's worker keeps ending and is left alone for a while", "conference", conferenceID, "restarts", s.Restarts, "pause", wait.Round(time.Second))
			s.sleep(wait)
			continue
		}
		err := s.reviveOnce(conferenceID)
		if err == nil || s.life.Err() != nil {
			return
		}
		s.Log.Error("the conference could not be started again", "conference", conferenceID, "error", err)
		if errors.Is(err, journal.ErrCorrupt) {
			s.leaveAlone(conferenceID)
			return
		}
		s.sleep(pause)
		pause = min(2*pause, reviveMax)
	}
}

// reviveOnce is nil when there is nothing more to do.
func (s *Supervisor) reviveOnce(conferenceID string) error {
	ctx, cancel := context.WithTimeout(s.life, startLimit)
	defer cancel()
	rec, err := s.Records.Conference(ctx, conferenceID)
	if err != nil {
		if fault.As(err).Kind == fault.KindNotFound {
			return nil // of another database
		}
		return err
	}
	over, err := s.turn(ctx, rec.MeetingID)
	if err != nil {
		return err
	}
	defer over()
	if rec, err = s.Records.Conference(ctx, conferenceID); err != nil { // it may have changed during the wait
		return err
	}
	if !rec.Live() {
		s.bury(conferenceID)
		return nil
	}
	if w := s.worker(conferenceID); w != nil && w.epoch == rec.Epoch {
		return nil
	}
	title, err := s.Records.MeetingTitle(ctx, rec.MeetingID)
	if err != nil {
		return err
	}
	if err := s.obtain(ctx, rec, title); err != nil && !errors.Is(err, conference.ErrEnded) {
		return err
	}
	return nil
}

// bury forgets a conference that has ended.
func (s *Supervisor) bury(conferenceID string) {
	s.mu.Lock()
	delete(s.gone, conferenceID)
	delete(s.corrupt, conferenceID)
	delete(s.waits, conferenceID)
	s.mu.Unlock()
	s.crashes.forget(conferenceID)
	s.unbind(conferenceID)
}

func (s *Supervisor) leaveAlone(conferenceID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corrupt[conferenceID] = true
}

func (s *Supervisor) beginRevival(conferenceID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reviving[conferenceID] || s.life.Err() != nil {
		return false
	}
	s.reviving[conferenceID] = true
	return true
}

func (s *Supervisor) endRevival(conferenceID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.reviving, conferenceID)
}

func (s *Supervisor) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.life.Done():
	}
}

// reconcile takes over the workers that run and are not supervised yet, and brings back the conferences that have none.
func (s *Supervisor) reconcile(ctx context.Context) error {
	ends := s.endsHeard()
	list, err := s.Launcher.List()
	if err != nil {
		return err
	}
	records, err := s.Records.LiveConferences(ctx)
	if err != nil {
		return err
	}
	epochs := map[string]int64{}
	for _, running := range list {
		epochs[running.Conference] = running.Epoch
	}
	for _, rec := range records {
		if w := s.worker(rec.ID); w != nil && w.epoch == rec.Epoch || rec.Epoch == 0 || s.isLeftAlone(rec.ID) {
			continue
		}
		if epochs[rec.ID] != rec.Epoch {
			go s.revive(rec.ID)
			continue
		}
		title, err := s.Records.MeetingTitle(ctx, rec.MeetingID)
		if err != nil {
			return err
		}
		if _, err := s.takeOver(rec, title, ends); err != nil && !errors.Is(err, errListOld) { // the next look takes it over
			return err
		}
	}
	return nil
}

func (s *Supervisor) isLeftAlone(conferenceID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.corrupt[conferenceID]
}
