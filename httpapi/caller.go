package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"konklave/access"
	"konklave/auth"
	"konklave/telemetry"
	"konklave/user"
)

// caller is who sent a request, proved by its cookie or token.
type caller struct {
	actor       access.Actor
	user        user.User    // zero without an account
	session     auth.Session // zero unless the cookie of a living session was sent
	secret      string       // value of the session cookie, or empty
	source      string       // network address of the client
	agent       string       // what the client says it is
	device      string       // value of the device cookie, or empty
	origin      string       // under which the client reached the front
	guestCookie string       // to be set; empty when the caller has one or is no guest
	departure   string       // value of the provider cookie, or empty
	query       string       // of the address, as it came
}

type callerKey struct{}

// callerOf is the caller that admit put into the context.
func callerOf(ctx context.Context) caller {
	who, _ := ctx.Value(callerKey{}).(caller)
	return who
}

// admit makes the checks that come before a request's body is looked at, and returns the handler's context.
func (a *API) admit(w http.ResponseWriter, r *http.Request, route Route) (context.Context, error) {
	ctx := r.Context()
	bearer, byToken := bearerToken(r)
	if route.Mutates() && !route.Return && !byToken && !sameOrigin(r) {
		return nil, ErrForeignOrigin
	}
	who := caller{
		actor: access.Nobody(), source: clientAddress(r), agent: r.UserAgent(), origin: ownOrigin(r), query: r.URL.RawQuery,
		device: cookie(r, auth.DeviceCookie), secret: cookie(r, auth.SessionCookie), departure: cookie(r, auth.ProviderCookie),
	}
	var expired error
	if !route.Nobody {
		var err error
		if expired, err = a.identify(ctx, bearer, byToken, &who); err != nil {
			return nil, err
		}
	}
	if route.Guest && who.actor.Kind == access.KindAnonymous {
		who.becomeGuest(r)
	}
	if !route.Nobody && route.Action != access.SessionStart && route.Action != access.SessionEnd {
		if err := a.networks.Check(ctx, who.actor, who.source); err != nil {
			return nil, err
		}
	}
	if who.actor.UserID != "" {
		a.traffic.Person(who.actor.Tenant, who.actor.UserID, sourceKey(who.source))
	}
	if (who.actor.UserID != "" || who.actor.Kind == access.KindMachine) && !a.accounts.allow(string(who.actor.Kind)+"/"+who.actor.ID+"/"+who.session.ID) {
		return nil, tooMany(w)
	}
	if route.Action != "" {
		// The widest that the actor could be allowed; the services decide about the object itself.
		own := access.Object{OwnerID: who.actor.UserID, Tenant: who.actor.Tenant}
		if err := access.Decide(who.actor, route.Action, own).Err(); err != nil {
			if expired != nil && errors.Is(err, access.ErrSignInRequired) {
				return nil, expired
			}
			return nil, err
		}
	}
	if route.needsProof() && who.actor.Kind == access.KindAccount && !a.logins.Fresh(who.session.ProvedAt) {
		return nil, auth.ErrProofRequired
	}
	return context.WithValue(ctx, callerKey{}, who), nil
}

// identify finds out who holds the token or the session cookie. A cookie that is not valid any more makes an anonymous
// caller; why is returned as expired.
func (a *API) identify(ctx context.Context, bearer string, byToken bool, who *caller) (expired, err error) {
	if auth.IsAccessToken(bearer) {
		actor, machine, err := a.machines.Authenticate(ctx, bearer)
		if err != nil {
			return nil, a.reuse.Refused(ctx, err, bearer, who.source, who.agent)
		}
		who.actor = actor
		return nil, a.networks.CheckMachine(ctx, actor, machine, who.source)
	}
	if byToken {
		id, err := a.tokens.Authenticate(ctx, bearer)
		if err != nil {
			return nil, a.reuse.Refused(ctx, err, bearer, who.source, who.agent)
		}
		who.actor, who.user = id.Actor, id.User
		return nil, nil
	}
	if who.secret == "" {
		return nil, nil
	}
	id, err := a.logins.Authenticate(ctx, who.secret)
	if errors.Is(err, auth.ErrSessionInvalid) {
		if err = a.reuse.Refused(ctx, err, who.secret, who.source, who.agent); errors.Is(err, auth.ErrSessionInvalid) {
			return err, nil
		}
	}
	if err != nil {
		return nil, err
	}
	who.actor, who.user, who.session = id.Actor, id.User, id.Session
	return nil, nil
}

// becomeGuest gives the caller the identity of its guest cookie, or a new one.
func (c *caller) becomeGuest(r *http.Request) {
	id, ok := auth.GuestID(cookie(r, auth.GuestCookie))
	if !ok {
		c.guestCookie, id = auth.NewGuest()
	}
	c.actor = access.Guest(id)
}

// bearerToken returns the token of the Authorization header; false means that there is no such header.
func bearerToken(r *http.Request) (string, bool) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", header != ""
	}
	return token, true
}

// sameOrigin reports whether the request comes from our own pages. A program that is no browser sends neither Origin nor
// Sec-Fetch-Site; it is believed as long as it sends none of our cookies either.
func sameOrigin(r *http.Request) bool {
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		return len(origins) == 1 && origins[0] == ownOrigin(r)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return cookie(r, auth.SessionCookie) == "" && cookie(r, auth.GuestCookie) == "" && cookie(r, auth.DeviceCookie) == ""
}

// ownOrigin is the origin under which the client reached the front.
func ownOrigin(r *http.Request) string {
	scheme, host := r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Host")
	if scheme == "" {
		scheme = "http"
	}
	if host == "" {
		host = r.Host
	}
	return scheme + "://" + host
}

// clientAddress is the address that the front saw, or was told by a proxy that it trusts.
func clientAddress(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }

// cookie is the value of a cookie, empty when it is absent or sent more than once.
func cookie(r *http.Request, name string) string {
	found := r.CookiesNamed(name)
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// hostCookie makes a cookie that only this host gets and no script reads. maxAge is in seconds: 0 lasts as long as the
// browser runs, a negative one deletes the cookie.
func hostCookie(name, value string, maxAge int) http.Cookie {
	return http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// requestContext gives the request the id that the front sent, or a new one.
func requestContext(ctx context.Context, id string) context.Context {
	if !telemetry.ValidRequestID(id) {
		id = telemetry.NewRequestID()
	}
	return telemetry.WithRequestID(ctx, id)
}
