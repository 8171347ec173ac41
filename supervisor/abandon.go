package supervisor

import (
	"context"
	"errors"

	"konklave/access"
	"konklave/fault"
	"konklave/journal"
)

// Reasons for which a conference is closed without its worker.
const (
	closedLost = "lost" // its journal is damaged
	closedFull = "full" // its journal holds as much as it may
)

// Faults of giving a conference up.
var (
	ErrSound   = fault.New(fault.KindConflict, "journal.sound", "What was stored of this conference is in order, so it was not closed. It goes on with the next person who joins.")
	ErrRunning = fault.New(fault.KindConflict, "conference.running", "This conference is running, so it was not closed. Please end it in the conference itself.")
)

// Abandon closes the live conference of a meeting whose journal is damaged, so that the next person who joins begins a new one.
// What was stored stays for whoever can mend it. Faults: access, meeting.unknown, conference.unknown when no conference is
// live, conference.running, journal.sound.
func (s *Supervisor) Abandon(ctx context.Context, actor access.Actor, meetingID string) error {
	m, err := s.Records.Meeting(ctx, actor.Tenant, meetingID)
	if err != nil {
		return err
	}
	if err := access.Decide(actor, access.ConferenceAbandon, m.Object()).Err(); err != nil {
		return err
	}
	over, err := s.turn(ctx, m.ID)
	if err != nil {
		return err
	}
	defer over()
	rec, err := s.Records.LiveConference(ctx, m.ID)
	if err != nil {
		return err
	}
	_, running, err := s.running(rec.ID)
	switch {
	case err != nil:
		return err
	case running:
		return ErrRunning
	}
	if err := s.prove(ctx, rec.ID); !errors.Is(err, journal.ErrCorrupt) {
		if err == nil {
			err = ErrSound
		}
		return err
	}
	if err := s.Records.CloseConference(ctx, rec.ID, actor, closedLost); err != nil {
		return err
	}
	s.bury(rec.ID)
	return nil
}

// prove does with a journal what a worker has to do with it to begin.
func (s *Supervisor) prove(ctx context.Context, conferenceID string) error {
	replay, err := s.Journal.Load(ctx, conferenceID)
	if err == nil {
		_, err = stateOf(s.Settings, replay)
	}
	return err
}

// full ends a conference of which nothing more can be stored; its worker ends when it learns that.
func (w *worker) full(ctx context.Context) error {
	w.s.Log.Error("the journal of the conference is full and the conference is closed", "conference", w.id)
	if err := w.s.Records.CloseConference(ctx, w.id, access.System("controller"), closedFull); err != nil {
		return err
	}
	w.ended.Store(true)
	return journal.ErrFull
}
