package auth

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
)

// purposeLeft binds the content of the ProviderCookie after a sign-out.
const purposeLeft = "konklave sign-out at an identity provider"

// left is what is in the ProviderCookie until the browser comes back from signing out at a provider.
type left struct {
	Provider string
	State    []byte
}

// SignOut ends a session, and says where the browser ends that of the identity provider which vouched for it; without an address
// when there is none, or the provider does not answer: the session here is over in any case. Faults: access, session.unknown.
func (f *Federation) SignOut(ctx context.Context, id Identity) (Departure, error) {
	link, err := f.store.ProviderSession(ctx, id.Actor.Tenant, id.Session.ID)
	if err != nil && !errors.Is(err, ErrSessionUnknown) {
		return Departure{}, err
	}
	if err := f.sessions.End(ctx, id.Actor, id.Session.ID, audit.SessionSignedOut); err != nil {
		return Departure{}, err
	}
	e, err := f.entrance(link.Provider, func(e Entrance) bool { return e.Leaver != nil })
	if err != nil {
		return Departure{}, nil // no such provider, or not any more
	}
	who, err := f.unseal(link)
	if err != nil {
		return Departure{}, err
	}
	r, err := e.Leaver.Logout(ctx, who)
	if err != nil || r.Address == "" {
		return Departure{}, nil // the adapter has told the log
	}
	d := Departure{Address: r.Address, Expires: r.Expires}
	if r.State != nil {
		content, err := json.Marshal(left{Provider: e.ID, State: r.State})
		if err != nil {
			return Departure{}, err
		}
		d.Cookie = f.sealCookie(content, purposeLeft)
	}
	return d, nil
}

// SignedOff takes the answer of a provider to whom SignOut sent the browser; the cookie is the value of the ProviderCookie.
// Faults: auth.provider_unknown, auth.provider_refused, auth.provider_stays.
func (f *Federation) SignedOff(ctx context.Context, provider string, answer Reply, cookie string) error {
	e, err := f.entrance(provider, func(e Entrance) bool { return e.Leaver != nil })
	if err != nil {
		return err
	}
	content, err := f.openCookie(cookie, purposeLeft)
	if err != nil {
		return err
	}
	var l left
	if err := json.Unmarshal(content, &l); err != nil || l.Provider != provider {
		return ErrProviderRefused.Because(ReasonState)
	}
	err = e.Leaver.LoggedOff(ctx, answer, l.State)
	if errors.Is(err, ReasonDenied) {
		return ErrProviderStays.Because(ReasonDenied)
	}
	return err
}

// SignedOut ends the sessions of which a provider says that they are over, and returns where to send the browser that brought
// the word; empty when none did. Faults: access, auth.provider_unknown, auth.farewell_refused, auth.provider_unavailable.
func (f *Federation) SignedOut(ctx context.Context, actor access.Actor, provider string, word Reply) (answer string, err error) {
	if err := access.Decide(actor, access.ProviderFarewell, access.Object{Kind: "session", Tenant: actor.Tenant}).Err(); err != nil {
		return "", err
	}
	e, err := f.entrance(provider, func(e Entrance) bool { return e.Leaver != nil })
	if err != nil {
		return "", err
	}
	farewell, err := e.Leaver.LoggedOut(ctx, word)
	if errors.Is(err, ErrProviderRefused) {
		return "", ErrFarewellRefused.Because(err)
	}
	if err != nil {
		return "", err
	}
	by := audit.Origin{At: wholeMillis(f.now()), Actor: access.System("identity")}
	for _, meant := range farewell.Sessions {
		if meant.Provider != provider || meant.Subject == "" && meant.Session == "" {
			return "", ErrFarewellRefused.Because(ReasonSubject)
		}
		if err := f.store.EndProviderSessions(ctx, actor.Tenant, meant, func(id string) audit.Entry {
			return audit.SessionEnded(by, id, audit.SessionElsewhere)
		}); err != nil {
			return "", err
		}
	}
	return farewell.Answer, nil
}
