package scim

import (
	"context"

	"konklave/access"
)

// MaxListedMembers is how many members the groups of one answer may have together.
const MaxListedMembers = 50_000

// Users answers a query for people. Base is the address of the service. Faults: access, scim.off, scim.too_many.
func (s *Service) Users(ctx context.Context, actor access.Actor, q Query, base string) (Object, error) {
	if err := s.allow(actor, access.ScimRead); err != nil {
		return nil, err
	}
	tenant := actor.Tenant
	show := func(p Person) (Object, error) {
		var groups []Group
		var err error
		if q.Choice.Wants("groups") {
			groups, err = s.store.GroupsOf(ctx, tenant, p.Account.ID)
		}
		return p.Resource(base, groups), err
	}
	l := listing[Person]{
		read: func(first, limit int) ([]Person, error) {
			return s.store.Provisioned(ctx, tenant, q.narrow, first, limit)
		},
		count: func() (int, error) { return s.store.CountProvisioned(ctx, tenant) },
		bare:  func(p Person) Object { return p.Resource(base, nil) }, show: show,
	}
	return l.answer(q)
}

// Groups answers a query for groups. Base is the address of the service. Faults: access, scim.off, scim.too_many.
func (s *Service) Groups(ctx context.Context, actor access.Actor, q Query, base string) (Object, error) {
	if err := s.allow(actor, access.ScimRead); err != nil {
		return nil, err
	}
	tenant, listed := actor.Tenant, 0
	show := func(g Group) (Object, error) {
		if !q.Choice.Wants("members") {
			return g.Resource(base, nil), nil
		}
		members, err := s.store.Members(ctx, tenant, g.ID)
		if listed += len(members); err == nil && listed > MaxListedMembers {
			err = says(ErrTooMany, "These groups have more than %d members. Ask for fewer groups, or with excludedAttributes=members.", MaxListedMembers)
		}
		return g.Resource(base, members), err
	}
	l := listing[Group]{
		read:  func(first, limit int) ([]Group, error) { return s.store.Groups(ctx, tenant, q.narrow, first, limit) },
		count: func() (int, error) { return s.store.CountGroups(ctx, tenant) },
		bare: func(g Group) Object {
			if q.narrow.By == ByMember { // the storage has looked for it
				return g.Resource(base, []Member{{UserID: q.narrow.Text}})
			}
			return g.Resource(base, nil)
		},
		show: show,
	}
	return l.answer(q)
}

// Resource is a group with its members, as far as the choice wants them.
func (s *Service) Resource(ctx context.Context, g Group, c Choice, base string) (Object, error) {
	var members []Member
	var err error
	if c.Wants("members") {
		members, err = s.store.Members(ctx, g.Tenant, g.ID)
	}
	return c.Of(g.Resource(base, members)), err
}

// listing is how things of one kind are read and shown.
type listing[T any] struct {
	read  func(first, limit int) ([]T, error)
	count func() (int, error)
	bare  func(T) Object // by which it is chosen and sorted
	show  func(T) (Object, error)
}

func (l listing[T]) answer(q Query) (Object, error) {
	chosen, total, err := l.choose(q)
	if err != nil {
		return nil, err
	}
	resources := []Object{}
	for _, each := range chosen {
		r, err := l.show(each)
		if err != nil {
			return nil, err
		}
		resources = append(resources, q.Choice.Of(r))
	}
	return Listed(resources, total, q.Start), nil
}

// choose returns the page that is asked for, and how many there are in all.
func (l listing[T]) choose(q Query) (page []T, total int, err error) {
	if q.Filter == nil && !q.Order.Given() {
		if total, err = l.count(); err != nil || q.Count == 0 {
			return nil, total, err
		}
		page, err = l.read(q.Start-1, q.Count)
		return page, total, err
	}
	fits, err := l.scan(q)
	if err != nil {
		return nil, 0, err
	}
	first := min(q.Start-1, len(fits))
	return fits[first:min(first+q.Count, len(fits))], len(fits), nil
}

// scan looks at everything that the filter's narrowest part leaves, and sorts what fits.
func (l listing[T]) scan(q Query) ([]T, error) {
	var bare []Object
	byID := map[string]T{}
	for first := 0; ; first += scanBatch {
		batch, err := l.read(first, scanBatch)
		if err != nil {
			return nil, err
		}
		if first+len(batch) > MaxScan {
			return nil, says(ErrTooMany, "There are more than %d resources: filter by id, externalId, userName or displayName with eq, or ask without filter and order.", MaxScan)
		}
		for _, each := range batch {
			if r := l.bare(each); q.Filter == nil || q.Filter.Fits(r) {
				bare, byID[idOf(r)] = append(bare, r), each
			}
		}
		if len(batch) < scanBatch {
			break
		}
	}
	q.Order.Sort(bare)
	fits := make([]T, len(bare))
	for i, r := range bare {
		fits[i] = byID[idOf(r)]
	}
	return fits, nil
}
