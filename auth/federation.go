package auth

import (
	"context"
	"slices"
	"time"

	"konklave/audit"
	"konklave/user"
)

// Entrance is an identity provider as a way in. It has a Password or a Redirect, not both.
type Entrance struct {
	ID       string
	Label    string // as people see it
	Rules    Rules
	Password PasswordProvider
	Redirect RedirectProvider
	Reviewer Reviewer // nil when the provider cannot be asked about somebody who is not there
	Leaver   Leaver   // nil when the provider has no sessions that end
}

// Link is what is kept of the word of a provider about an account. Tenant, Provider and Subject name it; nothing else ever
// finds the account of somebody who signs in.
type Link struct {
	Tenant   string
	Provider string
	Subject  string // as in ProviderIdentity
	UserID   string
	Login    string    // loginKey of the name that was typed at a directory; empty otherwise
	Sealed   []byte    // the ProviderIdentity, readable with the master key only
	LinkedAt time.Time // UTC, whole milliseconds
	AskAt    time.Time // when the provider is asked again
	GoneAt   time.Time // when the provider said that the person is gone; zero while it has not
}

// ProviderSession names a session of a provider; the zero value none.
type ProviderSession struct {
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
	Session  string `json:"session,omitzero"` // empty when the provider does not name it
}

// Known is the account of a link and the link; both are zero when there is none.
type Known struct {
	User    user.User
	Link    Link
	Factors int // how many second factors the account has here
	// Provisioned is an account that provisioning keeps (package scim): the rules are applied there, not to what a sign-in tells.
	Provisioned bool
	Barred      bool // provisioning keeps the person out
}

// Outcome is what Settle stores: the account and its link, new ones when there were none.
type Outcome struct {
	Known
	End     bool   // all sessions of the account end
	Begin   *Begin // a session that begins after that; or nil
	Entries func(ended int) []audit.Entry
}

// about is an outcome with these entries and no other change.
func about(k Known, entries ...audit.Entry) Outcome {
	return Outcome{Known: k, Entries: func(int) []audit.Entry { return entries }}
}

// withRoles gives the account these roles, unless they come from provisioning. Where it loses one, everything ends that the person is signed in with.
func (o Outcome) withRoles(by audit.Origin, g given, provider string) Outcome {
	before, told := o.User.Roles, o.Entries
	if before == g.roles || o.Provisioned {
		return o
	}
	o.User.Roles, o.End = g.roles, before.Without(g.roles)
	o.Entries = func(ended int) []audit.Entry {
		return append(told(ended), audit.RolesGiven(by, o.User.ID, before, g.roles, ended, provider, g.because))
	}
	return o
}

// withSession begins a session, which is not one of those that end.
func (o Outcome) withSession(b Begin) Outcome {
	told := o.Entries
	o.Begin = &b
	o.Entries = func(ended int) []audit.Entry { return append(told(ended), b.Entry) }
	return o
}

// FederationStore keeps who is who at the identity providers.
type FederationStore interface {
	FailureStore
	// UserOfSubject returns the id of the user whom that link names; empty for nobody.
	UserOfSubject(ctx context.Context, tenant, provider, subject string) (string, error)
	// UserOfLogin returns the id of the user who last signed in with that login at the provider; empty for nobody.
	UserOfLogin(ctx context.Context, tenant, provider, login string) (string, error)
	// Settle reads what is known of the link that key names, calls decide and stores the outcome with its entries, all in one
	// transaction, in which nobody else changes that account; nothing is stored when decide fails. Decide may be called again.
	// It fails with user.ErrEmailTaken for a new account whose address another one has.
	Settle(ctx context.Context, key Link, decide func(Known) (Outcome, error)) error
	// ClaimReviews returns at most limit links that are to be asked about at now, of accounts that may be used, with a session or
	// an API token.
	// To others they are due at until.
	ClaimReviews(ctx context.Context, now, until time.Time, limit int) ([]Link, error)
	// ProviderSession returns the link under which a session was begun that ends together with one of the provider, as the link
	// was then: Tenant, Provider, Subject and Sealed. It fails with ErrSessionUnknown when it is no such session.
	ProviderSession(ctx context.Context, tenant, session string) (Link, error)
	// EndProviderSessions ends the sessions that are meant, and writes the entry that entryFor makes of the id of each.
	EndProviderSessions(ctx context.Context, tenant string, meant EndedSessions, entryFor func(id string) audit.Entry) error
	// Record writes an entry about something that changed nothing.
	Record(ctx context.Context, entries ...audit.Entry) error
}

// Federation signs people in for whom an identity provider vouches, and asks the providers again about those who have.
type Federation struct {
	store     FederationStore
	sessions  *Sessions
	sealer    Sealer
	now       func() time.Time
	guard     *guard
	entrances []Entrance
}

// NewFederation returns a Federation of the entrances, in the order in which people see them. Its sessions last as those of
// sessions, from where it takes the time, too.
func NewFederation(store FederationStore, sessions *Sessions, sealer Sealer, entrances ...Entrance) *Federation {
	return &Federation{store: store, sessions: sessions, sealer: sealer, now: sessions.now, guard: newGuard(store, sessions.now), entrances: entrances}
}

// Entrances returns the ways in, in their order.
func (f *Federation) Entrances() []Entrance { return f.entrances }

// entrance finds a way in of which fit says that it can be used as the caller wants.
func (f *Federation) entrance(id string, fit func(Entrance) bool) (Entrance, error) {
	i := slices.IndexFunc(f.entrances, func(e Entrance) bool { return e.ID == id && fit(e) })
	if i < 0 {
		return Entrance{}, ErrProviderUnknown
	}
	return f.entrances[i], nil
}

// Said is what the provider of a link said the last time.
func (f *Federation) Said(l Link) (ProviderIdentity, error) { return f.unseal(l) }
