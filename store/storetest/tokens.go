package storetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
)

// cheapKey is the key of the password under a cost that is too low by now.
func cheapKey() string {
	return base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(password), []byte("somesaltsomesalt"), 1, 64, 1, 32))
}

var tokens = map[string]func(*testing.T, *house){
	"TokenIsCreatedUsedAndRevoked": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Administrator)
		var token auth.Token
		var secret string
		h.wantNewEntries(t, func() {
			var err error
			token, secret, err = h.tokens.Create(t.Context(), u.Actor(), auth.NewToken{Name: " backup "})
			if err != nil || !strings.HasPrefix(secret, auth.TokenPrefix) || token.Name != "backup" {
				t.Fatalf("created %+v, %v", token, err)
			}
		}, audit.KindTokenCreated)
		id, err := h.tokens.Authenticate(t.Context(), secret)
		if err != nil || id.Actor.Kind != access.KindToken || id.Actor.ID != token.ID || id.Actor.UserID != u.ID || !id.Actor.Has(access.RoleUserAdmin) {
			t.Errorf("identity %+v, %v", id, err)
		}
		list, err := h.tokens.List(t.Context(), u.Actor())
		if err != nil || len(list) != 1 || !list[0].UsedAt.Equal(h.clock.Now()) || list[0].ID != token.ID {
			t.Errorf("listed %+v, %v", list, err)
		}
		other := h.account(t, "ben@example.org", access.Administrator)
		h.wantNewEntries(t, func() {
			if err := h.tokens.Revoke(t.Context(), other.Actor(), token.ID); !errors.Is(err, auth.ErrTokenUnknown) {
				t.Errorf("revoked by somebody else: %v", err)
			}
			if _, _, err := h.tokens.Create(t.Context(), id.Actor, auth.NewToken{Name: "child"}); !errors.Is(err, access.ErrDenied) {
				t.Errorf("a token made a token: %v", err)
			}
		})
		h.wantNewEntries(t, func() {
			if err := h.tokens.Revoke(t.Context(), u.Actor(), token.ID); err != nil {
				t.Error(err)
			}
		}, audit.KindTokenRevoked)
		if _, err := h.tokens.Authenticate(t.Context(), secret); !errors.Is(err, auth.ErrTokenInvalid) {
			t.Errorf("after revocation: %v", err)
		}
		if err := h.tokens.Revoke(t.Context(), u.Actor(), token.ID); !errors.Is(err, auth.ErrTokenUnknown) {
			t.Errorf("revoked twice: %v", err)
		}
	},
	"TokenExpires": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		_, secret, err := h.tokens.Create(t.Context(), u.Actor(), auth.NewToken{Name: "x", ExpiresAt: h.clock.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(time.Hour - time.Millisecond)
		if _, err := h.tokens.Authenticate(t.Context(), secret); err != nil {
			t.Errorf("before: %v", err)
		}
		h.clock.Advance(time.Millisecond)
		if _, err := h.tokens.Authenticate(t.Context(), secret); !errors.Is(err, auth.ErrTokenInvalid) {
			t.Errorf("after: %v", err)
		}
	},
	"TokenLimits": func(t *testing.T, h *house) {
		u := h.account(t, "anna@example.org", access.Ordinary)
		now := h.clock.Now()
		create := func(n auth.NewToken) error {
			_, _, err := h.tokens.Create(t.Context(), u.Actor(), n)
			return err
		}
		for _, c := range []struct {
			new  auth.NewToken
			want error
		}{
			{auth.NewToken{Name: ""}, auth.ErrTokenNameInvalid},
			{auth.NewToken{Name: strings.Repeat("x", auth.MaxTokenNameLength+1)}, auth.ErrTokenNameInvalid},
			{auth.NewToken{Name: "a\u202eb"}, auth.ErrTokenNameInvalid},
			{auth.NewToken{Name: "x", ExpiresAt: now}, auth.ErrTokenExpiry},
			{auth.NewToken{Name: "x", ExpiresAt: now.Add(auth.MaxTokenLifetime + time.Millisecond)}, auth.ErrTokenExpiry},
			{auth.NewToken{Name: strings.Repeat("x", auth.MaxTokenNameLength), ExpiresAt: now.Add(auth.MaxTokenLifetime)}, nil},
			{auth.NewToken{Name: "x", ExpiresAt: now.Add(time.Millisecond)}, nil},
		} {
			if err := create(c.new); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v, want %v", c.new, err, c.want)
			}
		}
		succeeded, failures := sideBySide(auth.MaxTokens, func(i int) error { return create(auth.NewToken{Name: fmt.Sprint(i)}) })
		if succeeded != auth.MaxTokens-2 {
			t.Errorf("%d more tokens were made", succeeded)
		}
		for _, err := range failures {
			if !errors.Is(err, auth.ErrTokenTooMany) {
				t.Errorf("got %v", err)
			}
		}
		h.clock.Advance(time.Millisecond) // one of them expires
		if err := create(auth.NewToken{Name: "x"}); err != nil {
			t.Errorf("in the place of an expired one: %v", err)
		}
	},
}
