package scim

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
)

// CreateGroup adds a group. Faults: access, scim.off, scim.value, scim.taken, scim.too_many, scim.roles_conflict, scim.last_administrator, role.own.
func (s *Service) CreateGroup(ctx context.Context, actor access.Actor, resource Object) (Group, error) {
	var g Group
	err := s.change(ctx, actor, func(ctx context.Context, w *work) error {
		said, _, err := Group{}.say(resource)
		if err != nil {
			return err
		}
		g = said
		g.ID, g.Tenant, g.CreatedAt, g.ChangedAt, g.Version = strings.ToLower(rand.Text()), actor.Tenant, w.origin.At, w.origin.At, w.Version()
		wanted, err := membersOf(resource)
		if err != nil {
			return err
		}
		if err := w.PutGroup(ctx, g); err != nil {
			return err
		}
		if err := w.Record(ctx, audit.GroupCreated(w.origin, g.ID, len(wanted))); err != nil {
			return err
		}
		return w.setMembers(ctx, g.ID, nil, wanted, nil)
	})
	return g, err
}

// ReplaceGroup gives a group the attributes and the members of the resource in place of those before. Match is the If-Match
// header, or empty. Faults: those of CreateGroup, scim.unknown, scim.version, scim.mutability.
func (s *Service) ReplaceGroup(ctx context.Context, actor access.Actor, id, match string, resource Object) (Group, error) {
	return s.changeGroup(ctx, actor, id, match, func(Object) (Object, error) { return resource, nil })
}

// PatchGroup changes some attributes or members of a group. Faults: those of ReplaceGroup, scim.no_target.
func (s *Service) PatchGroup(ctx context.Context, actor access.Actor, id, match string, steps []Operation) (Group, error) {
	return s.changeGroup(ctx, actor, id, match, func(before Object) (Object, error) { return s.groups.Patch(before, steps) })
}

func (s *Service) changeGroup(ctx context.Context, actor access.Actor, id, match string, change func(Object) (Object, error)) (Group, error) {
	var g Group
	err := s.change(ctx, actor, func(ctx context.Context, w *work) error {
		before, err := w.Group(ctx, id)
		if err != nil {
			return err
		}
		if err := checkVersion(match, before.Version); err != nil {
			return err
		}
		there, err := w.Members(ctx, id)
		if err != nil {
			return err
		}
		after, err := change(withMembers(before, there))
		if err != nil {
			return err
		}
		wanted, err := membersOf(after)
		if err != nil {
			return err
		}
		said, fields, err := before.say(after)
		g = said
		if err != nil || len(fields) == 0 && slices.Equal(there, wanted) {
			return err
		}
		g.ChangedAt, g.Version = w.origin.At, w.Version()
		if err := w.PutGroup(ctx, g); err != nil {
			return err
		}
		added, removed := missing(wanted, there), missing(there, wanted)
		if err := w.Record(ctx, audit.GroupChanged(w.origin, id, fields, len(added), len(removed))); err != nil {
			return err
		}
		var others []string // who stays, and may get other roles by the group's other name
		if s.provider.decidesBy(before, g) {
			others = missing(wanted, added)
		}
		return w.setMembers(ctx, id, removed, added, others)
	})
	return g, err
}

func withMembers(g Group, ids []string) Object {
	r := g.attributes()
	members := make([]any, len(ids))
	for i, id := range ids {
		members[i] = Object{"value": id}
	}
	set(r, "members", members)
	return r
}

// missing are those of a that are not in b; both are sorted.
func missing(a, b []string) []string {
	var found []string
	for _, each := range a {
		if _, there := slices.BinarySearch(b, each); !there {
			found = append(found, each)
		}
	}
	return found
}

// decidesBy reports whether a rule decides otherwise about people in the second group than about those in the first.
func (p Provider) decidesBy(a, b Group) bool {
	named := func(r auth.Rule, g Group) bool {
		return r.Group != "" && (Fold(r.Group) == Fold(g.Name) || Fold(r.Group) == Fold(g.ExternalID))
	}
	return slices.ContainsFunc(p.Rules, func(r auth.Rule) bool { return named(r, a) != named(r, b) })
}

// setMembers takes people out of a group and puts others in, and settles all of them and the others.
func (w *work) setMembers(ctx context.Context, groupID string, out, in, others []string) error {
	if len(out)+len(in)+len(others) > MaxPerChange {
		return says(ErrTooMany, "One request adds, takes away or gives other roles to at most %d members.", MaxPerChange)
	}
	for _, id := range out {
		if err := w.Leave(ctx, groupID, id); err != nil {
			return err
		}
	}
	for _, id := range in {
		if err := w.Join(ctx, groupID, id); err != nil {
			return err
		}
	}
	concerned := slices.Concat(out, in, others)
	slices.Sort(concerned) // the same order for all, so that they do not wait for each other
	for _, id := range concerned {
		if err := w.review(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// DeleteGroup removes a group; its members stay. Faults: access, scim.off, scim.unknown, scim.version, scim.last_administrator, role.own.
func (s *Service) DeleteGroup(ctx context.Context, actor access.Actor, id, match string) error {
	return s.change(ctx, actor, func(ctx context.Context, w *work) error {
		g, err := w.Group(ctx, id)
		if err != nil {
			return err
		}
		if err := checkVersion(match, g.Version); err != nil {
			return err
		}
		members, err := w.Members(ctx, id)
		if err != nil {
			return err
		}
		if err := w.DropGroup(ctx, id); err != nil {
			return err
		}
		if err := w.Record(ctx, audit.GroupDeleted(w.origin, id, len(members))); err != nil {
			return err
		}
		if !s.provider.decidesBy(g, Group{}) {
			return nil
		}
		return w.setMembers(ctx, id, nil, nil, members)
	})
}

// Group returns one group. Faults: access, scim.off, scim.unknown.
func (s *Service) Group(ctx context.Context, actor access.Actor, id string) (Group, error) {
	if err := s.allow(actor, access.ScimRead); err != nil {
		return Group{}, err
	}
	groups, err := s.store.Groups(ctx, actor.Tenant, Narrow{ByID, id}, 0, 1)
	switch {
	case err != nil:
		return Group{}, err
	case len(groups) == 0:
		return Group{}, ErrUnknown
	}
	return groups[0], nil
}
