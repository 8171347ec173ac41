package auth

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"konklave/fault"
)

// The faults of a sign-in by an identity provider. ErrProviderRefused is the same whatever the reason was; the reason
// is its hidden cause (see Reason). A directory, which is asked with name and password, answers ErrFailed instead.
var (
	ErrProviderRefused     = fault.New(fault.KindUnauthenticated, "auth.provider_refused", "The sign-in did not succeed. Please start it again; if it happens once more, tell your administrator the time.")
	ErrProviderUnavailable = fault.New(fault.KindUnavailable, "auth.provider_unavailable", "The sign-in service of your organisation does not answer. Please try again in a few minutes.")
	ErrProviderUnknown     = fault.New(fault.KindNotFound, "auth.provider_unknown", "There is no such way to sign in. Please load the page again.")
	ErrProviderStays       = fault.New(fault.KindConflict, "auth.provider_stays", "You are signed out here. Your organisation did not confirm that you are signed out there too. Close the browser if others use this device.")
	ErrFarewellRefused     = fault.New(fault.KindInvalid, "auth.farewell_refused", "This word of an identity provider ends no session: it is not from that provider, not for this installation, or was said before.")
	ErrProviderGone        = fault.New(fault.KindUnauthenticated, "auth.provider_gone", "Your organisation no longer lists this account as active. Please ask your administrator.")
)

// The faults of somebody whom a provider has proved and who does not come in all the same.
var (
	ErrNoRole         = fault.New(fault.KindDenied, "auth.no_role", "Your organisation has confirmed who you are, but has not admitted you to this service. Please ask your administrator.")
	ErrRoleConflict   = fault.New(fault.KindDenied, "auth.role_conflict", "Your organisation has confirmed who you are, but gives you roles here that one person may not hold together. Please ask your administrator.")
	ErrAddressMissing = fault.New(fault.KindDenied, "auth.address_missing", "Your organisation has confirmed who you are, but told no e-mail address, which an account needs. Please ask your administrator.")
	ErrAddressTaken   = fault.New(fault.KindConflict, "auth.address_taken", "There is an account with your e-mail address already that does not belong to this way of signing in. For your protection the two are not joined. Please ask your administrator.")
)

// Reason is why the word of a provider was not taken. It is the cause of the faults above, for the log and the audit
// entry; it never holds anything personal.
type Reason string

// Error is the reason itself.
func (r Reason) Error() string { return string(r) }

// The reasons that kinds of provider have in common.
const (
	ReasonUnknown   Reason = "unknown"        // there is no such person
	ReasonAmbiguous Reason = "ambiguous"      // there are several
	ReasonPassword  Reason = "password"       // the password is wrong, or missing
	ReasonInput     Reason = "input"          // a name or an answer that cannot be one
	ReasonDisabled  Reason = "disabled"       // the account may not be used
	ReasonExpired   Reason = "expired"        // the account, or the proof, is over
	ReasonEarly     Reason = "early"          // the proof is from the future
	ReasonState     Reason = "state"          // the answer does not belong to this browser's question
	ReasonReplay    Reason = "replay"         // the proof was shown before
	ReasonIssuer    Reason = "issuer"         // somebody else's word
	ReasonAudience  Reason = "audience"       // the word was for somebody else
	ReasonSignature Reason = "signature"      // not signed, or wrongly
	ReasonAlgorithm Reason = "algorithm"      // signed or encrypted in a way that is not allowed
	ReasonSubject   Reason = "subject"        // nobody, or somebody else than before
	ReasonTooLarge  Reason = "too_large"      // over a limit
	ReasonDenied    Reason = "denied"         // the provider itself said no
	ReasonStale     Reason = "stale"          // the person proved it too long ago
	ReasonMalformed Reason = "malformed"      // not what the protocol says
	ReasonContext   Reason = "context"        // the person proved it in a weaker way than is asked for
	ReasonNoRole    Reason = "no_role"        // no rule gives a role
	ReasonRoles     Reason = "roles_conflict" // the rules give roles that nobody may hold together
	ReasonAddress   Reason = "address"        // no e-mail address, or one that another account has
	ReasonRemoved   Reason = "removed"        // the provider is not configured any more
	ReasonSilent    Reason = "silent"         // the provider could not tell for too long
)

// ProviderIdentity is who a provider says somebody is.
type ProviderIdentity struct {
	Provider string // id of the provider in the configuration
	// Subject names the person at this provider for ever and is given to nobody else: issuer and sub of OpenID Connect,
	// persistent NameID or the configured attribute of SAML, entryUUID or objectGUID of a directory.
	Subject       string
	Name          string // as the provider writes it, not cleaned; may be empty
	Email         string // as the provider writes it, not cleaned; may be empty
	EmailVerified bool   // the provider says that the address is the person's; an account is never linked by the address alone
	Groups        []string
	Attributes    map[string][]string // those that the configuration names
	Methods       []string            // how the person proved who they are: "amr" of OpenID Connect (RFC 8176); empty when not told
	Context       string              // the class of that proof: "acr", or AuthnContextClassRef of SAML; empty when not told
	SignedInAt    time.Time           // when the person proved it to the provider; zero when not told
	Session       string              // the provider's name for its session, for logout: "sid", or SessionIndex; may be empty
	Hint          Hint                // what Logout and Review of the same provider need
	AskAgain      time.Time           // when the provider has to be asked again at the latest, or the session to end
}

// twice reports whether the provider says that it asked for more than one proof (RFC 8176, section 2).
func (id ProviderIdentity) twice() bool { return slices.Contains(id.Methods, "mfa") }

// Hint is what a provider wants to be given again: a secret, opaque, to be kept encrypted. It does not print itself.
type Hint []byte

// String hides the secret.
func (Hint) String() string { return "(secret)" }

// GoString hides the secret.
func (Hint) GoString() string { return "(secret)" }

// LogValue hides the secret.
func (Hint) LogValue() slog.Value { return slog.StringValue("(secret)") }

// PasswordProvider checks a name and a password: a directory.
type PasswordProvider interface {
	// ID is the provider's name in the configuration.
	ID() string
	// SignIn fails with ErrFailed, whose cause is a Reason, or with ErrProviderUnavailable.
	SignIn(ctx context.Context, name, password string) (ProviderIdentity, error)
}

// RedirectProvider sends the browser to a page of its own: OpenID Connect, SAML.
type RedirectProvider interface {
	ID() string
	// Begin says where to send the browser. It fails with ErrProviderUnavailable.
	Begin(ctx context.Context, w Wish) (Redirection, error)
	// Finish takes what the browser came back with and the State of Begin, which the caller kept for this one browser
	// and uses once. It fails with ErrProviderRefused, whose cause is a Reason, or with ErrProviderUnavailable.
	Finish(ctx context.Context, a Reply, state []byte) (ProviderIdentity, error)
}

// Reviewer asks a provider again about somebody who signed in before.
type Reviewer interface {
	// Review takes the identity of the sign-in or of the last review and returns the present one. It fails with
	// ErrProviderGone when the person is no longer there or may no longer sign in, and with ErrProviderUnavailable when
	// the provider cannot tell.
	Review(ctx context.Context, id ProviderIdentity) (ProviderIdentity, error)
}

// Wish is what is asked of a sign-in by redirection.
type Wish struct {
	Again bool // the person has to prove who they are now, even with a living session at the provider (step-up)
}

// Redirection is where to send the browser, and what to keep until it comes back.
type Redirection struct {
	Address string    // absolute URL
	State   []byte    // for Finish; a secret of this browser: kept on the server, or sealed in a cookie
	Expires time.Time // when Finish takes it no more
}

// Reply is what the browser comes back with.
type Reply struct {
	Query    url.Values // of the address
	RawQuery string     // the same as it came, for signatures over it
	Form     url.Values // of the body; nil when there is none
}

// OnceStore remembers for all controllers what may be shown once only.
type OnceStore interface {
	// UseOnce reports whether the id of that kind is shown for the first time; it may be forgotten at until.
	UseOnce(ctx context.Context, kind, id string, until time.Time) (first bool, err error)
}

// Leaver ends sessions at a provider, and hears from it which ones are over.
type Leaver interface {
	// Logout says where to send the browser to end its session at the provider, by the identity of the sign-in; without an
	// address when the provider has no such page. It fails with ErrProviderUnavailable.
	Logout(ctx context.Context, id ProviderIdentity) (Redirection, error)
	// LoggedOff takes what the browser comes back with from there, and the State of Logout. It fails with ErrProviderRefused
	// when it is no answer to that, or the provider did not end everything (ReasonDenied).
	LoggedOff(ctx context.Context, a Reply, state []byte) error
	// LoggedOut takes the word of the provider that sessions are over. It fails with ErrProviderRefused, whose cause is a
	// Reason, or with ErrProviderUnavailable.
	LoggedOut(ctx context.Context, a Reply) (Farewell, error)
}

// Farewell is the word of a provider that sessions are over.
type Farewell struct {
	Sessions []EndedSessions
	Answer   string // where to send the browser when they are ended; empty when the provider wants no answer
}

// EndedSessions is whose sessions a provider says are over: those of Session, or all of Subject when Session is empty.
type EndedSessions struct {
	Provider string
	Subject  string // as in ProviderIdentity; may be empty when Session is given
	Session  string
}
