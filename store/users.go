package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/store/sqlgen"
	"konklave/user"
)

var _ user.Store = (*Store)(nil)

// InsertUser implements user.Store. A new administrator ends the set-up.
func (s *Store) InsertUser(ctx context.Context, u user.User, passwordHash string, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "insert user", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if err := endSetup(ctx, q, u); err != nil {
			return err
		}
		return insertUser(ctx, q, u, passwordHash)
	})
}

// settingSetUp is there once there was an administrator: from then on nobody sets the instance up, whoever is left.
const settingSetUp = "setup.done"

// endSetup makes the set-up link worth nothing, for ever, when the user can make accounts.
func endSetup(ctx context.Context, q *sqlgen.Queries, u user.User) error {
	if !u.Roles.Has(access.RoleUserAdmin) {
		return nil
	}
	if _, err := q.AddSetting(ctx, sqlgen.AddSettingParams{Name: settingSetUp, Value: "1"}); err != nil {
		return err
	}
	return q.DropSetupToken(ctx, u.Tenant)
}

func insertUser(ctx context.Context, q *sqlgen.Queries, u user.User, passwordHash string) error {
	rows, err := q.InsertUser(ctx, sqlgen.InsertUserParams{
		ID: u.ID, Tenant: u.Tenant, Email: u.Email, Name: u.Name, Roles: string(u.Roles), Language: string(u.Language),
		PasswordHash: passwordHash, CreatedAt: millis(u.CreatedAt),
	})
	return rowsOrElse(rows, err, user.ErrEmailTaken)
}

// User implements user.Store.
func (s *Store) User(ctx context.Context, tenant, id string) (user.User, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).UserByID, sqlgen.UserByIDParams{Tenant: tenant, ID: id})
	return userOf(row), orElse(err, user.ErrUnknown)
}

// Users implements user.Store.
func (s *Store) Users(ctx context.Context, tenant, afterEmail string, limit int) ([]user.User, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).UsersAfter, sqlgen.UsersAfterParams{Tenant: tenant, AfterEmail: afterEmail, AtMost: int32(limit)})
	return mapped(rows, userOf), err
}

// ChangeUser implements user.Store. The address stays as it is.
func (s *Store) ChangeUser(ctx context.Context, tenant, id string, change func(user.User) (user.User, audit.Entry, error)) (changed user.User, err error) {
	err = s.change(ctx, "change user", func(ctx context.Context, q *sqlgen.Queries) error {
		before, err := lockPerson(ctx, q, tenant, id)
		if err != nil {
			return err
		}
		u, entry, err := change(before)
		if err != nil {
			return err
		}
		changed = u
		if err := updateUser(ctx, q, u); err != nil {
			return err
		}
		return s.record(ctx, q, entry)
	})
	return changed, err
}

// lockPerson reads a user whom nobody else can change before the end of the transaction. It fails with user.ErrErased for whom was
// erased after the request was let in: nothing about that person is written any more.
func lockPerson(ctx context.Context, q *sqlgen.Queries, tenant, id string) (user.User, error) {
	row, err := q.LockUser(ctx, sqlgen.LockUserParams{Tenant: tenant, ID: id})
	if err == nil && row.ErasedAt != 0 {
		err = user.ErrErased
	}
	return userOf(row), orElse(err, user.ErrUnknown)
}

func updateUser(ctx context.Context, q *sqlgen.Queries, u user.User) error {
	return q.UpdateUser(ctx, sqlgen.UpdateUserParams{
		Tenant: u.Tenant, ID: u.ID, Name: u.Name, Roles: string(u.Roles), Language: string(u.Language), DisabledAt: millis(u.DisabledAt),
	})
}

// ChangeAccess implements user.Store.
func (s *Store) ChangeAccess(ctx context.Context, tenant, id, by string, change func(u, by user.User) (user.AccessChange, error)) (changed user.User, err error) {
	err = s.change(ctx, "change access", func(ctx context.Context, q *sqlgen.Queries) error {
		locked, err := lockUsers(ctx, q, tenant, id, by)
		if err != nil {
			return err
		}
		c, err := change(locked[id], locked[by])
		if err != nil {
			return err
		}
		changed = c.User
		if by == "" { // whoever has the server can make another administrator
			return s.changeAccess(ctx, q, locked[id], c)
		}
		return keepingAdmins(ctx, q, locked[id], c.User, func() error { return s.changeAccess(ctx, q, locked[id], c) })
	})
	return changed, err
}

// lockUsers reads a user and who acts, if by names one; nobody else can change them before the end of the transaction.
func lockUsers(ctx context.Context, q *sqlgen.Queries, tenant, id, by string) (map[string]user.User, error) {
	ids, locked := []string{id}, map[string]user.User{}
	if by != "" && by != id {
		ids = append(ids, by)
		slices.Sort(ids) // the same order for all, so that they do not wait for each other
	}
	for _, each := range ids {
		row, err := q.LockUser(ctx, sqlgen.LockUserParams{Tenant: tenant, ID: each})
		if err != nil {
			return nil, orElse(err, user.ErrUnknown)
		}
		locked[each] = userOf(row)
	}
	return locked, nil
}

// changeAccess makes a change of an account in the transaction of q.
func (s *Store) changeAccess(ctx context.Context, q *sqlgen.Queries, before user.User, c user.AccessChange) error {
	if !before.Roles.Has(access.RoleUserAdmin) {
		if err := endSetup(ctx, q, c.User); err != nil {
			return err
		}
	}
	if err := updateUser(ctx, q, c.User); err != nil {
		return err
	}
	if c.Decides {
		if err := q.ForgetGone(ctx, sqlgen.ForgetGoneParams{Tenant: c.User.Tenant, UserID: c.User.ID}); err != nil {
			return err
		}
		if err := q.ForgetBarred(ctx, sqlgen.ForgetBarredParams{Tenant: c.User.Tenant, UserID: c.User.ID}); err != nil {
			return err
		}
	}
	var ended []string
	if c.SignOut {
		var err error
		if ended, err = q.DeleteOtherSessions(ctx, sqlgen.DeleteOtherSessionsParams{Tenant: c.User.Tenant, UserID: c.User.ID}); err != nil {
			return err
		}
	}
	return s.record(ctx, q, c.Entry(len(ended)))
}

func userOf(row sqlgen.User) user.User {
	return user.User{
		ID: row.ID, Tenant: row.Tenant, Email: row.Email, Name: row.Name, Roles: access.Roles(row.Roles),
		Language: user.Language(row.Language), CreatedAt: fromMillis(row.CreatedAt), DisabledAt: fromMillis(row.DisabledAt),
		ErasedAt: fromMillis(row.ErasedAt),
	}
}

// mapped converts all rows; there is a slice even when there are none.
func mapped[Row, Value any](rows []Row, convert func(Row) Value) []Value {
	values := make([]Value, 0, len(rows))
	for _, row := range rows {
		values = append(values, convert(row))
	}
	return values
}

var _ auth.SetupStore = (*Store)(nil)

// SetupNeeded implements auth.SetupStore.
func (s *Store) SetupNeeded(ctx context.Context, _ string) (bool, error) {
	_, err := ask(ctx, s, (*sqlgen.Queries).Setting, settingSetUp)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// PutSetupToken implements auth.SetupStore.
func (s *Store) PutSetupToken(ctx context.Context, tenant string, secret auth.Hash, at time.Time) error {
	return s.change(ctx, "put set-up token", func(ctx context.Context, q *sqlgen.Queries) error {
		return q.PutSetupToken(ctx, sqlgen.PutSetupTokenParams{Tenant: tenant, Hash: secret, CreatedAt: millis(at)})
	})
}

// CompleteSetup implements auth.SetupStore.
func (s *Store) CompleteSetup(ctx context.Context, secret auth.Hash, u user.User, passwordHash string, kept auth.Recovery, entries ...audit.Entry) error {
	return s.change(ctx, "complete set-up", func(ctx context.Context, q *sqlgen.Queries) error {
		// Using the token comes first: it makes a second one who has it wait for the end of this transaction.
		rows, err := q.UseSetupToken(ctx, sqlgen.UseSetupTokenParams{Tenant: u.Tenant, Hash: secret, CreatedAt: millis(u.CreatedAt)})
		if err != nil {
			return err
		}
		first, err := q.AddSetting(ctx, sqlgen.AddSettingParams{Name: settingSetUp, Value: "1"})
		switch {
		case err != nil:
			return err
		case first == 0:
			return auth.ErrSetupDone
		case rows == 0:
			return auth.ErrSetupInvalid
		}
		if err := insertUser(ctx, q, u, passwordHash); err != nil {
			return err
		}
		if err := putRecovery(ctx, q, kept); err != nil {
			return err
		}
		return s.record(ctx, q, entries...)
	})
}

// SetupAdmin implements auth.SetupStore.
func (s *Store) SetupAdmin(ctx context.Context, tenant string, secret auth.Hash) (user.User, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).SetupAdmin, sqlgen.SetupAdminParams{Tenant: tenant, Hash: secret})
	return userOf(row), orElse(err, auth.ErrSetupDone)
}

// RepeatSetup implements auth.SetupStore.
func (s *Store) RepeatSetup(ctx context.Context, secret auth.Hash, u user.User, kept auth.Recovery, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "repeat set-up", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		admin, err := q.SetupAdmin(ctx, sqlgen.SetupAdminParams{Tenant: u.Tenant, Hash: secret})
		switch {
		case err != nil:
			return orElse(err, auth.ErrSetupDone)
		case admin.ID != u.ID:
			return auth.ErrSetupDone
		}
		return putRecovery(ctx, q, kept)
	})
}
