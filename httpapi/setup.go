package httpapi

import (
	"context"
	"net/http"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/user"
)

func (a *API) addSetup() {
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/setup", ID: "completeSetup", Tag: "Instance", Action: access.SetupComplete,
		Summary: "Create the first administrator with the token of the set-up link, and sign in",
		Audits:  []audit.Kind{audit.KindSetupCompleted, audit.KindSessionStarted}, Status: http.StatusCreated,
		Codes: []fault.Code{
			"setup.invalid", "setup.done", "email.invalid", "email.taken", "name.empty", "name.too_long", "name.invalid",
			"language.invalid", "password.too_short", "password.too_long", "password.invalid",
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

func (a *API) completeSetup(ctx context.Context, in *body[FirstUser]) (*signedIn, error) {
	f := in.Body
	// Whoever is signed in, the set-up is done by nobody: the token alone is the proof.
	_, err := a.setup.Complete(ctx, access.Nobody(), f.Token, user.New{
		Email: f.Email, Name: f.Name, Language: f.Language, Password: f.Password,
	})
	if err != nil {
		return nil, err
	}
	return a.beginSession(ctx, f.Email, f.Password)
}
