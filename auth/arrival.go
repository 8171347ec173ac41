package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/user"
)

// ProviderCookie is the name of the cookie that binds a sign-in by redirection to the browser in which it began.
const ProviderCookie = "__Host-konklave-provider"

// SignIn begins a session for who knows a name and a password at a directory; a.Email is the name. Faults: access,
// auth.failed, auth.locked, auth.provider_unknown, auth.provider_unavailable, auth.no_role, auth.role_conflict, auth.address_*.
func (f *Federation) SignIn(ctx context.Context, actor access.Actor, provider string, a Attempt) (SignedIn, error) {
	if err := access.Decide(actor, access.SessionStart, access.Object{Kind: "session", Tenant: actor.Tenant}).Err(); err != nil {
		return SignedIn{}, err
	}
	e, err := f.entrance(provider, func(e Entrance) bool { return e.Password != nil })
	if err != nil {
		return SignedIn{}, err
	}
	login := loginKey(provider, a.Email)
	userID, err := f.store.UserOfLogin(ctx, actor.Tenant, provider, login)
	if err != nil {
		return SignedIn{}, err
	}
	device, _ := hashSecret(a.Device)
	var id ProviderIdentity
	failure, err := f.guard.try(ctx, trial{
		actor: actor, account: login, userID: userID, address: a.Address, device: device,
		failed: ErrFailed,
		check: func() (reason audit.FailureReason, err error) {
			id, err = e.Password.SignIn(ctx, a.Email, a.Password)
			if errors.Is(err, ErrFailed) {
				return failureReason(err), nil
			}
			return "", err
		},
	})
	if err != nil {
		return SignedIn{}, err
	}
	return f.admit(ctx, arrival{actor: actor, entrance: e, identity: id, login: login, attempt: a, failure: failure})
}

// loginKey is what failures at a directory are counted by: names that differ in case and spaces are one name there.
func loginKey(provider, name string) string {
	return accountKey("", "\x01"+provider+"\x00"+strings.Join(strings.Fields(strings.ToLower(name)), " "))
}

// subjectKey is what failures of somebody are counted by who came back from a provider's page.
func subjectKey(provider, subject string) string {
	return accountKey("", "\x02"+provider+"\x00"+subject)
}

// failureReason says what a directory's reason means for the log.
func failureReason(err error) audit.FailureReason {
	var reason Reason
	_ = errors.As(err, &reason) // without one it is taken for a wrong password
	switch reason {
	case ReasonUnknown, ReasonAmbiguous, ReasonInput:
		return audit.FailureUnknown
	case ReasonDisabled, ReasonExpired:
		return audit.FailureDisabled
	default:
		return audit.FailurePassword
	}
}

// Departure is where to send a browser, and what it keeps until it comes back.
type Departure struct {
	Address string
	Cookie  string    // the value of the ProviderCookie
	Expires time.Time // when that is good for nothing any more
}

// departed is what is in the ProviderCookie. The browser's own cookies are in it because it does not send them along with an
// answer that a provider's page posts.
type departed struct {
	Provider string
	State    []byte
	Session  string
	Device   string
	Next     string
	Expires  time.Time
}

// purposeDeparted binds the content of the ProviderCookie.
const purposeDeparted = "konklave sign-in at an identity provider"

// Depart begins a sign-in by redirection. Of the attempt, Session and Device are used; next is handed back by Return. Faults:
// access, auth.provider_unknown, auth.provider_unavailable.
func (f *Federation) Depart(ctx context.Context, actor access.Actor, provider string, a Attempt, w Wish, next string) (Departure, error) {
	if err := access.Decide(actor, access.SessionStart, access.Object{Kind: "session", Tenant: actor.Tenant}).Err(); err != nil {
		return Departure{}, err
	}
	e, err := f.entrance(provider, func(e Entrance) bool { return e.Redirect != nil })
	if err != nil {
		return Departure{}, err
	}
	r, err := e.Redirect.Begin(ctx, w)
	if err != nil {
		return Departure{}, err
	}
	content, err := json.Marshal(departed{Provider: provider, State: r.State, Session: a.Session, Device: a.Device, Next: next, Expires: r.Expires})
	if err != nil {
		return Departure{}, err
	}
	return Departure{Address: r.Address, Cookie: f.sealCookie(content, purposeDeparted), Expires: r.Expires}, nil
}

func (f *Federation) sealCookie(content []byte, purpose string) string {
	return base64.RawURLEncoding.EncodeToString(f.sealer.Wrap(content, []byte(purpose)))
}

// openCookie fails with ErrProviderRefused for everything that sealCookie did not make for the purpose.
func (f *Federation) openCookie(cookie, purpose string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil || cookie == "" {
		return nil, ErrProviderRefused.Because(ReasonState)
	}
	content, err := f.sealer.Unwrap(sealed, []byte(purpose))
	if err != nil {
		return nil, ErrProviderRefused.Because(ReasonState)
	}
	return content, nil
}

// Return begins a session for whom a provider has sent back. The cookie is the value of the ProviderCookie; of the attempt,
// Address and UserAgent are used. Next is what Depart was given, as far as the cookie is good. Faults: access,
// auth.provider_*, auth.no_role, auth.role_conflict, auth.address_*.
func (f *Federation) Return(ctx context.Context, actor access.Actor, provider string, answer Reply, cookie string, a Attempt) (in SignedIn, next string, err error) {
	if err := access.Decide(actor, access.SessionStart, access.Object{Kind: "session", Tenant: actor.Tenant}).Err(); err != nil {
		return SignedIn{}, "", err
	}
	e, err := f.entrance(provider, func(e Entrance) bool { return e.Redirect != nil })
	if err != nil {
		return SignedIn{}, "", err
	}
	came := arrival{actor: actor, entrance: e, attempt: a}
	d, err := f.openDeparted(cookie)
	if err == nil && d.Provider != provider { // mix-up
		err = ErrProviderRefused.Because(ReasonState)
	}
	if err != nil {
		return SignedIn{}, "", f.refused(ctx, came, err)
	}
	came.attempt.Session, came.attempt.Device = d.Session, d.Device
	came.identity, err = e.Redirect.Finish(ctx, answer, d.State)
	if err != nil {
		return SignedIn{}, d.Next, f.refused(ctx, came, err)
	}
	if came.failure, err = f.arrived(ctx, came); err != nil {
		return SignedIn{}, d.Next, err
	}
	in, err = f.admit(ctx, came)
	return in, d.Next, err
}

// arrived is under what failures are counted of somebody who came back from a provider's page.
func (f *Federation) arrived(ctx context.Context, a arrival) (Failure, error) {
	tenant, subject := a.actor.Tenant, a.identity.Subject
	userID, err := f.store.UserOfSubject(ctx, tenant, a.entrance.ID, subject)
	if err != nil {
		return Failure{}, err
	}
	device, _ := hashSecret(a.attempt.Device)
	return f.guard.failure(ctx, tenant, userID, subjectKey(a.entrance.ID, subject), a.attempt.Address, device)
}

func (f *Federation) openDeparted(cookie string) (departed, error) {
	content, err := f.openCookie(cookie, purposeDeparted)
	if err != nil {
		return departed{}, err
	}
	var d departed
	if err := json.Unmarshal(content, &d); err != nil {
		return departed{}, ErrProviderRefused.Because(ReasonState)
	}
	if !f.now().Before(d.Expires) {
		return departed{}, ErrProviderRefused.Because(ReasonExpired)
	}
	return d, nil
}

// refused writes down that a sign-in came to nothing, and why, and returns what to answer. Because is where the rules are
// written that are the reason.
func (f *Federation) refused(ctx context.Context, a arrival, answer error, because ...string) error {
	var reason Reason
	if !errors.As(answer, &reason) {
		return answer // the provider did not answer, or the database does not
	}
	origin := audit.Origin{At: f.now(), Actor: a.actor}
	if err := f.store.Record(ctx, audit.ProviderRefused(origin, a.entrance.ID, string(reason), shortSource(a.attempt.Address), because)); err != nil {
		return err
	}
	return answer
}

// arrival is somebody whom a provider has proved.
type arrival struct {
	actor    access.Actor
	entrance Entrance
	identity ProviderIdentity
	login    string // loginKey; empty after a redirection
	attempt  Attempt
	failure  Failure
	given    given
	refusal  error // the rules give nothing; it does not count for somebody who is provisioned
}

// admit begins a session with the roles that the rules give. An account is found by provider and subject; where there is none,
// one is made. Who has a second factor here is asked for it, unless the provider says that it asked for one.
func (f *Federation) admit(ctx context.Context, a arrival) (SignedIn, error) {
	a.given, a.refusal = a.entrance.give(a.identity)
	key := Link{Tenant: a.actor.Tenant, Provider: a.entrance.ID, Subject: a.identity.Subject}
	sealed, err := f.seal(key, a.identity)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	var who access.Actor
	settle := func() error {
		return f.store.Settle(ctx, key, func(k Known) (Outcome, error) {
			now := wholeMillis(f.now())
			o, err := a.settled(k, now)
			if err != nil {
				return Outcome{}, err
			}
			if who = o.User.Actor(); !f.sessions.networks.Open(who.Roles, a.attempt.Address) {
				return Outcome{}, ErrNetworkDenied
			}
			l := &o.Link
			l.Tenant, l.Provider, l.Subject, l.UserID = key.Tenant, key.Provider, key.Subject, o.User.ID
			l.Login, l.Sealed, l.AskAt, l.GoneAt = a.login, sealed, wholeMillis(a.identity.AskAgain), time.Time{}
			var until time.Time
			if a.entrance.Reviewer == nil {
				until = l.AskAt
			}
			if k.Factors > 0 && !a.identity.twice() {
				in = SignedIn{Proved: &Proved{User: o.User.ID, Account: a.failure.Account, Until: until, From: a.from()}}
				return o, nil
			}
			var begin Begin
			begin, in = f.sessions.begin(o.User, a.attempt, a.failure)
			begin.From = a.from()
			begin.endBy(until, &in)
			begin.provedAt(a.identity.SignedInAt, &in)
			return o.withSession(begin), nil
		})
	}
	err = settle()
	if errors.Is(err, user.ErrEmailTaken) {
		err = settle() // the same person may have come in at the same moment
	}
	if errors.Is(err, ErrNetworkDenied) {
		return SignedIn{}, f.sessions.networks.Check(ctx, who, a.attempt.Address)
	}
	if errors.Is(err, user.ErrEmailTaken) {
		err = ErrAddressTaken.Because(ReasonAddress)
	}
	if err != nil {
		var because []string
		if a.refusal != nil {
			because = a.given.because
		}
		return SignedIn{}, f.refused(ctx, a, err, because...)
	}
	return in, nil
}

// from is the session of the provider with which ours ends.
func (a arrival) from() ProviderSession {
	if a.entrance.Leaver == nil {
		return ProviderSession{}
	}
	return ProviderSession{Provider: a.entrance.ID, Subject: a.identity.Subject, Session: a.identity.Session}
}

// settled is the account as it is from now on, with the entries about what is new of it.
func (a arrival) settled(k Known, now time.Time) (Outcome, error) {
	if a.refusal != nil && !k.Provisioned {
		return Outcome{}, a.refusal
	}
	if k.User.ID == "" {
		u, err := newcomer(a.identity, a.given.roles, a.actor.Tenant, now)
		if err != nil {
			return Outcome{}, err
		}
		by := audit.Origin{At: now, Actor: u.Actor()}
		return about(Known{User: u, Link: Link{LinkedAt: now}}, audit.UserCreated(by, u.ID, u.Roles), audit.IdentityLinked(by, u.ID, a.entrance.ID)), nil
	}
	by, o := audit.Origin{At: now, Actor: k.User.Actor()}, about(k)
	switch {
	case k.User.Disabled() && (k.Link.GoneAt.IsZero() || k.Barred): // by an administrator, or by provisioning
		if a.login != "" {
			return Outcome{}, ErrFailed.Because(ReasonDisabled)
		}
		return Outcome{}, ErrProviderRefused.Because(ReasonDisabled)
	case k.User.Disabled():
		k.User.DisabledAt = time.Time{}
		o = about(k, audit.IdentityReturned(by, k.User.ID, a.entrance.ID))
	}
	return o.withRoles(by, a.given, a.entrance.ID), nil
}

// newcomer is the account of somebody who was never here.
func newcomer(id ProviderIdentity, roles access.Roles, tenant string, at time.Time) (user.User, error) {
	email, err := user.CleanEmail(id.Email)
	if err != nil {
		return user.User{}, ErrAddressMissing.Because(ReasonAddress)
	}
	name, err := user.CleanName(id.Name)
	if err != nil {
		name, _, _ = strings.Cut(email, "@")
	}
	return user.New{Email: email, Name: name, Roles: roles.List()}.Prepare(tenant, at)
}

// given is what the rules give to somebody, and where those rules are written.
type given struct {
	roles   access.Roles
	because []string
}

// give applies the rules. It fails with ErrNoRole or ErrRoleConflict; where the rules are written is told then too.
func (e Entrance) give(id ProviderIdentity) (given, error) {
	assigned := e.Rules.Assign(id)
	if len(assigned.Roles) == 0 {
		return given{}, ErrNoRole.Because(ReasonNoRole)
	}
	roles, err := access.RolesOf(assigned.Roles...)
	if errors.Is(err, access.ErrRoleConflict) {
		err = ErrRoleConflict.Because(ReasonRoles)
	}
	return given{roles: roles, because: assigned.Because}, err
}

// purpose binds what is kept of somebody's identity to the link.
func (l Link) purpose() []byte {
	return []byte("konklave identity\x00" + l.Tenant + "\x00" + l.Provider + "\x00" + l.Subject)
}

func (f *Federation) seal(l Link, id ProviderIdentity) ([]byte, error) {
	content, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	return f.sealer.Wrap(content, l.purpose()), nil
}

func (f *Federation) unseal(l Link) (ProviderIdentity, error) {
	var id ProviderIdentity
	content, err := f.sealer.Unwrap(l.Sealed, l.purpose())
	if err != nil {
		return id, err
	}
	return id, json.Unmarshal(content, &id)
}
