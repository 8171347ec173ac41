package store

import (
	"context"
	"slices"
	"time"

	"konklave/audit"
	"konklave/auth"
	"konklave/finding"
	"konklave/store/sqlgen"
	"konklave/user"
)

var _ auth.SessionStore = (*Store)(nil)

// Session implements auth.SessionStore.
func (s *Store) Session(ctx context.Context, secret auth.Hash) (auth.Session, user.User, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).SessionByHash, []byte(secret))
	return sessionOf(row.Session), userOf(row.User), orElse(err, auth.ErrSessionInvalid)
}

// TouchSession implements auth.SessionStore.
func (s *Store) TouchSession(ctx context.Context, id string, seenAt time.Time) error {
	return s.change(ctx, "touch session", func(ctx context.Context, q *sqlgen.Queries) error {
		return q.TouchSession(ctx, sqlgen.TouchSessionParams{ID: id, SeenAt: millis(seenAt)})
	})
}

// Sessions implements auth.SessionStore.
func (s *Store) Sessions(ctx context.Context, tenant, userID string, idleSince, now time.Time) ([]auth.Session, error) {
	rows, err := ask(ctx, s, (*sqlgen.Queries).SessionsOfUser, sqlgen.SessionsOfUserParams{
		Tenant: tenant, UserID: userID, IdleSince: millis(idleSince), Now: millis(now),
	})
	return mapped(rows, sessionOf), err
}

// EndSession implements auth.SessionStore.
func (s *Store) EndSession(ctx context.Context, tenant, userID, id string, entry audit.Entry) error {
	return s.changeAndRecord(ctx, "end session", entry, func(ctx context.Context, q *sqlgen.Queries) error {
		if err := retireSession(ctx, q, tenant, userID, id, entry); err != nil {
			return err
		}
		rows, err := q.DeleteSession(ctx, sqlgen.DeleteSessionParams{Tenant: tenant, UserID: userID, ID: id})
		return rowsOrElse(rows, err, auth.ErrSessionUnknown)
	})
}

// EndSessions implements auth.SessionStore.
func (s *Store) EndSessions(ctx context.Context, tenant, userID, except string, entryFor func(id string) audit.Entry) (int, error) {
	ended := 0
	err := s.change(ctx, "end sessions", func(ctx context.Context, q *sqlgen.Queries) error {
		ids, err := q.DeleteOtherSessions(ctx, sqlgen.DeleteOtherSessionsParams{Tenant: tenant, UserID: userID, ExceptID: except})
		if err != nil {
			return err
		}
		ended = len(ids)
		return s.record(ctx, q, mapped(ids, entryFor)...)
	})
	return ended, err
}

func sessionOf(row sqlgen.Session) auth.Session {
	return auth.Session{
		ID: row.ID, Tenant: row.Tenant, UserID: row.UserID, UserAgent: row.UserAgent, Source: row.Source,
		CreatedAt: fromMillis(row.CreatedAt), SeenAt: fromMillis(row.SeenAt), ExpiresAt: fromMillis(row.ExpiresAt),
		ProvedAt: fromMillis(row.ProvedAt),
	}
}

// maxFailures is how many failures are read of one kind: more than any rule counts.
const maxFailures = 2 * max(auth.LockFailures, auth.AccountLockFailures, auth.SourceLockFailures)

var _ auth.SignInStore = (*Store)(nil)

// Credential implements auth.SignInStore.
func (s *Store) Credential(ctx context.Context, tenant, email string) (auth.Credential, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).UserByEmail, sqlgen.UserByEmailParams{Tenant: tenant, Email: email})
	return credentialOf(row), orElse(err, user.ErrUnknown)
}

// CredentialOf implements auth.SignInStore.
func (s *Store) CredentialOf(ctx context.Context, tenant, userID string) (auth.Credential, error) {
	row, err := ask(ctx, s, (*sqlgen.Queries).UserByID, sqlgen.UserByIDParams{Tenant: tenant, ID: userID})
	return credentialOf(row), orElse(err, user.ErrUnknown)
}

func credentialOf(row sqlgen.User) auth.Credential {
	return auth.Credential{User: userOf(row), PasswordHash: row.PasswordHash}
}

// KnowsDevice implements auth.SignInStore.
func (s *Store) KnowsDevice(ctx context.Context, userID string, device auth.Hash, now time.Time) (bool, error) {
	return ask(ctx, s, (*sqlgen.Queries).KnowsDevice, sqlgen.KnowsDeviceParams{UserID: userID, Hash: device, Now: millis(now)})
}

// SignInFailures implements auth.SignInStore.
func (s *Store) SignInFailures(ctx context.Context, tenant, account, source string, now time.Time) (auth.Failures, error) {
	from := millis(now.Add(-auth.FailureMemory))
	bucket, err := ask(ctx, s, (*sqlgen.Queries).FailuresOfBucket, sqlgen.FailuresOfBucketParams{
		Tenant: tenant, Account: account, Source: source, Since: from, AtMost: maxFailures,
	})
	if err != nil {
		return auth.Failures{}, err
	}
	ofAccount, err := ask(ctx, s, (*sqlgen.Queries).FailuresOfAccount, sqlgen.FailuresOfAccountParams{
		Tenant: tenant, Account: account, Since: from, AtMost: maxFailures,
	})
	if err != nil {
		return auth.Failures{}, err
	}
	ofSource, err := ask(ctx, s, (*sqlgen.Queries).FailuresOfSource, sqlgen.FailuresOfSourceParams{
		Tenant: tenant, Source: source, Since: from, AtMost: maxFailures,
	})
	if err != nil {
		return auth.Failures{}, err
	}
	tried, err := s.triedAccounts(ctx, tenant, source, now.Add(-auth.SprayWindow))
	return auth.Failures{
		Bucket: oldestFirst(bucket), Account: oldestFirst(ofAccount), Source: oldestFirst(ofSource), Accounts: tried,
	}, err
}

func oldestFirst(newestFirst []int64) []time.Time {
	slices.Reverse(newestFirst)
	return mapped(newestFirst, fromMillis)
}

// RecordFailure implements auth.SignInStore.
func (s *Store) RecordFailure(ctx context.Context, f auth.Failure, forget time.Time, entries []audit.Entry, found []finding.Finding) error {
	return s.change(ctx, "record failed sign-in", func(ctx context.Context, q *sqlgen.Queries) error {
		if err := q.ForgetFailures(ctx, millis(forget)); err != nil {
			return err
		}
		if err := q.InsertFailure(ctx, sqlgen.InsertFailureParams{
			Tenant: f.Tenant, Account: f.Account, Source: f.Source, Known: f.Known, Entry: f.Entry, At: millis(f.At),
		}); err != nil {
			return err
		}
		if err := keepFindings(ctx, q, found...); err != nil {
			return err
		}
		if err := queueLockMail(ctx, q, f); err != nil {
			return err
		}
		return s.record(ctx, q, entries...)
	})
}

// BeginSession implements auth.SignInStore.
func (s *Store) BeginSession(ctx context.Context, b auth.Begin) error {
	return s.changeAndRecord(ctx, "begin session", b.Entry, func(ctx context.Context, q *sqlgen.Queries) error {
		n := b.Session
		rows, err := q.ReplacePasswordHash(ctx, sqlgen.ReplacePasswordHashParams{
			Tenant: n.Tenant, ID: n.UserID, OldHash: b.PasswordHash, NewHash: b.RenewedHash,
		})
		if err := rowsOrElse(rows, err, auth.ErrFailed); err != nil {
			return err
		}
		if err := useFactor(ctx, q, n.Tenant, n.UserID, b.Factor); err != nil {
			return err
		}
		return s.beginSession(ctx, q, b)
	})
}

func (s *Store) beginSession(ctx context.Context, q *sqlgen.Queries, b auth.Begin) error {
	if err := s.forgetWhatIsOver(ctx, q, b); err != nil {
		return err
	}
	if err := s.endBeyond(ctx, q, b); err != nil {
		return err
	}
	if err := noticeBrowser(ctx, q, b); err != nil {
		return err
	}
	if err := noticeRetired(ctx, q, b); err != nil {
		return err
	}
	n := b.Session
	if err := q.PutDevice(ctx, sqlgen.PutDeviceParams{
		Hash: b.Device, Tenant: n.Tenant, UserID: n.UserID, ExpiresAt: millis(b.DeviceExpires),
	}); err != nil {
		return err
	}
	if err := q.InsertSession(ctx, sqlgen.InsertSessionParams{
		ID: n.ID, Tenant: n.Tenant, UserID: n.UserID, Hash: b.Secret, UserAgent: n.UserAgent, Source: n.Source,
		CreatedAt: millis(n.CreatedAt), SeenAt: millis(n.SeenAt), ExpiresAt: millis(n.ExpiresAt), ProvedAt: millis(n.ProvedAt),
	}); err != nil {
		return err
	}
	if b.From == (auth.ProviderSession{}) {
		return nil
	}
	rows, err := q.BindSession(ctx, sqlgen.BindSessionParams{
		SessionID: n.ID, Tenant: n.Tenant, Provider: b.From.Provider, Subject: b.From.Subject, ProviderSession: b.From.Session,
	})
	return rowsOrElse(rows, err, auth.ErrFailed)
}

// beyondAtMost is how many sessions are ended at once because there are too many; more end with the next one.
const beyondAtMost = 1000

// endBeyond makes room for the session. The row of the user is locked already, so that of many sign-ins at once each counts.
func (s *Store) endBeyond(ctx context.Context, q *sqlgen.Queries, b auth.Begin) error {
	if b.Most == 0 {
		return nil
	}
	ids, err := q.DeleteSessionsBeyond(ctx, sqlgen.DeleteSessionsBeyondParams{
		Tenant: b.Session.Tenant, UserID: b.Session.UserID, Stay: int32(b.Most - 1), AtMost: beyondAtMost,
	})
	if err != nil {
		return err
	}
	return s.record(ctx, q, mapped(ids, b.Ended)...)
}

// noticeBrowser keeps the finding of a new browser, unless it is the first one.
func noticeBrowser(ctx context.Context, q *sqlgen.Queries, b auth.Begin) error {
	if b.NewBrowser == nil {
		return nil
	}
	known, err := q.HasDevices(ctx, sqlgen.HasDevicesParams{UserID: b.Session.UserID, Now: millis(b.Session.CreatedAt)})
	if err != nil || !known {
		return err
	}
	return keepFindings(ctx, q, *b.NewBrowser)
}

func (s *Store) forgetWhatIsOver(ctx context.Context, q *sqlgen.Queries, b auth.Begin) error {
	now := millis(b.Session.CreatedAt)
	if err := q.RetireSessionByHash(ctx, sqlgen.RetireSessionByHashParams{Hash: b.Replaced, At: now}); err != nil {
		return err
	}
	if err := q.ForgetRetired(ctx, millis(b.Session.CreatedAt.Add(-auth.RetiredMemory))); err != nil {
		return err
	}
	if err := q.ForgetSessions(ctx, now); err != nil { // first: what has expired leaves no entry
		return err
	}
	replaced, err := q.DeleteSessionByHash(ctx, b.Replaced)
	if err != nil {
		return err
	}
	if err := s.record(ctx, q, mapped(replaced, b.Ended)...); err != nil {
		return err
	}
	if err := q.ForgetDevices(ctx, now); err != nil {
		return err
	}
	if err := q.ForgetFailures(ctx, millis(b.ForgetFailures)); err != nil {
		return err
	}
	return q.ForgiveFailures(ctx, sqlgen.ForgiveFailuresParams{
		Tenant: b.Failure.Tenant, Account: b.Failure.Account, Source: b.Failure.Source,
	})
}

// ReplacePassword implements auth.SignInStore.
func (s *Store) ReplacePassword(ctx context.Context, c auth.Credential, hash, except string, entryFor func(ended int) audit.Entry) error {
	return s.change(ctx, "replace password", func(ctx context.Context, q *sqlgen.Queries) error {
		rows, err := q.ReplacePasswordHash(ctx, sqlgen.ReplacePasswordHashParams{
			Tenant: c.User.Tenant, ID: c.User.ID, OldHash: c.PasswordHash, NewHash: hash,
		})
		if err := rowsOrElse(rows, err, auth.ErrFailed); err != nil {
			return err
		}
		ids, err := q.DeleteOtherSessions(ctx, sqlgen.DeleteOtherSessionsParams{
			Tenant: c.User.Tenant, UserID: c.User.ID, ExceptID: except,
		})
		if err != nil {
			return err
		}
		return s.record(ctx, q, entryFor(len(ids)))
	})
}
