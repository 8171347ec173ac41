package store

import (
	"context"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/store/sqlgen"
	"konklave/user"
)

// Erasure is that of the person behind an account. It tells nobody who that was.
type Erasure struct {
	Tenant    string    `json:"tenant"`
	Pseudonym string    `json:"pseudonym"` // as user.Pseudonym makes it of the id
	At        time.Time `json:"at"`        // UTC, whole milliseconds
}

// EraseUser implements user.Store.
func (s *Store) EraseUser(ctx context.Context, tenant, id, by string, change func(u, by user.User) (user.AccessChange, error)) (erased user.User, err error) {
	err = s.change(ctx, "erase user", func(ctx context.Context, q *sqlgen.Queries) error {
		number, err := q.NextChange(ctx, tenant) // one erasure after another, and after what is provisioned
		if err != nil {
			return err
		}
		locked, err := lockUsers(ctx, q, tenant, id, by)
		if err != nil {
			return err
		}
		c, err := change(locked[id], locked[by])
		if err != nil {
			return err
		}
		erased = c.User
		ended := 0
		err = keepingAdmins(ctx, q, locked[id], c.User, func() (err error) {
			ended, err = s.eraseUser(ctx, q, locked[id], c.User, number)
			return err
		})
		if err != nil {
			return err
		}
		return s.record(ctx, q, c.Entry(ended))
	})
	if err == nil {
		s.forget(context.WithoutCancel(ctx))
	}
	return erased, err
}

// eraseUser removes everything that tells who the owner of an account is, and what only that person needs, destroys the keys of
// what the audit log tells about the person, and returns how many sessions ended. The account itself stays, for meetings belong
// to it. The number is that of the change for those who provision.
func (s *Store) eraseUser(ctx context.Context, q *sqlgen.Queries, before, u user.User, number int64) (ended int, err error) {
	if _, err := q.AddErasure(ctx, sqlgen.AddErasureParams{Tenant: u.Tenant, Pseudonym: user.Pseudonym(u.Tenant, u.ID), At: millis(u.ErasedAt)}); err != nil {
		return 0, err
	}
	if err := eraseFailures(ctx, q, before); err != nil {
		return 0, err
	}
	if err := q.EraseUser(ctx, sqlgen.EraseUserParams{
		Tenant: u.Tenant, ID: u.ID, Email: u.Email, Name: u.Name, Roles: string(access.Ordinary), DisabledAt: millis(u.DisabledAt), ErasedAt: millis(u.ErasedAt),
	}); err != nil {
		return 0, err
	}
	d := desk{s: s, q: q, tenant: u.Tenant, number: number}
	if err := d.LeaveAll(ctx, u.ID); err != nil {
		return 0, err
	}
	for _, remove := range erasing(q, u.Tenant, u.ID) {
		if err := remove(ctx); err != nil {
			return 0, err
		}
	}
	return d.SignOut(ctx, u.ID) // what sessions came from goes with them
}

// erasing are the statements that remove what is about one account, but for the account itself and its sessions.
func erasing(q *sqlgen.Queries, tenant, id string) []func(context.Context) error {
	return []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := q.DeleteFactors(ctx, sqlgen.DeleteFactorsParams{Tenant: tenant, UserID: id})
			return err
		},
		func(ctx context.Context) error {
			return q.DeleteRecoveryCodes(ctx, sqlgen.DeleteRecoveryCodesParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseDevices(ctx, sqlgen.EraseDevicesParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseTokens(ctx, sqlgen.EraseTokensParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseIdentities(ctx, sqlgen.EraseIdentitiesParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseScimUser(ctx, sqlgen.EraseScimUserParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseHabits(ctx, sqlgen.EraseHabitsParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseRetiredSecrets(ctx, sqlgen.EraseRetiredSecretsParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseFindings(ctx, sqlgen.EraseFindingsParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseApprovals(ctx, sqlgen.EraseApprovalsParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseTickets(ctx, sqlgen.EraseTicketsParams{Tenant: tenant, ActorID: id})
		},
		func(ctx context.Context) error {
			return q.EraseMails(ctx, sqlgen.EraseMailsParams{Tenant: tenant, UserID: id})
		},
		func(ctx context.Context) error {
			return q.EraseUnlockLinks(ctx, sqlgen.EraseUnlockLinksParams{Tenant: tenant, UserID: id})
		},
	}
}

// eraseFailures removes the failed sign-ins of a person, who may have several names, and that a mail told of them.
func eraseFailures(ctx context.Context, q *sqlgen.Queries, u user.User) error {
	links, err := q.IdentitiesOf(ctx, sqlgen.IdentitiesOfParams{Tenant: u.Tenant, UserID: u.ID})
	if err != nil {
		return err
	}
	for _, account := range auth.CountedAs(u.Email, mapped(links, linkOf)...) {
		if _, err := q.ForgiveAccount(ctx, sqlgen.ForgiveAccountParams{Tenant: u.Tenant, Account: account}); err != nil {
			return err
		}
		if err := forgetLockMails(ctx, q, u.Tenant, account); err != nil {
			return err
		}
	}
	return nil
}

// Erasures lists who was erased, the first ones first.
func (s *Store) Erasures(ctx context.Context) ([]Erasure, error) {
	rows, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]sqlgen.Erasure, error) { return q.Erasures(ctx) })
	return mapped(rows, func(r sqlgen.Erasure) Erasure {
		return Erasure{Tenant: r.Tenant, Pseudonym: r.Pseudonym, At: fromMillis(r.At)}
	}), err
}

// EraseAgain erases those on a list in a database that is older than their erasure, and returns how many of them it still knew.
// For each of these the entry is written.
func (s *Store) EraseAgain(ctx context.Context, list []Erasure, entry func(pseudonym string, sessionsEnded int) audit.Entry) (again int, err error) {
	if len(list) == 0 {
		return 0, nil
	}
	rows, err := look(ctx, s, func(ctx context.Context, q *sqlgen.Queries) ([]sqlgen.UnerasedUsersRow, error) {
		return q.UnerasedUsers(ctx)
	})
	if err != nil {
		return 0, err
	}
	known := map[string]string{}
	for _, r := range rows {
		known[r.Tenant+" "+user.Pseudonym(r.Tenant, r.ID)] = r.ID
	}
	for _, e := range list {
		done, err := s.eraseOneAgain(ctx, e, known[e.Tenant+" "+e.Pseudonym], entry)
		if err != nil {
			return again, err
		}
		if done {
			again++
		}
	}
	s.forget(context.WithoutCancel(ctx))
	return again, nil
}

// eraseOneAgain erases a person, whose id is empty when the database does not know it.
func (s *Store) eraseOneAgain(ctx context.Context, e Erasure, id string, entry func(string, int) audit.Entry) (done bool, err error) {
	err = s.change(ctx, "erase again", func(ctx context.Context, q *sqlgen.Queries) error {
		done = false
		if id == "" {
			_, err := q.AddErasure(ctx, sqlgen.AddErasureParams{Tenant: e.Tenant, Pseudonym: e.Pseudonym, At: millis(e.At)})
			return err
		}
		number, err := q.NextChange(ctx, e.Tenant)
		if err != nil {
			return err
		}
		row, err := q.LockUser(ctx, sqlgen.LockUserParams{Tenant: e.Tenant, ID: id})
		if err != nil || row.ErasedAt != 0 {
			return err // another controller has just done it
		}
		u := userOf(row)
		erased := u.Erased(e.At)
		ended, err := s.eraseUser(ctx, q, u, erased, number)
		if err != nil {
			return err
		}
		if err := tellWhenNobodyAdministers(ctx, q, u, erased); err != nil {
			return err
		}
		done = true
		return s.record(ctx, q, entry(e.Pseudonym, ended))
	})
	return done, err
}
