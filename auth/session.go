package auth

import (
	"context"
	"strings"
	"time"
	"unicode"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/user"
)

// How long a session lasts, and how exactly its use is remembered.
const (
	DefaultSessionIdle     = 12 * time.Hour       // without a request
	DefaultSessionLifetime = 7 * 24 * time.Hour   // in any case
	DefaultSessionsMax     = 20                   // of one account at once
	DefaultProofLifetime   = 5 * time.Minute      // see SessionOptions.Proof
	SeenPrecision          = time.Minute          // Session.SeenAt is written at most this often
	ClockTolerance         = 10 * time.Minute     // by how much clocks may differ; a session seen later than that counts no more
	DeviceLifetime         = 180 * 24 * time.Hour // a browser is known so long after its last sign-in
	maxUserAgentLength     = 200                  // characters kept of what the browser says it is
)

// The faults of a session.
var (
	ErrSessionInvalid = fault.New(fault.KindUnauthenticated, "session.invalid", "Your session has ended. Please sign in again.")
	ErrSessionUnknown = fault.New(fault.KindNotFound, "session.unknown", "There is no such session. It may have ended already.")
)

// Session is one browser in which somebody is signed in.
type Session struct {
	ID        string
	Tenant    string
	UserID    string
	CreatedAt time.Time
	SeenAt    time.Time // exact to SeenPrecision
	ExpiresAt time.Time // in any case; earlier when it is idle
	UserAgent string    // shortened
	Source    string    // the network it was begun from, shortened
	ProvedAt  time.Time // when its owner last proved who it is
}

// Identity is who a request comes from.
type Identity struct {
	Actor   access.Actor
	User    user.User
	Session Session // zero when an API token was used
}

// SessionStore keeps sessions. A method that changes something for a person writes the entry in the same transaction.
type SessionStore interface {
	// Session finds a session and its user by the hash of its secret; it fails with ErrSessionInvalid.
	Session(ctx context.Context, secret Hash) (Session, user.User, error)
	// TouchSession writes SeenAt unless it is later already.
	TouchSession(ctx context.Context, id string, seenAt time.Time) error
	// Sessions returns the sessions of a user that were seen after idleSince and expire after now, the newest first.
	Sessions(ctx context.Context, tenant, userID string, idleSince, now time.Time) ([]Session, error)
	// EndSession removes a session of that user; it fails with ErrSessionUnknown.
	EndSession(ctx context.Context, tenant, userID, id string, entry audit.Entry) error
	// EndSessions removes all sessions of that user but the one with the id except, writes for each the entry that
	// entryFor makes, and returns how many there were.
	EndSessions(ctx context.Context, tenant, userID, except string, entryFor func(id string) audit.Entry) (int, error)
}

// SessionOptions are the parts of Sessions that differ between installations and tests.
type SessionOptions struct {
	Now      func() time.Time
	Idle     time.Duration // 0 means DefaultSessionIdle
	Lifetime time.Duration // 0 means DefaultSessionLifetime
	Max      int           // of one account at once; 0 means DefaultSessionsMax
	Proof    time.Duration // what is sensitive may be done so long after its owner proved who it is, at the sign-in or once more; 0 means DefaultProofLifetime
}

// Sessions recognises, lists and ends sessions. SignIn begins them.
type Sessions struct {
	store          SessionStore
	now            func() time.Time
	idle, lifetime time.Duration
	most           int
	proof          time.Duration
}

// NewSessions returns Sessions on the store.
func NewSessions(store SessionStore, o SessionOptions) *Sessions {
	s := &Sessions{store: store, now: o.Now, idle: o.Idle, lifetime: o.Lifetime, most: o.Max, proof: o.Proof}
	if s.idle == 0 {
		s.idle = DefaultSessionIdle
	}
	if s.proof == 0 {
		s.proof = DefaultProofLifetime
	}
	if s.most == 0 {
		s.most = DefaultSessionsMax
	}
	if s.lifetime == 0 {
		s.lifetime = DefaultSessionLifetime
	}
	return s
}

// Authenticate returns who holds the secret of a living session, or ErrSessionInvalid. It remembers the use.
func (s *Sessions) Authenticate(ctx context.Context, secret string) (Identity, error) {
	hash, ok := hashSecret(secret)
	if !ok {
		return Identity{}, ErrSessionInvalid
	}
	session, u, err := s.store.Session(ctx, hash)
	if err != nil {
		return Identity{}, err
	}
	now := wholeMillis(s.now())
	clockPutBack := session.SeenAt.After(now.Add(ClockTolerance))
	if !now.Before(session.ExpiresAt) || !now.Before(session.SeenAt.Add(s.idle)) || clockPutBack || u.Disabled() {
		return Identity{}, ErrSessionInvalid
	}
	if now.Sub(session.SeenAt) >= SeenPrecision {
		if err := s.store.TouchSession(ctx, session.ID, now); err != nil {
			return Identity{}, err
		}
		session.SeenAt = now
	}
	actor := u.Actor()
	actor.SignIn = session.ID
	return Identity{Actor: actor, User: u, Session: session}, nil
}

// Fresh reports whether somebody who proved who it is at that time may do what is sensitive now; a proof of the future, by a clock
// that was put back, does not count.
func (s *Sessions) Fresh(provedAt time.Time) bool {
	now := wholeMillis(s.now())
	return !now.Before(provedAt) && now.Sub(provedAt) < s.proof
}

// List returns the actor's living sessions, the newest first.
func (s *Sessions) List(ctx context.Context, actor access.Actor) ([]Session, error) {
	if err := access.Decide(actor, access.SessionList, ownObject("session", "", actor)).Err(); err != nil {
		return nil, err
	}
	now := wholeMillis(s.now())
	return s.store.Sessions(ctx, actor.Tenant, actor.UserID, now.Add(-s.idle), now)
}

// End ends one session of the actor: the current one to sign out, or another to revoke it. Faults: access, session.unknown.
func (s *Sessions) End(ctx context.Context, actor access.Actor, id string, reason audit.SessionEndReason) error {
	if err := access.Decide(actor, access.SessionEnd, ownObject("session", id, actor)).Err(); err != nil {
		return err
	}
	entry := audit.SessionEnded(audit.Origin{At: s.now(), Actor: actor}, id, reason)
	return s.store.EndSession(ctx, actor.Tenant, actor.UserID, id, entry)
}

// EndOthers ends all sessions of the actor but the one with the id except (none when that is empty) and returns how many.
func (s *Sessions) EndOthers(ctx context.Context, actor access.Actor, except string) (int, error) {
	if err := access.Decide(actor, access.SessionEnd, ownObject("session", "", actor)).Err(); err != nil {
		return 0, err
	}
	origin := audit.Origin{At: s.now(), Actor: actor}
	return s.store.EndSessions(ctx, actor.Tenant, actor.UserID, except, func(id string) audit.Entry {
		return audit.SessionEnded(origin, id, audit.SessionRevoked)
	})
}

func ownObject(kind, id string, actor access.Actor) access.Object {
	return access.Object{Kind: kind, ID: id, OwnerID: actor.UserID, Tenant: actor.Tenant}
}

// begin makes a session of a user who was proved, the first time in this browser or not; failure is what guard.try
// returned. The result is for whoever asked, once the session is stored.
func (s *Sessions) begin(u user.User, a Attempt, failure Failure) (Begin, SignedIn) {
	now := wholeMillis(s.now())
	secret := newSecret()
	hash, _ := hashSecret(secret)
	session := Session{
		ID: newID(), Tenant: u.Tenant, UserID: u.ID, CreatedAt: now, SeenAt: now, ProvedAt: now, ExpiresAt: now.Add(s.lifetime),
		UserAgent: shortUserAgent(a.UserAgent), Source: shortSource(a.Address),
	}
	device := a.Device
	if !failure.Known {
		device = newSecret()
	}
	deviceHash, _ := hashSecret(device)
	replaced, _ := hashSecret(a.Session)
	by := audit.Origin{At: now, Actor: u.Actor()}
	begin := Begin{
		Session: session, Entry: audit.SessionStarted(by, session.ID, session.Source), Secret: hash, Replaced: replaced, Failure: failure,
		Device: deviceHash, DeviceExpires: now.Add(DeviceLifetime), ForgetFailures: now.Add(-FailureMemory),
		Most: s.most, Ended: func(id string) audit.Entry {
			return audit.SessionEnded(by, id, audit.SessionSuperseded)
		},
	}
	if !failure.Known {
		found := newBrowser(session, begin.Entry)
		begin.NewBrowser = &found
	}
	actor := u.Actor()
	actor.SignIn = session.ID
	return begin, SignedIn{Identity: Identity{Actor: actor, User: u, Session: session}, Session: secret, Device: device}
}

// endBy has the session end by a time, where that is not zero and the session would last longer.
func (b *Begin) endBy(at time.Time, in *SignedIn) {
	if !at.IsZero() && at.Before(b.Session.ExpiresAt) {
		b.Session.ExpiresAt, in.Identity.Session.ExpiresAt = at, at
	}
}

// provedAt tells when a provider says that the person proved who it is; zero when it does not say.
func (b *Begin) provedAt(at time.Time, in *SignedIn) {
	if at.Before(b.Session.ProvedAt) {
		b.Session.ProvedAt = wholeMillis(at)
	}
	in.Identity.Session.ProvedAt = b.Session.ProvedAt
}

// shortUserAgent keeps the printable ASCII characters at the beginning.
func shortUserAgent(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s[:min(len(s), maxUserAgentLength)])
	return strings.TrimSpace(s)
}
