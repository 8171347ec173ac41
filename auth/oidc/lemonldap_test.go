package oidc_test

import (
	"errors"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"konklave/auth"
	"konklave/auth/oidc"
	"konklave/auth/providertest"
	"konklave/auth/settings"
)

const (
	callback = "https://konklave.example/auth/callback"
	back     = "https://konklave.example/goodbye"
)

// Everything against a real LemonLDAP::NG; it is one test because the server takes seconds to start.
func TestLemonLDAP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, err := providertest.NewAuthority(dir)
	must(t, err)
	server, err := providertest.StartLemonLDAP(t.Context(), dir, authority, callback, back)
	must(t, err)
	t.Cleanup(server.Close)
	provider, err := oidc.New(settings.OpenID{
		Provider: settings.Provider{ID: "land", Roots: authority.File, Review: 15 * time.Minute, Attributes: []string{"groups"}},
		Issuer:   server.Issuer, ClientID: server.ClientID, ClientSecretFile: server.SecretFile,
		Scopes: []string{"profile", "email"}, GroupsClaim: "groups", Contexts: []string{"loa-2"},
	}, oidc.Parts{Callback: callback, Back: back, Once: new(providertest.Once), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	must(t, err)

	must(t, provider.Examine(t.Context()))
	browser := providertest.NewBrowser(authority, callback)
	started, err := provider.Begin(t.Context(), auth.Wish{})
	must(t, err)
	query, _, err := browser.Go(t.Context(), started.Address, "dwho", "dwho")
	must(t, err)
	id, err := provider.Finish(t.Context(), auth.Reply{Query: query}, started.State)
	must(t, err)
	if id.Subject != server.Issuer+" dwho" || id.Name != "Doctor Who" || id.Email != "dwho@badwolf.org" || id.EmailVerified ||
		!reflect.DeepEqual(sorted(id.Groups), []string{"staff", "timelords", "users"}) || id.Context != "loa-2" || id.SignedInAt.IsZero() {
		t.Errorf("identity %+v", id)
	}
	_, err = provider.Finish(t.Context(), auth.Reply{Query: query}, started.State)
	refused(t, "the same answer again", err, auth.ReasonReplay)

	// the provider itself takes the code once, so that another browser's state does not help either.
	other, err := provider.Begin(t.Context(), auth.Wish{})
	must(t, err)
	address, err := url.Parse(other.Address)
	must(t, err)
	query.Set("state", address.Query().Get("state"))
	_, err = provider.Finish(t.Context(), auth.Reply{Query: query}, other.State)
	if !errors.Is(err, auth.ErrProviderRefused) && !errors.Is(err, auth.ErrProviderUnavailable) {
		t.Errorf("a code that was used: %v", err)
	}

	again, err := provider.Review(t.Context(), id)
	must(t, err)
	if again.Subject != id.Subject || !reflect.DeepEqual(sorted(again.Groups), sorted(id.Groups)) || again.AskAgain.Before(id.AskAgain) {
		t.Errorf("review %+v, sign-in %+v", again, id)
	}

	leave, err := provider.Logout(t.Context(), id)
	must(t, err)
	if _, _, err = browser.StoppingAt(back).Go(t.Context(), leave.Address, "", ""); err != nil {
		t.Errorf("after logout: %v", err)
	}
	started, err = provider.Begin(t.Context(), auth.Wish{})
	must(t, err)
	if _, _, err = browser.Go(t.Context(), started.Address, "dwho", "wrong"); err == nil || !strings.Contains(err.Error(), "do not come to an end") {
		t.Errorf("after logout the provider asks for a password again: %v", err)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
