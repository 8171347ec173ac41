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

func (a *API) addTokens() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/me/tokens", ID: "listTokens", Tag: "Tokens", Action: access.TokenList,
		Summary: "The caller's API tokens, the newest first",
	}, a.listTokens)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/me/tokens", ID: "createToken", Tag: "Tokens", Action: access.TokenCreate,
		Summary: "Create an API token; its secret is shown only now", Audits: []audit.Kind{audit.KindTokenCreated},
		Status: http.StatusCreated, Codes: []fault.Code{"token.name_invalid", "token.expiry_invalid", "token.too_many"},
	}, a.createToken)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/me/tokens/{id}", ID: "revokeToken", Tag: "Tokens", Action: access.TokenRevoke,
		Summary: "Revoke an API token", Audits: []audit.Kind{audit.KindTokenRevoked}, Codes: []fault.Code{"token.unknown"},
	}, a.revokeToken)
}

// Token is an API token without its secret.
type Token struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt time.Time  `json:"expiresAt"`
	UsedAt    *time.Time `json:"usedAt,omitempty" doc:"Of the last use, to the minute; absent before the first."`
}

func showToken(t auth.Token) Token {
	shown := Token{ID: t.ID, Name: t.Name, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	if !t.UsedAt.IsZero() {
		shown.UsedAt = &t.UsedAt
	}
	return shown
}

func (a *API) listTokens(ctx context.Context, _ *struct{}) (*body[page[Token]], error) {
	list, err := a.tokens.List(ctx, callerOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	return &body[page[Token]]{page[Token]{show(list, showToken)}}, nil
}

// NewToken is an API token to create.
type NewToken struct {
	Name      string     `json:"name" minLength:"1" maxLength:"100"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"At most 366 days ahead; in 90 days when absent."`
}

// CreatedToken is an API token with its secret.
type CreatedToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret" doc:"Send it as Authorization: Bearer. It is never shown again."`
}

func (a *API) createToken(ctx context.Context, in *body[NewToken]) (*body[CreatedToken], error) {
	n := auth.NewToken{Name: in.Body.Name}
	if in.Body.ExpiresAt != nil {
		n.ExpiresAt = *in.Body.ExpiresAt
	}
	t, secret, err := a.tokens.Create(ctx, callerOf(ctx).actor, n)
	if err != nil {
		return nil, err
	}
	return &body[CreatedToken]{CreatedToken{Token: showToken(t), Secret: secret}}, nil
}

type idInput struct {
	ID string `path:"id"`
}

func (a *API) revokeToken(ctx context.Context, in *idInput) (*empty, error) {
	return nil, a.tokens.Revoke(ctx, callerOf(ctx).actor, in.ID)
}
