package httpapi

import (
	"context"
	"net/http"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
	"konklave/user"
)

func (a *API) addMe() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/me", ID: "getMe", Tag: "Profile", Action: access.ProfileRead,
		Summary: "The caller's account",
	}, a.getMe)
	add(a, Route{
		Method: http.MethodPatch, Path: prefix + "/me", ID: "updateMe", Tag: "Profile", Action: access.ProfileUpdate,
		Summary: "Change the caller's account; what is absent stays", Audits: []audit.Kind{audit.KindProfileChanged},
		Codes: []fault.Code{"name.empty", "name.too_long", "name.invalid", "language.invalid"},
	}, a.updateMe)
	add(a, Route{
		Method: http.MethodPut, Path: prefix + "/me/password", ID: "changePassword", Tag: "Profile", Action: access.PasswordChange,
		Summary: "Change the caller's password; all other sessions end", Audits: []audit.Kind{audit.KindPasswordChanged},
		Codes: []fault.Code{"auth.failed", "auth.locked", "password.elsewhere", "session.proof_required", "password.too_short", "password.too_long", "password.common", "password.invalid"},
	}, a.changePassword)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/me/sessions", ID: "listSessions", Tag: "Profile", Action: access.SessionList,
		Summary: "The browsers in which the caller is signed in, the newest first",
	}, a.listSessions)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/me/sessions", ID: "endOtherSessions", Tag: "Profile", Action: access.SessionEnd,
		Summary: "End the caller's sessions in all other browsers", Audits: []audit.Kind{audit.KindSessionEnded},
	}, a.endOtherSessions)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/me/sessions/{id}", ID: "endSession", Tag: "Profile", Action: access.SessionEnd,
		Summary: "End one of the caller's sessions", Audits: []audit.Kind{audit.KindSessionEnded}, Codes: []fault.Code{"session.unknown"},
	}, a.endSession)
}

func (a *API) getMe(ctx context.Context, _ *struct{}) (*body[User], error) {
	u, err := a.users.Profile(ctx, callerOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	return &body[User]{showUser(u)}, nil
}

// ProfileChange is what to change of the caller's account.
type ProfileChange struct {
	Name     *string        `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Language *user.Language `json:"language,omitempty" enum:"de,en"`
}

func (a *API) updateMe(ctx context.Context, in *body[ProfileChange]) (*body[User], error) {
	u, err := a.users.UpdateProfile(ctx, callerOf(ctx).actor, user.Change(in.Body))
	if err != nil {
		return nil, err
	}
	return &body[User]{showUser(u)}, nil
}

// PasswordChange proves the old password and sets the new one.
type PasswordChange struct {
	Old string `json:"old" format:"password"`
	New string `json:"new" minLength:"12" maxLength:"128" format:"password"`
}

func (a *API) changePassword(ctx context.Context, in *body[PasswordChange]) (*empty, error) {
	who := callerOf(ctx)
	return nil, a.signIn.ChangePassword(ctx, who.actor, auth.PasswordChange{
		Old: in.Body.Old, New: in.Body.New, Address: who.source, Device: who.device, Keep: who.session.ID, ProvedAt: who.session.ProvedAt,
	})
}

// Session is one browser in which the caller is signed in.
type Session struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	SeenAt    time.Time `json:"seenAt" doc:"Of the last request, to the minute."`
	ExpiresAt time.Time `json:"expiresAt"`
	UserAgent string    `json:"userAgent" doc:"What the browser says it is, shortened."`
	Source    string    `json:"source" doc:"The network it was begun from, shortened."`
	Current   bool      `json:"current" doc:"It is the session of this request."`
}

func (a *API) listSessions(ctx context.Context, _ *struct{}) (*body[page[Session]], error) {
	who := callerOf(ctx)
	list, err := a.logins.List(ctx, who.actor)
	if err != nil {
		return nil, err
	}
	return &body[page[Session]]{page[Session]{show(list, func(s auth.Session) Session {
		return Session{
			ID: s.ID, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt, UserAgent: s.UserAgent,
			Source: s.Source, Current: s.ID == who.session.ID,
		}
	})}}, nil
}

func (a *API) endSession(ctx context.Context, in *idInput) (*empty, error) {
	return nil, a.logins.End(ctx, callerOf(ctx).actor, in.ID, audit.SessionRevoked)
}

func (a *API) endOtherSessions(ctx context.Context, _ *struct{}) (*empty, error) {
	who := callerOf(ctx)
	_, err := a.logins.EndOthers(ctx, who.actor, who.session.ID)
	return nil, err
}
