package auth

import (
	"context"
	"errors"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/finding"
)

// TicketLifetime is how long after its issue a ticket opens a connection.
const TicketLifetime = 60 * time.Second

// TicketMemory is how long after its expiry a ticket is still recognised, so that it can be refused for the true reason.
const TicketMemory = 10 * time.Minute

// The faults of a ticket. All mean: join again for a new one.
var (
	ErrTicketUnknown = fault.New(fault.KindUnauthenticated, "ticket.unknown", "This ticket is not known. Please join again.")
	ErrTicketExpired = fault.New(fault.KindUnauthenticated, "ticket.expired", "This ticket has expired. Please join again.")
	ErrTicketUsed    = fault.New(fault.KindUnauthenticated, "ticket.used", "This ticket was used already. Please join again.")
	ErrTicketRevoked = fault.New(fault.KindUnauthenticated, "ticket.revoked", "You were signed out, so this ticket is no longer valid. Please sign in and join again.")
	ErrTicketForeign = fault.New(fault.KindUnauthenticated, "ticket.foreign", "This ticket is for another conference. Please join again.")
)

// Grant is what a ticket stands for: the controller's word to a worker about who comes.
type Grant struct {
	Tenant      string
	Conference  string      // the only one in which the ticket is valid
	Meeting     string      // the meeting that the conference is of
	Kind        access.Kind // KindAccount or KindGuest
	ActorID     string      // the user or guest id
	Participant string      // the participant whose place to take, if it is the same actor's; or empty
	Name        string      // as user.CleanName returns it
	Role        access.Role // RoleHost or RoleParticipant
	SignIn      string      // the session or API token that it was issued under, and ends with; empty for guests
}

// TicketStore keeps tickets.
type TicketStore interface {
	// InsertTicket stores a ticket and the entry in one transaction, and forgets tickets that expired before forget.
	InsertTicket(ctx context.Context, secret Hash, g Grant, expiresAt, forget time.Time, entry audit.Entry) error
	// RedeemTicket uses the ticket up, atomically: of many that try, one gets the grant. It fails with ErrTicketUnknown,
	// ErrTicketForeign (which does not use it up), ErrTicketUsed, ErrTicketExpired (at the moment of expiry and later) or
	// ErrTicketRevoked (its sign-in is over); for the last four it writes the entry that refused makes. The ticket is good for
	// that session from then on, which is used from the address; nothing is kept of an empty one.
	RedeemTicket(ctx context.Context, secret Hash, conference, session, address string, now time.Time, refused func(Grant, audit.TicketReason) audit.Entry) (Grant, error)
	// KeepFinding stores a finding, unless one of the same kind and topic is too new.
	KeepFinding(ctx context.Context, f finding.Finding) error
}

// Tickets issues and redeems the single-use tickets that open a connection to a conference.
type Tickets struct {
	store   TicketStore
	now     func() time.Time
	guesses guesses
}

// NewTickets returns Tickets that take the time from now.
func NewTickets(store TicketStore, now func() time.Time) *Tickets {
	return &Tickets{store: store, now: now, guesses: guesses{at: map[string][]time.Time{}}}
}

// Issue makes a ticket for the actor, whose identity takes the place of Tenant, Kind, ActorID and SignIn in the grant. Whether the
// meeting admits the actor (meeting.Meeting.Admits) was decided before.
func (t *Tickets) Issue(ctx context.Context, actor access.Actor, g Grant) (ticket string, expiresAt time.Time, err error) {
	g.Tenant, g.Kind, g.ActorID, g.SignIn = actor.Tenant, access.KindGuest, actor.ID, actor.SignIn
	if actor.UserID != "" {
		g.Kind, g.ActorID = access.KindAccount, actor.UserID
	}
	object := access.Object{Kind: "conference", ID: g.Conference, Tenant: g.Tenant}
	if err := access.Decide(actor, access.ConferenceJoin, object).Err(); err != nil {
		return "", time.Time{}, err
	}
	now := wholeMillis(t.now())
	ticket, expiresAt = newSecret(), now.Add(TicketLifetime)
	hash, _ := hashSecret(ticket)
	entry := audit.ParticipantAdmitted(audit.Origin{At: now, Actor: actor}, g.Conference, g.Meeting, g.Role, g.Participant != "")
	if err := t.store.InsertTicket(ctx, hash, g, expiresAt, now.Add(-TicketMemory), entry); err != nil {
		return "", time.Time{}, err
	}
	return ticket, expiresAt, nil
}

// Redeem uses a ticket up for a conference, which must be the one whose worker asks: taken from the channel, never from
// a message. Session is the hash of the token that resumes the one session that the ticket opens; empty when the worker is of
// a version that does not tell. Address is what Places.Kept says of the address that it comes from. Faults: ticket.unknown, ticket.expired, ticket.used, ticket.foreign,
// ticket.revoked.
func (t *Tickets) Redeem(ctx context.Context, ticket, conference, session, address string) (Grant, error) {
	now := wholeMillis(t.now())
	hash, ok := hashSecret(ticket)
	if !ok {
		return Grant{}, t.guessed(ctx, conference, now)
	}
	grant, err := t.store.RedeemTicket(ctx, hash, conference, session, address, now, func(g Grant, reason audit.TicketReason) audit.Entry {
		worker := access.Worker(conference, g.Tenant)
		return audit.TicketRefused(audit.Origin{At: now, Actor: worker}, conference, reason)
	})
	if errors.Is(err, ErrTicketUnknown) {
		return Grant{}, t.guessed(ctx, conference, now)
	}
	return grant, err
}

// guessed counts a ticket that nobody issued and returns what to answer.
func (t *Tickets) guessed(ctx context.Context, conference string, now time.Time) error {
	n := t.guesses.add(conference, now)
	if n < GuessedTickets {
		return ErrTicketUnknown
	}
	evidence := finding.Evidence{Failures: n, Conference: conference}
	found := finding.New(access.DefaultTenant, now, finding.TicketGuessing, "", conference, GuessWindow, evidence)
	if err := t.store.KeepFinding(ctx, found); err != nil {
		return err
	}
	return ErrTicketUnknown
}
