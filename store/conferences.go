package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/conference"
	"konklave/fault"
	"konklave/meeting"
	"konklave/store/sqlgen"
)

// The faults of a conference that is written to.
var (
	ErrConferenceUnknown = fault.New(fault.KindNotFound, "conference.unknown", "There is no such conference.")
	ErrConferenceEnded   = fault.New(fault.KindGone, "conference.ended", "The conference has ended.")
)

// OpenConference returns the live conference of a meeting, or makes one, which it reports. Of many callers at once one
// makes it. It fails with meeting.ErrUnknown.
func (s *Store) OpenConference(ctx context.Context, meetingID string) (r conference.Record, created bool, err error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).LiveConferenceOf, meetingID)
	if err == nil {
		return conferenceOf(row), false, nil
	}
	err = s.change(ctx, "open conference", func(ctx context.Context, q *sqlgen.Queries) error {
		m, err := q.LockMeetingOfAnyTenant(ctx, meetingID) // whoever does the same waits here
		if err != nil {
			return orElse(err, meeting.ErrUnknown)
		}
		row, err := q.LiveConferenceOf(ctx, meetingID)
		if err == nil {
			r, created = conferenceOf(row), false
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		at := s.time()
		r = conference.Record{ID: strings.ToLower(rand.Text()), MeetingID: meetingID, Tenant: m.Tenant, StartedAt: at}
		created = true
		if err := q.InsertConference(ctx, sqlgen.InsertConferenceParams{
			ID: r.ID, Tenant: r.Tenant, MeetingID: meetingID, StartedAt: millis(at),
		}); err != nil {
			return err
		}
		return s.record(ctx, q, audit.ConferenceStarted(origin(at, r.Tenant), r.ID, meetingID))
	})
	return r, created && err == nil, err
}

// Conference returns what is known of a conference, live or ended, or ErrConferenceUnknown.
func (s *Store) Conference(ctx context.Context, id string) (conference.Record, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).ConferenceByID, id)
	return conferenceOf(row), orElse(err, ErrConferenceUnknown)
}

// LiveConference returns the live conference of a meeting, or ErrConferenceUnknown.
func (s *Store) LiveConference(ctx context.Context, meetingID string) (conference.Record, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).LiveConferenceOf, meetingID)
	return conferenceOf(row), orElse(err, ErrConferenceUnknown)
}

// LiveConferences returns the conferences that have not ended, the oldest first.
func (s *Store) LiveConferences(ctx context.Context) ([]conference.Record, error) {
	rows, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]sqlgen.Conference, error) {
		return q.LiveConferences(ctx)
	})
	return mapped(rows, conferenceOf), err
}

// CloseConference ends a conference without its worker, for the reason given; it does nothing when it has ended. By whom is
// in the entry about it; an actor without a tenant acts for that of the conference. It
// fails with ErrConferenceUnknown.
func (s *Store) CloseConference(ctx context.Context, id string, by access.Actor, reason string) error {
	return s.change(ctx, "close conference", func(ctx context.Context, q *sqlgen.Queries) error {
		row, err := q.LockConference(ctx, id)
		if err != nil {
			return orElse(err, ErrConferenceUnknown)
		}
		if row.EndedAt != 0 {
			return nil
		}
		at := s.time()
		if err := q.AdvanceConference(ctx, sqlgen.AdvanceConferenceParams{ID: id, Seq: row.Seq, JournalBytes: row.JournalBytes, EndedAt: millis(at)}); err != nil {
			return err
		}
		if err := q.DeleteAdmissions(ctx, id); err != nil {
			return err
		}
		if by.Tenant == "" {
			by.Tenant = row.Tenant
		}
		return s.record(ctx, q, audit.ConferenceClosed(audit.Origin{At: at, Actor: by}, id, reason))
	})
}

func (s *Store) time() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// origin is what the store itself decides on: it acts for the controller.
func origin(at time.Time, tenant string) audit.Origin {
	actor := access.System("controller")
	actor.Tenant = tenant
	return audit.Origin{At: at, Actor: actor}
}

func conferenceOf(row sqlgen.Conference) conference.Record {
	return conference.Record{
		ID: row.ID, MeetingID: row.MeetingID, Tenant: row.Tenant, Epoch: row.Epoch, Seq: row.Seq,
		StartedAt: fromMillis(row.StartedAt), EndedAt: fromMillis(row.EndedAt),
	}
}
