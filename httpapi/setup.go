package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
	"konklave/user"
)

func (a *API) addSetup() {
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/setup", ID: "completeSetup", Tag: "Instance", Action: access.SetupComplete,
		Summary: "Create the first administrator with the token of the set-up link, sign in, and show the recovery key. Sent again within an hour, with the same token, address and password, because the answer was lost, it shows another recovery key that takes the place of the first",
		Nobody:  true,
		Audits:  []audit.Kind{audit.KindSetupCompleted, audit.KindRecoveryKeyMade, audit.KindSessionStarted}, Status: http.StatusCreated,
		Codes: []fault.Code{
			"setup.invalid", "setup.done", "auth.locked", "email.invalid", "email.taken", "name.empty", "name.too_long", "name.invalid",
			"language.invalid", "password.too_short", "password.too_long", "password.common", "password.invalid",
		},
	}, a.completeSetup)
}

// FirstUser is the first administrator.
type FirstUser struct {
	Token    string        `json:"token" doc:"From the fragment of the set-up link."`
	Email    string        `json:"email" format:"email"`
	Name     string        `json:"name" minLength:"1" maxLength:"100"`
	Language user.Language `json:"language,omitempty" enum:"de,en"`
	Password string        `json:"password" minLength:"12" maxLength:"128" format:"password"`
}

// CompletedSetup is the answer to a set-up.
type CompletedSetup struct {
	User        User       `json:"user"`
	ExpiresAt   *time.Time `json:"expiresAt,omitempty" doc:"When the session ends in any case; absent when none could begin: the administrator then has to sign in."`
	RecoveryKey string     `json:"recoveryKey" doc:"Opens backups and brings the master key back. It is shown now and kept nowhere: the administrator must write it down."`
}

// setUp is the answer that shows the recovery key and begins a session.
type setUp struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      CompletedSetup
}

func (a *API) completeSetup(ctx context.Context, in *body[FirstUser]) (*setUp, error) {
	f := in.Body
	made, recoveryKey, err := a.setup.Complete(ctx, access.Nobody(), f.Token, user.New{
		Email: f.Email, Name: f.Name, Language: f.Language, Password: f.Password,
	})
	if errors.Is(err, auth.ErrSetupDone) {
		return a.repeatSetup(ctx, f)
	}
	if err != nil {
		return nil, err
	}
	answer := &setUp{Body: CompletedSetup{User: showUser(made), RecoveryKey: recoveryKey}}
	begun, err := a.beginSession(ctx, f.Email, f.Password)
	if err != nil {
		// The set-up is done and the key exists nowhere else: it has to be shown all the same.
		a.log.ErrorContext(ctx, "the first administrator is not signed in after the set-up", "error", err)
		return answer, nil
	}
	answer.SetCookie, answer.Body.ExpiresAt = begun.SetCookie, begun.Body.ExpiresAt
	return answer, nil
}

// repeatSetup answers once more who has completed the set-up: the first answer may be lost. The password is tried for nobody
// else's account, and no more often than at a sign-in.
func (a *API) repeatSetup(ctx context.Context, f FirstUser) (*setUp, error) {
	made, err := a.setup.Made(ctx, access.Nobody(), f.Token)
	if err != nil {
		return nil, err
	}
	if email, err := user.CleanEmail(f.Email); err != nil || email != made.Email {
		return nil, auth.ErrSetupDone
	}
	begun, err := a.beginSession(ctx, f.Email, f.Password)
	if errors.Is(err, auth.ErrFailed) {
		return nil, auth.ErrSetupDone
	}
	if err != nil {
		return nil, err
	}
	if begun.Body.User == nil { // whoever has added a second factor has long had the answer
		return nil, auth.ErrSetupDone
	}
	recoveryKey, err := a.setup.Repeat(ctx, access.Nobody(), f.Token, made)
	if err != nil {
		return nil, err
	}
	return &setUp{SetCookie: begun.SetCookie, Body: CompletedSetup{User: *begun.Body.User, ExpiresAt: begun.Body.ExpiresAt, RecoveryKey: recoveryKey}}, nil
}
