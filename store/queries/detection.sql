-- AuditPlaceOf finds the place in the log of an entry.
-- name: AuditPlaceOf :one
SELECT p.leaf_index FROM audit_log l JOIN audit_places p ON p.seq = l.seq WHERE l.id = @id;

-- AuditPlacedFrom reads entries in the order of the log.
-- name: AuditPlacedFrom :many
SELECT p.leaf_index, sqlc.embed(l) FROM audit_places p JOIN audit_log l ON l.seq = p.seq
WHERE p.leaf_index >= @first AND p.leaf_index < @past ORDER BY p.leaf_index;

-- name: HabitsOf :many
SELECT * FROM habits WHERE user_id = @user_id AND tenant = @tenant AND last_at >= @since ORDER BY aspect, last_at DESC, value;

-- KeepHabit counts what an account did once more; what is older than what is known counts no second time.
-- name: KeepHabit :exec
INSERT INTO habits (user_id, aspect, value, tenant, mark, times, first_at, last_at)
SELECT users.id, CAST(@aspect AS TEXT), CAST(@value AS TEXT), users.tenant, CAST(@mark AS TEXT), 1, CAST(@at AS BIGINT), CAST(@at AS BIGINT)
FROM users WHERE users.tenant = @tenant AND users.id = @user_id AND users.erased_at = 0
ON CONFLICT (user_id, aspect, value) DO UPDATE SET times = habits.times + 1, last_at = excluded.last_at, mark = excluded.mark
WHERE habits.last_at < excluded.last_at;

-- name: ForgetHabits :exec
DELETE FROM habits WHERE last_at < @forget;

-- name: RetireSession :exec
INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at)
SELECT sessions.hash, sessions.tenant, 'session', sessions.user_id, sessions.id, CAST(@entry AS TEXT), CAST(@at AS BIGINT)
FROM sessions WHERE sessions.tenant = @tenant AND sessions.user_id = @user_id AND sessions.id = @id
ON CONFLICT (hash) DO NOTHING;

-- name: RetireSessionByHash :exec
INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at)
SELECT sessions.hash, sessions.tenant, 'session', sessions.user_id, sessions.id, CAST(@entry AS TEXT), CAST(@at AS BIGINT)
FROM sessions WHERE sessions.hash = @hash
ON CONFLICT (hash) DO NOTHING;

-- name: RetireToken :exec
INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at)
SELECT api_tokens.hash, api_tokens.tenant, 'token', api_tokens.user_id, api_tokens.id, CAST(@entry AS TEXT), CAST(@at AS BIGINT)
FROM api_tokens WHERE api_tokens.tenant = @tenant AND api_tokens.user_id = @user_id AND api_tokens.id = @id
ON CONFLICT (hash) DO NOTHING;

-- RetireDevice retires what a browser showed that gets another secret, if it was one of ours.
-- name: RetireDevice :exec
INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at)
SELECT devices.hash, devices.tenant, 'device', devices.user_id, '', CAST(@entry AS TEXT), CAST(@at AS BIGINT)
FROM devices WHERE devices.hash = @hash
ON CONFLICT (hash) DO NOTHING;

-- name: RetireAccess :exec
INSERT INTO retired_secrets (hash, tenant, kind, user_id, sign_in, entry, retired_at)
VALUES (@hash, @tenant, 'access', '', @machine_id, @entry, @at) ON CONFLICT (hash) DO NOTHING;

-- name: RetiredSecret :one
SELECT * FROM retired_secrets WHERE hash = @hash;

-- name: ForgetRetired :exec
DELETE FROM retired_secrets WHERE retired_at < @forget;
