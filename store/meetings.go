package store

import (
	"context"
	"math"

	"konklave/audit"
	"konklave/meeting"
	"konklave/store/sqlgen"
)

var _ meeting.Store = (*Store)(nil)

// InsertMeeting implements meeting.Store.
func (s *Store) InsertMeeting(ctx context.Context, m meeting.Meeting, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "insert meeting", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		return q.InsertMeeting(ctx, sqlgen.InsertMeetingParams{
			ID: m.ID, Tenant: m.Tenant, OwnerID: m.OwnerID, Title: m.Title, Link: m.Link, GuestsAllowed: m.GuestsAllowed,
			CreatedAt: millis(m.CreatedAt), UpdatedAt: millis(m.UpdatedAt),
		})
	})
}

// Meeting implements meeting.Store.
func (s *Store) Meeting(ctx context.Context, tenant, id string) (meeting.Meeting, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).MeetingByID, sqlgen.MeetingByIDParams{Tenant: tenant, ID: id})
	return meetingOf(row), orElse(err, meeting.ErrUnknown)
}

// Invitation implements meeting.Store.
func (s *Store) Invitation(ctx context.Context, link string) (meeting.Invitation, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).MeetingByLink, link)
	return meeting.Invitation{Meeting: meetingOf(row.Meeting), Host: row.Host}, orElse(err, meeting.ErrUnknown)
}

// Meetings implements meeting.Store.
func (s *Store) Meetings(ctx context.Context, tenant, ownerID, beforeID string, limit int) ([]meeting.Meeting, error) {
	before := int64(math.MaxInt64)
	if beforeID != "" {
		var err error
		if before, err = ask(ctx, s, (*sqlgen.Queries).MeetingPlace, sqlgen.MeetingPlaceParams{Tenant: tenant, OwnerID: ownerID, ID: beforeID}); err != nil {
			return nil, orElse(err, meeting.ErrUnknown)
		}
	}
	rows, err := ask(ctx, s, (*sqlgen.Queries).MeetingsBefore, sqlgen.MeetingsBeforeParams{
		Tenant: tenant, OwnerID: ownerID, CreatedBefore: before, BeforeID: beforeID, AtMost: int32(limit),
	})
	return mapped(rows, meetingOf), err
}

// ChangeMeeting implements meeting.Store. The owner and the link stay as they are.
func (s *Store) ChangeMeeting(ctx context.Context, tenant, id string, change func(meeting.Meeting) (meeting.Meeting, audit.Entry, error)) (changed meeting.Meeting, err error) {
	err = s.change(ctx, "change meeting", func(ctx context.Context, q *sqlgen.Queries) error {
		row, err := q.LockMeeting(ctx, sqlgen.LockMeetingParams{Tenant: tenant, ID: id})
		if err != nil {
			return orElse(err, meeting.ErrUnknown)
		}
		m, entry, err := change(meetingOf(row))
		if err != nil {
			return err
		}
		changed = m
		if err := q.UpdateMeeting(ctx, sqlgen.UpdateMeetingParams{
			Tenant: tenant, ID: id, Title: m.Title, GuestsAllowed: m.GuestsAllowed,
			UpdatedAt: millis(m.UpdatedAt), DeletedAt: millis(m.DeletedAt),
		}); err != nil {
			return err
		}
		return s.record(ctx, q, entry)
	})
	return changed, err
}

func meetingOf(row sqlgen.Meeting) meeting.Meeting {
	return meeting.Meeting{
		ID: row.ID, Tenant: row.Tenant, OwnerID: row.OwnerID, Title: row.Title, Link: row.Link, GuestsAllowed: row.GuestsAllowed,
		CreatedAt: fromMillis(row.CreatedAt), UpdatedAt: fromMillis(row.UpdatedAt), DeletedAt: fromMillis(row.DeletedAt),
	}
}
