package store

import (
	"context"
	"database/sql"
	"errors"

	"konklave/auth"
	"konklave/conference"
	"konklave/meeting"
	"konklave/store/sqlgen"
)

// ClaimEpoch begins the time of a new worker after the epoch known, and returns the conference in its new epoch; what
// earlier workers append from now on is stale. Of many that do it at once, one succeeds, and the others fail with
// conference.ErrEpochTaken. It fails with ErrConferenceUnknown or ErrConferenceEnded.
func (s *Store) ClaimEpoch(ctx context.Context, id string, known int64) (r conference.Record, err error) {
	err = s.change(ctx, "claim epoch", func(ctx context.Context, q *sqlgen.Queries) error {
		row, err := q.ClaimEpoch(ctx, sqlgen.ClaimEpochParams{ID: id, Known: known})
		if err == nil {
			r = conferenceOf(row)
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if row, err = q.ConferenceByID(ctx, id); err != nil {
			return orElse(err, ErrConferenceUnknown)
		}
		if row.EndedAt != 0 {
			return ErrConferenceEnded
		}
		return conference.ErrEpochTaken
	})
	return r, err
}

// TicketRedeemed reports whether a ticket with this grant was redeemed for its conference, by whichever controller; the
// tenant and the place asked for do not count. Tickets are remembered for auth.TicketMemory after their expiry.
func (s *Store) TicketRedeemed(ctx context.Context, g auth.Grant) (bool, error) {
	n, err := ask(ctx, s, (*sqlgen.Queries).TicketsRedeemed, sqlgen.TicketsRedeemedParams{
		ConferenceID: g.Conference, ActorKind: string(g.Kind), ActorID: g.ActorID, Name: g.Name, Role: string(g.Role),
	})
	return n > 0, err
}

// MeetingTitle returns the title of a meeting, also of a deleted one, whose conference goes on. It fails with
// meeting.ErrUnknown.
func (s *Store) MeetingTitle(ctx context.Context, meetingID string) (string, error) {
	title, err := ask(ctx, s, (*sqlgen.Queries).TitleOfMeeting, meetingID)
	return title, orElse(err, meeting.ErrUnknown)
}
