package httpapi

import (
	"context"
	"net/http"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

func (a *API) addUnlocking() {
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/unlock", ID: "unlockByMail", Tag: "Session", Action: access.UserUnlockByMail,
		Summary: "End the locks that failed sign-ins brought upon an account, with the token of the link in the mail to its owner; once",
		Nobody:  true, Audits: []audit.Kind{audit.KindUserUnlocked}, Codes: []fault.Code{"unlock.invalid"},
	}, a.unlockByMail)
}

// UnlockToken is what stands in the fragment of a link in a mail.
type UnlockToken struct {
	Token string `json:"token" doc:"From the fragment of the link."`
}

func (a *API) unlockByMail(ctx context.Context, in *body[UnlockToken]) (*struct{}, error) {
	if a.unlocking == nil {
		return nil, auth.ErrUnlockInvalid
	}
	return nil, a.unlocking.Use(ctx, access.Nobody(), in.Body.Token)
}
