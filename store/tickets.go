package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/journal"
	"konklave/store/sqlgen"
)

var _ auth.TicketStore = (*Store)(nil)

// InsertTicket implements auth.TicketStore.
func (s *Store) InsertTicket(ctx context.Context, secret auth.Hash, g auth.Grant, expiresAt, forget time.Time, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "insert ticket", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if err := q.ForgetTickets(ctx, millis(forget)); err != nil {
			return err
		}
		return q.InsertTicket(ctx, sqlgen.InsertTicketParams{
			Hash: secret, Tenant: g.Tenant, ConferenceID: g.Conference, MeetingID: g.Meeting, ActorKind: string(g.Kind),
			ActorID: g.ActorID, ParticipantID: g.Participant, Name: g.Name, Role: string(g.Role), SignIn: g.SignIn, ExpiresAt: millis(expiresAt),
		})
	})
}

// RedeemTicket implements auth.TicketStore.
func (s *Store) RedeemTicket(ctx context.Context, secret auth.Hash, conference, session, address string, now time.Time, refused func(auth.Grant, audit.TicketReason) audit.Entry) (auth.Grant, error) {
	var grant auth.Grant
	var refusal error // kept apart from the error of the transaction, which is committed with the entry about it
	err := s.change(ctx, "redeem ticket", func(ctx context.Context, q *sqlgen.Queries) error {
		refusal = nil
		row, err := q.UseTicket(ctx, sqlgen.UseTicketParams{Hash: secret, ConferenceID: conference, Session: session, Now: millis(now)})
		if err == nil {
			grant = grantOf(row)
			var admitted bool
			if admitted, err = admit(ctx, q, row, address, now); err != nil || admitted {
				return err
			}
			refusal = auth.ErrTicketRevoked
			return s.record(ctx, q, refused(grant, audit.TicketRevoked))
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		row, err = q.TicketByHash(ctx, secret)
		if err != nil {
			return orElse(err, auth.ErrTicketUnknown)
		}
		var reason audit.TicketReason
		reason, refusal = refusalOf(row, conference)
		return s.record(ctx, q, refused(grantOf(row), reason))
	})
	switch {
	case err != nil:
		return auth.Grant{}, err
	case refusal != nil:
		return auth.Grant{}, refusal
	}
	return grant, nil
}

// admit keeps under which sign-in and from which address a session is opened, and reports false when that sign-in is over.
func admit(ctx context.Context, q *sqlgen.Queries, ticket sqlgen.Ticket, address string, now time.Time) (bool, error) {
	if ticket.SignIn == "" {
		return true, nil
	}
	lives, err := q.SignInLives(ctx, sqlgen.SignInLivesParams{SignIn: ticket.SignIn, Now: millis(now)})
	if err != nil || !lives || ticket.Session == "" {
		return lives, err
	}
	return true, q.InsertAdmission(ctx, sqlgen.InsertAdmissionParams{
		ConferenceID: ticket.ConferenceID, Session: ticket.Session, Tenant: ticket.Tenant, SignIn: ticket.SignIn, Address: address,
	})
}

// TicketOfSession returns what the ticket stood for that was redeemed for a session of the conference, by whichever
// controller. It fails with auth.ErrTicketUnknown when there is none; tickets are remembered for auth.TicketMemory after
// their expiry.
func (s *Store) TicketOfSession(ctx context.Context, conference, session string) (auth.Grant, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).TicketOfSession, sqlgen.TicketOfSessionParams{ConferenceID: conference, Session: session})
	if err != nil {
		return auth.Grant{}, orElse(err, auth.ErrTicketUnknown)
	}
	return grantOf(row), nil
}

// openSessions notes that the sessions of a batch begin, each of which may do so once. When it fails with a fault, it has
// changed nothing. Sessions that no ticket is known for are the controller's to judge.
func (s *Store) openSessions(ctx context.Context, q *sqlgen.Queries, conference string, sessions []string) error {
	for i, session := range sessions {
		row, err := q.TicketOfSession(ctx, sqlgen.TicketOfSessionParams{ConferenceID: conference, Session: session})
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case row.OpenedAt != 0, slices.Contains(sessions[:i], session):
			return journal.ErrSessionSpent
		}
	}
	for _, session := range sessions {
		if err := q.OpenSession(ctx, sqlgen.OpenSessionParams{ConferenceID: conference, Session: session, Now: millis(s.time())}); err != nil {
			return err
		}
	}
	return nil
}

// refusalOf says why UseTicket did not take the ticket.
func refusalOf(row sqlgen.Ticket, conference string) (audit.TicketReason, error) {
	switch {
	case row.ConferenceID != conference:
		return audit.TicketForeign, auth.ErrTicketForeign
	case row.UsedAt != 0:
		return audit.TicketUsed, auth.ErrTicketUsed
	default:
		return audit.TicketExpired, auth.ErrTicketExpired
	}
}

func grantOf(row sqlgen.Ticket) auth.Grant {
	return auth.Grant{
		Tenant: row.Tenant, Conference: row.ConferenceID, Meeting: row.MeetingID, Kind: access.Kind(row.ActorKind),
		ActorID: row.ActorID, Participant: row.ParticipantID, Name: row.Name, Role: access.Role(row.Role), SignIn: row.SignIn,
	}
}
