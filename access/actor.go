package access

import "slices"

// DefaultTenant is the one organisation of an installation that has not been divided.
const DefaultTenant = "default"

// Kind is what sort of actor asks.
type Kind string

// The kinds of actor.
const (
	KindAnonymous Kind = "anonymous" // nobody has proved anything
	KindGuest     Kind = "guest"     // a browser with a guest cookie
	KindAccount   Kind = "account"   // a person with a living session
	KindToken     Kind = "token"     // a program with an API token of an account
	KindMachine   Kind = "machine"   // a program of its own, with an access token (RFC 6749, section 4.4)
	KindWorker    Kind = "worker"    // the process of one conference
	KindSystem    Kind = "system"    // the controller itself, or its operator on the command line
)

// Actor is who asks. It is made from a session, a token, a ticket or a channel, never from the body of a message.
type Actor struct {
	Kind   Kind
	ID     string  // of the account, guest, token, machine, conference (for its worker) or part of the system; empty when anonymous
	UserID string  // the account behind KindAccount and KindToken, else empty
	Roles  []Role  // empty for those who are neither an account nor in a conference
	Tenant string  // the organisation the actor belongs to
	SignIn string  // the session or token that proves the actor, empty for others; what it opened ends with it
	Scopes []Scope // what a KindMachine may do, and nothing else; empty for others
}

// Nobody is a caller of the default organisation who has proved nothing.
func Nobody() Actor { return Actor{Kind: KindAnonymous, Tenant: DefaultTenant} }

// Guest is a caller known only by the guest cookie from which id was derived.
func Guest(id string) Actor { return Actor{Kind: KindGuest, ID: id, Tenant: DefaultTenant} }

// Worker is the process of one conference; it owns that conference and nothing else.
func Worker(conferenceID, tenant string) Actor {
	return Actor{Kind: KindWorker, ID: conferenceID, Tenant: tenant}
}

// Machine is a program of its own that may do what these scopes open.
func Machine(id, tenant string, scopes ...Scope) Actor {
	return Actor{Kind: KindMachine, ID: id, Tenant: tenant, Scopes: scopes}
}

// System is a part of Konklave that acts on its own, or its operator, named by id ("controller", "command-line").
func System(id string) Actor { return Actor{Kind: KindSystem, ID: id, Tenant: DefaultTenant} }

// Has reports whether the actor has the role.
func (a Actor) Has(r Role) bool { return slices.Contains(a.Roles, r) }

// owner is the identity that ownership of an object is compared with.
func (a Actor) owner() string {
	if a.Kind == KindAccount || a.Kind == KindToken {
		return a.UserID
	}
	return a.ID
}

// Object is what the action is done to. Empty fields mean that the action has no such thing.
type Object struct {
	Kind    string // "meeting", "user", "session", "token", "conference", ...
	ID      string
	OwnerID string // the user (or, for a worker, the conference) that the object belongs to
	Tenant  string
}
