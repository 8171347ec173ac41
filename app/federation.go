package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"konklave/auth"
	"konklave/auth/directory"
	"konklave/auth/oidc"
	"konklave/auth/saml"
	"konklave/config"
	"konklave/httpapi"
	"konklave/store"
	"konklave/vault"
)

// newFederation sets up the identity providers of a configuration, and what makes the metadata for those that need some. None
// is asked before it is needed: one that is away keeps nothing from starting.
func newFederation(c config.Config, db *store.Store, sessions *auth.Sessions, keys *vault.Vault, log *slog.Logger) (*auth.Federation, map[string]func() []byte, error) {
	entrances := make([]auth.Entrance, len(c.Identity.Providers()))
	metadata := map[string]func() []byte{}
	address := strings.TrimSuffix(c.PublicURL, "/")
	for _, s := range c.Identity.Directories {
		d, err := directory.New(s, log, time.Now)
		if err != nil {
			return nil, nil, err
		}
		entrances[s.Position] = auth.Entrance{ID: s.ID, Label: s.Label, Rules: s.Rules, Password: d, Reviewer: d}
	}
	for _, s := range c.Identity.OpenID {
		p, err := oidc.New(s, oidc.Parts{Callback: address + httpapi.ReturnPath(s.ID), Back: address + "/", Once: db, Log: log, Now: time.Now})
		if err != nil {
			return nil, nil, err
		}
		entrances[s.Position] = auth.Entrance{ID: s.ID, Label: s.Label, Rules: s.Rules, Redirect: p, Reviewer: p, Leaver: p}
	}
	for _, s := range c.Identity.SAML {
		p, err := saml.New(s, saml.Parts{
			EntityID: address + httpapi.MetadataPath(s.ID), Consumer: address + httpapi.ReturnPath(s.ID), Logout: address + httpapi.FarewellPath(s.ID), Once: db, Log: log, Now: time.Now,
		})
		if err != nil {
			return nil, nil, err
		}
		entrances[s.Position] = auth.Entrance{ID: s.ID, Label: s.Label, Rules: s.Rules, Redirect: p, Leaver: p}
		metadata[s.ID] = p.Metadata
	}
	return auth.NewFederation(db, sessions, keys, entrances...), metadata, nil
}

// reviews asks the identity providers again and again about those who have signed in.
func reviews(f *auth.Federation, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		ticker := time.NewTicker(auth.ReviewEvery)
		defer ticker.Stop()
		f.Run(ctx, ticker.C, log)
		return nil
	}
}
