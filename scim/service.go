package scim

import (
	"context"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

// Store keeps who is provisioned.
type Store interface {
	// Provision runs do in one transaction, in which nobody else provisions in that organisation; nothing is stored when do
	// fails. Do may be called again.
	Provision(ctx context.Context, tenant string, do func(context.Context, Desk) error) error
	// Provisioned returns at most limit people of those that n picks, in a fixed order, after the first so many.
	Provisioned(ctx context.Context, tenant string, n Narrow, first, limit int) ([]Person, error)
	// CountProvisioned returns how many people there are.
	CountProvisioned(ctx context.Context, tenant string) (int, error)
	// Groups returns at most limit groups of those that n picks, in a fixed order, after the first so many.
	Groups(ctx context.Context, tenant string, n Narrow, first, limit int) ([]Group, error)
	// CountGroups returns how many groups there are.
	CountGroups(ctx context.Context, tenant string) (int, error)
	// Members returns who is in a group, by id.
	Members(ctx context.Context, tenant, groupID string) ([]Member, error)
	// GroupsOf returns the groups that somebody is in, by name.
	GroupsOf(ctx context.Context, tenant, userID string) ([]Group, error)
}

// Desk is the storage within one transaction.
type Desk interface {
	// Version is the number of this change; a later one has a higher one.
	Version() int64
	// HasAdministrator reports whether there is an account, which may be used, that administers accounts.
	HasAdministrator(ctx context.Context) (bool, error)
	// Person returns somebody whom nobody else changes before the end; it fails with ErrUnknown for who is removed, too.
	Person(ctx context.Context, id string) (Person, error)
	// Linked returns the account that a sign-in leads to. One that is not provisioned has no ExternalID.
	Linked(ctx context.Context, provider, subject string) (p Person, found bool, err error)
	// AddAccount adds an account that is signed in to with that proof alone; it fails with ErrTaken for the address of another.
	AddAccount(ctx context.Context, p Person, provider, subject string) error
	// PutPerson stores the person and the account; it fails with ErrTaken.
	PutPerson(ctx context.Context, p Person) error
	// LeaveAll takes somebody out of all groups.
	LeaveAll(ctx context.Context, userID string) error
	// Forget removes what identity providers said of an account, and not who it is there.
	Forget(ctx context.Context, userID string) error
	// SignOut ends all sessions of an account and returns how many.
	SignOut(ctx context.Context, userID string) (int, error)
	// Group fails with ErrUnknown.
	Group(ctx context.Context, id string) (Group, error)
	// PutGroup adds or changes a group; it fails with ErrTaken.
	PutGroup(ctx context.Context, g Group) error
	// DropGroup removes a group with its memberships.
	DropGroup(ctx context.Context, id string) error
	// Members returns the ids of who is in a group, in their order.
	Members(ctx context.Context, groupID string) ([]string, error)
	// Join puts somebody into a group; it fails with ErrValue when there is no such person.
	Join(ctx context.Context, groupID, userID string) error
	// Leave takes somebody out of a group.
	Leave(ctx context.Context, groupID, userID string) error
	// GroupsOf returns the groups that somebody is in, by name.
	GroupsOf(ctx context.Context, userID string) ([]Group, error)
	// Record writes entries into the audit log.
	Record(ctx context.Context, entries ...audit.Entry) error
}

// Provider is the identity provider whose people are provisioned; they sign in there.
type Provider struct {
	ID    string // in the configuration; empty when nobody is provisioned
	Rules auth.Rules
	// Subject is what the provider's sign-in calls somebody whom provisioning calls externalID.
	Subject func(externalID string) string
}

// Service provisions people and groups.
type Service struct {
	store    Store
	provider Provider
	now      func() time.Time
	users    *ResourceType
	groups   *ResourceType
}

// NewService returns a Service that takes the time from now.
func NewService(store Store, provider Provider, now func() time.Time) *Service {
	return &Service{store: store, provider: provider, now: now, users: UserType(), groups: GroupType()}
}

// allow fails with ErrOff when provisioning is not set up, and with what access says.
func (s *Service) allow(actor access.Actor, action access.Action) error {
	if err := access.Decide(actor, action, access.Object{Kind: "user", Tenant: actor.Tenant}).Err(); err != nil {
		return err
	}
	if s.provider.ID == "" {
		return ErrOff
	}
	return nil
}

// work is one change under way.
type work struct {
	Desk
	service *Service
	origin  audit.Origin
}

// change lets do change something for the actor. It fails when nobody would be left who administers accounts.
func (s *Service) change(ctx context.Context, actor access.Actor, do func(context.Context, *work) error) error {
	if err := s.allow(actor, access.ScimWrite); err != nil {
		return err
	}
	return s.store.Provision(ctx, actor.Tenant, func(ctx context.Context, d Desk) error {
		w := &work{Desk: d, service: s, origin: audit.Origin{At: s.now().UTC().Truncate(time.Millisecond), Actor: actor}}
		before, err := d.HasAdministrator(ctx)
		if err != nil {
			return err
		}
		if err := do(ctx, w); err != nil {
			return err
		}
		after, err := d.HasAdministrator(ctx)
		if err == nil && before && !after {
			return ErrLastAdmin
		}
		return err
	})
}

// checkVersion fails with ErrVersion when the client knows another version. Header is the value of If-Match.
func checkVersion(header string, version int64) error {
	if header != "" && !Matches(header, version) {
		return ErrVersion
	}
	return nil
}

// conflicting adds where the rules are written to ErrRolesConflict.
func conflicting(because []string) *fault.Fault {
	return says(ErrRolesConflict, "%s The rules are at %q.", ErrRolesConflict.Message, because)
}
