package httpapi

import (
	"context"
	"net/http"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

func (a *API) addSession() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/session", ID: "getSession", Tag: "Session",
		Summary: "Who is signed in with the cookie or token of this request",
	}, a.getSession)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/session", ID: "signIn", Tag: "Session", Action: access.SessionStart,
		Summary: "Sign in with e-mail and password, or with name and password at an identity provider; sets the session cookie",
		Audits:  []audit.Kind{audit.KindSessionStarted},
		Codes: []fault.Code{
			"auth.failed", "auth.locked", "auth.roles", "passkey.only", "auth.provider_unknown", "auth.provider_unavailable", "auth.no_role", "auth.role_conflict", "auth.address_missing", "auth.address_taken",
		},
	}, a.postSession)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/session", ID: "signOut", Tag: "Session", Action: access.SessionEnd,
		Summary: "Sign out here, and tell where to sign out at the identity provider", Audits: []audit.Kind{audit.KindSessionEnded}, Codes: []fault.Code{"session.invalid"},
	}, a.deleteSession)
}

// CurrentSession tells who is signed in.
type CurrentSession struct {
	User      *User      `json:"user,omitempty" doc:"Absent when nobody is signed in."`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"When the session ends in any case; absent with an API token."`

	Factor *FactorWanted `json:"factor,omitempty" doc:"The password was right and nobody is signed in yet: a second factor is wanted."`
}

func (a *API) getSession(ctx context.Context, _ *struct{}) (*body[CurrentSession], error) {
	who := callerOf(ctx)
	var current CurrentSession
	if who.user.ID != "" {
		shown := showUser(who.user)
		current.User = &shown
	}
	if who.session.ID != "" {
		current.ExpiresAt = &who.session.ExpiresAt
	}
	return &body[CurrentSession]{current}, nil
}

// Credentials are what a person signs in with.
type Credentials struct {
	Email    string `json:"email" doc:"The e-mail address; at an identity provider the name by which it knows the person."`
	Password string `json:"password" format:"password"`
	Provider string `json:"provider,omitempty" doc:"The id of an identity provider that asks for a password; absent for an account of this installation."`
}

// signedIn is the answer that begins a session.
type signedIn struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      CurrentSession
}

func (a *API) postSession(ctx context.Context, in *body[Credentials]) (*signedIn, error) {
	c := in.Body
	if c.Provider == "" {
		return a.beginSession(ctx, c.Email, c.Password)
	}
	begun, err := a.federation.SignIn(ctx, access.Nobody(), c.Provider, attemptOf(ctx, c.Email, c.Password))
	if err != nil {
		return nil, err
	}
	return a.showBegun(ctx, begun)
}

// beginSession signs in, or asks for a second factor; it is always a new session, and the one that the browser had before ends.
func (a *API) beginSession(ctx context.Context, email, password string) (*signedIn, error) {
	begun, err := a.signIn.SignIn(ctx, access.Nobody(), attemptOf(ctx, email, password))
	if err != nil {
		return nil, err
	}
	return a.showBegun(ctx, begun)
}

// attemptOf is what the caller's browser tells of itself, and what the person typed.
func attemptOf(ctx context.Context, name, password string) auth.Attempt {
	attempt := callerOf(ctx).attempt()
	attempt.Email, attempt.Password = name, password
	return attempt
}

// showBegun sets the cookies of a new session, or asks for the second factor that is missing to it.
func (a *API) showBegun(ctx context.Context, begun auth.SignedIn) (*signedIn, error) {
	if begun.Proved == nil {
		return a.showSignedIn(begun), nil
	}
	shown, err := a.wanted(ctx, *begun.Proved)
	if err != nil {
		return nil, err
	}
	return &signedIn{Body: CurrentSession{Factor: &shown}}, nil
}

// wanted is the second factor that is asked for after something else was proved.
func (a *API) wanted(ctx context.Context, p auth.Proved) (FactorWanted, error) {
	w, err := a.factors.Want(ctx, access.Nobody().Tenant, p, a.site(callerOf(ctx)))
	return showWanted(w), err
}

// showSignedIn sets the cookies of a new session.
func (a *API) showSignedIn(begun auth.SignedIn) *signedIn {
	shown, expires := showUser(begun.Identity.User), begun.Identity.Session.ExpiresAt
	return &signedIn{
		SetCookie: []http.Cookie{
			hostCookie(auth.SessionCookie, begun.Session, int(expires.Sub(a.now()).Seconds())),
			hostCookie(auth.DeviceCookie, begun.Device, int(auth.DeviceLifetime.Seconds())),
		},
		Body: CurrentSession{User: &shown, ExpiresAt: &expires},
	}
}

// SignedOut is what is left to do after a sign-out.
type SignedOut struct {
	Address string `json:"address,omitempty" format:"uri" doc:"Where to send the browser to sign out at the identity provider too; absent when there is none."`
}

type signedOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      SignedOut
}

func (a *API) deleteSession(ctx context.Context, _ *struct{}) (*signedOut, error) {
	who := callerOf(ctx)
	if who.session.ID == "" {
		return nil, auth.ErrSessionInvalid
	}
	d, err := a.federation.SignOut(ctx, who.identity())
	if err != nil {
		return nil, err
	}
	out := &signedOut{SetCookie: []http.Cookie{hostCookie(auth.SessionCookie, "", -1)}, Body: SignedOut{Address: d.Address}}
	if d.Cookie != "" {
		out.SetCookie = append(out.SetCookie, providerCookie(d.Cookie, int(d.Expires.Sub(a.now()).Seconds())))
	}
	return out, nil
}
