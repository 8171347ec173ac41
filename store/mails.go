package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"konklave/audit"
	"konklave/auth"
	"konklave/notify"
	"konklave/store/sqlgen"
)

var (
	_ notify.Store     = (*Store)(nil)
	_ auth.UnlockStore = (*Store)(nil)
)

// graverLock marks that a lock has caused the graver of the mails.
const graverLock = "/" + string(notify.AccountLockedSecond)

// queueLockMail queues the mail about a lock, unless one as grave was caused within auth.LockMailQuiet or too many wait. It does the
// same whether or not there is such an account.
func queueLockMail(ctx context.Context, q *sqlgen.Queries, f auth.Failure) error {
	if f.Mail == nil {
		return nil
	}
	quiet := millis(f.At.Add(-auth.LockMailQuiet))
	if err := q.ForgetLockMails(ctx, quiet); err != nil {
		return err
	}
	queued, err := q.MailsQueued(ctx)
	if err != nil || queued >= notify.MaxQueued {
		return err
	}
	m := f.Mail
	note := sqlgen.NoteLockMailParams{Tenant: f.Tenant, Account: f.Account, At: millis(f.At), Quiet: quiet}
	first, err := q.NoteLockMail(ctx, note)
	if err == nil && m.Kind == notify.AccountLockedSecond { // that another one was sent does not keep it back; after it no other is sent
		note.Account += graverLock
		first, err = q.NoteLockMail(ctx, note)
	}
	if err != nil || first == 0 {
		return err
	}
	return q.QueueMail(ctx, sqlgen.QueueMailParams{
		ID: m.ID, Tenant: m.Tenant, Kind: string(m.Kind), UserID: m.UserID, At: millis(m.CreatedAt), ExpiresAt: millis(m.ExpiresAt),
	})
}

// forgetLockMails forgets that locks of an account have caused mails.
func forgetLockMails(ctx context.Context, q *sqlgen.Queries, tenant, account string) error {
	for _, noted := range []string{account, account + graverLock} {
		if err := q.EraseLockMail(ctx, sqlgen.EraseLockMailParams{Tenant: tenant, Account: noted}); err != nil {
			return err
		}
	}
	return nil
}

// NextMail implements notify.Store. What has expired of accounts that are not there is no loss, and not counted.
func (s *Store) NextMail(ctx context.Context, now time.Time) (m notify.Mail, due bool, dropped int, err error) {
	waits, err := ask(ctx, s, (*sqlgen.Queries).NextMail, millis(now))
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, 0, nil
	}
	if err != nil {
		return m, false, 0, err
	}
	if fromMillis(waits.ExpiresAt).After(now) {
		return mailOf(waits), true, 0, nil
	}
	err = s.change(ctx, "forget mails", func(ctx context.Context, q *sqlgen.Queries) error {
		m, due, dropped = notify.Mail{}, false, 0
		expired, err := q.ForgetMails(ctx, millis(now))
		if err != nil {
			return err
		}
		for _, userID := range expired {
			if userID != "" {
				dropped++
			}
		}
		next, err := q.NextMail(ctx, millis(now))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		m, due = mailOf(next), err == nil
		return err
	})
	return m, due, dropped, err
}

func mailOf(row sqlgen.Mail) notify.Mail {
	return notify.Mail{
		ID: row.ID, Tenant: row.Tenant, Kind: notify.Kind(row.Kind), UserID: row.UserID, CreatedAt: fromMillis(row.CreatedAt),
		ExpiresAt: fromMillis(row.ExpiresAt), DueAt: fromMillis(row.DueAt), Attempts: int(row.Attempts),
	}
}

// PostponeMail implements notify.Store.
func (s *Store) PostponeMail(ctx context.Context, id string, due time.Time) error {
	return s.change(ctx, "postpone mail", func(ctx context.Context, q *sqlgen.Queries) error {
		return q.PostponeMail(ctx, sqlgen.PostponeMailParams{ID: id, DueAt: millis(due)})
	})
}

// RemoveMail implements notify.Store. A mail that is gone leaves no second entry.
func (s *Store) RemoveMail(ctx context.Context, id string, entries ...audit.Entry) error {
	return s.change(ctx, "remove mail", func(ctx context.Context, q *sqlgen.Queries) error {
		rows, err := q.RemoveMail(ctx, id)
		if err != nil || rows == 0 {
			return err
		}
		return s.record(ctx, q, entries...)
	})
}

// ForgetTold implements notify.Store.
func (s *Store) ForgetTold(ctx context.Context, now time.Time) error {
	return s.change(ctx, "forget what is over of mails", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := q.ForgetLockMails(ctx, millis(now.Add(-auth.LockMailQuiet))); err != nil {
			return err
		}
		return q.ForgetUnlockLinks(ctx, millis(now))
	})
}

// ForgetMails forgets every mail that waits and every link in a mail.
func (s *Store) ForgetMails(ctx context.Context) error {
	return s.change(ctx, "forget all mails", func(ctx context.Context, q *sqlgen.Queries) error {
		const ever = int64(1) << 62
		if _, err := q.ForgetMails(ctx, ever); err != nil {
			return err
		}
		if err := q.ForgetLockMails(ctx, ever); err != nil {
			return err
		}
		return q.ForgetUnlockLinks(ctx, ever)
	})
}

// AddUnlockLink implements auth.UnlockStore.
func (s *Store) AddUnlockLink(ctx context.Context, l auth.UnlockLink, now time.Time) error {
	return s.change(ctx, "add unlock link", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := q.ForgetUnlockLinks(ctx, millis(now)); err != nil {
			return err
		}
		return q.AddUnlockLink(ctx, sqlgen.AddUnlockLinkParams{Hash: l.Hash, Tenant: l.Tenant, UserID: l.UserID, ExpiresAt: millis(l.ExpiresAt)})
	})
}

// UseUnlockLink implements auth.UnlockStore.
func (s *Store) UseUnlockLink(ctx context.Context, tenant string, link auth.Hash, now time.Time) (used auth.UnlockLink, err error) {
	err = s.change(ctx, "use unlock link", func(ctx context.Context, q *sqlgen.Queries) error {
		rows, err := q.UseUnlockLink(ctx, sqlgen.UseUnlockLinkParams{Hash: link, Tenant: tenant, Now: millis(now)})
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(row sqlgen.UnlockLink) bool { return bytes.Equal(row.Hash, link) })
		if i < 0 {
			return auth.ErrUnlockInvalid
		}
		used = auth.UnlockLink{Hash: rows[i].Hash, Tenant: rows[i].Tenant, UserID: rows[i].UserID, ExpiresAt: fromMillis(rows[i].ExpiresAt)}
		return nil
	})
	return used, err
}
