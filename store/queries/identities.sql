-- LockIdentity reads a link that nobody else can change before the end of the transaction.
-- name: LockIdentity :one
UPDATE identities SET tenant = tenant WHERE tenant = @tenant AND provider = @provider AND subject = @subject RETURNING *;

-- name: InsertIdentity :exec
INSERT INTO identities (id, tenant, provider, subject, user_id, login, sealed, linked_at, ask_at, gone_at)
VALUES (@id, @tenant, @provider, @subject, @user_id, @login, @sealed, @linked_at, @ask_at, @gone_at);

-- name: UpdateIdentity :exec
UPDATE identities SET login = @login, sealed = @sealed, ask_at = @ask_at, gone_at = @gone_at WHERE id = @id;

-- ForgetGone forgets that a provider said of somebody that they are gone.
-- name: ForgetGone :exec
UPDATE identities SET gone_at = 0 WHERE tenant = @tenant AND user_id = @user_id;

-- name: LinksOfUser :many
SELECT * FROM identities WHERE user_id = @user_id ORDER BY id;

-- name: UserOfSubject :one
SELECT user_id FROM identities WHERE tenant = @tenant AND provider = @provider AND subject = @subject;

-- name: UserOfLogin :one
SELECT user_id FROM identities WHERE tenant = @tenant AND provider = @provider AND login = @login ORDER BY ask_at DESC LIMIT 1;

-- ClaimReviews passes over accounts that nobody may use: they are due when somebody may again. It asks twice whether a link is
-- due: on PostgreSQL another controller may have claimed it between the two.
-- name: ClaimReviews :many
UPDATE identities SET ask_at = @until WHERE identities.ask_at <= @now AND identities.id IN (
    SELECT due.id FROM identities due WHERE due.ask_at <= @now AND EXISTS (SELECT 1 FROM users WHERE users.id = due.user_id AND users.disabled_at = 0) AND (
        EXISTS (SELECT 1 FROM sessions WHERE sessions.user_id = due.user_id AND sessions.expires_at > @now)
        OR EXISTS (SELECT 1 FROM api_tokens WHERE api_tokens.user_id = due.user_id AND api_tokens.expires_at > @now)
    ) ORDER BY due.ask_at LIMIT @at_most
) RETURNING *;

-- name: ShowOnce :execrows
INSERT INTO shown_once (kind, id, forget_at) VALUES (@kind, @id, @forget_at) ON CONFLICT (kind, id) DO NOTHING;

-- name: ForgetShown :exec
DELETE FROM shown_once WHERE forget_at <= @now;

-- BindSession keeps with a session what its owner's link holds now.
-- name: BindSession :execrows
INSERT INTO provider_sessions (session_id, tenant, provider, subject, provider_session, sealed)
SELECT CAST(@session_id AS TEXT), identities.tenant, identities.provider, identities.subject, CAST(@provider_session AS TEXT), identities.sealed
FROM identities WHERE identities.tenant = @tenant AND identities.provider = @provider AND identities.subject = @subject;

-- name: ProviderSession :one
SELECT * FROM provider_sessions WHERE tenant = @tenant AND session_id = @session_id;

-- name: DeleteProviderSessions :many
DELETE FROM sessions WHERE sessions.id IN (
    SELECT provider_sessions.session_id FROM provider_sessions
    WHERE provider_sessions.tenant = @tenant AND provider_sessions.provider = @provider
    AND (provider_sessions.subject = @subject OR @subject = '') AND (provider_sessions.provider_session = @provider_session OR @provider_session = '')
) RETURNING id;
