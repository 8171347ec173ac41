package app

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"konklave/auth"
	"konklave/config"
	"konklave/scim"
	"konklave/store"
)

// newScim sets up provisioning, for the people of one of the identity providers or for nobody.
func newScim(c config.Config, db *store.Store, federation *auth.Federation) *scim.Service {
	provider := scim.Provider{ID: c.Scim.Provider}
	i := slices.IndexFunc(federation.Entrances(), func(e auth.Entrance) bool { return e.ID == c.Scim.Provider })
	if i < 0 { // the configuration was checked: there is none
		return scim.NewService(db, scim.Provider{}, time.Now)
	}
	provider.Rules, provider.Subject = federation.Entrances()[i].Rules, strings.ToLower // the UUID of a directory
	for _, s := range c.Identity.OpenID {
		if s.ID == provider.ID {
			provider.Subject = func(externalID string) string { return s.Issuer + " " + externalID }
		}
	}
	for _, s := range c.Identity.SAML {
		if s.ID == provider.ID {
			provider.Subject = func(externalID string) string { return s.EntityID + " " + externalID }
		}
	}
	return scim.NewService(db, provider, time.Now)
}

// reconciliation applies the rules of the configuration to everybody who is provisioned, once.
func reconciliation(s *scim.Service, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		switch changed, err := s.Reconcile(ctx); {
		case err != nil && ctx.Err() == nil:
			log.WarnContext(ctx, "the rules were not applied to everybody who is provisioned; for these they are tried again at the next start", "changed", changed, "error", err)
		case changed > 0:
			log.InfoContext(ctx, "the rules of the configuration changed what people may do who are provisioned", "changed", changed)
		}
		<-ctx.Done()
		return nil
	}
}
