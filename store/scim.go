package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"

	"konklave/audit"
	"konklave/scim"
	"konklave/store/sqlgen"
	"konklave/user"
)

var _ scim.Store = (*Store)(nil)

// Provision implements scim.Store.
func (s *Store) Provision(ctx context.Context, tenant string, do func(context.Context, scim.Desk) error) error {
	return s.change(ctx, "provision", func(ctx context.Context, q *sqlgen.Queries) error {
		number, err := q.NextChange(ctx, tenant)
		if err != nil {
			return err
		}
		return do(ctx, &desk{s: s, q: q, tenant: tenant, number: number})
	})
}

// Provisioned implements scim.Store.
func (s *Store) Provisioned(ctx context.Context, tenant string, n scim.Narrow, first, limit int) ([]scim.Person, error) {
	var rows []scimRow
	var err error
	switch n.By {
	case scim.ByNothing:
		var found []sqlgen.ProvisionedRow
		found, err = ask(ctx, s, (*sqlgen.Queries).Provisioned, sqlgen.ProvisionedParams{Tenant: tenant, AtMost: int32(limit), Past: int32(first)})
		rows = mapped(found, func(r sqlgen.ProvisionedRow) scimRow { return scimRow(r) })
	case scim.ByID:
		var found []sqlgen.ProvisionedByIDRow
		found, err = ask(ctx, s, (*sqlgen.Queries).ProvisionedByID, sqlgen.ProvisionedByIDParams{Tenant: tenant, UserID: n.Text})
		rows = mapped(found, func(r sqlgen.ProvisionedByIDRow) scimRow { return scimRow(r) })
	case scim.ByExternalID:
		var found []sqlgen.ProvisionedByExternalIDRow
		found, err = ask(ctx, s, (*sqlgen.Queries).ProvisionedByExternalID, sqlgen.ProvisionedByExternalIDParams{Tenant: tenant, ExternalID: n.Text})
		rows = mapped(found, func(r sqlgen.ProvisionedByExternalIDRow) scimRow { return scimRow(r) })
	case scim.ByName:
		var found []sqlgen.ProvisionedByNameRow
		found, err = ask(ctx, s, (*sqlgen.Queries).ProvisionedByName, sqlgen.ProvisionedByNameParams{Tenant: tenant, NameKey: n.Text})
		rows = mapped(found, func(r sqlgen.ProvisionedByNameRow) scimRow { return scimRow(r) })
	case scim.ByMember:
	}
	if err != nil {
		return nil, err
	}
	people := make([]scim.Person, 0, len(rows))
	for _, row := range window(rows, n, first, limit) {
		p, err := personOf(row.User, row.ScimUser)
		if err != nil {
			return nil, err
		}
		people = append(people, p)
	}
	return people, nil
}

// scimRow is what each query for people returns.
type scimRow struct {
	User     sqlgen.User
	ScimUser sqlgen.ScimUser
}

// window is the part of rows that is asked for, where the query itself did not take it.
func window[T any](rows []T, n scim.Narrow, first, limit int) []T {
	if n.By == scim.ByNothing {
		return rows
	}
	first = min(first, len(rows))
	return rows[first:min(first+limit, len(rows))]
}

func personOf(u sqlgen.User, row sqlgen.ScimUser) (scim.Person, error) {
	said, err := scim.ReadSaid(row.Said)
	return scim.Person{
		Account: userOf(u), ExternalID: row.ExternalID, UserName: row.UserName, Active: row.Active, Said: said, BarredAt: fromMillis(row.BarredAt),
		CreatedAt: fromMillis(row.CreatedAt), ChangedAt: fromMillis(row.ChangedAt), RemovedAt: fromMillis(row.RemovedAt), Version: row.Version,
	}, err
}

// CountProvisioned implements scim.Store.
func (s *Store) CountProvisioned(ctx context.Context, tenant string) (int, error) {
	n, err := ask(ctx, s, (*sqlgen.Queries).CountProvisioned, tenant)
	return int(n), err
}

// Groups implements scim.Store.
func (s *Store) Groups(ctx context.Context, tenant string, n scim.Narrow, first, limit int) ([]scim.Group, error) {
	var rows []sqlgen.ScimGroup
	var err error
	switch n.By {
	case scim.ByNothing:
		rows, err = ask(ctx, s, (*sqlgen.Queries).ScimGroups, sqlgen.ScimGroupsParams{Tenant: tenant, AtMost: int32(limit), Past: int32(first)})
	case scim.ByID:
		rows, err = ask(ctx, s, (*sqlgen.Queries).ScimGroupsByID, sqlgen.ScimGroupsByIDParams{Tenant: tenant, ID: n.Text})
	case scim.ByExternalID:
		rows, err = ask(ctx, s, (*sqlgen.Queries).ScimGroupsByExternalID, sqlgen.ScimGroupsByExternalIDParams{Tenant: tenant, ExternalID: n.Text})
	case scim.ByName:
		rows, err = ask(ctx, s, (*sqlgen.Queries).ScimGroupsByName, sqlgen.ScimGroupsByNameParams{Tenant: tenant, NameKey: n.Text})
	case scim.ByMember:
		rows, err = ask(ctx, s, (*sqlgen.Queries).ScimGroupsOf, sqlgen.ScimGroupsOfParams{Tenant: tenant, UserID: n.Text})
	}
	return mapped(window(rows, n, first, limit), scimGroupOf), err
}

func scimGroupOf(row sqlgen.ScimGroup) scim.Group {
	return scim.Group{
		ID: row.ID, Tenant: row.Tenant, ExternalID: row.ExternalID, Name: row.Name,
		CreatedAt: fromMillis(row.CreatedAt), ChangedAt: fromMillis(row.ChangedAt), Version: row.Version,
	}
}

// CountGroups implements scim.Store.
func (s *Store) CountGroups(ctx context.Context, tenant string) (int, error) {
	n, err := ask(ctx, s, (*sqlgen.Queries).CountScimGroups, tenant)
	return int(n), err
}

// Members implements scim.Store.
func (s *Store) Members(ctx context.Context, tenant, groupID string) ([]scim.Member, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).ScimMembers, sqlgen.ScimMembersParams{Tenant: tenant, GroupID: groupID})
	return mapped(rows, func(r sqlgen.ScimMembersRow) scim.Member { return scim.Member{UserID: r.ID, Name: r.Name} }), err
}

// GroupsOf implements scim.Store.
func (s *Store) GroupsOf(ctx context.Context, tenant, userID string) ([]scim.Group, error) {
	return s.Groups(ctx, tenant, scim.Narrow{By: scim.ByMember, Text: userID}, 0, scim.MaxScan)
}

// desk is a scim.Desk in the transaction of q.
type desk struct {
	s      *Store
	q      *sqlgen.Queries
	tenant string
	number int64
}

// Version implements scim.Desk.
func (d *desk) Version() int64 { return d.number }

// HasAdministrator implements scim.Desk.
func (d *desk) HasAdministrator(ctx context.Context) (bool, error) {
	return d.q.HasLivingAdmin(ctx, d.tenant)
}

// Person implements scim.Desk.
func (d *desk) Person(ctx context.Context, id string) (scim.Person, error) {
	p, found, err := d.locked(ctx, id)
	if err == nil && (!found || p.ExternalID == "" || !p.RemovedAt.IsZero()) {
		err = scim.ErrUnknown
	}
	return p, err
}

// locked reads an account, whether it is provisioned or not.
func (d *desk) locked(ctx context.Context, id string) (p scim.Person, found bool, err error) {
	u, err := d.q.LockUser(ctx, sqlgen.LockUserParams{Tenant: d.tenant, ID: id})
	if errors.Is(err, sql.ErrNoRows) {
		return scim.Person{}, false, nil
	}
	if err != nil {
		return scim.Person{}, false, err
	}
	row, err := d.q.ScimUser(ctx, sqlgen.ScimUserParams{Tenant: d.tenant, UserID: id})
	if errors.Is(err, sql.ErrNoRows) {
		return scim.Person{Account: userOf(u)}, true, nil
	}
	if err != nil {
		return scim.Person{}, false, err
	}
	p, err = personOf(u, row)
	return p, true, err
}

// Linked implements scim.Desk.
func (d *desk) Linked(ctx context.Context, provider, subject string) (p scim.Person, found bool, err error) {
	link, err := d.q.LockIdentity(ctx, sqlgen.LockIdentityParams{Tenant: d.tenant, Provider: provider, Subject: subject})
	if errors.Is(err, sql.ErrNoRows) {
		return scim.Person{}, false, nil
	}
	if err != nil {
		return scim.Person{}, false, err
	}
	return d.locked(ctx, link.UserID)
}

// AddAccount implements scim.Desk.
func (d *desk) AddAccount(ctx context.Context, p scim.Person, provider, subject string) error {
	if err := endSetup(ctx, d.q, p.Account); err != nil {
		return err
	}
	err := insertUser(ctx, d.q, p.Account, "")
	if errors.Is(err, user.ErrEmailTaken) {
		return scim.ErrTaken.Because(err)
	}
	if err != nil {
		return err
	}
	return d.q.InsertIdentity(ctx, sqlgen.InsertIdentityParams{
		ID: strings.ToLower(rand.Text()), Tenant: d.tenant, Provider: provider, Subject: subject, UserID: p.Account.ID, Sealed: []byte{},
		LinkedAt: millis(p.CreatedAt), AskAt: millis(p.CreatedAt),
	})
}

// PutPerson implements scim.Desk.
func (d *desk) PutPerson(ctx context.Context, p scim.Person) error {
	key := scim.Fold(p.UserName)
	taken, err := d.q.ScimNameTaken(ctx, sqlgen.ScimNameTakenParams{Tenant: d.tenant, UserID: p.Account.ID, ExternalID: p.ExternalID, NameKey: key})
	switch {
	case err != nil:
		return err
	case taken:
		return scim.ErrTaken
	}
	rows, err := d.q.ChangeEmail(ctx, sqlgen.ChangeEmailParams{Tenant: d.tenant, ID: p.Account.ID, Email: p.Account.Email})
	if err := rowsOrElse(rows, err, scim.ErrTaken); err != nil {
		return err
	}
	if err := endSetup(ctx, d.q, p.Account); err != nil {
		return err
	}
	if err := updateUser(ctx, d.q, p.Account); err != nil {
		return err
	}
	said, err := p.SaidText()
	if err != nil {
		return err
	}
	return d.q.PutScimUser(ctx, sqlgen.PutScimUserParams{
		UserID: p.Account.ID, Tenant: d.tenant, ExternalID: p.ExternalID, UserName: p.UserName, NameKey: key, Active: p.Active, Said: said,
		BarredAt: millis(p.BarredAt), CreatedAt: millis(p.CreatedAt), ChangedAt: millis(p.ChangedAt), RemovedAt: millis(p.RemovedAt), Version: p.Version,
	})
}

// LeaveAll implements scim.Desk.
func (d *desk) LeaveAll(ctx context.Context, userID string) error {
	touch := sqlgen.TouchScimGroupsOfParams{UserID: userID, Version: d.number, ChangedAt: millis(d.s.time())}
	if err := d.q.TouchScimGroupsOf(ctx, touch); err != nil {
		return err
	}
	return d.q.LeaveScimGroups(ctx, userID)
}

// Forget implements scim.Desk.
func (d *desk) Forget(ctx context.Context, userID string) error {
	return d.q.EmptyIdentities(ctx, sqlgen.EmptyIdentitiesParams{Tenant: d.tenant, UserID: userID, Nothing: []byte{}})
}

// SignOut implements scim.Desk.
func (d *desk) SignOut(ctx context.Context, userID string) (int, error) {
	ended, err := d.q.DeleteOtherSessions(ctx, sqlgen.DeleteOtherSessionsParams{Tenant: d.tenant, UserID: userID})
	return len(ended), err
}

// Group implements scim.Desk.
func (d *desk) Group(ctx context.Context, id string) (scim.Group, error) {
	rows, err := d.q.ScimGroupsByID(ctx, sqlgen.ScimGroupsByIDParams{Tenant: d.tenant, ID: id})
	if err == nil && len(rows) == 0 {
		err = scim.ErrUnknown
	}
	if err != nil {
		return scim.Group{}, err
	}
	return scimGroupOf(rows[0]), nil
}

// PutGroup implements scim.Desk.
func (d *desk) PutGroup(ctx context.Context, g scim.Group) error {
	key := scim.Fold(g.Name)
	taken, err := d.q.ScimGroupTaken(ctx, sqlgen.ScimGroupTakenParams{Tenant: d.tenant, ID: g.ID, NameKey: key, ExternalID: g.ExternalID})
	switch {
	case err != nil:
		return err
	case taken:
		return scim.ErrTaken
	}
	return d.q.PutScimGroup(ctx, sqlgen.PutScimGroupParams{
		ID: g.ID, Tenant: d.tenant, ExternalID: g.ExternalID, Name: g.Name, NameKey: key,
		CreatedAt: millis(g.CreatedAt), ChangedAt: millis(g.ChangedAt), Version: g.Version,
	})
}

// DropGroup implements scim.Desk.
func (d *desk) DropGroup(ctx context.Context, id string) error {
	if err := d.q.DropScimMembers(ctx, id); err != nil {
		return err
	}
	return d.q.DropScimGroup(ctx, id)
}

// Members implements scim.Desk.
func (d *desk) Members(ctx context.Context, groupID string) ([]string, error) {
	rows, err := d.q.ScimMembers(ctx, sqlgen.ScimMembersParams{Tenant: d.tenant, GroupID: groupID})
	return mapped(rows, func(r sqlgen.ScimMembersRow) string { return r.ID }), err
}

// Join implements scim.Desk.
func (d *desk) Join(ctx context.Context, groupID, userID string) error {
	rows, err := d.q.JoinScimGroup(ctx, sqlgen.JoinScimGroupParams{GroupID: groupID, UserID: userID, Tenant: d.tenant})
	return rowsOrElse(rows, err, scim.ErrMember)
}

// Leave implements scim.Desk.
func (d *desk) Leave(ctx context.Context, groupID, userID string) error {
	return d.q.LeaveScimGroup(ctx, sqlgen.LeaveScimGroupParams{GroupID: groupID, UserID: userID})
}

// GroupsOf implements scim.Desk.
func (d *desk) GroupsOf(ctx context.Context, userID string) ([]scim.Group, error) {
	rows, err := d.q.ScimGroupsOf(ctx, sqlgen.ScimGroupsOfParams{Tenant: d.tenant, UserID: userID})
	return mapped(rows, scimGroupOf), err
}

// Record implements scim.Desk.
func (d *desk) Record(ctx context.Context, entries ...audit.Entry) error {
	return d.s.record(ctx, d.q, entries...)
}
