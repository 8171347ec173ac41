package finding

import (
	"context"

	"konklave/access"
)

// MaxPage is how many findings one List returns at most.
const MaxPage = 200

// Store keeps findings.
type Store interface {
	// Findings returns at most limit findings of a tenant, the newest first: those after the one with the id after, or all
	// when that is empty or unknown.
	Findings(ctx context.Context, tenant, after string, limit int) ([]Finding, error)
}

// Service shows findings to those who may see them.
type Service struct{ store Store }

// NewService returns a Service on the store.
func NewService(store Store) *Service { return &Service{store} }

// List returns findings of the actor's organisation, the newest first, at most limit (and MaxPage) of them, after the one with
// the id after. Faults: access.
func (s *Service) List(ctx context.Context, actor access.Actor, after string, limit int) ([]Finding, error) {
	if err := access.Decide(actor, access.FindingList, access.Object{Kind: "finding", Tenant: actor.Tenant}).Err(); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	return s.store.Findings(ctx, actor.Tenant, after, limit)
}
