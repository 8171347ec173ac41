package auth

import (
	"context"
	"strings"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/line"
	"konklave/user"
)

// What an API token looks like and how long it lasts.
const (
	TokenPrefix          = "kk_"
	DefaultTokenLifetime = 90 * 24 * time.Hour
	MaxTokenLifetime     = 366 * 24 * time.Hour
	MaxTokenNameLength   = 100 // characters (code points)
	MaxTokens            = 50  // that one account may hold, expired ones not counted
)

// The faults of API tokens.
var (
	ErrTokenInvalid     = fault.New(fault.KindUnauthenticated, "token.invalid", "This API token is not valid. It may have expired or been revoked.")
	ErrTokenUnknown     = fault.New(fault.KindNotFound, "token.unknown", "There is no such API token. It may have been revoked already.")
	ErrTokenNameInvalid = fault.Newf(fault.KindInvalid, "token.name_invalid", "Please name the token in 1 to %d characters, without control or invisible ones.", MaxTokenNameLength).At("/name")
	ErrTokenExpiry      = fault.New(fault.KindInvalid, "token.expiry_invalid", "A token must expire in the future and within 366 days.").At("/expiresAt")
	ErrTokenTooMany     = fault.Newf(fault.KindTooMany, "token.too_many", "An account may hold at most %d API tokens. Please revoke one first.", MaxTokens)
)

// Token is an API token, without its secret.
type Token struct {
	ID        string
	Tenant    string
	UserID    string
	Name      string
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // exact to SeenPrecision; zero before the first use
}

// TokenStore keeps API tokens. A method that changes something for a person writes the entry in the same transaction.
type TokenStore interface {
	// InsertToken fails with ErrTokenTooMany when the user holds MaxTokens that expire after t.CreatedAt.
	InsertToken(ctx context.Context, t Token, secret Hash, entry audit.Entry) error
	// Token finds a token and its user by the hash of its secret; it fails with ErrTokenInvalid.
	Token(ctx context.Context, secret Hash) (Token, user.User, error)
	// TouchToken writes UsedAt unless it is later already.
	TouchToken(ctx context.Context, id string, usedAt time.Time) error
	// Tokens returns the tokens of a user, expired ones too, the newest first.
	Tokens(ctx context.Context, tenant, userID string) ([]Token, error)
	// RevokeToken removes a token of that user; it fails with ErrTokenUnknown.
	RevokeToken(ctx context.Context, tenant, userID, id string, entry audit.Entry) error
}

// Tokens creates, recognises, lists and revokes API tokens.
type Tokens struct {
	store TokenStore
	now   func() time.Time
}

// NewTokens returns Tokens that take the time from now.
func NewTokens(store TokenStore, now func() time.Time) *Tokens {
	return &Tokens{store: store, now: now}
}

// NewToken is what an API token is made of.
type NewToken struct {
	Name      string
	ExpiresAt time.Time // zero means DefaultTokenLifetime from now
}

// Create makes a token of the actor and returns its secret, which is never shown again. Faults: access,
// token.name_invalid, token.expiry_invalid, token.too_many.
func (t *Tokens) Create(ctx context.Context, actor access.Actor, n NewToken) (Token, string, error) {
	if err := access.Decide(actor, access.TokenCreate, ownObject("token", "", actor)).Err(); err != nil {
		return Token{}, "", err
	}
	name, err := line.Clean(n.Name, MaxTokenNameLength)
	if err != nil {
		return Token{}, "", ErrTokenNameInvalid.Because(err)
	}
	now, expires := wholeMillis(t.now()), wholeMillis(n.ExpiresAt)
	if n.ExpiresAt.IsZero() {
		expires = now.Add(DefaultTokenLifetime)
	}
	if !expires.After(now) || expires.Sub(now) > MaxTokenLifetime {
		return Token{}, "", ErrTokenExpiry
	}
	token := Token{ID: newID(), Tenant: actor.Tenant, UserID: actor.UserID, Name: name, CreatedAt: now, ExpiresAt: expires}
	secret := newSecret()
	hash, _ := hashSecret(secret)
	entry := audit.TokenCreated(audit.Origin{At: now, Actor: actor}, token.ID, expires)
	if err := t.store.InsertToken(ctx, token, hash, entry); err != nil {
		return Token{}, "", err
	}
	return token, TokenPrefix + secret, nil
}

// Authenticate returns who holds a living token, or ErrTokenInvalid. It remembers the use.
func (t *Tokens) Authenticate(ctx context.Context, text string) (Identity, error) {
	secret, ok := strings.CutPrefix(text, TokenPrefix)
	hash, shaped := hashSecret(secret)
	if !ok || !shaped {
		return Identity{}, ErrTokenInvalid
	}
	token, u, err := t.store.Token(ctx, hash)
	if err != nil {
		return Identity{}, err
	}
	now := wholeMillis(t.now())
	if !now.Before(token.ExpiresAt) || u.Disabled() {
		return Identity{}, ErrTokenInvalid
	}
	if now.Sub(token.UsedAt) >= SeenPrecision {
		if err := t.store.TouchToken(ctx, token.ID, now); err != nil {
			return Identity{}, err
		}
	}
	actor := u.Actor()
	actor.Kind, actor.ID, actor.SignIn = access.KindToken, token.ID, token.ID
	return Identity{Actor: actor, User: u}, nil
}

// List returns the actor's tokens, expired ones too, the newest first.
func (t *Tokens) List(ctx context.Context, actor access.Actor) ([]Token, error) {
	if err := access.Decide(actor, access.TokenList, ownObject("token", "", actor)).Err(); err != nil {
		return nil, err
	}
	return t.store.Tokens(ctx, actor.Tenant, actor.UserID)
}

// Revoke removes a token of the actor. Faults: access, token.unknown.
func (t *Tokens) Revoke(ctx context.Context, actor access.Actor, id string) error {
	if err := access.Decide(actor, access.TokenRevoke, ownObject("token", id, actor)).Err(); err != nil {
		return err
	}
	entry := audit.TokenRevoked(audit.Origin{At: t.now(), Actor: actor}, id)
	return t.store.RevokeToken(ctx, actor.Tenant, actor.UserID, id, entry)
}
