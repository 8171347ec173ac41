-- name: InsertSession :exec
INSERT INTO sessions (id, tenant, user_id, hash, created_at, seen_at, expires_at, user_agent, source, proved_at)
VALUES (@id, @tenant, @user_id, @hash, @created_at, @seen_at, @expires_at, @user_agent, @source, @proved_at);

-- name: SessionByHash :one
SELECT sqlc.embed(sessions), sqlc.embed(users)
FROM sessions JOIN users ON users.id = sessions.user_id
WHERE sessions.hash = @hash;

-- name: TouchSession :exec
UPDATE sessions SET seen_at = @seen_at WHERE id = @id AND seen_at < @seen_at;

-- name: SessionsOfUser :many
SELECT * FROM sessions
WHERE tenant = @tenant AND user_id = @user_id AND seen_at > @idle_since AND expires_at > @now
ORDER BY created_at DESC, id;

-- name: DeleteSession :execrows
DELETE FROM sessions WHERE tenant = @tenant AND user_id = @user_id AND id = @id;

-- name: DeleteOtherSessions :many
DELETE FROM sessions WHERE tenant = @tenant AND user_id = @user_id AND id <> @except_id RETURNING id;

-- DeleteSessionsBeyond removes the sessions of a user but for those that were seen last; those with which somebody came into a
-- conference that goes on are kept before all others.
-- name: DeleteSessionsBeyond :many
DELETE FROM sessions WHERE id IN (
    SELECT beyond.id FROM sessions AS beyond WHERE beyond.tenant = @tenant AND beyond.user_id = @user_id
    ORDER BY CASE WHEN EXISTS (SELECT 1 FROM admissions WHERE admissions.sign_in = beyond.id) THEN 0 ELSE 1 END, beyond.seen_at DESC, beyond.created_at DESC, beyond.id LIMIT @at_most OFFSET @stay
) RETURNING id;

-- name: DeleteSessionByHash :many
DELETE FROM sessions WHERE hash = @hash RETURNING id;

-- name: ForgetSessions :exec
DELETE FROM sessions WHERE expires_at <= @now;

-- name: KnowsDevice :one
SELECT EXISTS (SELECT 1 FROM devices WHERE user_id = @user_id AND hash = @hash AND expires_at > @now);

-- name: PutDevice :exec
INSERT INTO devices (hash, tenant, user_id, expires_at) VALUES (@hash, @tenant, @user_id, @expires_at)
ON CONFLICT (user_id, hash) DO UPDATE SET expires_at = excluded.expires_at;

-- name: ForgetDevices :exec
DELETE FROM devices WHERE expires_at <= @now;

-- name: InsertFailure :exec
INSERT INTO sign_in_failures (tenant, account, source, known, entry, at) VALUES (@tenant, @account, @source, @known, @entry, @at);

-- name: FailuresOfBucket :many
SELECT at FROM sign_in_failures WHERE tenant = @tenant AND account = @account AND source = @source AND at >= @since
ORDER BY at DESC LIMIT @at_most;

-- name: FailuresOfAccount :many
SELECT at FROM sign_in_failures WHERE tenant = @tenant AND account = @account AND NOT known AND at >= @since
ORDER BY at DESC LIMIT @at_most;

-- name: FailuresOfSource :many
SELECT at FROM sign_in_failures WHERE tenant = @tenant AND source = @source AND at >= @since
ORDER BY at DESC LIMIT @at_most;

-- name: ForgiveFailures :exec
DELETE FROM sign_in_failures WHERE tenant = @tenant AND account = @account AND source = @source;

-- name: ForgetFailures :exec
DELETE FROM sign_in_failures WHERE at < @forget;

-- name: AccountsTried :one
SELECT COUNT(DISTINCT account) FROM sign_in_failures WHERE tenant = @tenant AND source = @source AND at >= @since;

-- name: FailureTrail :many
SELECT entry, account, source, known FROM sign_in_failures
WHERE tenant = @tenant AND (account = @account OR @account = '') AND (source = @source OR @source = '') AND at >= @since
ORDER BY at DESC, id DESC LIMIT @at_most;

-- name: ForgiveAccount :execrows
DELETE FROM sign_in_failures WHERE tenant = @tenant AND account = @account;

-- name: HasDevices :one
SELECT EXISTS (SELECT 1 FROM devices WHERE user_id = @user_id AND expires_at > @now);
