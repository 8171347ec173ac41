-- name: QueueMail :exec
INSERT INTO mails (id, tenant, kind, user_id, created_at, expires_at, due_at, attempts)
VALUES (@id, @tenant, @kind, @user_id, @at, @expires_at, @at, 0);

-- name: MailsQueued :one
SELECT COUNT(*) FROM mails;

-- NextMail is the mail that has been due for the longest time.
-- name: NextMail :one
SELECT * FROM mails WHERE due_at <= @now ORDER BY due_at, id LIMIT 1;

-- name: PostponeMail :exec
UPDATE mails SET attempts = attempts + 1, due_at = @due_at WHERE id = @id;

-- name: RemoveMail :execrows
DELETE FROM mails WHERE id = @id;

-- ForgetMails removes those that have expired; that some were to a person matters to the log.
-- name: ForgetMails :many
DELETE FROM mails WHERE expires_at <= @now RETURNING user_id;

-- NoteLockMail says that a lock of the account causes a mail now; no row when another has since @quiet.
-- name: NoteLockMail :execrows
INSERT INTO lock_mails (tenant, account, at) VALUES (@tenant, @account, @at)
ON CONFLICT (tenant, account) DO UPDATE SET at = excluded.at WHERE lock_mails.at <= @quiet;

-- name: ForgetLockMails :exec
DELETE FROM lock_mails WHERE at <= @forget;

-- name: AddUnlockLink :exec
INSERT INTO unlock_links (hash, tenant, user_id, expires_at) VALUES (@hash, @tenant, @user_id, @expires_at);

-- UseUnlockLink removes all links to the account of which one was used.
-- name: UseUnlockLink :many
DELETE FROM unlock_links WHERE unlock_links.user_id =
    (SELECT used.user_id FROM unlock_links AS used WHERE used.hash = @hash AND used.tenant = @tenant AND used.expires_at > @now)
RETURNING *;

-- name: ForgetUnlockLinks :exec
DELETE FROM unlock_links WHERE expires_at <= @now;
